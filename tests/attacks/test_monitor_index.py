"""M14, M15: what an outsider finds of record keepers' indexes, with public calls and no list key.

One record keeper loses a part of its store, or shows something else under its own keys; the other is honest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from attacks.insider import alone, log_size, mailbox
from attacks.test_counting import SETTLED
from kakine.cli.monitor_country import watched_country
from kakine.cli.own_history import own_history
from kakine.clients.monitor.evidence import load, write
from kakine.clients.monitor.findings import Code
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.proving import check
from kakine.clients.monitor.reading import Watched
from kakine.contracts.mailbox import AskStanding, StandingGiven
from kakine.country import LEDGER, LOGS, ORIGIN
from kakine.parties.mailbox import indexing
from kakine.protocols.index_check import entry_of, log_tag
from kakine.values.labels import PartyName
from kakine.wire import index as wire
from kakine.wire import policy
from kakine.wire.canonical import decode, encode
from kakine.wire.index import EMPTY, GENESIS, IndexRoot, RootShown
from kakine.wire.standing import LABEL, Remade, Standing, opened
from road import away
from watched_land import FIRST, SECOND, ledger_key, look, look_at, mailbox_sql, said_of, shown
from watching import KEY, Shown, Watcher, codes, numbered

from land import CHILDREN, LOGIN, TAX, Land, ref

HOUR = 3600


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Land]:
    """Three people, exchanges about each, a view, and three indexes of both record keepers."""
    with Land.founded(tmp_path / "land", 3, (CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        for j in (0, 1, 2):
            land.run(land.ask(j))
            land.run(land.country.index())
        yield land


def roots(land: Land, name: str) -> list[IndexRoot]:
    """What a record keeper has signed."""
    found = (
        mailbox(land, name)
        .db.read()
        .execute("SELECT root FROM index_root WHERE log = ? ORDER BY start", [ORIGIN])
    )
    return [decode(row[0], IndexRoot) for row in found]


def other_than(name: str) -> str:
    return SECOND if name == FIRST else FIRST


# --- M14: honest record keepers, and what one of them lost -----------------------------------------------


def test_m14_honest_indexes_are_clean_look_after_look(indexed: Land, tmp_path: Path) -> None:
    done = look(indexed, tmp_path, index_minutes=60)
    assert codes(done) == []
    assert [len(shelf.placed) for shelf in done.reading.shelves] == [3, 3]
    indexed.run(own_history(indexed.country, ref(0)))
    assert codes(look(indexed, tmp_path)) == []
    indexed.run(indexed.country.index())
    assert codes(look(indexed, tmp_path)) == []
    assert codes(look(indexed, tmp_path, index_minutes=60)) == []


def test_m14_only_what_is_not_indexed_yet_is_kept_by_the_monitor(indexed: Land, tmp_path: Path) -> None:
    """And what was read before an index was made over it is counted all the same."""
    look(indexed, tmp_path)
    indexed.run(indexed.ask(0))
    middle = log_size(indexed)
    indexed.run(indexed.ask(1))
    assert codes(look(indexed, tmp_path)) == []
    for name in (FIRST, SECOND):
        indexed.run(indexed.country.mailboxes[PartyName(name)].index(LOGS[0], middle))
    done = look(indexed, tmp_path)
    assert (codes(done), done.reading.goes_on) == ([], True)
    assert look(indexed, tmp_path).reading.known.open.first == 0  # no converter has stated anything yet
    others = replace(watched_country(indexed.country, []), converters=())
    look_at(indexed, tmp_path, others)
    left = look_at(indexed, tmp_path, others).reading.known
    assert (left.open.first, left.open.end) == (middle, left.at.size)


def test_m14_a_monitor_that_comes_to_know_record_keepers_later_counts_from_the_beginning(
    indexed: Land, tmp_path: Path
) -> None:
    watched = replace(watched_country(indexed.country, []), converters=())
    look_at(indexed, tmp_path, replace(watched, keepers=()))
    done = look_at(indexed, tmp_path, watched)
    assert (codes(done), done.reading.goes_on) == ([], False)
    assert look_at(indexed, tmp_path, watched).reading.known.indexed.keys() == {FIRST, SECOND}


@pytest.mark.parametrize("name", [FIRST, SECOND])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_m14_an_index_that_its_keeper_lost_is_named_at_first_sight(
    indexed: Land, tmp_path: Path, name: str, number: int
) -> None:
    lost = roots(indexed, name)[number]
    assert mailbox_sql(indexed, "DELETE FROM index_root WHERE start = ?", name, lost.start) == 1
    done = look(indexed, tmp_path)
    assert "index-hidden" in said_of(done, name)
    assert said_of(done, other_than(name)) == []
    assert ("index-out-of-line" in codes(done)) == (number < 2)
    levels = shown(indexed, done, tmp_path)
    assert levels[Code.INDEX_HIDDEN] is Level.REPORTED
    assert levels.get(Code.INDEX_OUT_OF_LINE, Level.WORD) is Level.WORD
    assert codes(look(indexed, tmp_path)) == codes(done)


def test_m14_all_indexes_lost_by_one_are_found_with_the_stretches_of_the_other(
    indexed: Land, tmp_path: Path
) -> None:
    mailbox_sql(indexed, "DELETE FROM index_root", SECOND)
    done = look(indexed, tmp_path)
    assert [(f.code, f.facts["party"]) for f in done.findings] == [(Code.INDEX_HIDDEN, SECOND)] * 3


def test_m14_indexes_that_nobody_shows_are_named_without_a_party(indexed: Land, tmp_path: Path) -> None:
    for name in (FIRST, SECOND):
        mailbox_sql(indexed, "DELETE FROM index_root", name)
    assert codes(look(indexed, tmp_path)) == ["index-hidden", "index-of-nobody"]


def test_m14_an_index_on_its_way_is_none_lost_for_ten_minutes(indexed: Land, tmp_path: Path) -> None:
    """Logged, and the record keeper stopped before it had the receipt."""
    assert mailbox_sql(indexed, "UPDATE index_root SET shown = NULL WHERE start > 0", SECOND) == 2
    assert codes(look(indexed, tmp_path)) == []
    indexed.clock.advance(601 + 60)
    assert said_of(look(indexed, tmp_path), SECOND) == ["index-hidden"]


def test_m14_no_excuse_of_one_keeper_serves_another(indexed: Land, tmp_path: Path) -> None:
    assert mailbox_sql(indexed, "UPDATE index_root SET shown = NULL WHERE start > 0", SECOND) == 2
    mailbox_sql(indexed, "DELETE FROM index_root WHERE start = ?", FIRST, roots(indexed, FIRST)[2].start)
    assert said_of(look(indexed, tmp_path)) == ["index-hidden"]


@pytest.mark.parametrize("name", [FIRST, SECOND])
@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM index_row WHERE rowid = 2",
        "UPDATE index_row SET places = zeroblob(8) WHERE rowid = 2",
        "UPDATE index_row SET places = zeroblob(7) WHERE rowid = 2",
        "UPDATE index_row SET day = day + 1 WHERE rowid = 2",
        "UPDATE index_row SET list = 9999 WHERE rowid = 2",
    ],
)
def test_m14_a_lost_or_changed_row_of_an_index_shows_in_the_keepers_own_word(
    indexed: Land, tmp_path: Path, name: str, harm: str
) -> None:
    """Rows are nobody's to see; the root that they give is."""
    assert codes(look(indexed, tmp_path)) == []
    assert mailbox_sql(indexed, harm, name) == 1
    indexed.clock.advance(HOUR)
    done = look(indexed, tmp_path)
    assert [(f.code, f.facts["party"]) for f in done.findings] == [(Code.INDEX_ROWS_LOST, name)]
    assert shown(indexed, done, tmp_path) == {Code.INDEX_ROWS_LOST: Level.WORD}


