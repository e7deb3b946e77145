"""G6 in a running country: no single record keeper can show a person less than there is, and claim that it is all.

Each test lets the second record keeper lie with its own keys and its own store; who notices is in the name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from attacks.insider import MAILBOXES, alone, keeper_token, log_size, mailbox, taken_over
from attacks.test_a17_dropped_rows_are_missed import all_lying
from kakine.cli.own_history import Read, own_history
from kakine.contracts import mailbox as calls
from kakine.contracts.ledger import APPEND, Append
from kakine.contracts.mailbox import IndexRowsAsked, IndexRowsGiven
from kakine.country import LEDGER, ORIGIN
from kakine.parties.commission import audit_store
from kakine.parties.mailbox import indexing, store
from kakine.protocols.index_check import entry_of, log_tag
from kakine.values.labels import PartyName
from kakine.values.problems import FilingMismatch, IndexTotalWrong
from kakine.wire import filing as filings
from kakine.wire.canonical import decode, encode
from kakine.wire.history import GENESIS, chained
from kakine.wire.index import IndexRoot, OpenedRow, RootShown

from land import CHILDREN, KOSEKI, LOGIN, TAX, Land, ref
from land import person as internal

SECOND = MAILBOXES[1]


@pytest.fixture
def indexed(tmp_path: Any) -> Iterator[Land]:
    """Three people, exchanges about each, and an index of both record keepers over all of them."""
    with Land.founded(tmp_path / "land", people=3, domains=(CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        for j in (0, 1, 2, 0):
            land.run(land.ask(j))
        land.run(land.country.index())
        yield land


def read(land: Land, j: int = 0) -> Read:
    return land.run(own_history(land.country, ref(j)))


def person(land: Land, j: int, name: str = SECOND) -> int:
    """The number of person j's list at a record keeper."""
    found = store.find_code(mailbox(land, name).db.read(), keeper_token(land, j, name))
    assert found is not None
    return found[0]


def changed(land: Land, statement: str, *values: object, name: str = SECOND) -> None:
    """The operator of a record keeper changes its own store."""
    office = mailbox(land, name)

    def work(db: Any) -> None:
        db.execute("PRAGMA defer_foreign_keys = ON")
        assert db.execute(statement, values).rowcount == 1

    land.run(office.db.write(work))
    office.indexes.clear()


def test_an_honest_history_is_complete_and_confirmed_by_both(indexed: Land) -> None:
    """All but the view itself, which is later than the index."""
    for j in range(3):
        seen = read(indexed, j)
        assert seen.complete
        assert set(seen.confirmed) == set(MAILBOXES)
        assert {each.confirmed for each in seen.confirmed.values()} == {seen.verified - 1}
        assert seen.provisional == 1


def test_a_history_goes_on_being_complete_over_many_indexes(indexed: Land) -> None:
    for _ in range(3):
        indexed.clock.advance(3600 * 9)
        indexed.run(indexed.ask(0))
        indexed.run(indexed.country.index())
    seen = read(indexed)
    assert seen.complete
    assert {each.confirmed for each in seen.confirmed.values()} == {seen.verified - 1}
    assert read(indexed, 1).complete


def test_a_person_with_a_new_code_reads_one_complete_history(indexed: Land) -> None:
    """Rows that were indexed under the waiting code's own key stay provable after the lists are one."""
    codes = indexed.country.registry.codes
    indexed.run(codes.rekey_person(internal(0), [CHILDREN, TAX, KOSEKI, LOGIN]))
    indexed.run(indexed.country.index())
    seen = read(indexed)
    assert seen.complete
    assert {each.confirmed for each in seen.confirmed.values()} == {seen.verified - 1}


def last_place(land: Land, j: int) -> tuple[int, bytes, int]:
    """(number, filing, position) of the last indexed row of person j at the second record keeper."""
    row = (
        mailbox(land, SECOND)
        .db.read()
        .execute(
            "SELECT number, filing, position FROM place WHERE list = ? ORDER BY number DESC LIMIT 1",
            (person(land, j),),
        )
    )
    number, filing, position = row.fetchone()
    return number, filing, position


