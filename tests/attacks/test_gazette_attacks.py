"""One of the two signers, with the own key and all the cunning, against the law."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from gazette_country import NOW, WAIT, altered, book, first, identity, pack, publish, signed
from kakine.protocols.gazette import CLOCK_MS, sign_as_ministry
from kakine.protocols.gazette_draft import next_version
from kakine.values import problems
from kakine.wire.gazette import (
    Domain,
    Gazette,
    Ground,
    Kind,
    Party,
    Row,
    Signatures,
    Subject,
    Suspension,
    encode,
)

Change = Callable[[Gazette], Gazette]


def with_row(gazette: Gazette) -> Gazette:
    """Towns may ask the health insurer under the child allowance."""
    row = Row("JO106.99", "JO106", "medical_insurer", "TK-0009", 0, "child-allowance", "medical-insurance")
    return msgspec.structs.replace(gazette, rows=tuple(sorted((*gazette.rows, row), key=lambda r: r.id)))


def with_spy(gazette: Gazette) -> Gazette:
    """A body of its own that acts as a town."""
    spy = Party(
        name="spy",
        ja="諜報",
        en="Spy",
        number=gazette.parties[0].number,
        synthetic=True,
        roles=("gateway",),
        types=("municipality",),
        signing_key=bytes(identity("spy").signing.public),
        seal_key=bytes(identity("spy").opening.public),
        domains=(Domain("spy/all", 1, (), ("JO106",)),),
    )
    return msgspec.structs.replace(
        gazette, parties=tuple(sorted((*gazette.parties, spy), key=lambda p: p.name))
    )


def with_ground(gazette: Gazette) -> Gazette:
    ground = Ground("WATCH", "監視", "Watch", "", ("gateway",), ("gateway",), protective=False)
    return msgspec.structs.replace(
        gazette, grounds=tuple(sorted((*gazette.grounds, ground), key=lambda g: g.id))
    )


def own_key_for(party: str) -> Change:
    return lambda g: altered(g, "parties", party, signing_key=bytes(identity("evil").signing.public))


def without(party: str) -> Change:
    return lambda g: msgspec.structs.replace(g, parties=tuple(p for p in g.parties if p.name != party))


def without_role(party: str) -> Change:
    return lambda g: altered(g, "parties", party, roles=())


def without_ground(ground: str) -> Change:
    return lambda g: msgspec.structs.replace(g, grounds=tuple(e for e in g.grounds if e.id != ground))


def stopping(ground: str) -> Change:
    return lambda g: msgspec.structs.replace(
        g, suspensions=(Suspension(Subject.GROUND, ground, "maintenance"),)
    )


COUPS: dict[str, Change] = {
    "a new row": with_row,
    "a new body": with_spy,
    "a new ground": with_ground,
    "an earlier start": lambda g: altered(g, "rows", "JO106.2", start=0),
    "another provider": lambda g: altered(g, "rows", "JO106.2", provider_type="medical_insurer"),
    "an assessment that never ends": lambda g: altered(
        g, "assessments", "PIA-sapporo-local-tax", review=99_999
    ),
    "a file assessed already": lambda g: altered(g, "rows", "JO106.2", requester_file="local-tax"),
    "no waiting time": lambda g: msgspec.structs.replace(g, waiting_ms=0),
    "an own key for the commission": own_key_for("commission"),
    "an own key for a converter": own_key_for("converter-3"),
    "an own key for a town": own_key_for("yokohama"),
    "no commission": without_role("commission"),
    "no converter of the commission": without("converter-3"),
    "a converter in name only": without_role("converter-3"),
    "without the first record keeper": without("mailbox-a"),
    "without the second record keeper": without("mailbox-b"),
    "no record keeper": lambda g: without("mailbox-b")(without("mailbox-a")(g)),
    "a record keeper in name only": without_role("mailbox-b"),
    "no ledger": without("ledger-b"),
    "an own key for the log": own_key_for("ledger-a-signer"),
    "another signer for the ledger": lambda g: altered(
        altered(g, "parties", "portal", roles=("portal", "signer")), "parties", "ledger-a", signer="portal"
    ),
    "no portal to read one's history at": without("portal"),
    "no ground to read one's history on": without_ground("OWN-HISTORY"),
    "that ground suspended alone": stopping("OWN-HISTORY"),
    "that ground no longer protected": lambda g: altered(g, "grounds", "OWN-HISTORY", protective=False),
    "a ground opened to agencies": lambda g: altered(
        g, "grounds", "ISSUE", requesters=("gateway", "registry")
    ),
    "another layout": lambda g: altered(g, "items", "TK-0002", layout=bytes(32)),
}


REFUSED = dict.fromkeys(
    COUPS, (problems.GazetteUnsigned, problems.GazetteNotNarrowing, problems.GazetteTooSoon)
) | {"no commission": (problems.GazetteInconsistent,)}


@pytest.mark.parametrize("by", ["ministry", "commission"])
@pytest.mark.parametrize("coup", COUPS)
def test_one_signer_alone_cannot_loosen_anything(coup: str, by: str) -> None:
    """Neither as a widening at once, nor as a widening in due time, nor called a narrowing."""
    for kind in (Kind.WIDENING, Kind.NARROWING):
        for effective_ms in (NOW, NOW + WAIT):
            laws = book()
            version = next_version(laws, COUPS[coup](first()), NOW, effective_ms, "理由", "reason")
            encoded = encode(msgspec.structs.replace(version, kind=kind, effective_ms=effective_ms))
            with pytest.raises(REFUSED[coup]):
                laws.accept(encoded, signed(encoded, by), NOW)
            assert len(laws.published) == 1


@pytest.mark.parametrize("coup", [name for name in COUPS if name != "no commission"])
def test_even_both_together_must_wait_in_public(coup: str) -> None:
    """With both signatures each of these passes only after the waiting time, or never."""
    for kind in (Kind.WIDENING, Kind.NARROWING):
        laws = book()
        version = next_version(laws, COUPS[coup](first()), NOW, NOW, "理由", "reason")
        encoded = encode(msgspec.structs.replace(version, kind=kind, effective_ms=NOW))
        with pytest.raises((problems.GazetteTooSoon, problems.GazetteNotNarrowing)):
            laws.accept(encoded, signed(encoded), NOW)


def test_a_signature_of_the_other_cannot_be_moved_to_another_version() -> None:
    """The commission's signature on what it approved says nothing about what it did not see."""
    laws = book()
    shown = encode(next_version(laws, with_row(first()), NOW, NOW + WAIT, "理由", "reason"))
    wanted = encode(next_version(laws, with_spy(first()), NOW, NOW + WAIT, "理由", "reason"))
    stolen = Signatures(signed(wanted).ministry, signed(shown).commission)
    with pytest.raises(problems.SignatureInvalid):
        laws.accept(wanted, stolen, NOW)


