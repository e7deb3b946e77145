"""One exchange, with each of its writes failing before and after it is stored, and with full disks.

Each fault is a row of a table: the how-manieth write, and on which side of the commit. Whoever asked gets a problem
or the answer; sent again, the same request has one effect.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from exchange_state import (
    MAILBOXES,
    OUTCOME,
    REQUEST,
    check,
    entries_of,
    finished,
    outcomes_recorded,
    snapshot,
)
from kakine.country import LEDGER
from kakine.runtime import codebook
from kakine.runtime.database import Database
from kakine.values.problems import PartyUnavailable, Problem, StoreFailed
from kakine.wire.answer import Answered
from kakine.wire.request import Mode
from road import away

from land import CHILDREN, TAX, Land


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("faults") / "land", 2, (CHILDREN, TAX)) as land:
        land.run(land.ask(0))
        yield land


@contextmanager
def writes(strike: Callable[[int, bool], None]) -> Iterator[list[int]]:
    """Every write of every party calls `strike(number, stored)` before and after its commit; the list counts them."""
    count = [0]
    write = Database.write

    async def struck(self: Database, work: Callable[[sqlite3.Connection], Any]) -> Any:
        number, count[0] = count[0], count[0] + 1
        strike(number, False)
        value = await write(self, work)
        strike(number, True)
        return value

    Database.write = struck  # type: ignore[assignment, method-assign]
    try:
        yield count
    finally:
        Database.write = write  # type: ignore[method-assign]


def failing(number: int, after: bool) -> Callable[[int, bool], None]:
    def strike(at: int, stored: bool) -> None:
        if (at, stored) == (number, after):
            raise StoreFailed(reason="planted")

    return strike


def never(at: int, stored: bool) -> None:
    """No fault."""


def asked(land: Land, mode: Mode) -> Answered | Problem:
    """One question; its answer, or the problem that its asker got."""
    try:
        given = land.run(land.ask(0, mode=mode))
    except Problem as problem:
        return problem
    assert isinstance(given, Answered)
    return given


def resumed(land: Land) -> list[object]:
    results = land.run(land.yokohama.desk.carrier.resume(lambda _: land.requester()))
    return [result for _, result in results]


WRITES = {Mode.S0: 21, Mode.S1: 27}
"""How many writes an exchange has in all parties together; S1 adds, for each record keeper, one check at each
converter."""


@pytest.mark.parametrize("mode", WRITES)
def test_an_exchange_makes_this_many_writes_so_the_table_below_is_whole(small: Land, mode: Mode) -> None:
    with writes(never) as count:
        assert isinstance(asked(small, mode), Answered)
    assert count == [WRITES[mode]]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("mode", "number"), [(m, n) for m, most in WRITES.items() for n in range(most)])
def test_a_write_that_fails_leaves_one_effect_after_the_request_is_sent_again(
    small: Land, mode: Mode, number: int, after: bool
) -> None:
    requests, outcomes = entries_of(small.folder, REQUEST), entries_of(small.folder, OUTCOME)
    with writes(failing(number, after)):
        given = asked(small, mode)
    check(small)
    if isinstance(given, Problem):
        assert isinstance(given, StoreFailed | PartyUnavailable)
        never_begun = (number, after) == (0, False)
        for result in resumed(small):
            assert isinstance(result, tuple)
            assert result[0].result == "delivered"
        if never_begun:
            given = asked(small, mode)
            assert isinstance(given, Answered)
    assert codebook.unfinished(small.yokohama.office.db.read()) == []
    assert entries_of(small.folder, REQUEST) == requests + 1
    assert entries_of(small.folder, OUTCOME) == outcomes + 1
    assert outcomes_recorded(small, finished(small))
    check(small)


PARTIES = ["yokohama", "converter-1", "converter-2", "converter-3", *MAILBOXES, "ledger-a"]


def database(land: Land, party: str) -> Database:
    country = land.country
    found = {
        "yokohama": lambda: country.gateways["yokohama"].office.db,  # type: ignore[index]
        **{name: (lambda name=name: country.mailboxes[name].office.db) for name in MAILBOXES},
        "ledger-a": lambda: country.ledgers[LEDGER].database,
    }.get(party, lambda: country.converters[party].office.db)()  # type: ignore[index]
    assert isinstance(found, Database)
    return found


def room(land: Land, party: str, pages: int | None) -> None:
    """Limit a party's store to the pages it has and so many more, or lift the limit."""

    def work(db: sqlite3.Connection) -> None:
        most = 2**30 if pages is None else int(db.execute("PRAGMA page_count").fetchone()[0]) + pages
        db.execute(f"PRAGMA max_page_count = {most}")

    land.run(database(land, party).write(work))


@pytest.mark.parametrize("party", PARTIES)
def test_a_full_disk_is_a_problem_leaves_no_half_and_loses_nothing(small: Land, party: str) -> None:
    requests, answers = entries_of(small.folder, REQUEST), 0
    room(small, party, 0)
    # Otherwise the other ledger would log the exchange.
    with away(small.country, "ledger-b"):
        given: Answered | Problem = asked(small, Mode.S0)
        while isinstance(given, Answered) and answers < 200:
            answers += 1
            before = snapshot(small.folder, party)
            given = asked(small, Mode.S0)
    assert isinstance(given, PartyUnavailable if party.startswith("ledger") else StoreFailed)
    if answers:
        assert written_whole(before, snapshot(small.folder, party))
    check(small)
    open_before = len(codebook.unfinished(small.yokohama.office.db.read()))
    room(small, party, None)
    assert all(isinstance(result, tuple) for result in resumed(small))
    assert codebook.unfinished(small.yokohama.office.db.read()) == []
    assert entries_of(small.folder, REQUEST) == requests + answers + open_before
    assert isinstance(asked(small, Mode.S0), Answered)
    assert outcomes_recorded(small, finished(small))
    check(small)


def written_whole(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> bool:
    """Rows of the failed request are there in all tables that belong together, or in none."""
    grown = {name: len(after[name]) - len(before[name]) for name in before}
    together = [{"filing", "row"}, {"seen_request"}, {"incoming"}, {"outgoing"}]
    for names in together:
        present = {grown[name] for name in names if name in grown}
        if len(present) > 1:
            return False
    return all(0 <= change <= 2 for change in grown.values())