def test_m14_a_keeper_sees_at_its_start_that_rows_are_lost_and_tells_everybody(
    indexed: Land, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start = roots(indexed, SECOND)[1].start
    mailbox_sql(indexed, "DELETE FROM index_row WHERE start = ?", SECOND, start)
    with caplog.at_level(logging.ERROR, "kakine"), indexed.reopened() as again:
        assert f"rows of the index from {start} are lost" in caplog.text
        assert said_of(look(again, tmp_path), SECOND) == ["index-rows-lost"]


# --- M15: record keepers that lie with their own keys ------------------------------------------------------


class Liar:
    """The second record keeper shows other indexes, or says something else, and signs as it must."""

    def __init__(self, land: Land, roots: Any = None, word: Any = None) -> None:
        self.honest = watched_country(land.country, []).keepers[1]
        self.name, self.key, self.origin = self.honest.name, self.honest.key, self.honest.origin
        self.signing = mailbox(land, SECOND).identity.signing
        self._roots = roots or (lambda shown: shown)
        self._word = word or (lambda said: said)

    async def indexes(self) -> list[bytes]:
        shown = [decode(each, RootShown) for each in await self.honest.indexes()]
        return [encode(each) for each in self._roots(shown)]

    async def standing(self, asked: AskStanding) -> StandingGiven:
        given = await self.honest.standing(asked)
        data = encode(self._word(opened(given.statement, given.signature, self.key)))
        return StandingGiven(data, self.signing.sign(LABEL, data))


def against(land: Land, liar: Liar) -> Watched:
    watched = watched_country(land.country, [])
    return replace(watched, keepers=(watched.keepers[0], liar))


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


@pytest.mark.parametrize(
    "change",
    [
        lambda each: msgspec.structs.replace(each, signature=flipped(each.signature)),
        lambda each: msgspec.structs.replace(each, root=flipped(each.root)),
        lambda each: msgspec.structs.replace(each, index=each.index + 1),
        lambda each: msgspec.structs.replace(each, path=tuple(map(flipped, each.path))),
        lambda each: msgspec.structs.replace(each, entry=flipped(each.entry)),
        lambda each: msgspec.structs.replace(each, note=flipped(each.note)),
    ],
)
def test_m15_an_index_without_signature_or_proof_is_none(
    indexed: Land, tmp_path: Path, change: Callable[[RootShown], RootShown]
) -> None:
    done = look_at(
        indexed, tmp_path, against(indexed, Liar(indexed, lambda all_: [*all_[:2], change(all_[2])]))
    )
    assert said_of(done, SECOND) == ["index-hidden", "index-invalid"]
    assert said_of(done, FIRST) == []


def test_m15_indexes_of_another_keeper_or_log_are_none(indexed: Land, tmp_path: Path) -> None:
    liar = Liar(indexed)

    def other(change: dict[str, str]) -> Any:
        def made(all_: list[RootShown]) -> list[RootShown]:
            root = msgspec.structs.replace(decode(all_[0].root, IndexRoot), **change)
            data, signature = wire.sign(root, liar.signing)
            return [msgspec.structs.replace(all_[0], root=data, signature=signature), *all_[1:]]

        return made

    for change in ({"keeper": FIRST}, {"origin": "ledger.example/other"}):
        done = look_at(indexed, tmp_path, against(indexed, Liar(indexed, other(change))))
        (found,) = [f for f in done.findings if f.code is Code.INDEX_INVALID]
        assert found.facts["problem"] == "index-chain-broken"


def test_m15_two_indexes_of_one_stretch_are_out_of_line(indexed: Land, tmp_path: Path) -> None:
    """One for the public and one for a person: both signed, and both in the log under different tags."""
    office = mailbox(indexed, SECOND)
    first = roots(indexed, SECOND)[0]
    second = msgspec.structs.replace(first, root=bytes(32))
    made = indexing.KeptIndex(
        ORIGIN, first.start, first.end, *wire.sign(second, office.identity.signing), b"", None
    )

    async def log_it() -> RootShown:
        entry = entry_of(second, indexed.clock())
        given = indexing.filing_of(
            request=bytes(32),
            points=bytes(32),
            entries=entry,
            tags=log_tag(first)[::-1],
            hops=bytes(32),
            minutes=1,
        )
        signed = indexing.filings.sign(given, SECOND, office.identity.signing)
        ask = indexing.Append(entry, log_tag(first)[::-1], [signed])
        at = await office.peers.ask(LEDGER, indexing.APPEND, ask)
        return RootShown(made.root, made.signature, entry, at.first, tuple(at.proof), at.checkpoint)

    more = indexed.run(log_it())
    done = look_at(
        indexed, tmp_path, against(indexed, Liar(indexed, lambda all_: [all_[0], more, *all_[1:]]))
    )
    assert said_of(done, SECOND) == ["index-out-of-line", "index-rows-lost"]
    assert set(shown(indexed, done, tmp_path).values()) == {Level.WORD}
    hidden = look(indexed, tmp_path)
    assert codes(hidden) == ["index-of-nobody"]
    assert hidden.findings[0].facts == {"index": more.index, "among": f"{FIRST}, {SECOND}"}


def test_m15_an_index_that_leaves_entries_out_is_miscounted_in_public(
    indexed: Land, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record keeper signs all the same, and its word about what it holds may be anything."""
    look(indexed, tmp_path)
    indexed.run(indexed.ask(0))
    last = "DELETE FROM row WHERE rowid = (SELECT max(rowid) FROM row)"
    assert mailbox_sql(indexed, last, SECOND) == 1
    monkeypatch.setattr(indexing, "check_totals", lambda *_: None)
    indexed.run(indexed.country.index())
    for _ in range(2):
        done = look(indexed, tmp_path)
        assert said_of(done, SECOND) == ["index-counts-wrong", "keeper-lacks-outcome"]
        levels = shown(indexed, done, tmp_path)
        assert levels[Code.INDEX_COUNTS_WRONG] is levels[Code.INDEXES_DIFFER] is Level.WORD
    # Once the converters have stated as much, nothing else keeps the monitor from forgetting these entries.
    indexed.clock.advance(SETTLED)
    indexed.run(indexed.country.auditor.check_counts())
    for _ in range(2):
        assert "index-counts-wrong" in said_of(look(indexed, tmp_path), SECOND)


def test_m15_two_keepers_that_index_other_stretches_are_named(indexed: Land, tmp_path: Path) -> None:
    indexed.run(indexed.ask(0))
    size = log_size(indexed)
    indexed.run(indexed.country.mailboxes[PartyName(FIRST)].index(LOGS[0], size))
    indexed.run(indexed.country.mailboxes[PartyName(SECOND)].index(LOGS[0], size + 1))
    done = look(indexed, tmp_path)
    assert [(f.code, f.facts["party"], f.facts["other"]) for f in done.findings] == [
        (Code.INDEXES_DIFFER, FIRST, SECOND)
    ]
    assert shown(indexed, done, tmp_path) == {Code.INDEXES_DIFFER: Level.WORD}


def test_m15_entries_moved_to_a_list_of_nobody_show_in_the_number_of_lists(
    indexed: Land, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The totals are right, and only a comparison of both keepers tells."""
    honest = indexing._take_twice_logged

    async def moved(office: Any, *of: Any) -> Any:
        held = await honest(office, *of)
        return alone(held) if held and office is mailbox(indexed, SECOND) else held

    indexed.run(indexed.ask(0))
    indexed.run(indexed.ask(0))
    monkeypatch.setattr(indexing, "_take_twice_logged", moved)
    indexed.run(indexed.country.index())
    assert codes(look(indexed, tmp_path)) == ["indexes-differ"]


def test_m15_a_keeper_that_says_nothing_of_its_rows_is_named(indexed: Land, tmp_path: Path) -> None:
    def silent(said: Standing) -> Standing:
        return msgspec.structs.replace(said, indexes=())

    done = look_at(indexed, tmp_path, against(indexed, Liar(indexed, word=silent)))
    assert said_of(done, SECOND) == ["index-rows-lost"]
    assert shown(indexed, done, tmp_path) == {Code.INDEX_ROWS_LOST: Level.WORD}


def test_m15_entries_that_are_in_no_index_in_time_are_named_where_that_is_promised(
    indexed: Land, tmp_path: Path
) -> None:
    indexed.clock.advance(HOUR)
    indexed.run(indexed.ask(0))
    first = log_size(indexed) - 2
    indexed.run(indexed.country.mailboxes[PartyName(FIRST)].index(LOGS[0], first + 2))
    assert codes(look(indexed, tmp_path, index_minutes=60)) == []
    indexed.clock.advance(HOUR + 120)
    assert codes(look(indexed, tmp_path)) == []
    done = look(indexed, tmp_path, index_minutes=60)
    assert [(f.code, f.facts["party"], f.facts["index"]) for f in done.findings] == [
        (Code.INDEX_LATE, SECOND, first)
    ]


def test_m15_a_keeper_that_shows_no_indexes_at_all_has_refused(indexed: Land, tmp_path: Path) -> None:
    with away(indexed.country, SECOND):
        done = look(indexed, tmp_path)
    assert said_of(done, SECOND) == ["party-refused", "statement-invalid"]


# --- evidence ---------------------------------------------------------------------------------------------------


def test_m15_evidence_about_indexes_fits_no_other_claim(indexed: Land, tmp_path: Path) -> None:
    mailbox_sql(indexed, "DELETE FROM index_root WHERE start = ?", SECOND, roots(indexed, SECOND)[1].start)
    mailbox_sql(indexed, "DELETE FROM index_row WHERE rowid = 1")
    indexed.clock.advance(HOUR)
    done = look(indexed, tmp_path)
    by_code = {finding.code: finding for finding in done.findings}
    line, rows = by_code[Code.INDEX_OUT_OF_LINE], by_code[Code.INDEX_ROWS_LOST]

    def with_facts(finding: Any, **facts: Any) -> Any:
        return msgspec.structs.replace(finding, facts={**finding.facts, **facts})

    def with_said(finding: Any, *said: Any) -> Any:
        evidence = msgspec.structs.replace(finding.evidence, said=said)
        return msgspec.structs.replace(finding, evidence=evidence)

    now, then = rows.evidence.said
    honest = roots(indexed, SECOND)[0]
    key = mailbox(indexed, SECOND).identity.signing
    fits = wire.sign(
        msgspec.structs.replace(honest, start=honest.end, end=honest.end + 999, previous=honest.digest), key
    )
    in_line = (line.evidence.said[0], type(then)(*fits, bytes(key.public)))
    for other in (
        with_facts(line, number=0),
        with_facts(line, start=int(line.facts["start"]) + 1),
        with_facts(line, part="overlap"),
        with_said(line, then, line.evidence.said[1]),
        with_facts(with_said(line, *in_line), start=honest.end),
        with_facts(rows, start=1),
        with_said(rows, then, now),
        with_said(rows, now, line.evidence.said[0]),
        msgspec.structs.replace(rows, code=Code.INDEXES_DIFFER),
        msgspec.structs.replace(rows, code=Code.INDEX_COUNTS_WRONG),
    ):
        write(tmp_path / "e", [other])
        trusted = policy.decode(policy.one_log(ORIGIN, ledger_key(indexed)))
        assert [v.level for v in check(load(tmp_path / "e"), trusted)] == [Level.BROKEN], other


def test_m15_rows_that_give_the_signed_root_are_not_called_lost(indexed: Land, tmp_path: Path) -> None:
    """Somebody puts an honest word beside an honest index."""
    mailbox_sql(indexed, "DELETE FROM index_row WHERE rowid = 1")
    indexed.clock.advance(HOUR)
    (rows,) = [f for f in look(indexed, tmp_path).findings if f.code is Code.INDEX_ROWS_LOST]
    now, then = rows.evidence.said
    office = mailbox(indexed, FIRST)
    root = decode(then.statement, IndexRoot)
    said = msgspec.structs.replace(decode(now.statement, Standing), indexes=(Remade(root.start, root.root),))
    honest = type(now)(encode(said), office.identity.signing.sign(LABEL, encode(said)), now.key)
    evidence = msgspec.structs.replace(rows.evidence, said=(honest, then))
    write(tmp_path / "e", [msgspec.structs.replace(rows, evidence=evidence)])
    trusted = policy.decode(policy.one_log(ORIGIN, ledger_key(indexed)))
    assert [v.level for v in check(load(tmp_path / "e"), trusted)] == [Level.BROKEN]


# --- a log with two histories -----------------------------------------------------------------------------------


def test_m15_an_index_in_another_history_of_the_log_proves_the_fork(tmp_path: Path) -> None:
    """The keeper is honest: it was told that its index stands where others are shown something else."""
    origin = "ledger.example/2026/a"
    root = IndexRoot("keeper", origin, 0, 3, (), 0, EMPTY, GENESIS)
    data, signature = wire.sign(root, KEY)
    entry = entry_of(root, 29_000_000 * 60_000)
    told = Shown([*numbered(0, 1, 2), entry])
    served = Shown(numbered(*range(9)))

    class Keeper:
        name, key, origin = "keeper", KEY.public, "ledger.example/2026/a"

        async def indexes(self) -> list[bytes]:
            return [
                encode(RootShown(data, signature, entry, 3, tuple(told.tree.range_proof(3, 1)), told.note))
            ]

        async def standing(self, asked: AskStanding) -> StandingGiven:
            now = Remade(0, EMPTY)
            held = (now,) if asked.first < asked.end else ()
            asked_of, times = (origin, asked.first, asked.end), (asked.older_ms, 29_000_000 * 60_000)
            said = Standing(*asked_of, 0, 0, 0, held, 0, 0, (), 0, *times, ())
            return StandingGiven(encode(said), KEY.sign(LABEL, encode(said)))

    watcher = Watcher(tmp_path)
    done = watcher.look(served, keepers=[Keeper()], evidence=True)
    assert codes(done) == ["head-forked", "index-not-there"]
    assert (Code.HEAD_FORKED, Level.PROVEN, "") in watcher.shown(done)
