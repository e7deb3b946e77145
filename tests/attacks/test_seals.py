"""O17 and what belongs to it: nothing is withheld from a person without law, longer than the law says, unseen by the
public, or for ever; and before its day nobody is shown whose a sealed entry is.

The law of this country lets the tax row of child allowance be sealed for 30 days; the project's own pack lets nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from attacks.insider import MAILBOXES, keeper_token, log_size, mailbox, rewritten
from attacks.test_erasure import forward
from index_log import NOON, ORIGIN, TODAY, Keeper, PublicLog, made
from kakine.cli import own_objections
from kakine.cli.demo_story import Words, history_lines
from kakine.cli.history import sealings
from kakine.cli.own_history import Read, own_history
from kakine.cli.unsealing import count_seals, seal_lines
from kakine.clients.log import entries_between
from kakine.contracts import mailbox as calls
from kakine.contracts.commission import APPROVE, Approve
from kakine.contracts.ledger import APPEND, Append
from kakine.contracts.mailbox import UNSEAL, AskStanding, Unseal
from kakine.contracts.ministry import PROPOSE, Draft
from kakine.country import CONVERTERS, LEDGER, LOGS
from kakine.country import ORIGIN as LOG
from kakine.parties.mailbox import numbering, partitions, sealed, store, unsealing
from kakine.protocols import records, seals
from kakine.protocols.gazette_diff import widenings
from kakine.protocols.gazette_pack import Pack, SealingEntry
from kakine.protocols.heads import Heads
from kakine.protocols.index_check import audit, check_totals
from kakine.protocols.logs import log_keys
from kakine.protocols.seals import DAY_MS, counted, entry_of, is_overdue, opening_of, tag_of
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    CallerNotAllowed,
    ErasureOutOfOrder,
    FilingMismatch,
    IndexRowsInvalid,
    IndexTotalWrong,
    NotCanonical,
    ObjectionUnfit,
    OpeningMismatch,
    PartyUnavailable,
    Problem,
    RecordMismatch,
    SealNotAllowed,
    UnsealMismatch,
    UnsealRefused,
)
from kakine.wire import filing as filings
from kakine.wire import gazette
from kakine.wire.canonical import decode
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.gazette import Sealing
from kakine.wire.objection import Finding, Reason
from kakine.wire.request import Kind, Payload, Place, PublicPart, RecordPart, ask_digest, public_digest
from kakine.wire.standing import Standing
from road import away
from watched_land import look
from watching import codes

from land import CHILDREN, LOGIN, TAX, TAX_ROW, Land, pack, ref
from land import person as internal

FIRST, SECOND = MAILBOXES
DAYS = 3
LEAVE = SealingEntry(TAX_ROW, 30, "国税通則法第74条の2", "犯則調査のため", "a tax inquiry")
DAY_S = 86_400


def with_leave() -> Pack:
    return replace(pack(), sealings=[LEAVE])


@pytest.fixture
def land(tmp_path: Any) -> Iterator[Land]:
    """Three people, an ordinary exchange about each."""
    with Land.founded(tmp_path / "land", 3, (CHILDREN, TAX, LOGIN), with_leave()) as land:
        land.run(land.country.refresh())
        for j in range(3):
            land.run(land.ask(j))
        yield land


@pytest.fixture
def closed(land: Land) -> Land:
    """And one about person 0 that is withheld for three days; all is indexed."""
    land.run(land.ask(0, seal_days=DAYS))
    land.run(land.country.index())
    return land


@pytest.fixture
def due(closed: Land) -> Land:
    """Its day has come."""
    closed.clock.advance(DAYS * DAY_S)
    closed.run(closed.country.refresh())
    return closed


def read(land: Land, j: int = 0) -> Read:
    return land.run(own_history(land.country, ref(j)))


def entries(land: Land) -> dict[int, Entry]:
    """The public log."""
    law = land.country.book("portal").in_force(land.clock())
    keys = log_keys(law, LOGS)
    size = log_size(land)
    return land.run(entries_between(land.country.peers("portal"), LOGS[0], Heads(), keys, 0, size))


def places(land: Land) -> list[Place]:
    """Of the sealed entries: a request and its outcome."""
    return [Place(LOG, index) for index, entry in sorted(entries(land).items()) if entry.sealed_until]


def unseal(land: Land) -> Mapping[PartyName, list[Place]]:
    return land.run(land.country.unseal())


# --- the entry: anybody can count ------------------------------------------------------------------------------

SEALED = Entry(EntryKind.REQUEST, 7, 408, EntryFlags.SEALED, 29_000_000, b"C" * 32, b"D" * 32, 20_300)


def test_a_sealed_entry_says_until_when_and_no_other_entry_says_anything() -> None:
    whole = SEALED.encode()
    assert Entry.decode(whole) == SEALED
    without_day, without_flag = bytearray(whole), bytearray(whole)
    without_day[12:16] = bytes(4)
    without_flag[7] ^= EntryFlags.SEALED
    for bad in (without_day, without_flag):
        with pytest.raises(NotCanonical):
            Entry.decode(bytes(bad))
    for kind in set(EntryKind) - {EntryKind.REQUEST, EntryKind.OUTCOME}:
        with pytest.raises(NotCanonical):
            replace(SEALED, kind=kind).encode()
        other = bytearray(whole)
        other[1] = kind
        with pytest.raises(NotCanonical):
            Entry.decode(bytes(other))


# --- the law --------------------------------------------------------------------------------------------------


def test_the_founding_law_lets_nothing_be_sealed() -> None:
    assert pack().sealings == []
    assert pack().row_count == 762


def test_leave_to_seal_needs_both_signatures_and_can_be_taken_by_one(land: Land) -> None:
    law = land.country.book("ministry").in_force(land.clock()).gazette
    (leave,) = law.sealings
    without = msgspec.structs.replace(law, sealings=())
    longer, shorter, elsewhere = (
        msgspec.structs.replace(law, sealings=(msgspec.structs.replace(leave, **change),))
        for change in ({"days": 31}, {"days": 29}, {"article": "別の条"})
    )
    assert widenings(without, law)
    assert widenings(law, longer)
    assert widenings(law, elsewhere)
    assert not widenings(law, without)
    assert not widenings(law, shorter)


def test_leave_to_seal_takes_effect_after_the_waiting_time_and_not_before(tmp_path: Any) -> None:
    """As docs/howto/withhold-for-a-time.md says: everybody can read it for 14 days."""
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX)) as plain:
        country, day = plain.country, DAY_MS
        law = country.book("ministry").in_force(plain.clock()).gazette
        leave = Sealing(LEAVE.id, LEAVE.days, LEAVE.article, LEAVE.ja, LEAVE.en)
        changed = gazette.encode(msgspec.structs.replace(law, sealings=(leave,)))
        draft = Draft(changed, plain.clock() + 15 * day, "調査のため", "for inquiries")
        ministry, commission = PartyName("ministry"), PartyName("commission")
        proposed = plain.run(country.peers(ministry).ask(ministry, PROPOSE, draft))
        plain.run(country.peers(commission).ask(commission, APPROVE, Approve(proposed.digest)))
        for days, lawful in ((0, False), (14, False), (2, True)):
            plain.clock.advance(days * DAY_S)
            plain.run(country.refresh())
            if lawful:
                plain.run(plain.ask(0, seal_days=1))
            else:
                with pytest.raises(SealNotAllowed):
                    plain.run(plain.requester().convert(sealed_request(plain, 1)))
        assert len(places(plain)) == 2


def sealed_request(land: Land, days: int = DAYS, people: int = 1, **public: Any) -> Any:
    """What a requester with software of its own sends: no look at the law before."""
    codes = [land.code(CHILDREN, j) for j in range(people)]
    until = land.clock() // DAY_MS + days
    prepared = land.run(land.requester().prepare(land.wish(codes)))
    return rewritten(land, prepared, public={"sealed_until": until, **public})


@pytest.mark.parametrize(("days", "what"), [(31, "days"), (0, "days"), (-1, "days")])
def test_a_seal_longer_than_the_law_says_or_of_no_length_is_refused_by_converters(
    land: Land, days: int, what: str
) -> None:
    size = log_size(land)
    with pytest.raises(SealNotAllowed) as refused:
        land.run(land.requester().convert(sealed_request(land, days)))
    assert refused.value.facts["what"] == what
    assert log_size(land) == size


def test_a_seal_under_a_row_without_leave_is_refused_by_converters(tmp_path: Any) -> None:
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX)) as plain:
        with pytest.raises(SealNotAllowed) as refused:
            plain.run(plain.requester().convert(sealed_request(plain, 1)))
        assert refused.value.facts["what"] == "row"
        with pytest.raises(SealNotAllowed):
            plain.run(plain.ask(0, seal_days=1))


def test_a_seal_is_about_one_person_by_the_converters_and_by_the_record_keepers(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SealNotAllowed) as refused:
        land.run(land.requester().convert(sealed_request(land, people=2)))
    assert refused.value.facts == {"what": "people", "people": 2}
    for name in CONVERTERS:  # all three of them ask the law no more
        law = land.country.book(name).in_force(land.clock())
        monkeypatch.setattr(law, "permit_seal", lambda *_: None)
    with pytest.raises(SealNotAllowed) as refused:
        land.run(land.requester().convert(sealed_request(land, people=2)))
    assert refused.value.facts == {"what": "people"}


def test_nothing_but_an_exchange_is_sealed(land: Land) -> None:
    """The issue of a code leaves an entry of the same kind as an exchange."""
    for kind in (Kind.ISSUE, Kind.RETIRE):
        prepared = land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 0)])))
        until = land.clock() // DAY_MS + 1
        ground = {"ground": kind.name, "rows": (), "sealed_until": until}
        asked = rewritten(land, prepared, public=ground, record={"kind": kind})
        with pytest.raises(Problem):
            land.run(land.requester().convert(asked))
    law = land.country.book("converter-1").in_force(land.clock())
    with pytest.raises(SealNotAllowed):
        law.permit_seal((), 1, land.clock(), land.clock() // DAY_MS + 1)


def test_an_entry_that_is_sealed_without_a_word_to_the_converters_is_refused(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would stand in the log, withheld, before gate 1 finds that the record says something else."""
    head, until = records.entry_head, land.clock() // DAY_MS + 5
    with monkeypatch.context() as patch:
        patch.setattr(records, "entry_head", lambda kind, time_ms, _: head(kind, time_ms, until))
        prepared = land.run(land.requester().prepare(land.wish([land.code(CHILDREN, 0)])))
    assert Entry.decode(prepared.entries).sealed_until == until
    with pytest.raises(OpeningMismatch) as refused:
        land.run(land.requester().convert(prepared))
    assert refused.value.facts == {"part": "seal"}