def test_one_key_cannot_sign_in_both_roles() -> None:
    """The ministry's signature does not pass as the commission's."""
    laws = book()
    encoded = encode(next_version(laws, with_row(first()), NOW, NOW + WAIT, "理由", "reason"))
    one = signed(encoded).ministry
    with pytest.raises(problems.SignatureInvalid):
        laws.accept(encoded, Signatures(one, one), NOW)


def test_a_signature_made_in_the_other_role_does_not_pass_even_with_the_right_key() -> None:
    """Whoever gets the commission to sign something as a ministry signs it has no approval."""
    laws = book()
    encoded = encode(next_version(laws, with_row(first()), NOW, NOW + WAIT, "理由", "reason"))
    crossed = sign_as_ministry(identity("commission").signing, encoded)
    with pytest.raises(problems.SignatureInvalid):
        laws.accept(encoded, Signatures(signed(encoded).ministry, crossed), NOW)


def test_two_versions_with_one_number_cannot_both_be_believed() -> None:
    """Who was shown one history refuses the other, so no body can be shown a law of its own."""
    ours, theirs = book(), book()
    publish(ours, with_row)
    other = publish(theirs, with_spy)
    with pytest.raises(problems.GazetteNotNext):
        ours.accept(other.encoded, signed(other.encoded), NOW)


def test_a_dropped_widening_cannot_come_back_by_itself() -> None:
    """Its bytes name a past that is no longer the last version."""
    laws = book()
    dropped = publish(laws, with_row)
    publish(laws, stopping("ISSUE"), "commission", now_ms=NOW + 1)
    reborn = encode(msgspec.structs.replace(dropped.gazette, number=3))
    with pytest.raises(problems.GazetteNotNext):
        laws.accept(reborn, signed(reborn), NOW + 2)
    with pytest.raises(problems.RowUnknown):
        laws.in_force(NOW + 2 * WAIT).row("JO106.99")


def test_both_signers_cannot_date_a_version_back_to_a_party_that_looks_every_day() -> None:
    """Not even with a ledger entry whose minute lies."""
    laws = book()
    version = next_version(laws, with_spy(first()), NOW, NOW + WAIT, "理由", "reason")
    encoded = encode(version)
    laws.heard(NOW + 2 * CLOCK_MS)
    with pytest.raises(problems.GazetteTooSoon):
        laws.accept(encoded, signed(encoded), NOW)


def test_no_type_ground_or_role_of_the_pack_is_for_police() -> None:
    """There is no body to ask as: continuous or bulk access for police has no place to stand on."""
    words = ("police", "警察", "公安", "intelligence")
    read = pack()
    texts = [
        text.lower()
        for entry in (*read.types, *read.grounds, *read.parties)
        for text in (getattr(entry, "id", ""), entry.ja, entry.en)
    ]
    assert texts
    assert not [text for text in texts if any(word in text for word in words)]


UNSIGNED = {
    "the signer is gone": without("ledger-a-signer"),
    "the signer has not the role": without_role("ledger-a-signer"),
    "the ledger signs for itself": lambda g: altered(g, "parties", "ledger-a", signer="ledger-a"),
    "one signs for both ledgers": lambda g: altered(g, "parties", "ledger-b", signer="ledger-a-signer"),
    "a town signs": lambda g: altered(g, "parties", "ledger-a", signer="yokohama"),
    "a town has a signer": lambda g: altered(g, "parties", "yokohama", signer="ledger-a-signer"),
}


@pytest.mark.parametrize("change", UNSIGNED.values(), ids=UNSIGNED.keys())
def test_a_law_whose_ledger_has_no_signer_of_its_own_is_none(change: Change) -> None:
    laws = book()
    encoded = encode(next_version(laws, change(first()), NOW, NOW + WAIT, "理由", "reason"))
    with pytest.raises(problems.GazetteInconsistent):
        laws.accept(encoded, signed(encoded), NOW)
