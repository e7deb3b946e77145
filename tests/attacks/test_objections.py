"""A person objects to an entry of the own list: "this was not about me". Who converted wrongly is named, who did not is
cleared, and nobody learns more than that: not whose list it is, not what nobody has objected to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from attacks.insider import MAILBOXES, Tamper, items, log_size, office_of, taken_over, tampering
from attacks.insider import mailbox as mailbox_office
from kakine.cli import own_objections
from kakine.cli.own_history import own_history
from kakine.cli.own_objections import count_objections, disputes, object_to
from kakine.clients.carrier import disputable
from kakine.contracts import commission_audit, converter, gateway, mailbox
from kakine.contracts.converter import Convert, Disputed, DisputedFound
from kakine.contracts.gateway import Disputable, DisputableKept
from kakine.contracts.ledger import APPEND, Append
from kakine.country import COMMISSION, CONVERTERS, LEDGER, LOGS, ORIGIN
from kakine.crypto.group import Scalar, group, prf_scalar, scalar_inv, scalar_mul
from kakine.crypto.sealing import OpenKey, open_sealed, seal
from kakine.parties.commission import audit_store, cases, objections
from kakine.parties.converter import store
from kakine.parties.converter.audit import shown_request
from kakine.parties.converter.disputed import disputed as honest_disputed
from kakine.parties.converter.hop import request_factors
from kakine.parties.mailbox import reading
from kakine.parties.mailbox import store as keeper_store
from kakine.protocols.heads import Heads
from kakine.protocols.history import OpenedRow
from kakine.protocols.objections import (
    Counted,
    check_shown,
    counted,
    entry_of,
    objections_in,
    place_of,
    shown_of,
)
from kakine.runtime import codebook
from kakine.values.labels import PartyName
from kakine.values.problems import (
    AnswerMismatch,
    AnswerUnasked,
    ExchangeUnknown,
    FilingMismatch,
    FilingUnknown,
    InclusionInvalid,
    InternalFault,
    ObjectionInvalid,
    ObjectionUnfit,
    PartyUnavailable,
    SignatureInvalid,
    StoreFailed,
    TagConflict,
)
from kakine.wire import filing as filings_wire
from kakine.wire.answer import Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.filing import Filing
from kakine.wire.objection import (
    Answer,
    Asked,
    Finding,
    Logged,
    Reason,
    Shown,
    Told,
    to_commission,
    to_session,
)
from kakine.wire.record import RequestRecord
from kakine.wire.request import HopRecord, Mode, Payload, Place, points_digest

from land import CHILDREN, LOGIN, TAX, Land, ref


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(
        tmp_path_factory.mktemp("objections") / "land", people=3, domains=(CHILDREN, TAX, LOGIN)
    ) as land:
        land.run(land.country.refresh())
        yield land


def rows_of(land: Land, j: int) -> list[OpenedRow]:
    return list(land.run(own_history(land.country, ref(j))).rows)


def last(land: Land, j: int, ground: str = "JO106") -> OpenedRow:
    """The newest request of this ground in person j's own list."""
    return [
        row
        for row in rows_of(land, j)
        if isinstance(row.record, RequestRecord) and row.record.common.ground == ground
    ][-1]


def before(place: Place) -> Place:
    return Place(place.log, place.index - 1)


def objected(land: Land, j: int, place: Place, reason: Reason = Reason.NOT_ME) -> own_objections.Disputed:
    land.run(object_to(land.country, ref(j), rows_of(land, j), place, reason))
    return stands(land, j, place)


def stands(land: Land, j: int, place: Place) -> own_objections.Disputed:
    return land.run(disputes(land.country, rows_of(land, j)))[place]


def swapped(prepared: Prepared) -> Tamper:
    """Two people change places on both record legs; A has told the ratio of their blindings, so both still unblind."""
    seed = decode(prepared.payload, Payload).seed
    first, second = (prf_scalar(seed, "rho", j.to_bytes(4, "big")) for j in (0, 1))
    ratio = scalar_mul(first, scalar_inv(second))

    def tamper(message: Convert, made: list[Scalar], onward: Convert) -> list[bytes]:
        *records, answer = onward.legs
        pairs = [items(leg) for leg in records]
        swapped = [group.mul(ratio, two) + group.mul(scalar_inv(ratio), one) for one, two in pairs]
        return [*swapped, answer]

    return tamper


def misfiled(land: Land, position: int, mode: Mode) -> None:
    """Yokohama asks about 0 and 1; the converter at `position` puts each record into the list of the other."""
    requester = land.requester()
    codes = [land.code(CHILDREN, j) for j in (0, 1)]
    prepared = land.run(requester.prepare(land.wish(codes, mode)))
    with tampering(land, position, swapped(prepared)):
        land.run(land.yokohama.desk.carrier.send(requester, prepared, CHILDREN.encode()))


