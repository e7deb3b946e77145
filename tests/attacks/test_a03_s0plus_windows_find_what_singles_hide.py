"""A3 in mode S0+: what a tampering converter gets away with in one exchange is found one window later, with certainty
and by name. And what the auditor itself cannot do with its windows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from attacks.insider import MAILBOXES, mailbox, office_of, scalar, taken_over, tampering
from attacks.test_a03_legs_belong_to_one_person import (
    ANSWER,
    FIRST,
    RECORDS,
    SECOND,
    every_leg,
    foreign,
    swap,
    wrong_point,
)
from kakine.clients.exchange import request_of
from kakine.contracts import converter
from kakine.contracts import mailbox as mailbox_contract
from kakine.contracts.converter import (
    Checked,
    Convert,
    Ratios,
    RatiosGiven,
    SeenRequests,
    SeenSince,
    WindowCheck,
    WindowStep,
)
from kakine.contracts.mailbox import VectorsGiven
from kakine.country import COMMISSION, CONVERTERS, LOGS
from kakine.crypto.group import Scalar, group, scalar_mul
from kakine.parties.commission.audit import Auditor, AuditSettings
from kakine.parties.commission.audit_store import Verdict
from kakine.parties.commission.windows import SETTLED_MS
from kakine.parties.converter import audit as honest
from kakine.parties.mailbox import reading
from kakine.protocols.audit import window_id
from kakine.protocols.linear_check import GENERATOR, answer_leg, context
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    BatchReused,
    GroundUnfit,
    PartyUnavailable,
    ProofInvalid,
    RequestUnknown,
)
from kakine.wire.answer import Prepared
from kakine.wire.request import Mode

from land import CHILDREN, TAX, Land

KEEPER = PartyName(MAILBOXES[0])


def auditor_of(land: Land) -> Auditor:
    path, registry = land.folder / "second-auditor.sqlite", PartyName("registry")
    settings = AuditSettings(path, CONVERTERS, KEEPER, registry, LOGS)
    country = land.country
    return Auditor.open(
        settings,
        country.identities[COMMISSION],
        country.book("commission"),
        country.peers("commission"),
        land.clock,
        land.entropy,
    )


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Land, Auditor]]:
    folder: Path = tmp_path_factory.mktemp("audited") / "land"
    with Land.founded(folder, people=3, domains=(CHILDREN, TAX)) as land:
        land.run(land.country.refresh())
        auditor = auditor_of(land)
        yield land, auditor
        auditor.close()


def prepared(land: Land, *people: int, mode: Mode = Mode.S0_PLUS) -> Prepared:
    codes = [land.code(CHILDREN, j) for j in people]
    return land.run(land.requester().prepare(land.wish(codes, mode)))


def exchanged(land: Land, asked: Prepared) -> None:
    """To the release: both agencies have what they wanted."""
    requester = land.requester()
    converted = land.run(requester.convert(asked))
    land.run(requester.release(asked, converted))


def judged(land: Land, auditor: Auditor) -> list[tuple[str, str, int]]:
    return [(v.party, v.fault, v.requests) for v in land.run(auditor.check_windows())]


def test_honest_windows_of_both_directions_and_sizes_are_found_right(audited: tuple[Land, Auditor]) -> None:
    land, auditor = audited
    judged(land, auditor)
    for people in ((0,), (1,), (0, 1, 2), (2,)):
        exchanged(land, prepared(land, *people))
    assert judged(land, auditor) == [("", "", 4)]
    assert judged(land, auditor) == []


@pytest.mark.parametrize("position", [1, 2, 3])
@every_leg
def test_swapped_legs_are_found_one_window_late_and_the_converter_is_named(
    audited: tuple[Land, Auditor], position: int, leg: int
) -> None:
    land, auditor = audited
    judged(land, auditor)
    exchanged(land, prepared(land, 2))
    asked = prepared(land, 0, 1)
    with tampering(land, position, swap(asked, leg)):
        exchanged(land, asked)
    assert judged(land, auditor) == [(CONVERTERS[position - 1], "output", 2)]


@pytest.mark.parametrize("legs", [RECORDS, (FIRST,), (SECOND,)], ids=["both", "a", "b"])
def test_a_record_filed_under_somebody_else_is_found(
    audited: tuple[Land, Auditor], legs: tuple[int, ...]
) -> None:
    land, auditor = audited
    judged(land, auditor)
    asked = prepared(land, 0)
    with tampering(land, 1, foreign(land, asked, 1, legs)):
        exchanged(land, asked)
    assert judged(land, auditor) == [(CONVERTERS[0], "output", 1)]


def test_a_point_of_nobody_in_the_answer_leg_is_found(audited: tuple[Land, Auditor]) -> None:
    land, auditor = audited
    judged(land, auditor)
    asked = prepared(land, 0)
    with tampering(land, 2, wrong_point(ANSWER)):
        exchanged(land, asked)
    assert judged(land, auditor) == [(CONVERTERS[1], "output", 1)]


def test_a_converter_cannot_state_ratios_to_fit_what_it_did(audited: tuple[Land, Auditor]) -> None:
    """A scaled answer leg (the recipient's table would refuse it) and a ratio that takes the scaling back: the ratio
    does not fit the factor the converter committed to."""
    land, auditor = audited
    judged(land, auditor)
    asked = prepared(land, 0)

    def scaled(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
        return [*onward.legs[:-1], group.mul_each(scalar(5), onward.legs[-1])]

    with tampering(land, 3, scaled):
        exchanged(land, asked)
    fifth = scalar(pow(5, -1, 2**252 + 27742317777372353535851937790883648493))

    async def ratios(caller: PartyName, asked: Ratios) -> RatiosGiven:
        told = await honest.ratios(office_of(land, 3), caller, asked)
        last = [bytes(scalar_mul(Scalar(each), fifth)) for each in told.ratios[ANSWER]]
        return msgspec.structs.replace(told, ratios=[*told.ratios[:ANSWER], last])

    with taken_over(land, CONVERTERS[2], converter.RATIOS, ratios):
        assert judged(land, auditor) == [(CONVERTERS[2], "ratios", 1)]


@every_leg
def test_a_converter_that_answers_a_window_with_another_point_is_named(
    audited: tuple[Land, Auditor], leg: int
) -> None:
    land, auditor = audited
    judged(land, auditor)
    exchanged(land, prepared(land, 0))

    async def window(caller: PartyName, asked: WindowCheck) -> Checked:
        told = await honest.window(office_of(land, 2), caller, asked)
        points = list(told.points)
        points[leg] = group.mul(scalar(3), points[leg])
        return msgspec.structs.replace(told, points=points)

    with taken_over(land, CONVERTERS[1], converter.WINDOW, window):
        assert judged(land, auditor) == [(CONVERTERS[1], "window-proof", 1)]


def test_a_request_one_converter_does_not_list_is_a_verdict_on_it(audited: tuple[Land, Auditor]) -> None:
    land, auditor = audited
    judged(land, auditor)
    exchanged(land, prepared(land, 0))

    async def nothing(caller: PartyName, asked: SeenSince) -> SeenRequests:
        return SeenRequests([])

    with taken_over(land, CONVERTERS[2], converter.SEEN, nothing):
        assert judged(land, auditor) == [(CONVERTERS[2], "not-listed", 1)]


def test_a_record_keeper_that_hides_a_released_request_is_named(audited: tuple[Land, Auditor]) -> None:
    land, auditor = audited
    judged(land, auditor)
    exchanged(land, prepared(land, 0))

    async def hidden(caller: PartyName, asked: mailbox_contract.Vectors) -> VectorsGiven:
        told = await reading.vectors(mailbox(land), caller, asked)
        return VectorsGiven(told.rows[:-1])

    with taken_over(land, KEEPER, mailbox_contract.VECTORS, hidden):
        assert judged(land, auditor) == []
        land.clock.advance(SETTLED_MS / 1000 + 1)
        assert judged(land, auditor) == [(KEEPER, "vectors-missing", 1)]


def test_what_was_never_released_is_not_put_into_a_window(audited: tuple[Land, Auditor]) -> None:
    land, auditor = audited
    judged(land, auditor)
    asked = prepared(land, 0)
    land.run(land.requester().convert(asked))
    assert judged(land, auditor) == []
    with pytest.raises(GroundUnfit):
        ask(land, 1, converter.RATIOS, Ratios([request_of(asked)]))
    land.clock.advance(SETTLED_MS / 1000 + 1)
    assert judged(land, auditor) == [("", "", 1)]


def ask(land: Land, position: int, call: object, message: object) -> object:
    peers = land.country.peers("commission")
    return land.run(peers.ask(CONVERTERS[position - 1], call, message))  # type: ignore[arg-type]


def kept_vectors(land: Land) -> tuple[list[bytes], bytes]:
    """([hR], Q) of the last S0+ request that the record keeper has filed."""
    rows = (
        mailbox(land)
        .db.read()
        .execute("SELECT request, blinded FROM window_vectors ORDER BY position DESC LIMIT 1")
    )
    request, blinded = rows.fetchone()
    return [bytes(request)], bytes(blinded)


def test_the_auditor_gets_one_combination_of_a_window_and_no_other(audited: tuple[Land, Auditor]) -> None:
    """A second one, under other weights, would be a second conversion."""
    land, auditor = audited
    exchanged(land, prepared(land, 0))
    judged(land, auditor)
    requests, blinded = kept_vectors(land)
    with pytest.raises(BatchReused):
        ask(land, 1, converter.WINDOW, WindowCheck(requests, bytes(32), [blinded], []))
    with pytest.raises(RequestUnknown):
        ask(land, 1, converter.RATIOS, Ratios([bytes(32)]))


@pytest.mark.parametrize("position", [1, 2, 3])
def test_no_point_of_the_auditors_choice_gets_into_a_window(
    audited: tuple[Land, Auditor], position: int
) -> None:
    """Commission and both agencies would have a conversion without a record. Each converter stops it alone: it makes
    the combination of the Q it knows, and the converters before it, were they to help, cannot prove a step from there
    to the chosen point."""
    land, auditor = audited
    judged(land, auditor)
    exchanged(land, prepared(land, 0))
    requests, blinded = kept_vectors(land)
    chosen = bytes(land.code(CHILDREN, 1))
    helped = [_helped_step(land, requests, i + 1, chosen) for i in range(position - 1)]
    with pytest.raises(BatchMalformed):
        ask(land, position, converter.WINDOW, WindowCheck(requests, bytes(32), [chosen], helped))
    if helped:
        with pytest.raises(ProofInvalid):
            ask(land, position, converter.WINDOW, WindowCheck(requests, bytes(32), [blinded], helped))
    assert judged(land, auditor) == [("", "", 1)]


def _helped_step(land: Land, requests: list[bytes], position: int, chosen: bytes) -> WindowStep:
    """A right proof of a colluding converter, factor one, that the chosen point is the chosen point."""
    one, number = scalar(1), window_id(requests)
    made = [
        answer_leg(one, GENERATOR, chosen, context(number, position, leg), bytes(32), land.entropy)
        for leg in (FIRST, SECOND, ANSWER)
    ]
    return WindowStep([GENERATOR] * 3, [chosen] * 3, [proof for _, proof in made])


def test_requests_in_another_mode_or_of_different_links_make_no_window(audited: tuple[Land, Auditor]) -> None:
    land, auditor = audited
    judged(land, auditor)
    full, one, two = prepared(land, 0, mode=Mode.S0), prepared(land, 0), prepared(land, 1)
    for each in (full, one, two):
        exchanged(land, each)
    with pytest.raises(GroundUnfit):
        ask(land, 1, converter.RATIOS, Ratios([request_of(full)]))
    with on_another_link(land, two), pytest.raises(GroundUnfit):
        ask(land, 1, converter.RATIOS, Ratios([request_of(one), request_of(two)]))
    judged(land, auditor)


@contextmanager
def on_another_link(land: Land, asked: Prepared) -> Iterator[None]:
    """In the first converter's store this request was for another domain, meanwhile."""

    def set_recipient(name: str) -> None:
        change = "UPDATE seen_request SET recipient = ? WHERE request = ?"
        land.run(office_of(land, 1).db.write(lambda db: db.execute(change, (name, request_of(asked)))))

    set_recipient("koseki/register")
    try:
        yield
    finally:
        set_recipient(str(TAX))


def test_an_interrupted_audit_goes_on_with_the_same_window(audited: tuple[Land, Auditor]) -> None:
    """The third converter fails in the middle; the window has its weights already, and is judged once by the next run,
    by another auditor object on the same store."""
    land, auditor = audited
    judged(land, auditor)
    exchanged(land, prepared(land, 0, 1))

    async def down(caller: PartyName, asked: WindowCheck) -> Checked:
        raise PartyUnavailable()

    with taken_over(land, CONVERTERS[2], converter.WINDOW, down), pytest.raises(PartyUnavailable):
        land.run(auditor.check_windows())
    exchanged(land, prepared(land, 2))
    auditor._office.db.close()
    again = auditor_of(land)
    auditor._office = again._office  # type: ignore[misc]
    assert sorted(judged(land, auditor)) == [("", "", 1), ("", "", 1)]
    kept: list[Verdict] = auditor.verdicts()
    assert len({v.subject for v in kept}) == len(kept)
