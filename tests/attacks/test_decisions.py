"""What a person has decided stands in the own history: nobody but the portal can file it there, for the one code of
that person, and nobody but the person can read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from attacks.insider import KEEPERS, envelopes_filed, log_size, scalar, taken_over
from kakine.cli.demo_story import Words, history_lines
from kakine.cli.own_history import Read, own_history
from kakine.clients.exchange import Requester, Wish
from kakine.contracts import converter
from kakine.contracts.converter import Convert, Converted
from kakine.country import CONVERTERS
from kakine.crypto.group import group
from kakine.parties.portal.app import Portal
from kakine.protocols.decisions import GROUND, decisions_in
from kakine.protocols.objections import place_of
from kakine.runtime import codebook
from kakine.values.codes import Code, CodeVector
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    GroundNotForParties,
    GroundUnfit,
    NotCanonical,
    ObjectionUnfit,
    PartyUnavailable,
    Problem,
    ReceiptMismatch,
    RecordRefused,
)
from kakine.wire.decision import Decision, LatestAllowed, LatestWithdrawn, packed, unpacked
from kakine.wire.entry import EntryKind
from kakine.wire.objection import Reason
from kakine.wire.record import RequestRecord
from kakine.wire.request import DECISION_LENGTH, AskedPerson, Kind, Mode

from land import CHILDREN, LOGIN, TAX, Land, pack, ref

GRANT = b"g" * 16
ALLOWED = LatestAllowed(GRANT, "yokohama-childcare", ("address", "name"), "児童手当の通知", 1_800_000_000_000)
WITHDRAWN = LatestWithdrawn(GRANT)
KEEPER = KEEPERS[0]


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    folder = tmp_path_factory.mktemp("decisions") / "land"
    with Land.founded(folder, people=2, domains=(CHILDREN, TAX, LOGIN)) as land:
        yield land


def portal(land: Land) -> Portal:
    return land.country.portal


def read(land: Land, j: int = 0) -> Read:
    return land.run(own_history(land.country, ref(j)))


def decided(land: Land, j: int = 0) -> list[Decision]:
    return [decision for _, decision in decisions_in(read(land, j).rows)]


def wish(land: Land, codes: list[Code], case: bytes | None = None, **changed: Any) -> Wish:
    """What whoever breaks the rules sends as a decision."""
    said = packed(ALLOWED) if case is None else case
    people = tuple(AskedPerson(land.entropy(16), "", said, b"", b"") for _ in codes)
    told: dict[str, Any] = {
        "kind": Kind.DECISION,
        "mode": Mode.S1,
        "ground": GROUND,
        "rows": (),
        "recipient": KEEPER,
        "codes": CodeVector.of(codes),
        "people": people,
    }
    return Wish(**{**told, **changed})


def send(land: Land, requester: Requester, asked: Wish) -> Any:
    return land.run(requester.convert(land.run(requester.prepare(asked))))


def own_code(land: Land, j: int = 0) -> Code:
    return portal(land)._codes(ref(j)).code(0)


def test_a_decision_is_read_by_its_person_word_for_word(land: Land) -> None:
    before = decided(land), decided(land, 1)
    land.run(portal(land).decide(ref(0), ALLOWED))
    land.run(portal(land).decide_unkept(ref(0), WITHDRAWN))
    assert decided(land) == [*before[0], ALLOWED, WITHDRAWN]
    assert decided(land, 1) == before[1]
    told = read(land)
    assert told.complete
    said = "\n".join(history_lines(told.lines, Words(pack())))
    assert "最新の情報の提供に同意: yokohama-childcare に 2027-01-15 まで" in said
    assert f"withdrew consent {GRANT.hex()}" in said
    assert "記録済み / recorded" in said


def test_its_entry_is_like_that_of_any_other_request(land: Land) -> None:
    """Nobody tells by the log that somebody has decided anything, and no outcome is owed for it."""
    land.run(portal(land).decide(ref(0), ALLOWED))
    row, _ = decisions_in(read(land).rows)[-1]
    asked = next(
        r
        for r in read(land).rows
        if isinstance(r.record, RequestRecord) and r.record.common.ground in ("ISSUE", "ENROL")
    )
    assert row.entry.kind is asked.entry.kind is EntryKind.REQUEST
    assert (row.entry.converters, row.entry.flags) == (asked.entry.converters, asked.entry.flags)


def test_no_agency_files_a_decision_in_anybodys_name(land: Land) -> None:
    """Not even with a code that is its own: converters take the ground from the portal only, and the kind with it."""
    code, requester, before = land.code(CHILDREN, 0), land.requester(), log_size(land)
    with pytest.raises(GroundNotForParties):
        send(land, requester, wish(land, [code]))
    for ground in ("JO106", "OBJECTION", "OWN-HISTORY"):
        with pytest.raises(GroundUnfit):
            send(land, requester, wish(land, [code], ground=ground))
    assert log_size(land) == before


@pytest.mark.parametrize("kind", [Kind.EXCHANGE, Kind.READ, Kind.OBJECT, Kind.RETIRE, Kind.LOGIN])
def test_no_other_kind_passes_for_a_decision(land: Land, kind: Kind) -> None:
    """Whatever stands in its field `case`: the reader takes a record for a decision by its ground, and the converters
    let that pass for one kind only."""
    with pytest.raises(Problem) as refused:
        send(land, portal(land)._requester, wish(land, [own_code(land)], kind=kind))
    assert refused.value.code in ("ground-unfit", "procedure-unknown", "row-not-of-procedure")


def test_a_decision_goes_to_no_agency(land: Land) -> None:
    with pytest.raises(GroundUnfit):
        send(land, portal(land)._requester, wish(land, [own_code(land)], recipient=TAX))


def test_a_code_that_is_in_no_list_files_nothing(land: Land) -> None:
    """Scaled, foreign: one look-up at each record keeper stops them all."""
    scaled = Code(group.mul(scalar(2), own_code(land)))
    for code in (scaled, land.code(CHILDREN, 0)):
        with pytest.raises(RecordRefused):
            send(land, portal(land)._requester, wish(land, [code]))


def test_one_person_decides_at_a_time(land: Land) -> None:
    with pytest.raises(BatchMalformed):
        send(land, portal(land)._requester, wish(land, [own_code(land, 0), own_code(land, 1)]))


def test_a_decision_is_proved_before_it_is_filed(land: Land) -> None:
    """Nobody could object to it later, so none goes in unproved."""
    for mode in (Mode.S0, Mode.S0_PLUS):
        with pytest.raises(BatchMalformed):
            send(land, portal(land)._requester, wish(land, [own_code(land)], mode=mode))


def test_nobody_objects_to_the_own_decision(land: Land) -> None:
    """It has no recipient, and the portal keeps nothing that would settle it."""
    land.run(portal(land).decide(ref(0), ALLOWED))
    row, _ = decisions_in(read(land).rows)[-1]
    assert isinstance(row.record, RequestRecord)
    with pytest.raises(ObjectionUnfit):
        land.run(portal(land).object_to(ref(0), place_of(row), row.record.personal.xid, Reason.NOT_ASKED))


def test_record_keepers_cannot_read_it_nor_tell_one_from_another(land: Land) -> None:
    """They hold it sealed, in one length whatever it says."""
    sizes = set()
    for decision in (ALLOWED, replace(ALLOWED, purpose="目" * 80), WITHDRAWN):
        land.run(portal(land).decide(ref(0), decision))
        row, _ = decisions_in(read(land).rows)[-1]
        (sealed,) = envelopes_filed(land, row.entry.encode())
        sizes.add(len(sealed))
    assert len(sizes) == 1
    for keeper in ("mailbox-a", "mailbox-b", *CONVERTERS, "ledger-a"):
        disk = b"".join(path.read_bytes() for path in land.folder.glob(f"{keeper}.sqlite*"))
        assert disk
        for word in (b"yokohama-childcare", ALLOWED.purpose.encode(), GRANT):
            assert word not in disk, keeper


def test_a_receipt_that_is_made_up_files_no_decision(land: Land) -> None:
    """The last converter says that it is filed, with the receipt of another request, and files nothing."""
    requester = portal(land)._requester
    known = send(land, requester, wish(land, [own_code(land)]))

    async def convert(caller: PartyName, message: Convert) -> Converted:
        return known

    before = decided(land)
    with taken_over(land, CONVERTERS[0], converter.CONVERT, convert):
        with pytest.raises(ReceiptMismatch):
            land.run(portal(land).decide_unkept(ref(0), WITHDRAWN))
        with pytest.raises(ReceiptMismatch):
            land.run(portal(land).decide(ref(0), WITHDRAWN))
        assert len(codebook.unfinished(portal(land).db.read())) == 1
    land.run(portal(land).start())  # what was not filed is sent again: it is filed now, once
    assert codebook.unfinished(portal(land).db.read()) == []
    assert decided(land) == [*before, WITHDRAWN]


def test_a_decision_that_a_crash_interrupts_is_filed_once(land: Land) -> None:
    async def away(*_: object) -> Any:
        raise PartyUnavailable(party="converter-1")

    before = decided(land)
    with taken_over(land, CONVERTERS[0], converter.CONVERT, away), pytest.raises(PartyUnavailable):
        land.run(portal(land).decide(ref(0), WITHDRAWN))
    land.run(portal(land).start())
    land.run(portal(land).start())
    assert decided(land) == [*before, WITHDRAWN]


def test_one_that_names_a_relying_party_is_never_on_the_portals_disk(land: Land) -> None:
    """Not even while it is under way, nor after a fault."""

    async def away(*_: object) -> Any:
        raise PartyUnavailable(party="converter-1")

    named = replace(ALLOWED, client="insurer-members")
    with taken_over(land, CONVERTERS[0], converter.CONVERT, away), pytest.raises(PartyUnavailable):
        land.run(portal(land).decide_unkept(ref(0), named))
    assert codebook.unfinished(portal(land).db.read()) == []
    land.run(portal(land).decide_unkept(ref(0), named))
    disk = b"".join(path.read_bytes() for path in land.folder.glob("portal.sqlite*"))
    assert b"insurer-members" not in disk


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(DECISION_LENGTH),
        packed(ALLOWED)[:-1],
        packed(ALLOWED)[:-1] + b"\1",
        b"\1" + packed(ALLOWED)[1:],
        packed(ALLOWED) + b"\0",
    ],
)
def test_a_decision_has_one_form(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        unpacked(data)
    assert unpacked(packed(ALLOWED)) == ALLOWED
    with pytest.raises(NotCanonical):
        packed(replace(ALLOWED, purpose="目" * 200))


def test_one_that_cannot_be_read_is_shown_as_such(land: Land) -> None:
    send(land, portal(land)._requester, wish(land, [own_code(land, 1)], case=b"\xff" * DECISION_LENGTH))
    assert "a decision that cannot be read" in "\n".join(history_lines(read(land, 1).lines, Words(pack())))