@pytest.mark.parametrize("mode", list(Mode))
def test_an_honest_exchange_is_answered_right(land: Land, mode: Mode) -> None:
    land.run(land.ask(0, mode=mode))
    place = place_of(last(land, 0))
    answer = objected(land, 0, place).answer
    assert answer is not None
    assert (answer.finding, answer.party, answer.fault) == (Finding.RIGHT, "", "")


@pytest.mark.parametrize("mode", [Mode.S0, Mode.S0_PLUS])
@pytest.mark.parametrize("position", [1, 2, 3])
def test_whoever_put_a_record_into_another_list_is_named(land: Land, position: int, mode: Mode) -> None:
    """Person 1 reads of a question that was about person 0, and says so. The converter is named, and no other."""
    misfiled(land, position, mode)
    place = place_of(last(land, 1))
    answer = objected(land, 1, place).answer
    assert answer is not None
    assert (answer.finding, answer.party, answer.fault) == (
        Finding.FAULT,
        CONVERTERS[position - 1],
        "output",
    )


def test_an_objection_to_the_issue_of_a_code_is_answered_with_what_the_registry_kept(land: Land) -> None:
    place = place_of(last(land, 2, "ISSUE"))
    answer = objected(land, 2, place).answer
    assert answer is not None
    assert answer.finding is Finding.RIGHT


def test_an_objection_to_the_own_enrolment_is_answered(land: Land) -> None:
    """The registry asks from the hash domain, and is itself the requester."""
    place = place_of(last(land, 2, "ENROL"))
    answer = objected(land, 2, place).answer
    assert answer is not None
    assert answer.finding is Finding.RIGHT


# --- who may object to what -----------------------------------------------------------------------------------


def evidence(land: Land, j: int, place: Place) -> Shown:
    """What person j shows for the objection to the entry at `place`."""
    rows = rows_of(land, j)
    by_place = {place_of(row): row for row in rows}
    return shown_of(by_place[place], objections_in(rows)[place])


def show(land: Land, shown: Shown) -> Told:
    """Tell the commission, as the portal's caller may; what it says back."""
    session = OpenKey(b"s" * 32)
    to = land.country.book("portal").in_force(land.clock()).seal_key(COMMISSION)
    sealed = seal(to, to_commission(), encode(Asked(shown, bytes(session.public))))
    given = land.run(land.country.portal.tell_commission(sealed))
    return decode(open_sealed(session, to_session(shown.opening[:16]), given), Told)


def test_an_entry_of_somebody_else_is_not_disputed_without_its_opening(land: Land) -> None:
    """Whoever knows a place in the log, and objects to something of the own, cannot dispute what stands there."""
    land.run(land.ask(0))
    land.run(land.ask(1))
    own, other = last(land, 0), last(land, 1)
    objected(land, 0, place_of(own))
    shown = evidence(land, 0, place_of(own))
    with pytest.raises(ObjectionInvalid) as refused:
        show(land, replace(shown, place=place_of(other)))
    assert refused.value.facts == {"what": "opening"}
    flipped = bytes([shown.opening[0] ^ 1]) + shown.opening[1:]
    with pytest.raises(ObjectionInvalid):
        show(land, replace(shown, opening=flipped))


def test_an_objection_to_one_exchange_serves_no_other(land: Land) -> None:
    """An agency knows the opening of its own question; it has no objection that names it."""
    land.run(land.ask(0))
    disputed = last(land, 0)
    objected(land, 0, place_of(disputed))
    land.run(land.ask(0))
    other = last(land, 0)
    shown = evidence(land, 0, place_of(disputed))
    objection = next(row for row in rows_of(land, 0) if place_of(row) == shown.objection)
    taken = shown_of(other, objection)
    with pytest.raises(ObjectionInvalid) as refused:
        show(land, taken)
    assert refused.value.facts == {"what": "parent"}
    assert isinstance(other.record, RequestRecord)
    forged = replace(taken, parent=other.record.personal.xid + taken.parent[16:])
    with pytest.raises(ObjectionInvalid) as refused:
        show(land, forged)
    assert refused.value.facts == {"what": "parent-opening"}


def test_only_a_request_is_disputed(land: Land) -> None:
    """Whatever record keepers may have let pass: what is no request was converted for nobody."""
    land.run(land.ask(0))
    place = place_of(last(land, 0))
    objected(land, 0, place)
    by_place = {place_of(row): row.entry for row in rows_of(land, 0)}
    shown = evidence(land, 0, place)
    disputed, objection = by_place[place], by_place[shown.objection]
    assert check_shown(shown, disputed, objection) == shown.opening[:16]
    with pytest.raises(ObjectionInvalid) as refused:
        check_shown(shown, dataclasses.replace(disputed, kind=EntryKind.VIEWED), objection)
    assert refused.value.facts == {"what": "kind"}
    with pytest.raises(ObjectionInvalid) as refused:
        check_shown(shown, disputed, dataclasses.replace(objection, converters=0))
    assert refused.value.facts == {"what": "objection"}