def lying_about_the_seal(land: Land, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A request whose record says that it was never sealed."""
    common = records.request_common

    def unsealed(*given: Any) -> Any:
        return msgspec.structs.replace(common(*given), seal=0)

    with monkeypatch.context() as patch:
        patch.setattr(records, "request_common", unsealed)
        return sealed_request(land)


def test_a_record_that_says_another_seal_than_its_entry_is_refused_at_both_gates(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, asker = lying_about_the_seal(land, monkeypatch), land.requester()
    converted = land.run(asker.convert(prepared))
    with pytest.raises(OpeningMismatch):
        land.run(asker.release(prepared, converted))
    public = decode(prepared.public, PublicPart)
    with pytest.raises(RecordMismatch):
        records.check_request_batch(
            prepared.entries,
            prepared.tags,
            public,
            Kind.EXCHANGE,
            decode(prepared.payload, Payload),
            records_ask(prepared),
            land.yokohama.office.months,
        )


def records_ask(prepared: Any) -> bytes:
    record = decode(prepared.record, RecordPart)
    return ask_digest(public_digest(prepared.public), record.batch, record.blinded)


def test_converters_that_all_let_a_seal_pass_are_stopped_by_the_provider(tmp_path: Any) -> None:
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX)) as plain:
        leave = Sealing(LEAVE.id, LEAVE.days, LEAVE.article, LEAVE.ja, LEAVE.en)
        for name in CONVERTERS:
            law = plain.country.book(name).in_force(plain.clock())
            law._sealings = {leave.id: leave}
        asker, prepared = plain.requester(), sealed_request(plain)
        converted = plain.run(asker.convert(prepared))
        released = plain.run(asker.release(prepared, converted))
        with pytest.raises(SealNotAllowed):
            plain.run(asker.deliver(prepared, converted, released))


def test_sealed_questions_of_one_moment_do_not_share_a_request(land: Land) -> None:
    async def three() -> list[Any]:
        return await asyncio.gather(*(land.ask(j, seal_days=DAYS) for j in range(3)))

    assert len(land.run(three())) == 3
    assert len(places(land)) == 6


def test_an_outcome_that_is_sealed_otherwise_than_its_request_is_refused(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would show the request before its day."""
    head = records.entry_head

    def bare(kind: EntryKind, time_ms: int, until: int) -> bytes:
        return head(kind, time_ms, 0 if kind is EntryKind.OUTCOME else until)

    monkeypatch.setattr(records, "entry_head", bare)
    with pytest.raises(BatchMalformed):
        land.run(land.ask(0, seal_days=DAYS))


# --- before the day -------------------------------------------------------------------------------------------


def test_before_the_day_a_person_with_a_sealed_entry_reads_what_one_without_reads(closed: Land) -> None:
    """Number of rows, heads, indexes, and the number of sealed entries, which is that of the country."""
    with_seal, without = read(closed, 0), read(closed, 1)
    assert with_seal.complete
    assert without.complete
    for name in ("signed", "verified", "provisional", "sealed"):
        assert getattr(with_seal, name) == getattr(without, name)
    assert with_seal.sealed == 2
    assert [line.sealed_until for line in with_seal.lines] == [0] * len(with_seal.lines)
    assert [each.confirmed for each in with_seal.confirmed.values()] == [
        each.confirmed for each in without.confirmed.values()
    ]


def test_what_a_reader_is_sent_has_one_length_with_and_without_a_sealed_entry(closed: Land) -> None:
    """Of the indexes, which nobody between record keeper and person can open, the length is all there is to see."""
    given = [
        closed.run(
            closed.country.portal.read_history(ref(j), closed.country.identities[FIRST].opening.public)
        )
        for j in (0, 1)
    ]
    one, other = ([(len(each.rows), len(each.indexed)) for each in history.histories] for history in given)
    rows = [[count for count, _ in each] for each in (one, other)]
    assert rows[0] == rows[1]
    for (_, ours), (_, theirs) in zip(one, other, strict=True):
        assert abs(ours - theirs) < 200  # a proof of absence, or none: never a row more
    assert [len(shares) for shares in given[0].shares] == [len(shares) for shares in given[1].shares]


def test_nobody_finds_out_by_an_objection_whose_a_sealed_entry_is(closed: Land) -> None:
    """The portal tries it for two accounts. One of them is the right one."""
    said = []
    for j in (0, 1):
        with pytest.raises(ObjectionUnfit) as refused:
            closed.run(closed.country.portal.object_to(ref(j), places(closed)[0], bytes(16), Reason.NOT_ME))
        said.append(refused.value.facts)
    assert said[0] == said[1] == {"what": "place"}


def refused_for(land: Land, place: Place, entry: bytes) -> object:
    """For what one record keeper does not sign when the other asks it to open a place by this entry."""
    with pytest.raises(UnsealRefused) as refused:
        land.run(land.country.peers(FIRST).ask(SECOND, UNSEAL, Unseal(place, entry)))
    return refused.value.facts["what"]


def test_a_record_keeper_opens_nothing_before_its_day(closed: Land) -> None:
    assert unseal(closed) == {FIRST: [], SECOND: []}
    place = places(closed)[0]
    for moved in (0, DAYS * DAY_S - DAY_S):
        closed.clock.advance(moved)
        assert refused_for(closed, place, entry_of(place, closed.clock())) == "date"


def test_one_record_keeper_alone_cannot_open_an_entry(closed: Land) -> None:
    """Its own filing is not enough for the ledger, and nobody but a record keeper asks the other."""
    place, office = places(closed)[0], mailbox(closed, FIRST)
    entry, tag, zero = entry_of(place, closed.clock()), tag_of(place), bytes(32)
    made_ = filings.filing_of(request=zero, points=zero, entries=entry, tags=tag, hops=zero, minutes=1)
    alone = [filings.sign(made_, FIRST, office.identity.signing)]
    with pytest.raises(FilingMismatch):
        closed.run(closed.country.peers(FIRST).ask(LEDGER, APPEND, Append(entry, tag, alone)))
    with pytest.raises(CallerNotAllowed):
        closed.run(closed.country.peers("converter-1").ask(SECOND, UNSEAL, Unseal(place, entry)))


def test_a_place_that_is_not_sealed_is_not_opened(due: Land) -> None:
    bare = next(index for index, each in entries(due).items() if each.kind is EntryKind.OUTCOME)
    for place in (Place(LOG, bare), Place(LOG, 10**6), Place(LOGS[1].origin, places(due)[0].index)):
        assert refused_for(due, place, entry_of(place, due.clock())) == "place"


def test_a_record_keeper_signs_for_no_other_entry_than_the_one_that_opens(due: Land) -> None:
    place, other = places(due)
    right = entry_of(place, due.clock())
    early, late = (entry_of(place, due.clock() + by * 60_000) for by in (-4, 4))
    marked = right[:3] + b"\7" + right[4:]
    for entry in (entry_of(other, due.clock()), early, late, marked):
        assert refused_for(due, place, entry) == "entry"


# --- the index and the public count -----------------------------------------------------------------------------


def a_log(until: int = TODAY + 3) -> PublicLog:
    """A request and an outcome of two people each; those of person 1 are sealed."""
    log = PublicLog()
    for number in range(4):
        kind = EntryKind.OUTCOME if number % 2 else EntryKind.REQUEST
        log.add(made(number, kind, NOON, until=until if number >= 2 else 0), number // 2)
    return log


def test_an_index_counts_what_is_sealed_and_has_it_in_no_list() -> None:
    log = a_log()
    honest = Keeper("one", log)
    root = honest.index_to(4)
    assert (root.total, root.sealed) == (2, 2)
    check_totals(root, log.entries)
    audit(root, honest.opened(), log.entries)


def test_an_entry_that_is_left_out_by_calling_it_sealed_is_missed_by_anybody() -> None:
    log = a_log()
    liar = Keeper("one", log)
    del liar.owners[1]
    root = liar.index_to(4)
    lying = msgspec.structs.replace(root, sealed=3)
    for each in (root, lying):
        with pytest.raises(IndexTotalWrong):
            check_totals(each, log.entries)


@pytest.mark.parametrize("stated", [0, 1, 3])
def test_a_wrong_number_of_sealed_entries_is_seen_by_anybody(stated: int) -> None:
    log = a_log()
    root = Keeper("one", log).index_to(4)
    wrong = msgspec.structs.replace(root, sealed=stated)
    with pytest.raises(IndexTotalWrong) as found:
        check_totals(wrong, log.entries)
    assert found.value.facts == {"part": "sealed", "index": stated, "log": 2}


def test_a_sealed_entry_that_stands_in_a_list_is_seen_by_anybody_and_by_the_auditor() -> None:
    log = a_log()
    liar = Keeper("one", log)
    liar.owners[2] = 1
    root = liar.index_to(4)
    with pytest.raises(IndexTotalWrong):
        check_totals(msgspec.structs.replace(root, sealed=1), log.entries)
    swapped = Keeper("two", log)
    del swapped.owners[1]
    swapped.owners[2] = 0
    root = swapped.index_to(4)
    check_totals(root, log.entries)
    with pytest.raises(IndexRowsInvalid):
        audit(root, swapped.opened(), log.entries)


def test_the_commission_finds_both_indexes_right_and_counts_the_seals(closed: Land) -> None:
    closed.run(closed.country.auditor.check_indexes())
    assert {verdict.fault for verdict in closed.country.auditor.verdicts("index")} == {""}
    found = closed.run(count_seals(closed.country))
    assert [each.kind for each in found.every] == [EntryKind.REQUEST, EntryKind.OUTCOME]
    assert len(found.closed) == 2
    assert not found.overdue(closed.clock())


def test_a_record_keeper_answers_for_sealed_entries_like_for_others(closed: Land) -> None:
    """Its public word counts them as held: a lost one would be missed."""
    end = log_size(closed)
    log = entries(closed)
    for name in MAILBOXES:
        given = closed.run(
            closed.country.peers("portal").ask(
                PartyName(name), calls.STANDING, AskStanding(LOG, 0, end, 600_000)
            )
        )
        said = decode(given.statement, Standing)
        kinds = [each.kind for each in log.values()]
        assert said.counts[:2] == (kinds.count(EntryKind.REQUEST), kinds.count(EntryKind.OUTCOME))


# --- O17: past the day ------------------------------------------------------------------------------------------


def test_o17_a_seal_that_is_not_opened_on_its_day_is_a_public_alarm(due: Land) -> None:
    found, now_ms = due.run(count_seals(due.country)), due.clock()
    assert not found.overdue(now_ms)  # the record keepers have all of the day
    due.clock.advance(DAY_S)
    found, now_ms = due.run(count_seals(due.country)), due.clock()
    assert [each.place for each in found.overdue(now_ms)] == places(due)
    assert any("overdue: " in line for line in seal_lines(found, now_ms))
    unseal(due)
    found, now_ms = due.run(count_seals(due.country)), due.clock()
    assert not found.overdue(now_ms)
    assert not found.closed
    assert not found.stray
    assert len(found.every) == 2


def test_o17_a_monitor_names_a_seal_past_its_day_and_finds_nothing_else(due: Land, tmp_path: Any) -> None:
    """Out of the log alone, in a look that goes on from an earlier one; sealed entries are missed in no index."""
    due.run(due.country.index())
    assert codes(look(due, tmp_path)) == []
    due.clock.advance(DAY_S)
    due.run(due.country.refresh())
    late = look(due, tmp_path)
    assert codes(late) == ["seal-overdue"]
    assert [(each.facts["log"], each.facts["index"]) for each in late.findings] == [
        (place.log, place.index) for place in places(due)
    ]
    unseal(due)
    due.run(due.country.index())
    assert codes(look(due, tmp_path)) == []


def test_o17_the_day_counts_and_not_the_hour() -> None:
    log = a_log(until=TODAY)
    seals_ = counted([(ORIGIN, log.entries)])
    assert not seals_.overdue((TODAY + 1) * DAY_MS - 1)
    assert len(seals_.overdue((TODAY + 1) * DAY_MS)) == 2
    assert is_overdue(TODAY, (TODAY + 1) * DAY_MS)


def test_o17_an_entry_that_opens_another_place_opens_nothing() -> None:
    log = a_log(until=TODAY)
    at = log.add(Entry.decode(entry_of(Place(ORIGIN, 1), NOON * 60_000)))
    elsewhere = log.add(Entry.decode(entry_of(Place("other", 2), NOON * 60_000)))
    found = counted([(ORIGIN, log.entries)])
    assert found.stray == (Place(ORIGIN, at), Place(ORIGIN, elsewhere))
    assert len(found.closed) == 2


def test_o17_an_entry_that_opens_before_the_day_or_a_second_time_is_seen_by_anybody() -> None:
    """Both record keepers together can do it; they cannot do it unseen."""
    log = a_log(until=TODAY + 1)
    early = log.add(Entry.decode(entry_of(Place(ORIGIN, 2), NOON * 60_000)))
    found = counted([(ORIGIN, log.entries)])
    assert found.stray == (Place(ORIGIN, early),)
    assert len(found.closed) == 2
    log = a_log(until=TODAY)
    log.add(Entry.decode(entry_of(Place(ORIGIN, 2), NOON * 60_000)))
    again = log.add(Entry.decode(entry_of(Place(ORIGIN, 2), (NOON + 1) * 60_000)))
    found = counted([(ORIGIN, log.entries)])
    assert found.stray == (Place(ORIGIN, again),)
    assert [each.place.index for each in found.closed] == [3]


# --- on the day -------------------------------------------------------------------------------------------------


def test_on_its_day_the_person_reads_it_and_why_and_the_history_is_complete(due: Land) -> None:
    before = read(due)
    opened = unseal(due)
    assert opened == {FIRST: places(due), SECOND: []}
    due.run(due.country.index())
    seen = read(due)
    assert seen.complete
    assert seen.verified == before.verified + 2 + 2 + 1  # what was sealed, what opens it, and this view
    assert seen.provisional == 1
    assert {each.confirmed for each in seen.confirmed.values()} == {seen.verified - 1}
    (line,) = [each for each in seen.lines if each.sealed_until]
    assert line.result == "delivered"
    words = Words(due.country.site.pack, sealings(due.country))
    said = list(history_lines([line], words))
    assert any("示されていませんでした" in each and LEAVE.article in each for each in said)
    assert any("withheld from you until" in each and LEAVE.en in each for each in said)
    due.run(due.country.auditor.check_indexes())
    assert {verdict.fault for verdict in due.country.auditor.verdicts("index")} == {""}
    assert read(due, 1).complete


def test_between_the_opening_and_the_next_index_what_was_withheld_is_provisional(due: Land) -> None:
    unseal(due)
    seen = read(due)
    assert seen.complete
    assert seen.provisional == 4 + 1  # both, what opens them, and the view itself


def test_an_entry_is_opened_once(due: Land) -> None:
    unseal(due)
    size = log_size(due)
    due.clock.advance(600)
    assert unseal(due) == {FIRST: [], SECOND: []}
    assert log_size(due) == size
    place = places(due)[0]
    assert refused_for(due, place, entry_of(place, due.clock())) == "opened"


def test_two_record_keepers_that_begin_at_once_open_it_once(due: Land) -> None:
    async def both() -> list[Any]:
        keepers = due.country.mailboxes.values()
        return await asyncio.gather(*(keeper.unseal() for keeper in keepers))

    due.run(both())
    kinds = [entry.kind for entry in entries(due).values()]
    assert kinds.count(EntryKind.UNSEAL) == 2
    due.run(due.country.index())
    assert read(due).complete


def test_two_that_have_signed_for_different_minutes_open_it_once(due: Land) -> None:
    """Each has begun alone and signed for its own minute. The ledger takes one entry for a place."""
    for name in MAILBOXES:
        office = mailbox(due, name)
        for place in places(due):
            due.run(unsealing._filed(office, place, entry_of(place, due.clock())))
        due.clock.advance(60)
    unseal(due)
    kinds = [entry.kind for entry in entries(due).values()]
    assert kinds.count(EntryKind.UNSEAL) == 2
    due.run(due.country.index())
    assert read(due).complete
    assert unseal(due) == {FIRST: [], SECOND: []}


def test_one_that_was_alone_for_a_while_opens_all_once_the_other_is_back(due: Land) -> None:
    """What it would have signed for an hour ago, nobody signs for any more."""
    with away(due.country, SECOND), pytest.raises(PartyUnavailable):
        due.run(due.country.mailboxes[FIRST].unseal())
    due.clock.advance(3600)
    assert len(due.run(due.country.mailboxes[FIRST].unseal())) == 2
    assert read(due).complete


def test_the_other_record_keeper_may_begin_when_the_first_does_not(due: Land) -> None:
    assert len(due.run(due.country.mailboxes[SECOND].unseal())) == 2
    due.run(due.country.index())
    assert read(due).complete


def test_nothing_is_opened_while_a_record_keeper_is_away_and_all_is_once_it_is_back(due: Land) -> None:
    with away(due.country, SECOND), pytest.raises(PartyUnavailable):
        due.run(due.country.mailboxes[FIRST].unseal())
    assert not any(entry.kind is EntryKind.UNSEAL for entry in entries(due).values())
    unseal(due)
    assert read(due).complete


def test_a_crash_between_intent_and_log_loses_nothing(due: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise PartyUnavailable()

    with monkeypatch.context() as patch:
        patch.setattr(unsealing, "append", broken)
        with pytest.raises(PartyUnavailable):
            due.run(due.country.mailboxes[FIRST].unseal())
    again = due.reopened()
    try:
        again.run(again.country.refresh())
        again.clock.advance(3600)  # the entry that was kept is of an hour ago
        assert len(again.run(again.country.mailboxes[FIRST].unseal())) == 2
        again.run(again.country.index())
        seen = read(again)
        assert seen.complete
        assert sum(each.sealed_until > 0 for each in seen.lines) == 1
    finally:
        again.close()


class Crash(Exception):
    """The process ends here."""


def test_a_lost_answer_of_the_log_is_found_in_the_log(due: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = unsealing.append

    async def lost(*given: Any, **named: Any) -> Any:
        await honest(*given, **named)
        raise PartyUnavailable()

    monkeypatch.setattr(unsealing, "append", lost)
    unseal(due)
    assert read(due).complete
    kinds = [entry.kind for entry in entries(due).values()]
    assert kinds.count(EntryKind.UNSEAL) == 2


def test_a_crash_before_the_answer_of_the_log_keeps_nothing_from_the_person(
    due: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is in the log, and the record keeper that began stops before it hears so. The other was never told."""
    honest = unsealing.append

    async def crash(*given: Any, **named: Any) -> Any:
        await honest(*given, **named)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(unsealing, "append", crash)
        with pytest.raises(Crash):
            due.run(due.country.mailboxes[FIRST].unseal())
    again = due.reopened()
    try:
        again.run(again.country.refresh())
        seen = read(again)  # nobody has called for it again
        assert sum(each.sealed_until > 0 for each in seen.lines) == 1
        assert seen.complete
        assert not seen.hidden
    finally:
        again.close()


def test_what_was_withheld_can_be_objected_to_once_it_is_shown(due: Land) -> None:
    unseal(due)
    seen = read(due)
    (place,) = [line.place for line in seen.lines if line.sealed_until]
    due.run(own_objections.object_to(due.country, ref(0), seen.rows, place, Reason.NOT_ME))
    stands = due.run(own_objections.disputes(due.country, read(due).rows))[place]
    assert stands.answer is not None
    assert stands.answer.finding is Finding.RIGHT


def test_a_sealed_entry_follows_its_person_to_a_new_code(closed: Land) -> None:
    closed.run(closed.country.registry.codes.rekey_person(internal(0), [CHILDREN, TAX, LOGIN]))
    closed.clock.advance(DAYS * DAY_S)
    closed.run(closed.country.refresh())
    unseal(closed)
    closed.run(closed.country.index())
    seen = read(closed)
    assert seen.complete
    assert sum(each.sealed_until > 0 for each in seen.lines) == 1


# --- record keepers that lie --------------------------------------------------------------------------------------


def number_of(land: Land, j: int, name: str) -> int:
    found = store.find_code(mailbox(land, name).db.read(), keeper_token(land, j, name))
    assert found is not None
    return found[0]


def show_early(land: Land, name: str) -> None:
    """A record keeper numbers a sealed row before its day, so that its own list fits count and head."""
    office = mailbox(land, name)

    def work(db: Any) -> None:
        place = places_[0]
        row = sealed.find(db, opening_of(place))
        assert row is not None
        person = number_of(land, 0, name)
        lists = numbering._Lists(db, [person])
        numbering._open(db, lists, person, opening_of(place))
        lists.keep()

    places_ = places(land)
    land.run(office.db.write(work))


def test_a_sealed_entry_that_is_shown_before_its_day_is_not_taken_for_complete(closed: Land) -> None:
    show_early(closed, FIRST)
    seen = read(closed)
    assert set(seen.doubts.values()) == {"unseal-mismatch"}
    assert not seen.complete
    assert set(seen.hidden) == {SECOND}


def test_what_was_opened_and_is_hidden_by_one_record_keeper_is_shown_by_the_other(due: Land) -> None:
    """The hider lists what opens it, and not the entry itself."""
    with monkey(numbering, "_open", lambda *_: None, only=FIRST, land=due):
        due.run(due.country.mailboxes[FIRST].unseal())
    seen = read(due)
    assert set(seen.hidden) == {FIRST}
    assert not seen.complete
    assert sum(each.sealed_until > 0 for each in seen.lines) == 1


@contextmanager
def monkey(module: Any, name: str, value: Any, only: str, land: Land) -> Iterator[None]:
    """`module.name` is another in what one record keeper does."""
    with pytest.MonkeyPatch.context() as patch:
        honest = getattr(module, name)
        tables = mailbox(land, only).db

        def either(db: Any, *given: Any) -> Any:
            path = db.execute("PRAGMA database_list").fetchone()[2]
            own = tables.read().execute("PRAGMA database_list").fetchone()[2]
            return value(db, *given) if path == own else honest(db, *given)

        patch.setattr(module, name, either)
        yield


def test_what_both_record_keepers_open_and_hide_is_missed_by_the_reader(
    due: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "_open", lambda *_: None)
    unseal(due)
    due.run(due.country.index())
    seen = read(due)
    assert set(seen.doubts.values()) == {"unseal-mismatch"}
    assert not seen.complete


def test_a_record_keeper_that_signs_for_an_early_entry_needs_the_other(closed: Land) -> None:
    """The first has put its own clock ahead; the second's is right."""
    office = mailbox(closed, FIRST)
    honest = office.clock
    office.clock = lambda: honest() + DAYS * DAY_MS
    try:
        with pytest.raises(UnsealRefused) as refused:
            closed.run(closed.country.mailboxes[FIRST].unseal())
        assert refused.value.facts == {"what": "date"}
    finally:
        office.clock = honest
    assert not any(entry.kind is EntryKind.UNSEAL for entry in entries(closed).values())


# --- the reader's own check -----------------------------------------------------------------------------------------


def rows(log: PublicLog, *indexes: int) -> dict[tuple[str, int], Entry]:
    return {(ORIGIN, index): log.entries[index] for index in indexes}


def test_the_reader_takes_no_sealed_row_without_its_opening_and_no_opening_without_its_row() -> None:
    log = a_log(until=TODAY)
    opening = log.add(Entry.decode(entry_of(Place(ORIGIN, 2), NOON * 60_000)))
    assert seals.check_opened(rows(log, 0, 2, opening)) == {(ORIGIN, 2): [(ORIGIN, opening)]}
    for shown, part in ((rows(log, 0, 2), "unopened"), (rows(log, 0, opening), "nothing")):
        with pytest.raises(UnsealMismatch) as found:
            seals.check_opened(shown)
        assert found.value.facts["part"] == part
    late = a_log(until=TODAY + 1)
    opening = late.add(Entry.decode(entry_of(Place(ORIGIN, 2), NOON * 60_000)))
    with pytest.raises(UnsealMismatch) as found:
        seals.check_opened(rows(late, 2, opening))
    assert found.value.facts["part"] == "early"


# --- erasure ------------------------------------------------------------------------------------------------------


def test_nothing_is_erased_that_its_person_has_never_been_shown(closed: Land) -> None:
    """Record keepers that never open are named by the alarm, and the month stays as it is."""
    forward(closed)
    with pytest.raises(ErasureOutOfOrder) as refused:
        closed.run(closed.country.commission.retain())
    assert refused.value.facts["part"] == "sealed"
    held = mailbox(closed, FIRST).db.read()
    place = places(closed)[0]
    row = sealed.find(held, opening_of(place))
    assert row is not None
    month = entries(closed)[place.index].expiry_months
    assert partitions.find(held, month, row.filing, row.position) is not None


def test_what_was_opened_is_erased_with_its_month_and_the_opening_stays(due: Land) -> None:
    unseal(due)
    due.run(due.country.index())
    forward(due)
    done = due.run(due.country.retain())
    assert sum(tally.count for order in done.months for tally in order.counts) > 0
    due.run(due.country.index())
    seen = read(due)
    assert seen.complete
    assert any(row.entry.sealed_until for row in seen.erased)
    opening = next(entry for entry in entries(due).values() if entry.kind is EntryKind.UNSEAL)
    assert opening.expiry_months == 0xFFFF


def test_a_hold_keeps_a_sealed_record_and_no_opening(due: Land) -> None:
    (first, _) = places(due)
    due.run(due.country.commission.hold(LOGS[0], [first.index], "court-order"))
    unseal(due)
    seen = read(due)
    assert seen.held == {first: ["court-order"]}
