"""The database runtime: what is answered is durable, and one caller's fault is that caller's alone."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    select,
)
from sqlalchemy.dialects.sqlite import insert

import postgres_server
from kakine.runtime.database import Connection, Database, Waiting, sql
from kakine.runtime.statements import numbered
from kakine.values.problems import StoreFailed, StoreInUse, StoreOutdated

METADATA = MetaData()
THINGS = Table(
    "things",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("data", LargeBinary),
    Index("things_by_data", "data"),
)
PARTS = Table("parts", METADATA, Column("thing", ForeignKey("things.id"), nullable=False))

ADD = sql(insert(THINGS))
NEXT = sql(numbered(THINGS.c.id))
NAMES = sql(select(THINGS.c.name).order_by(THINGS.c.id))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A store of each engine."""
    if request.param == "sqlite":
        return tmp_path / "store.sqlite"
    return postgres_server.database(METADATA, tmp_path)


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database.open(path, METADATA)
    yield opened
    opened.close()


def add(number: int, name: str = "") -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(ADD, {"id": number, "name": name or str(number), "data": None})
        return number

    return work


@pytest.fixture
def store(either: Path) -> Iterator[Database]:
    opened = Database.open(either, METADATA)
    yield opened
    opened.close()


def names(database: Database) -> list[str]:
    return [row[0] for row in database.read().execute(NAMES)]


def test_a_write_is_visible_to_the_reader_as_soon_as_it_is_answered(store: Database) -> None:
    async def scene() -> None:
        assert await store.write(add(1)) == 1
        assert names(store) == ["1"]

    asyncio.run(scene())


def test_an_answered_write_is_there_after_the_file_is_opened_anew(either: Path) -> None:
    first = Database.open(either, METADATA)
    asyncio.run(first.write(add(1)))
    first.close()
    second = Database.open(either, METADATA)
    assert names(second) == ["1"]
    second.close()


def test_a_faulty_work_undoes_itself_alone_and_its_caller_gets_the_very_fault(store: Database) -> None:
    class Refused(Exception):
        pass

    def refuse(connection: Connection) -> None:
        add(500)(connection)
        raise Refused

    async def scene() -> list[object]:
        works = [store.write(add(n)) for n in range(50)]
        works.insert(25, store.write(refuse))  # type: ignore[arg-type]
        works.insert(30, store.write(add(900, "7")))
        return await asyncio.gather(*works, return_exceptions=True)

    outcomes = asyncio.run(scene())
    assert isinstance(outcomes[25], Refused)
    assert isinstance(outcomes[30], sqlite3.IntegrityError)
    assert names(store) == [str(n) for n in range(50)]