def test_a_view_serves_as_no_objection(land: Land) -> None:
    land.run(land.ask(0))
    disputed = last(land, 0)
    objected(land, 0, place_of(disputed))
    shown = evidence(land, 0, place_of(disputed))
    view = last(land, 0, "OWN-HISTORY")
    with pytest.raises(ObjectionInvalid) as refused:
        show(land, replace(shown, objection=place_of(view)))
    assert refused.value.facts == {"what": "objection"}


def test_the_portal_cannot_object_for_another_person(land: Land) -> None:
    """It carries account 0's objection, knows place and xid, and files the same for account 2: the record keepers see
    that the entry is not in that list."""
    land.run(land.ask(0))
    row = last(land, 0)
    assert isinstance(row.record, RequestRecord)
    before = log_size(land)
    with pytest.raises(ObjectionUnfit) as refused:
        land.run(land.country.portal.object_to(ref(2), place_of(row), row.record.personal.xid, Reason.OTHER))
    assert refused.value.facts == {"what": "place"}
    assert log_size(land) == before
    assert codebook.unfinished(land.country.portal.db.read()) == []


def test_what_converted_nothing_cannot_be_objected_to(land: Land) -> None:
    """A view, an outcome, an objection: there is no recipient to whom a code was converted."""
    land.run(land.ask(0))
    row = last(land, 0)
    objected(land, 0, place_of(row))
    rows = rows_of(land, 0)
    places = [place_of(each) for each in rows if each.entry.kind is not EntryKind.REQUEST]
    assert {rows[k].entry.kind for k in range(len(rows)) if place_of(rows[k]) in places} == {
        EntryKind.OUTCOME,
        EntryKind.ANNOTATION,
        EntryKind.VIEWED,
    }
    for place in (places[-1], *places[:2]):
        with pytest.raises(ObjectionUnfit):
            land.run(land.country.portal.object_to(ref(0), place, bytes(16), Reason.OTHER))


def test_a_second_objection_to_the_same_entry_gives_the_same_answer(land: Land) -> None:
    land.run(land.ask(0))
    row = last(land, 0)
    first = objected(land, 0, place_of(row))
    assert isinstance(row.record, RequestRecord)
    with pytest.raises(ObjectionUnfit) as refused:
        land.run(land.country.portal.object_to(ref(0), place_of(row), row.record.personal.xid, Reason.OTHER))
    assert refused.value.facts == {"what": "stands"}
    before = land.run(count_objections(land.country))
    assert stands(land, 0, place_of(row)) == first
    assert land.run(count_objections(land.country)) == before


# --- nothing is explained that nobody objects to --------------------------------------------------------------


def told_to_converters(land: Land, shown: Shown) -> Disputed:
    """What the commission shows a converter for an objection that stands."""
    office, heads = land.country.auditor._office, Heads()
    disputed = land.run(cases.entry_at(office, heads, shown.place))
    objection = land.run(cases.entry_at(office, heads, shown.objection))
    filed = [
        land.run(office.peers.ask(name, mailbox.FILED_AT, mailbox.FiledAt(shown.objection)))
        for name in MAILBOXES
    ]
    return Disputed(encode(shown), disputed, objection, filed[0].tags, [each.signed for each in filed])


def ask_converter(land: Land, asked: Disputed) -> DisputedFound:
    return land.run(land.country.peers(COMMISSION).ask(CONVERTERS[0], converter.DISPUTED, asked))


@pytest.fixture(scope="module")
def standing(land: Land) -> tuple[Shown, Disputed]:
    land.run(land.ask(0))
    place = place_of(last(land, 0))
    objected(land, 0, place)
    shown = evidence(land, 0, place)
    return shown, told_to_converters(land, shown)


def test_a_converter_tells_the_request_of_a_standing_objection(
    land: Land, standing: tuple[Shown, Disputed]
) -> None:
    assert ask_converter(land, standing[1]).request.released


def test_a_converter_tells_nothing_of_an_exchange_without_an_objection(
    land: Land, standing: tuple[Shown, Disputed]
) -> None:
    """The commission has the opening of another exchange, from an agency, and an objection to this one."""
    land.run(land.ask(0))
    other = last(land, 0)
    shown, asked = standing
    objection = next(row for row in rows_of(land, 0) if place_of(row) == shown.objection)
    taken = shown_of(other, objection)
    heads = Heads()
    entry = land.run(cases.entry_at(land.country.auditor._office, heads, place_of(other)))
    with pytest.raises(ObjectionInvalid):
        ask_converter(land, replace(asked, shown=encode(taken), disputed=entry))


