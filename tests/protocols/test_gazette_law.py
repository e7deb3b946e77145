"""A law answers every question with yes or with the name of what is missing."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest

from gazette_country import NOW, altered, first, law_of
from kakine.crypto.signing import SigningKey
from kakine.protocols.gazette_genesis import DAY_MS
from kakine.values import problems
from kakine.values.labels import HASH
from kakine.wire.gazette import Gazette, Subject, Suspension

ASK = ("yokohama/children", "sapporo/tax", "JO106", ["JO106.2"])


def suspended(gazette: Gazette, subject: Subject, name: str = "") -> Gazette:
    return msgspec.structs.replace(gazette, suspensions=(Suspension(subject, name, "test"),))


def test_every_row_of_the_two_allowances_can_be_asked_of_somebody_in_the_demonstration_country() -> None:
    """JO106 and JO81: each row has a provider, and the law permits asking it."""
    law = law_of(first())
    for town in ("yokohama", "sapporo", "toyonaka"):
        for procedure, rows in (("JO106", 4), ("JO81", 12)):
            asked = law.rows_for(f"{town}/children", None, procedure)
            assert len(asked) == rows
            for row in asked:
                providers = law.providers(row)
                assert providers
                for provider in providers:
                    law.permit(f"{town}/children", provider, procedure, [row], NOW)


def test_rows_come_in_the_order_of_the_ministerial_order() -> None:
    """JO81.2 comes before JO81.10."""
    asked = law_of(first()).rows_for("yokohama/children", "prefecture/welfare", "JO81")
    assert asked == ("JO81.2", "JO81.3", "JO81.4", "JO81.5", "JO81.11")


@pytest.mark.parametrize(
    ("asked", "problem", "facts"),
    [
        (("nowhere/tax", *ASK[1:]), problems.DomainUnknown, {"domain": "nowhere/tax"}),
        ((ASK[0], "nowhere/tax", *ASK[2:]), problems.DomainUnknown, {"domain": "nowhere/tax"}),
        ((*ASK[:2], "JO999", ["JO106.2"]), problems.ProcedureUnknown, {"procedure": "JO999"}),
        ((*ASK[:2], "JO42", ["JO42.1"]), problems.RequesterNotEntitled, {"needs": "welfare_office"}),
        (("pension/records", *ASK[1:]), problems.RequesterNotEntitled, {"needs": "municipality"}),
        (("yokohama/tax", *ASK[1:]), problems.RequesterNotEntitled, {"domain": "yokohama/tax"}),
        ((*ASK[:3], []), problems.RowUnknown, {"row": "none named"}),
        ((*ASK[:3], ["JO106.99"]), problems.RowUnknown, {"row": "JO106.99"}),
        ((*ASK[:3], ["JO106.2", "JO81.7"]), problems.RowNotOfProcedure, {"row": "JO81.7"}),
        ((*ASK[:3], ["JO106.1"]), problems.ProviderNotEntitled, {"needs": "minister_moj"}),
        ((ASK[0], "sapporo/residents", *ASK[2:]), problems.ProviderNotEntitled, {"item": "TK-0002"}),
        ((ASK[0], "koseki/register", *ASK[2:]), problems.ProviderNotEntitled, {"row": "JO106.2"}),
    ],
)
def test_a_refusal_names_what_is_missing(
    asked: tuple[str, str, str, list[str]], problem: type[problems.Problem], facts: dict[str, str]
) -> None:
    """Unknown names, wrong types, wrong domains and foreign rows each have a refusal of their own."""
    law = law_of(first())
    with pytest.raises(problem) as refusal:
        law.permit(*asked, NOW)
    assert facts.items() <= refusal.value.facts.items()


def test_a_row_holds_from_its_first_day_in_japan() -> None:
    """A row that starts on day d is refused one millisecond before midnight in Tokyo and allowed after it."""
    start = NOW // DAY_MS + 10
    law = law_of(altered(first(), "rows", "JO106.2", start=start))
    midnight = start * DAY_MS - 9 * 3_600_000
    with pytest.raises(problems.RowNotInForce):
        law.permit(*ASK, midnight - 1)
    law.permit(*ASK, midnight)


@pytest.mark.parametrize(
    ("assessment", "side"),
    [("PIA-yokohama-child-allowance", "requester"), ("PIA-sapporo-local-tax", "provider")],
)
def test_no_exchange_without_a_published_assessment_on_either_side(assessment: str, side: str) -> None:
    """Withdrawn, missing or not yet published: refused under art. 28, naming side and file."""
    day = NOW // DAY_MS
    gone = tuple(entry for entry in first().assessments if entry.id != assessment)
    for gazette in (
        altered(first(), "assessments", assessment, withdrawn=True),
        altered(first(), "assessments", assessment, published=day + 2),
        msgspec.structs.replace(first(), assessments=gone),
    ):
        with pytest.raises(problems.AssessmentMissing) as refusal:
            law_of(gazette).permit(*ASK, NOW)
        assert refusal.value.facts["side"] == side
        assert f"PIA-{refusal.value.facts['party']}-{refusal.value.facts['file']}" == assessment


def test_an_assessment_counts_up_to_its_last_day() -> None:
    """The day after its review date the exchange is refused and the assessment named."""
    day = NOW // DAY_MS
    law = law_of(altered(first(), "assessments", "PIA-sapporo-local-tax", review=day))
    law.permit(*ASK, NOW)
    with pytest.raises(problems.AssessmentExpired) as refusal:
        law.permit(*ASK, NOW + 2 * DAY_MS)
    assert refusal.value.facts["assessment"] == "PIA-sapporo-local-tax"


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        (Subject.EVERYTHING, ""),
        (Subject.PARTY, "yokohama"),
        (Subject.PARTY, "sapporo"),
        (Subject.DOMAIN, "sapporo/tax"),
        (Subject.PROCEDURE, "JO106"),
        (Subject.ROW, "JO106.2"),
        (Subject.PARTY, "converter-3"),
        (Subject.PARTY, "ledger-b"),
        (Subject.PARTY, "portal"),
        (Subject.DOMAIN, "mailbox-a/records"),
        (Subject.DOMAIN, "mailbox-b/records"),
    ],
)
def test_whatever_is_suspended_stops_the_exchange_and_is_named(subject: Subject, name: str) -> None:
    """Both sides, the procedure, the row, everything, and each guard without which nothing may go on."""
    with pytest.raises(problems.Suspended) as refusal:
        law_of(suspended(first(), subject, name)).permit(*ASK, NOW)
    assert refusal.value.facts["what"] == (f"{subject.value}:{name}" if name else "everything")


def test_a_suspension_elsewhere_does_not_stop_the_exchange() -> None:
    """Another town, row or domain may stand still."""
    for subject, name in (
        (Subject.PARTY, "toyonaka"),
        (Subject.ROW, "JO106.3"),
        (Subject.DOMAIN, "sapporo/children"),
        (Subject.PARTY, "registry"),
    ):
        law_of(suspended(first(), subject, name)).permit(*ASK, NOW)


@pytest.mark.parametrize(
    ("ground", "requester", "provider"),
    [
        ("ENROL", HASH, "registry/residents"),
        ("ISSUE", "registry/residents", "yokohama/tax"),
        ("MIGRATE", "registry/residents", "portal/login"),
        ("RETIRE", "registry/residents", "mailbox-a/records"),
        ("OWN-HISTORY", "portal/login", "mailbox-a/records"),
        ("REKEY", "yokohama/tax", "yokohama/tax"),
    ],
)
def test_grounds_cover_the_parties_they_are_for(ground: str, requester: str, provider: str) -> None:
    """Upkeep of codes and a person's own history."""
    law_of(first()).permit_ground(ground, requester, provider, NOW)


