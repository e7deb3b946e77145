"""A group goes to PostgreSQL at once: whose fault is whose, when it is answered, what a cut in the middle leaves."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, func, insert, select

import postgres_server
from kakine.runtime import postgres, postgres_line
from kakine.runtime.database import Connection, Database, IntegrityError, sql
from kakine.runtime.postgres import Address, address
from kakine.runtime.postgres_open import connect
from kakine.values.problems import StoreFailed
from postgres_wire import Wire

METADATA = MetaData()
TAKEN = Table("taken", METADATA, Column("id", Integer, primary_key=True))
ADD = sql(insert(TAKEN))
COUNT = sql(select(func.count()).select_from(TAKEN))
NEVER = sql(select(1 / bindparam("by", type_=Integer)))


def add(number: int) -> Callable[[Connection], int]:
    def work(db: Connection) -> int:
        db.execute(ADD, {"id": number})
        return number

    return work


def found(db: Connection) -> int:
    return int(db.execute(COUNT).fetchone()[0])


def count(database: Database) -> int:
    return found(database.read())


@pytest.fixture
def wired(tmp_path: Path) -> Iterator[tuple[Path, Path, Wire]]:
    """(the store's address straight, the same over the wire, the wire)"""
    straight = postgres_server.database(METADATA, tmp_path)
    given = address(straight)
    folder = str(psycopg.conninfo.conninfo_to_dict(given.server)["host"])
    with postgres_server.short_folder() as short:
        over = tmp_path / "over.postgresql"
        over.write_text(replace_host(given.server, folder, short))
        with closing(Wire(short / ".s.PGSQL.5432", Path(folder) / ".s.PGSQL.5432")) as wire:
            yield straight, over, wire


def replace_host(server: str, folder: str, short: Path) -> str:
    return f'server = "{server.replace(f"host={folder}", f"host={short}")}"\n'


async def together(database: Database, *works: Callable[[Connection], object]) -> list[object]:
    """All in one group: the writer is held while they queue."""
    held = threading.Event()
    first = asyncio.ensure_future(database.write(lambda _: held.wait(120)))
    await asyncio.sleep(0)
    waiting = [asyncio.ensure_future(database.write(work)) for work in works]
    await asyncio.sleep(0)
    held.set()
    await first
    return list(await asyncio.gather(*waiting, return_exceptions=True))


def test_a_statement_that_fails_in_a_group_fails_its_own_work_alone(tmp_path: Path) -> None:
    where = postgres_server.database(METADATA, tmp_path)

    def caught(db: Connection) -> str:
        try:
            add(5)(db)
        except IntegrityError:
            return "taken"
        return "mine"

    def swallowed(db: Connection) -> str:
        with suppress(Exception):
            add(5)(db)
            found(db)
        add(700)(db)
        return "went on"

    with closing(Database.open(where, METADATA)) as database:
        works = [add(n) for n in range(20)]
        outcomes = asyncio.run(together(database, *works, add(7), caught, swallowed, add(30)))
        assert outcomes[:20] == list(range(20))
        assert isinstance(outcomes[20], IntegrityError)
        assert outcomes[21:] == ["taken", "went on", 30]
        assert count(database) == 22


def test_a_work_that_gives_up_after_writing_is_undone_alone(tmp_path: Path) -> None:
    class Refused(Exception):
        pass

    def refuse(db: Connection) -> None:
        add(900)(db)
        raise Refused

    where = postgres_server.database(METADATA, tmp_path)
    with closing(Database.open(where, METADATA)) as database:
        one, refused, two = asyncio.run(together(database, add(1), refuse, add(2)))
        assert (one, type(refused), two) == (1, Refused, 2)
        assert count(database) == 2


@pytest.mark.parametrize("then", ["told", "cut"])
def test_nothing_is_answered_before_its_commit_is(wired: tuple[Path, Path, Wire], then: str) -> None:
    """The server has committed and its word is on the way: the caller waits. If the word is lost, the store asks."""
    straight, over, wire = wired
    runs = list[int]()

    def work(db: Connection) -> int:
        runs.append(1)
        return add(7)(db)

    async def scene(database: Database, server: psycopg.Connection[tuple[int]]) -> None:
        await database.write(add(1))
        wire.heard.clear()
        waiting = asyncio.ensure_future(database.write(work))
        while server.execute("SELECT count(*) FROM taken").fetchone() != (2,):
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        assert not waiting.done()
        if then == "cut":
            wire.cut()
        wire.heard.set()
        assert await waiting == 7
        assert runs == [1]
        assert await database.write(add(8)) == 8
        assert count(database) == 3

    server = psycopg.connect(address(straight).server, autocommit=True)
    with closing(server), closing(Database.open(over, METADATA)) as database:
        asyncio.run(scene(database, server))


@pytest.mark.parametrize(
    ("reaches", "times"),
    [(lambda _: 0, 2), (lambda size: size // 2, 2), (lambda size: size - 10, 2), (lambda size: size - 1, 1)],
    ids=["nothing", "half", "all but COMMIT", "all but the last byte"],
)
def test_a_connection_that_breaks_inside_a_group_is_judged_by_what_stands(
    wired: tuple[Path, Path, Wire], reaches: Callable[[int], int], times: int
) -> None:
    """The COMMIT counts once the server has it, whether or not it could say so."""
    _, over, wire = wired
    runs = list[int]()

    def work(db: Connection) -> int:
        runs.append(1)
        return add(7)(db)

    async def scene(database: Database) -> None:
        await database.write(add(1))
        wire.passes = reaches
        assert await asyncio.gather(database.write(work), database.write(add(8))) == [7, 8]
        assert len(runs) == times
        assert count(database) == 3

    with closing(Database.open(over, METADATA)) as database:
        asyncio.run(scene(database))


def test_a_read_that_fails_in_a_snapshot_leaves_the_reader_as_it_was(tmp_path: Path) -> None:
    with closing(Database.open(postgres_server.database(METADATA, tmp_path), METADATA)) as database:
        with pytest.raises(psycopg.DataError), database.snapshot():
            database.read().execute(NEVER, {"by": 0}).fetchone()
        asyncio.run(database.write(add(1)))
        assert count(database) == 1
        with database.snapshot():
            assert count(database) == 1
            asyncio.run(database.write(add(2)))
            assert count(database) == 1
        assert count(database) == 2


def test_a_server_that_falls_silent_is_given_up_and_found_again(
    wired: tuple[Path, Path, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has been asked it may have done: nothing is lost then, and nothing is done twice."""
    _, over, wire = wired
    with closing(Database.open(over, METADATA)) as database:
        assert asyncio.run(database.write(add(1))) == 1
        monkeypatch.setattr(postgres_line, "SILENT_MS", 200)
        wire.fall_silent()
        otherwise = threading.Timer(30, wire.cut)
        otherwise.start()
        assert count(database) == 1
        assert asyncio.run(database.write(add(2))) == 2
        assert count(database) == 2
        assert otherwise.is_alive()
        otherwise.cancel()


@pytest.mark.parametrize(
    ("own", "waits_ms"),
    [({}, 15_000), ({"tcp_user_timeout": "40000"}, 40_000)],
    ids=["by default", "as its address says"],
)
def test_the_connection_to_a_server_over_tcp_ends_soon_after_it_is_gone(
    tmp_path: Path, own: dict[str, str], waits_ms: int
) -> None:
    given = address(postgres_server.database(METADATA, tmp_path)).server
    folder = str(psycopg.conninfo.conninfo_to_dict(given)["host"])
    with closing(Wire(None, Path(folder) / ".s.PGSQL.5432")) as wire:
        over = psycopg.conninfo.make_conninfo(given, host="127.0.0.1", port=wire.port, **own)
        with connect(Address(over)) as driver, socket.socket(fileno=os.dup(driver.fileno())) as line:
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == waits_ms
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5


def test_a_server_that_does_not_answer_holds_the_event_loop_up_for_part_of_the_time_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, attempts = [100.0], list[float]()

    def in_vain() -> psycopg.Connection[tuple[int]]:
        attempts.append(now[0])
        now[0] += 5
        raise psycopg.OperationalError("planted")

    with closing(Database.open(postgres_server.database(METADATA, tmp_path), METADATA)) as database:
        assert isinstance(database, postgres.PostgresDatabase)
        monkeypatch.setattr(database._reader, "_reach", in_vain)
        monkeypatch.setattr(postgres, "time", SimpleNamespace(monotonic=lambda: now[0]))
        database._reader.line.close()
        for _ in range(100):
            with pytest.raises(StoreFailed):
                count(database)
            now[0] += 1
        assert attempts == [100.0, 125.0, 150.0, 175.0, 200.0]
        monkeypatch.undo()
        assert count(database) == 0