def test_a_converter_wants_the_objection_in_the_log(land: Land, standing: tuple[Shown, Disputed]) -> None:
    shown, asked = standing
    moved = replace(shown, objection=before(shown.objection))
    with pytest.raises(InclusionInvalid):
        ask_converter(land, replace(asked, shown=encode(moved)))
    moved = replace(shown, place=before(shown.place))
    with pytest.raises(InclusionInvalid):
        ask_converter(land, replace(asked, shown=encode(moved)))


def test_a_ledger_in_league_with_the_commission_makes_no_objection(
    land: Land, standing: tuple[Shown, Disputed]
) -> None:
    """It takes an entry that no record keeper has filed; the converter wants the filings of all of them."""
    _, asked = standing
    one, two = asked.filings
    for filings in ([], [one], [two, one], [one, replace(two, signature=one.signature)]):
        with pytest.raises((ObjectionInvalid, SignatureInvalid)):
            ask_converter(land, replace(asked, filings=filings))
    other = bytes(asked.tag[:-1]) + bytes([asked.tag[-1] ^ 1])
    with pytest.raises(FilingMismatch):
        ask_converter(land, replace(asked, tag=other))


def test_a_record_keeper_tells_nothing_of_an_entry_without_an_objection(land: Land) -> None:
    """Neither Q nor the request: with Q the commission could have any conversion of mode S0+ explained."""
    land.run(land.ask(1, mode=Mode.S0_PLUS))
    place = place_of(last(land, 1))
    for name in MAILBOXES:
        with pytest.raises(FilingUnknown):
            land.run(land.country.peers(COMMISSION).ask(name, mailbox.FILED_AT, mailbox.FiledAt(place)))


@pytest.mark.parametrize("mask", [0, 7])
def test_the_ledger_takes_objections_from_record_keepers_and_answers_from_the_commission(
    land: Land, mask: int
) -> None:
    """Neither can write what the other says."""
    entry = Entry(EntryKind.ANNOTATION, mask, 408, EntryFlags(0), 29_000_000, b"C" * 32, b"D" * 32).encode()
    tag = bytes([mask]) * 32
    zero = bytes(32)
    filed = filings_wire.filing_of(request=zero, points=zero, entries=entry, tags=tag, hops=zero, minutes=1)
    wrong = [COMMISSION] if mask else list(MAILBOXES)
    signed = [filings_wire.sign(filed, name, land.country.identities[name].signing) for name in wrong]
    with pytest.raises(FilingMismatch):
        land.run(land.country.peers(COMMISSION).ask(LEDGER, APPEND, Append(entry, tag, signed)))


# --- parties that lie or are silent ---------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Land]:
    """A country of its own, whose clock a test may push."""
    with Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        yield land


async def silent(caller: PartyName, message: object) -> DisputedFound:
    raise PartyUnavailable()


async def denying(caller: PartyName, message: object) -> DisputedFound:
    raise ExchangeUnknown()


def verdict_of(land: Land, j: int, place: Place) -> tuple[str, str]:
    answer = stands(land, j, place).answer
    assert answer is not None
    return answer.party, answer.fault


def test_a_converter_that_does_not_answer_is_named(own: Land) -> None:
    """At once to whoever looks; in the answer, once its time is up."""
    own.run(own.ask(0))
    place = place_of(last(own, 0))
    with taken_over(own, CONVERTERS[1], converter.DISPUTED, silent):
        assert objected(own, 0, place).answer is None
        (left,) = own.run(own.country.auditor.answer_objections())
        assert (decode(left.place, Place), left.waiting) == (place, CONVERTERS[1])
        own.clock.advance(8 * 86_400)
        assert own.run(own.country.auditor.answer_objections()) == []
    assert verdict_of(own, 0, place) == (CONVERTERS[1], "no-answer")


def test_a_converter_that_was_silent_for_a_while_is_not_blamed(own: Land) -> None:
    own.run(own.ask(0))
    place = place_of(last(own, 0))
    with taken_over(own, CONVERTERS[2], converter.DISPUTE, silent):
        assert objected(own, 0, place).answer is None
        (left,) = own.run(own.country.auditor.answer_objections())
        assert left.waiting == CONVERTERS[2]
    assert own.run(own.country.auditor.answer_objections()) == []
    assert verdict_of(own, 0, place) == ("", "")


def test_a_converter_that_denies_what_was_answered_is_named(land: Land) -> None:
    """The outcome stands in the log, and nobody could have written it without this converter's release."""
    land.run(land.ask(0))
    place = place_of(last(land, 0))
    with taken_over(land, CONVERTERS[2], converter.DISPUTED, denying):
        objected(land, 0, place)
    assert verdict_of(land, 0, place) == (CONVERTERS[2], "release-denied")


