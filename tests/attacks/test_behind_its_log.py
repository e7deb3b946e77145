"""A record keeper that is far behind a log: after a restore, or when the other log has died and all was logged again.

Nothing of what both logs have is overlooked, whatever the stretches are; what is looked at does not grow with the
store; and everybody else is served meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

import postgres_server
from attacks.insider import MAILBOXES, mailbox
from kakine.cli.own_history import own_history
from kakine.contracts.ledger import APPEND, Append
from kakine.country import LOGS
from kakine.parties.mailbox import indexing, store
from kakine.runtime.database import Connection, Database, sql
from kakine.runtime.postgres import address
from kakine.values.problems import IndexTotalWrong
from kakine.wire.entry import LENGTH, PAYLOAD, split_entries
from kakine.wire.filing import SignedFiling

from land import CHILDREN, LOGIN, TAX, Land, ref

LOG, SECOND_LOG = LOGS
PEOPLE = 5


def filed(land: Land, name: str) -> list[store.Filed]:
    """What a record keeper has from the first log, as it stands there."""
    db = mailbox(land, name).db.read()
    found = (store.Filed(*row) for row in db.execute(sql(select(*store.filing.c))))
    return sorted((each for each in found if each.log == LOG.origin), key=lambda each: each.first or 0)


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Land]:
    """All that has been filed stands in the second log as well, and no record keeper knows of it."""
    with Land.founded(tmp_path / "land", PEOPLE, (CHILDREN, TAX, LOGIN)) as land:
        for j in range(3):
            land.run(land.ask(j))
        land.run(land.country.refresh())
        last = land.country.peers("converter-3")
        for each in zip(*(filed(land, name) for name in MAILBOXES), strict=True):
            signed = [one.signed(name) for one, name in zip(each, MAILBOXES, strict=True)]
            given = last.ask(SECOND_LOG.ledger, APPEND, Append(each[0].entries, each[0].tags, signed))
            land.run(given)
        yield land


def kept(land: Land, name: str, origin: str) -> Counter[tuple[int, bytes]]:
    """(list, entry) of whatever a record keeper has numbered in a log."""
    found = store.places_between(mailbox(land, name).db.read(), origin, 0, 1 << 40)
    assert len({place for place, *_ in found}) == len(found)
    return Counter((person, entry) for _, person, entry in found)


def test_nothing_that_stands_in_both_logs_is_overlooked(
    behind: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a stretch, or a step in it, begins or ends in the middle of what was filed together."""
    assert any(len(each.entries) > 3 * LENGTH for each in filed(behind, MAILBOXES[0]))
    for name, step in zip(MAILBOXES, (1, 3), strict=True):
        monkeypatch.setattr(indexing, "STEP", step)
        keeper = behind.country.mailboxes[name]  # type: ignore[index]
        assert kept(behind, name, SECOND_LOG.origin) == Counter()
        behind.run(keeper.index(SECOND_LOG, 2))
        whole = sum(len(each.entries) // LENGTH for each in filed(behind, name))
        behind.run(keeper.index(SECOND_LOG, whole))
        assert kept(behind, name, SECOND_LOG.origin) == kept(behind, name, LOG.origin)
    behind.run(behind.country.index())
    for j in range(PEOPLE):
        assert behind.run(own_history(behind.country, ref(j))).complete


def test_what_was_never_filed_here_is_not_signed_for(behind: Land) -> None:
    """A store that was put back lacks filings that the log has: there is no index until they are there again."""
    office = mailbox(behind)
    gone = filed(behind, MAILBOXES[0])[-1].id

    def forget(db: Any) -> None:
        for table in ("place", "row"):
            db.execute(f'DELETE FROM "{table}" WHERE filing = ?', (gone,))  # noqa: S608
        db.execute("DELETE FROM filing WHERE id = ?", (gone,))

    behind.run(office.db.write(forget))
    size = sum(len(each.entries) // LENGTH for each in filed(behind, MAILBOXES[1]))
    with pytest.raises(IndexTotalWrong):
        behind.run(behind.country.mailboxes[MAILBOXES[0]].index(SECOND_LOG, size))
    assert store.indexes(office.db.read(), SECOND_LOG.origin) == []


def test_a_keeper_that_catches_up_serves_everybody_meanwhile(
    behind: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between any two looks into its store others have had a turn, and no look is for more than a few entries."""
    monkeypatch.setattr(indexing, "STEP", 4)
    turns, looks = 0, list[tuple[int, int]]()
    own = store.begun_by

    def noted(db: Connection, entries: Sequence[bytes], log: str) -> list[list[store.Filed]]:
        looks.append((turns, len(entries)))
        return own(db, entries, log)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def work() -> None:
        beside = asyncio.create_task(others())
        size = sum(len(each.entries) // LENGTH for each in filed(behind, MAILBOXES[0]))
        asked = asyncio.create_task(behind.ask(4))  # type: ignore[arg-type]
        await behind.country.mailboxes[MAILBOXES[0]].index(SECOND_LOG, size)
        assert (await asked).result == "delivered"
        beside.cancel()

    monkeypatch.setattr(store, "begun_by", noted)
    behind.run(work())
    assert len(looks) > 3
    assert all(before < after for (before, _), (after, _) in pairwise(looks))
    assert max(number for _, number in looks) <= 4


# --- what is looked at -----------------------------------------------------------------------------------------


def entries(number: int, count: int) -> bytes:
    return b"".join(bytes(48) + (number << 16 | j).to_bytes(32) for j in range(count))


def several(numbers: Sequence[int], log: str) -> list[store.Filed]:
    signed = SignedFiling("mailbox-a", b"filing", bytes(64))
    made = []
    for number in numbers:
        blob = bytes([1, 1, 0, 0, 0, 1]) + bytes(42) + entries(number, 3)[48:]
        made.append(store.new_filing(number.to_bytes(32), 1, signed, blob, bytes(32)))
    return [store.replace(each, log=log, first=3 * j) for j, each in enumerate(made)]


@pytest.fixture(params=["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Database]]:
    path = tmp_path / "mailbox.sqlite"
    if request.param == "postgresql":
        path = postgres_server.database(store.metadata, tmp_path)
    with closing(Database.open(path, store.metadata)) as made:
        yield path, made


def put(base: Database, filings: Sequence[store.Filed]) -> None:
    async def work() -> None:
        await base.write(lambda db: [store.add_filing(db, each, []) for each in filings])

    asyncio.run(work())


def test_a_look_finds_what_begins_so_in_another_log_and_nothing_else(base: tuple[Path, Database]) -> None:
    _, database = base
    here, there = several(range(1, 40), "here"), several(range(20, 60), "there")
    put(database, [*here, *(store.replace(each, id=each.id[::-1]) for each in there)])
    put(database, [store.replace(each, log=None) for each in several(range(100, 110), "")])
    wanted = [split_entries(each.entries)[0] for each in several(range(120), "")]
    middle = [split_entries(each.entries)[1] for each in there]
    forged = bytes([1, 1, 9]) + wanted[30][3:]
    found = store.begun_by(database.read(), [*wanted, *middle, forged], "here")
    assert [[one.entries[PAYLOAD] for one in each] for each in found] == [
        *([entry[PAYLOAD]] if 20 <= number < 60 else [] for number, entry in enumerate(wanted)),
        *([] for _ in middle),
        [],
    ]


def test_what_is_looked_at_does_not_grow_with_the_store(base: tuple[Path, Database]) -> None:
    """SQLite by the steps of its machine, PostgreSQL by its plan."""
    path, database = base
    db, wanted = database.read(), [split_entries(each.entries)[0] for each in several(range(5, 15), "")]
    put(database, several(range(20), "there"))
    if isinstance(db, sqlite3.Connection):
        few = _steps(db, wanted)
        put(database, several(range(20, 3000), "there"))
        assert _steps(db, wanted) == few
        return
    with psycopg.connect(address(path).server) as line:
        line.execute("SET enable_seqscan = off")  # of so small a table it would read all
        asked = "EXPLAIN " + store._BEGUN_BY.postgres
        plan = line.execute(asked, {"mark": wanted[0][PAYLOAD], "log": "here"}).fetchall()  # type: ignore[call-overload]
    assert "ix_filing_mark" in str(plan)


def _steps(db: sqlite3.Connection, wanted: Sequence[bytes]) -> int:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    db.set_progress_handler(step, 1)
    try:
        assert all(store.begun_by(db, wanted, "here"))
    finally:
        db.set_progress_handler(None, 1)
    return count