@pytest.mark.parametrize(
    ("ground", "requester", "provider"),
    [
        ("ENROL", "yokohama/tax", "registry/residents"),
        ("ENROL", HASH, "yokohama/tax"),
        ("ISSUE", "yokohama/tax", "sapporo/tax"),
        ("ISSUE", HASH, "yokohama/tax"),
        ("REKEY", "yokohama/tax", "yokohama/residents"),
        ("OWN-HISTORY", "yokohama/tax", "mailbox-a/records"),
        ("OWN-HISTORY", "portal/login", "yokohama/tax"),
        ("RETIRE", "yokohama/tax", "mailbox-a/records"),
    ],
)
def test_no_ground_lets_one_agency_reach_another(ground: str, requester: str, provider: str) -> None:
    """System grounds are not a way around the rows."""
    with pytest.raises(problems.GroundNotForParties):
        law_of(first()).permit_ground(ground, requester, provider, NOW)


def test_a_person_can_read_the_own_history_while_everything_is_suspended() -> None:
    """Protective grounds outlive a general suspension; the others do not."""
    law = law_of(suspended(first(), Subject.EVERYTHING))
    law.permit_ground("OWN-HISTORY", "portal/login", "mailbox-a/records", NOW)
    law.permit_ground("RETIRE", "registry/residents", "mailbox-a/records", NOW)
    with pytest.raises(problems.Suspended):
        law.permit_ground("ISSUE", "registry/residents", "yokohama/tax", NOW)


def test_unknown_grounds_parties_and_domains_are_refused() -> None:
    """Nothing is allowed by not being mentioned."""
    law = law_of(first())
    with pytest.raises(problems.GroundUnknown):
        law.permit_ground("POLICE", "yokohama/tax", "sapporo/tax", NOW)
    with pytest.raises(problems.PartyUnknown):
        law.signing_key("stranger")
    with pytest.raises(problems.PartyUnknown):
        law.seal_key("stranger")
    with pytest.raises(problems.DomainUnknown):
        law.epoch("stranger/tax")
    assert law.roles("stranger") == frozenset()
    assert law.epoch(HASH) == 1


def test_a_check_costs_less_than_a_quarter_of_a_signatures() -> None:
    """Every converter and both gateways do it at every exchange. Held against work of the same machine at the same
    time, the best of many turns each: neither a slow machine nor a busy one matters."""
    law, key = law_of(first()), SigningKey(bytes(32))
    rows = law.rows_for("yokohama/children", "prefecture/welfare", "JO81")
    signature = key.sign("label", b"data")

    def timed(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        for _ in range(100):
            work()
        return time.perf_counter() - start

    turns = [
        (
            timed(lambda: law.permit("yokohama/children", "prefecture/welfare", "JO81", rows, NOW)),
            timed(lambda: key.public.verify(signature, "label", b"data")),
        )
        for _ in range(30)
    ]
    assert 4 * min(check for check, _ in turns) < min(verified for _, verified in turns)