def test_a_converter_that_names_another_request_is_named(land: Land) -> None:
    """Its word is held against what the record keepers signed for that entry."""
    land.run(land.ask(0))
    other = store.find_used(office_of(land, 1).db.read(), xid_of(last(land, 0)))
    assert other is not None
    land.run(land.ask(0))
    place = place_of(last(land, 0))
    office = office_of(land, 1)

    async def another(caller: PartyName, message: Disputed) -> DisputedFound:
        seen = store.find_seen(office.db.read(), other[2])
        assert seen is not None
        xid = decode(message.shown, Shown).opening[:16]
        signature = office.identity.signing.sign("disputed", xid, other[2])
        return DisputedFound(shown_request(seen), signature)

    with taken_over(land, CONVERTERS[0], converter.DISPUTED, another):
        objected(land, 0, place)
    assert verdict_of(land, 0, place) == (CONVERTERS[0], "another-request")


def xid_of(row: OpenedRow) -> bytes:
    assert isinstance(row.record, RequestRecord)
    return row.record.personal.xid


def forgotten(land: Land, change: str = "DELETE FROM disputable") -> None:
    """The requester's operator changes what it has kept for disputes."""
    land.run(land.yokohama.office.db.write(lambda db: db.execute(change)))


def test_a_requester_that_has_not_kept_what_a_dispute_needs_is_named(land: Land) -> None:
    land.run(land.ask(0))
    place = place_of(last(land, 0))
    forgotten(land)
    objected(land, 0, place)
    assert verdict_of(land, 0, place) == ("yokohama", "not-kept")


def test_a_requester_that_shows_another_vector_is_named_and_not_the_converter(land: Land) -> None:
    """Converter 1 would otherwise be blamed for an input that it never had."""
    land.run(land.ask(0))
    place = place_of(last(land, 0))

    async def another(caller: PartyName, message: Disputable) -> DisputableKept:
        kept = await disputable(land.yokohama.office.db, caller, message)
        return replace(kept, blinded=bytes(group.hash_to_group(b"another")))

    with taken_over(land, "yokohama", gateway.DISPUTABLE, another):
        objected(land, 0, place)
    assert verdict_of(land, 0, place) == ("yokohama", "kept")


def test_a_record_keeper_that_shows_another_vector_is_named_and_not_the_converter(land: Land) -> None:
    land.run(land.ask(0, mode=Mode.S0_PLUS))
    place = place_of(last(land, 0))
    office = mailbox_office(land, MAILBOXES[1])

    async def another(caller: PartyName, message: mailbox.FiledAt) -> mailbox.FiledThere:
        there = await reading.filed_at(office, caller, message)
        if there.vectors is None:
            return there
        row = replace(there.vectors, blinded=bytes(group.hash_to_group(b"another")))
        return replace(there, vectors=row)

    with taken_over(land, MAILBOXES[1], mailbox.FILED_AT, another):
        objected(land, 0, place)
    assert verdict_of(land, 0, place) == (MAILBOXES[1], "vectors")


def signed_otherwise(land: Land, there: mailbox.FiledThere, **fields: bytes) -> mailbox.FiledThere:
    """The second record keeper signs something else for the same entries."""
    filed = replace(decode(there.signed.filing, Filing), **fields)
    signed = filings_wire.sign(filed, MAILBOXES[1], land.country.identities[MAILBOXES[1]].signing)
    return replace(there, signed=signed)


def another_filing(land: Land, there: mailbox.FiledThere) -> mailbox.FiledThere:
    """That of its newest entries."""
    db = mailbox_office(land, MAILBOXES[1]).db.read()
    newest = db.execute("SELECT max(first) FROM filing WHERE log = ?", (ORIGIN,)).fetchone()[0]
    filed = keeper_store.filed_at(db, Place(ORIGIN, newest))
    assert filed is not None
    assert filed.first is not None
    return mailbox.FiledThere(filed.signed(MAILBOXES[1]), filed.entries, filed.tags, filed.first)