def test_a_fault_that_nobody_thought_of_leaves_no_caller_waiting_and_nothing_is_written_after_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the writer itself, in the middle of a group: in what state the transaction is then nobody knows."""
    store = Database.open(path, METADATA)
    transact = type(store)._transact

    def faulty(self: Database, group: list[Waiting]) -> None:
        transact(self, group)
        raise OSError(22, "a sleep that failed")

    async def scene() -> list[object]:
        with monkeypatch.context() as patched:
            patched.setattr(type(store), "_transact", faulty)
            first = [asyncio.wait_for(store.write(add(n)), 20) for n in range(3)]
            ended = await asyncio.gather(*first, return_exceptions=True)
        later = asyncio.wait_for(store.write(add(9)), 20)
        return [*ended, *await asyncio.gather(later, return_exceptions=True)]

    assert {type(each) for each in asyncio.run(scene())} == {StoreFailed}
    store.close()
    again = Database.open(path, METADATA)
    assert "9" not in names(again)
    again.close()


def test_callers_that_wait_together_share_one_transaction(database: Database) -> None:
    seen: list[int] = []

    def work(connection: Connection) -> None:
        seen.append(connection.total_changes)
        add(len(seen))(connection)

    commits: list[str] = []
    database._writer.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)

    async def scene() -> None:
        await asyncio.gather(*(database.write(work) for _ in range(200)))

    asyncio.run(scene())
    assert len(names(database)) == 200
    assert len(commits) < 50


def full(connection: Connection) -> None:
    for number in range(1000, 1400):
        connection.execute(ADD, {"id": number, "name": str(number), "data": bytes(4096)})


def test_a_full_disk_fails_the_whole_group_and_changes_nothing_and_later_writes_work(
    database: Database,
) -> None:
    async def scene() -> list[object]:
        await database.write(add(0))
        pages = database.read().execute("PRAGMA page_count").fetchone()[0]
        await database.write(
            lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 4}").fetchall()
        )
        works = [database.write(add(1)), database.write(full), database.write(add(2))]  # type: ignore[list-item]
        outcomes: list[object] = await asyncio.gather(*works, return_exceptions=True)
        await database.write(
            lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchall()
        )
        await database.write(add(3))
        return outcomes

    outcomes = asyncio.run(scene())
    # The group may have been cut by timing; every work that stood with the failed one failed with it.
    assert isinstance(outcomes[1], StoreFailed)
    answered = [str(outcome) for outcome in outcomes if isinstance(outcome, int)]
    assert names(database) == ["0", *answered, "3"]


def test_after_an_io_error_nothing_is_written_until_the_file_is_opened_anew(path: Path) -> None:
    class Broken(sqlite3.OperationalError):
        sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC

    def broken(connection: Connection) -> None:
        raise Broken

    async def scene(database: Database) -> None:
        with pytest.raises(StoreFailed):
            await database.write(broken)
        with pytest.raises(StoreFailed):
            await database.write(add(1))

    first = Database.open(path, METADATA)
    asyncio.run(scene(first))
    assert isinstance(first.refusal, StoreFailed)
    assert first.curable
    assert names(first) == []
    first.close()
    second = Database.open(path, METADATA)
    asyncio.run(second.write(add(2)))
    assert names(second) == ["2"]
    second.close()


def test_a_damaged_file_is_not_written_and_not_taken_for_one_that_is_whole_again_when_opened(
    database: Database,
) -> None:
    class Damaged(sqlite3.DatabaseError):
        sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    def damaged(connection: Connection) -> None:
        raise Damaged

    for work in (damaged, add(1)):
        with pytest.raises(StoreFailed):
            asyncio.run(database.write(work))
    assert database.refusal is not None
    assert not database.curable


def test_a_work_that_ends_the_transaction_fails_its_group(database: Database) -> None:
    with pytest.raises(StoreFailed):
        asyncio.run(database.write(lambda connection: connection.rollback()))
    asyncio.run(database.write(add(1)))
    assert names(database) == ["1"]


def test_the_same_file_cannot_be_opened_twice_in_one_process(path: Path, database: Database) -> None:
    with pytest.raises(StoreInUse):
        Database.open(path, METADATA)


def test_the_same_file_cannot_be_opened_by_a_second_process(path: Path, database: Database) -> None:
    script = (
        "import sys; from pathlib import Path; from sqlalchemy import MetaData\n"
        "from kakine.runtime.database import Database; Database.open(Path(sys.argv[1]), MetaData())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "store-in-use" in done.stderr


def test_the_reader_cannot_write(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError):
        add(1)(database.read())


def test_every_connection_is_wal_with_full_sync_and_foreign_keys(database: Database) -> None:
    def settings(connection: Connection) -> list[object]:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    assert asyncio.run(database.write(settings)) == ["wal", 2, 1]
    assert settings(database.read())[1:] == [2, 1]


def test_the_file_and_its_log_are_for_their_owner_alone(path: Path, database: Database) -> None:
    asyncio.run(database.write(add(1)))
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) >= 3


def test_writes_queued_before_close_are_carried_out_and_later_ones_are_refused(either: Path) -> None:
    store = Database.open(either, METADATA)

    async def scene() -> list[int]:
        tasks = [asyncio.ensure_future(store.write(add(n))) for n in range(100)]
        await asyncio.sleep(0)
        await asyncio.to_thread(store.close)
        with pytest.raises(StoreFailed):
            await store.write(add(100))
        return await asyncio.gather(*tasks)

    assert asyncio.run(scene()) == list(range(100))


def test_a_caller_that_goes_away_does_not_hold_up_the_others(store: Database) -> None:
    async def scene() -> None:
        gone = asyncio.ensure_future(store.write(add(1)))
        await asyncio.sleep(0)
        gone.cancel()
        await store.write(add(2))

    asyncio.run(scene())
    assert "2" in names(store)


def test_compiled_statements_keep_their_constants_and_name_their_parameters() -> None:
    text = sql(select(THINGS.c.id).where(THINGS.c.name == "it's", THINGS.c.id > bindparam("after")).limit(3))
    assert ":after" in text
    assert "'it''s'" in text
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE things (id INTEGER, name TEXT)")
    connection.executemany("INSERT INTO things VALUES (?, 'it''s')", [(n,) for n in range(9)])
    assert connection.execute(text, {"after": 1}).fetchall() == [(2,), (3,), (4,)]
    connection.close()


def test_a_key_that_counts_up_is_counted_by_the_statement(store: Database) -> None:
    async def scene() -> list[int]:
        await store.write(add(7))
        for name in ("next", "last"):
            await store.write(lambda it, name=name: it.execute(NEXT, {"name": name, "data": None}))  # type: ignore[misc]
        found = store.read().execute(sql(select(THINGS.c.id).order_by(THINGS.c.id)))
        return [row[0] for row in found]

    assert asyncio.run(scene()) == [7, 8, 9]


def test_an_insert_without_its_key_is_no_statement_for_postgresql() -> None:
    with pytest.raises(TypeError, match="numbered"):
        _ = sql(insert(THINGS).values(name=bindparam("name"))).postgres


def test_statements_that_need_parameters_at_run_time_are_refused_as_constants() -> None:
    with pytest.raises(TypeError):
        sql(select(THINGS.c.id).where(THINGS.c.data == b"x"))
    with pytest.raises(TypeError):
        sql(select(THINGS.c.id).where(THINGS.c.id.in_([1, 2])))


def test_a_store_of_another_version_is_refused_and_left_as_it_is(path: Path) -> None:
    """A column more or less: nothing is guessed, and the right version still opens it."""
    Database.open(path, METADATA).close()
    other = MetaData()
    Table("things", other, Column("id", Integer, primary_key=True), Column("title", String))
    with pytest.raises(StoreOutdated):
        Database.open(path, other)
    Database.open(path, METADATA).close()


def test_commits_leave_the_file_alone_until_much_has_come_and_closing_brings_it_there(path: Path) -> None:
    """A commit that also empties the log holds up everybody who waits for it."""

    async def work(db: Database) -> None:
        for at in range(60):
            row = {"id": at, "name": str(at), "data": bytes(100_000)}
            await db.write(lambda db, row=row: db.execute(ADD, row))  # type: ignore[misc]

    db = Database.open(path, METADATA)
    before = path.stat().st_size
    asyncio.run(work(db))
    assert path.stat().st_size == before
    db.close()
    assert path.stat().st_size > 6_000_000