def hide_last_row(land: Land, j: int) -> None:
    """Out of the list, and out of count and head, so that the signed statement fits what is left."""
    number, _, _ = last_place(land, j)
    office, who = mailbox(land, SECOND), person(land, j)
    changed(land, "DELETE FROM place WHERE list = ? AND number = ?", who, number)
    rows = store.rows_of_list(office.db.read(), who)
    head = GENESIS
    for filing, position, _ in rows:
        filed = store.find_filing(office.db.read(), filing)
        assert filed is not None
        head = chained(head, filed.entries[position * 80 : position * 80 + 80])
    changed(land, "UPDATE list SET count = ?, head = ? WHERE id = ?", len(rows), head, who)


def test_a_row_hidden_by_one_record_keeper_is_shown_by_the_other_and_the_hider_is_named(
    indexed: Land,
) -> None:
    before = read(indexed)
    hide_last_row(indexed, 0)
    seen = read(indexed)
    assert not seen.complete
    assert set(seen.hidden) == {SECOND}
    assert len(seen.hidden[SECOND]) == 1
    assert seen.verified == before.verified + 1  # all, and the view of this reading


def test_a_row_that_all_record_keepers_hide_once_it_is_indexed_is_missed_by_the_reader(
    indexed: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first visit: both lists agree, and what is shown of the indexes leaves the row out too; the signed number
    does not."""
    places = indexing._places
    monkeypatch.setattr(indexing, "_places", lambda *asked: places(*asked)[:-1])
    with all_lying(indexed, lambda rows: [*rows[:-2], rows[-1]]):
        seen = read(indexed)
    assert seen.hidden == {}
    assert seen.doubts == dict.fromkeys(MAILBOXES, "index-row-hidden")
    assert not seen.complete


def test_a_row_taken_out_of_an_index_is_missed_by_the_reader(indexed: Land) -> None:
    """The index was signed with it: no proof fits any more."""
    who = person(indexed, 0)
    changed(indexed, "DELETE FROM index_row WHERE list = ?", who)
    seen = read(indexed)
    assert set(seen.doubts) == {SECOND}
    assert not seen.complete


def test_an_index_row_over_other_entries_is_missed_by_the_reader(indexed: Land) -> None:
    who, other = person(indexed, 0), person(indexed, 1)
    places = (
        mailbox(indexed, SECOND)
        .db.read()
        .execute("SELECT places FROM index_row WHERE list = ?", (other,))
        .fetchone()[0]
    )
    changed(indexed, "UPDATE index_row SET places = ? WHERE list = ?", places, who)
    assert set(read(indexed).doubts) == {SECOND}


def test_a_record_keeper_that_lost_a_row_cannot_sign_an_index_over_it(indexed: Land) -> None:
    """Its own check of the totals: an index that leaves somebody out does not come into being by accident."""
    indexed.run(indexed.ask(0))
    _, filing, position = last_place(indexed, 0)
    changed(indexed, "DELETE FROM place WHERE filing = ? AND position = ?", filing, position)
    changed(indexed, "DELETE FROM row WHERE filing = ? AND position = ?", filing, position)
    with pytest.raises(IndexTotalWrong):
        indexed.run(indexed.country.index())
    kept = store.indexes(mailbox(indexed, SECOND).db.read(), ORIGIN)
    assert len(kept) == 1


def test_an_index_that_leaves_a_person_out_is_found_by_the_auditor(
    indexed: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record keeper signs all the same: the total is not that of the log."""
    indexed.run(indexed.ask(0))
    _, filing, position = last_place(indexed, 0)
    changed(indexed, "DELETE FROM place WHERE filing = ? AND position = ?", filing, position)
    changed(indexed, "DELETE FROM row WHERE filing = ? AND position = ?", filing, position)
    monkeypatch.setattr(indexing, "check_totals", lambda *_: None)
    indexed.run(indexed.country.index())
    assert [verdict.fault for verdict in judged(indexed)] == ["", "index-total-wrong"]
    assert judged(indexed)[-1].party == SECOND


def judged(land: Land) -> list[Any]:
    land.run(land.country.auditor.check_indexes())
    return land.country.auditor.verdicts("index")


def test_entries_moved_to_a_list_of_nobody_are_found_by_comparing_both(
    indexed: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Total and tree are right; one entry stands alone under a key that nobody has."""
    honest = indexing._take_twice_logged

    async def moved(office: Any, *of: Any) -> Any:
        held = await honest(office, *of)
        return alone(held) if held and office is mailbox(indexed, SECOND) else held

    indexed.run(indexed.ask(0))
    indexed.run(indexed.ask(0))
    monkeypatch.setattr(indexing, "_take_twice_logged", moved)
    indexed.run(indexed.country.index())
    assert [verdict.fault for verdict in judged(indexed)] == ["", "index-keepers-differ"]
    assert not read(indexed).complete


def test_rows_shown_to_the_auditor_must_be_those_of_the_signed_root(indexed: Land) -> None:
    office = mailbox(indexed, SECOND)

    async def other(caller: Any, asked: IndexRowsAsked) -> IndexRowsGiven:
        given = await indexing.rows(office, caller, asked)
        first = decode(given.rows[0], OpenedRow)
        lying = OpenedRow(first.tag, bytes(32), first.indexes)
        return IndexRowsGiven([encode(lying), *given.rows[1:]])

    with taken_over(indexed, SECOND, calls.INDEX_ROWS, other):
        assert [(v.party, v.fault) for v in judged(indexed)] == [(SECOND, "index-rows-invalid")]


def test_an_index_of_another_record_keeper_is_not_taken_by_the_ledger(indexed: Land) -> None:
    """Under one keeper's filing alone, and only its own: a town hall cannot log one."""
    root = IndexRoot(SECOND, "x", 0, 1, (), 0, bytes(32), bytes(32))
    entry, tag = entry_of(root, indexed.clock()), log_tag(root)
    made = filings.filing_of(
        request=bytes(32), points=bytes(32), entries=entry, tags=tag, hops=bytes(32), minutes=1
    )
    key = indexed.country.identities[PartyName("yokohama")].signing
    asked = Append(entry, tag, [filings.sign(made, "yokohama", key)])
    with pytest.raises(FilingMismatch):
        indexed.run(indexed.country.peers("converter-1").ask(LEDGER, APPEND, asked))


def second_root(land: Land, *, hidden: bool) -> int:
    """Where the second record keeper has logged another index of a stretch that it has indexed already, to show it to
    one person: under a tag of its own making, or instead (`hidden`) it shows nobody an index that it logged rightly."""
    office = mailbox(land, SECOND)
    if hidden:
        shown = store.indexes(office.db.read(), ORIGIN)[-1]
        changed(land, "DELETE FROM index_root WHERE log = ? AND start = ?", ORIGIN, shown.start)
        return decode(shown.shown or b"", RootShown).index
    public = decode(store.indexes(office.db.read(), ORIGIN)[0].root, IndexRoot)
    private = msgspec.structs.replace(public, root=bytes(32))
    entry, tag = entry_of(private, land.clock()), bytes([1]) * 32
    made = filings.filing_of(
        request=bytes(32), points=bytes(32), entries=entry, tags=tag, hops=bytes(32), minutes=1
    )
    asked = Append(entry, tag, [filings.sign(made, SECOND, office.identity.signing)])
    return land.run(office.peers.ask(LEDGER, APPEND, asked)).first


@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "a second one"])
def test_an_index_that_a_record_keeper_logs_and_shows_to_nobody_is_named_by_the_auditor(
    indexed: Land, hidden: bool
) -> None:
    """IDX-5.2. Until it could be shown it is none lost; then its keeper is named, or all who can have filed it."""
    indexed.run(indexed.ask(0))
    indexed.run(indexed.country.index())
    assert [verdict.fault for verdict in judged(indexed)] == ["", ""]
    place = second_root(indexed, hidden=hidden)
    assert [verdict.fault for verdict in judged(indexed)] == ["", ""]
    indexed.clock.advance(13 * 60)
    found = judged(indexed)[2:]
    assert [(each.fault, int.from_bytes(each.subject, "big")) for each in found] == [
        ("index-not-logged", place)
    ]
    assert [each.party for each in found] == [SECOND if hidden else ", ".join(MAILBOXES)]


def test_index_roots_that_are_all_shown_are_looked_for_once(indexed: Land) -> None:
    indexed.clock.advance(13 * 60)
    judged(indexed)
    known = audit_store.mark(indexed.country.auditor._office.db.read(), f"index-roots/{ORIGIN}")
    assert known == log_size(indexed)
    indexed.clock.advance(13 * 60)
    assert [verdict.fault for verdict in judged(indexed)] == [""]