LIES = {
    "filing": another_filing,
    "filing-mismatch": lambda _, there: replace(there, tags=bytes(len(there.tags))),
    "filings-differ": lambda land, there: signed_otherwise(land, there, request=bytes(32)),
    "points": lambda land, there: signed_otherwise(land, there, points=bytes(32)),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_record_keeper_that_shows_another_filing_is_found(land: Land, lie: str) -> None:
    """Where both have signed, and differ, it is one of the two."""
    land.run(land.ask(0))
    place = place_of(last(land, 0))
    office = mailbox_office(land, MAILBOXES[1])

    async def lying(caller: PartyName, message: mailbox.FiledAt) -> mailbox.FiledThere:
        there = await reading.filed_at(office, caller, message)
        return LIES[lie](land, there) if message.place == place else there

    with taken_over(land, MAILBOXES[1], mailbox.FILED_AT, lying):
        objected(land, 0, place)
    assert verdict_of(land, 0, place) == ("record-keepers" if lie == "filings-differ" else MAILBOXES[1], lie)


def test_a_record_keeper_that_denies_what_it_filed_is_named(land: Land) -> None:
    land.run(land.ask(0))
    place = place_of(last(land, 0))

    async def lost(caller: PartyName, message: mailbox.FiledAt) -> mailbox.FiledThere:
        raise FilingUnknown()

    with taken_over(land, MAILBOXES[0], mailbox.FILED_AT, lost):
        objected(land, 0, place)
    assert verdict_of(land, 0, place) == (MAILBOXES[0], "filing-unknown")


def test_converters_that_name_different_links_are_found(land: Land) -> None:
    """The link's factor is what a conversion is held against, so all must name the same."""
    land.run(land.ask(0))
    place = place_of(last(land, 0))
    office = office_of(land, 2)

    async def another(caller: PartyName, message: Disputed) -> DisputedFound:
        found = await honest_disputed(office, caller, message)
        return replace(found, request=replace(found.request, recipient=str(CHILDREN)))

    with taken_over(land, CONVERTERS[1], converter.DISPUTED, another):
        objected(land, 0, place)
    assert verdict_of(land, 0, place) == ("converters", "different-links")


@pytest.mark.parametrize("mode", [Mode.S0, Mode.S0_PLUS])
@pytest.mark.parametrize("kept", [True, False], ids=["hop records kept", "lost"])
def test_a_converter_that_shows_another_hop_record_than_was_filed_is_found(
    land: Land, mode: Mode, kept: bool
) -> None:
    """It swapped the records, and afterwards shows the auditor the honest record that it never sent. What was filed
    shows the difference; whoever kept the hop records shows whose."""
    misfiled(land, 3, mode)
    place = place_of(last(land, 1))
    office = office_of(land, 3)
    request = store.find_used(office.db.read(), xid_of(last(land, 1)))
    assert request is not None
    seen = store.find_seen(office.db.read(), request[2])
    assert seen is not None
    honest = decode(seen.hop, HopRecord)
    pairs = land.run(honest_outs(land, request[2], honest))
    hop = encode(replace(honest, outs=pairs))
    statement = "UPDATE seen_request SET hop = ? WHERE request = ?"
    land.run(office.db.write(lambda db: db.execute(statement, (hop, request[2]))))
    if not kept:
        forget_hops(land, request[2])
    objected(land, 1, place)
    found = verdict_of(land, 1, place)
    named = (CONVERTERS[2], "equivocation")
    assert found == (named if kept or mode is Mode.S0_PLUS else ("converters", "hops-differ"))


async def honest_outs(land: Land, request: bytes, hop: HopRecord) -> tuple[bytes, ...]:
    """What converter 3 should have put out: its factors on the outputs of converter 2, made out of what was kept."""
    packed = codebook.find_disputable(land.yokohama.office.db.read(), request)
    assert packed is not None
    points = [msgspec.msgpack.decode(packed, type=DisputableKept).blinded] * len(hop.outs)
    for position in (1, 2, 3):
        office = office_of(land, position)
        seen = store.find_seen(office.db.read(), request)
        assert seen is not None
        made = request_factors(office, seen)
        points = [group.mul_each(factor, leg) for factor, leg in zip(made, points, strict=True)]
    return tuple(points_digest(leg) for leg in points)


def forget_hops(land: Land, request: bytes) -> None:
    """The requester broke off before it had the hop records."""
    db = land.yokohama.office.db
    packed = codebook.find_disputable(db.read(), request)
    assert packed is not None
    kept = replace(msgspec.msgpack.decode(packed, type=DisputableKept), hops=[])
    data = msgspec.msgpack.encode(kept)
    land.run(db.write(lambda db: codebook.keep_disputable(db, request, data, 10_000)))


def test_an_exchange_that_was_stopped_is_answered_as_such_once_it_can_go_on_no_more(own: Land) -> None:
    """Filed and logged, and then nothing: nobody released it, so nothing was given out and nothing is explained."""
    requester = own.requester()
    asked = own.run(requester.prepare(own.wish([own.code(CHILDREN, 0)])))
    own.run(requester.convert(asked))
    place = place_of(last(own, 0))
    assert objected(own, 0, place).answer is None
    own.clock.advance(15 * 60)
    answer = stands(own, 0, place).answer
    assert answer is not None
    assert answer.finding is Finding.NOT_RELEASED


# --- the answer stays what it is ------------------------------------------------------------------------------


def doubted(land: Land, j: int, place: Place) -> str:
    """Why what the commission tells is not believed."""
    found = stands(land, j, place)
    assert found.answer is None
    return found.doubt


def changed_answer(land: Land, place: Place, **fields: object) -> None:
    """The commission's operator puts another answer, rightly signed, into its store."""
    office = land.country.auditor._office
    row = office.db.read().execute("SELECT logged FROM audit_objection WHERE place = ?", (encode(place),))
    logged = decode(row.fetchone()[0], Logged)
    answer = encode(replace(decode(logged.answer, Answer), **fields))  # type: ignore[arg-type]
    signature = office.identity.signing.sign("objection-answer", answer)
    data = encode(replace(logged, answer=answer, signature=signature))
    statement = "UPDATE audit_objection SET logged = ? WHERE place = ?"
    land.run(office.db.write(lambda db: db.execute(statement, (data, encode(place)))))


def test_an_answer_that_is_changed_afterwards_is_noticed(land: Land) -> None:
    """Even by the commission itself: its digest stands in the log."""
    misfiled(land, 2, Mode.S0_PLUS)
    place = place_of(last(land, 1))
    objected(land, 1, place)
    changed_answer(land, place, finding=Finding.RIGHT, party="", fault="")
    assert doubted(land, 1, place) == AnswerMismatch.code
    changed_answer(land, place, finding=Finding.FAULT, party=CONVERTERS[1], fault="output")
    assert verdict_of(land, 1, place) == (CONVERTERS[1], "output")


def test_the_answer_to_another_objection_is_noticed(land: Land) -> None:
    places = []
    for _ in range(2):
        land.run(land.ask(2))
        places.append(place_of(last(land, 2)))
        objected(land, 2, places[-1])
    office = land.country.auditor._office
    one, two = places
    select = "SELECT logged FROM audit_objection WHERE place = ?"
    change = "UPDATE audit_objection SET logged = ? WHERE place = ?"
    first, second = (office.db.read().execute(select, (encode(place),)).fetchone()[0] for place in places)
    land.run(office.db.write(lambda db: db.execute(change, (first, encode(two)))))
    assert doubted(land, 2, two) == AnswerMismatch.code
    land.run(office.db.write(lambda db: db.execute(change, (second, encode(two)))))
    assert verdict_of(land, 2, one) == verdict_of(land, 2, two) == ("", "")


def test_a_history_is_read_while_the_commission_is_away(land: Land) -> None:
    land.run(land.ask(0))
    place = place_of(last(land, 0))
    with taken_over(land, COMMISSION, commission_audit.OBJECT, silent):
        objected(land, 0, place)
        assert doubted(land, 0, place) == PartyUnavailable.code
    assert verdict_of(land, 0, place) == ("", "")


def test_a_second_answer_to_one_objection_is_not_logged(land: Land) -> None:
    """The log takes one entry under the tag of an exchange, whatever the commission says later."""
    land.run(land.ask(0))
    row = last(land, 0)
    objected(land, 0, place_of(row))
    office = land.country.auditor._office
    answer = Answer(xid_of(row), place_of(row), Finding.FAULT, "yokohama", "kept", land.clock())
    signed = office.identity.signing.sign("objection-answer", encode(answer))
    entry = entry_of(answer, land.clock())
    shown = encode(evidence(land, 0, place_of(row)))
    place = encode(place_of(row))
    kept = audit_store.Objection(xid_of(row), place, shown, 0, "", encode(answer), signed, entry)
    with pytest.raises(TagConflict):
        land.run(objections._log(office, kept))


# --- crashes --------------------------------------------------------------------------------------------------


def answers(land: Land) -> int:
    return land.run(count_objections(land.country)).answers


def test_a_crash_before_the_log_keeps_verdict_and_answer(own: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found is on disk before anybody hears of it, and is logged as it was found."""
    own.run(own.ask(0))
    place = place_of(last(own, 0))
    own.run(object_to(own.country, ref(0), rows_of(own, 0), place, Reason.NOT_ME))

    async def crash(*_: object) -> None:
        raise RuntimeError("power")

    with monkeypatch.context() as broken:
        broken.setattr(objections, "_log", crash)
        assert doubted(own, 0, place) == InternalFault.code
    office = own.country.auditor._office
    (kept,) = audit_store.open_objections(office.db.read())
    assert (kept.answer is not None, answers(own)) == (True, 0)
    assert [each.kind for each in own.country.auditor.verdicts()] == ["objection"]
    again = own.reopened()
    try:
        again.run(again.country.refresh())
        with taken_over(again, CONVERTERS[0], converter.DISPUTED, silent):
            assert again.run(again.country.auditor.answer_objections()) == []
        answer = stands(again, 0, place).answer
        assert answer is not None
        assert encode(answer) == kept.answer
        assert answers(again) == 1
        assert len(again.country.auditor.verdicts()) == 1
    finally:
        again.close()


def test_a_crash_after_the_log_gives_one_answer(own: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    own.run(own.ask(0))
    place = place_of(last(own, 0))
    own.run(object_to(own.country, ref(0), rows_of(own, 0), place, Reason.NOT_ME))

    def crash(*_: object) -> None:
        raise RuntimeError("power")

    with monkeypatch.context() as broken:
        broken.setattr(audit_store, "set_logged", crash)
        assert doubted(own, 0, place) in (InternalFault.code, StoreFailed.code)
    assert answers(own) == 1
    own.clock.advance(120)
    assert own.run(own.country.auditor.answer_objections()) == []
    assert answers(own) == 1
    assert verdict_of(own, 0, place) == ("", "")


def test_an_objection_that_a_crash_left_open_is_filed_once(own: Land) -> None:
    """The record keepers have filed it, the ledger was away: at the portal's next start the same bytes go again."""
    own.run(own.ask(0))
    row = last(own, 0)

    async def away(caller: PartyName, message: Append) -> None:
        raise PartyUnavailable()

    with ExitStack() as stack:
        for log in LOGS:
            stack.enter_context(taken_over(own, log.ledger, APPEND, away))
        with pytest.raises(PartyUnavailable):
            own.run(own.country.portal.object_to(ref(0), place_of(row), xid_of(row), Reason.NOT_ME))
    assert own.run(count_objections(own.country)).objections == 0
    own.run(own.country.portal.start())
    assert own.run(count_objections(own.country)).objections == 1
    assert verdict_of(own, 0, place_of(row)) == ("", "")


def test_an_objection_of_which_a_record_keeper_has_not_heard_stands_all_the_same(own: Land) -> None:
    """It is in the log; that nobody told the record keepers so must not make room for a second."""
    own.run(own.ask(0))
    row = last(own, 0)

    async def away(caller: PartyName, message: mailbox.Logged) -> None:
        raise PartyUnavailable()

    with (
        taken_over(own, MAILBOXES[0], mailbox.LOGGED, away),
        taken_over(own, MAILBOXES[1], mailbox.LOGGED, away),
        pytest.raises(PartyUnavailable),
    ):
        own.run(own.country.portal.object_to(ref(0), place_of(row), xid_of(row), Reason.NOT_ME))
    with pytest.raises(ObjectionUnfit):
        own.run(own.country.portal.object_to(ref(0), place_of(row), xid_of(row), Reason.NOT_ME))
    assert own.run(count_objections(own.country)).objections == 1


# --- anybody --------------------------------------------------------------------------------------------------


def test_objections_stand_in_the_index_and_answers_do_not(own: Land) -> None:
    own.run(own.ask(0))
    place = place_of(last(own, 0))
    objected(own, 0, place)
    own.run(own.country.index())
    read = own.run(own_history(own.country, ref(0)))
    assert read.complete
    assert {each.confirmed for each in read.confirmed.values()} == {read.verified - 1}
    assert any(row.entry.kind is EntryKind.ANNOTATION for row in read.rows)
    assert [v for v in own.run(own.country.auditor.check_indexes()) if v.fault] == []


def annotation(mask: int, at: int) -> Entry:
    return Entry(EntryKind.ANNOTATION, mask, 408, EntryFlags(0), at, b"C" * 32, b"D" * 32)


def test_anybody_counts_objections_that_are_late() -> None:
    log = {0: annotation(7, 10), 1: annotation(7, 20), 2: annotation(0, 25), 3: annotation(7, 90)}
    assert counted(log, 100, 50) == Counted(3, 1, 1)
    assert counted(log, 100, 95) == Counted(3, 1, 0)


def test_answers_that_nobody_asked_for_are_seen() -> None:
    with pytest.raises(AnswerUnasked) as seen:
        counted(
            {0: annotation(7, 10), 1: annotation(0, 11), 2: annotation(0, 12), 3: annotation(7, 13)}, 100, 50
        )
    assert seen.value.facts == {"index": 2}


def test_neither_portal_nor_commission_is_told_more_than_it_needs(land: Land) -> None:
    """The commission keeps no account, no official, no case, no domain; the portal carries what it cannot open."""
    land.run(land.ask(0))
    row = last(land, 0)
    assert isinstance(row.record, RequestRecord)
    objected(land, 0, place_of(row))
    shown = encode(evidence(land, 0, place_of(row)))
    personal, common = row.record.personal, row.record.common
    secrets = [ref(0), personal.official.encode(), personal.case, common.unit.encode(), row.record.person]
    secrets += [common.requester.encode(), row.record.disclosed, row.record.withheld]
    assert [secret for secret in secrets if secret in shown] == []
    assert personal.xid in shown
