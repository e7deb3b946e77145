"""Stores on PostgreSQL: what the running party may not do, and what is not lost when server or connection go."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert

import postgres_server
from kakine.cli.demo_checks import leaks
from kakine.country import Country, Site
from kakine.institutions.stores import TABLES
from kakine.parties.converter import store as converter
from kakine.parties.ledger.store import METADATA as LEDGER
from kakine.runtime import postgres, postgres_open
from kakine.runtime.database import Connection, Database, IntegrityError, sql
from kakine.runtime.postgres import Address, PostgresDatabase, address, contents
from kakine.runtime.postgres_line import Line
from kakine.runtime.statements import acts_on
from kakine.values.problems import LedgerDiverged, StoreFailed, StoreInUse

from land import Land, pack, ref

HISTORY = {
    "commission": {"journal", "erasure_statement"},
    "converter": {"used_exchange", "stated_count", "checked_batch", "forked_head", "domain_share"},
    "gateway": {"receipt", "desk_journal", "desk_application", "domain_key"},
    "ledger": {"entry", "checkpoint", "ending"},
    "mailbox": {"index_row", "sealed_row", "domain_key"},
    "ministry": {"signed"},
    "registry": {"receipt", "life_event", "former_items"},
    "witness": {"forked_head"},
}
"""Tables of which nothing is ever changed or taken away."""

METADATA = MetaData()
TAKEN = Table("taken", METADATA, Column("id", Integer, primary_key=True), Column("data", LargeBinary))
ADD = sql(insert(TAKEN))
COUNT = sql(select(func.count()).select_from(TAKEN))
FIND = sql(select(TAKEN.c.id).where(TAKEN.c.id == bindparam("id")))


def add(number: int) -> Callable[[Connection], int]:
    def work(db: Connection) -> int:
        db.execute(ADD, {"id": number, "data": None})
        return number

    return work


def count(database: Database) -> int:
    return int(database.read().execute(COUNT).fetchone()[0])


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return postgres_server.database(METADATA, tmp_path)


def replicas(where: Path) -> Iterator[Path]:
    for name in ("one", "two"):
        path = where.with_name(f"{name}.postgresql")
        path.write_text(Address(address(where).server, name).text())
        yield path


def test_the_program_changes_no_history() -> None:
    """What a role may do is what the statements do: so there must be none that changes these."""
    for kind, tables in HISTORY.items():
        for name in tables:
            assert set(acts_on(TABLES[kind].tables[name])) <= {"INSERT"}, (kind, name)


def test_the_running_party_cannot_change_history(tmp_path: Path) -> None:
    where = postgres_server.database(LEDGER, tmp_path)
    with psycopg.connect(address(where).server, autocommit=True) as party:
        party.execute("INSERT INTO entry VALUES (0, '\\x00', '\\x00')")
        for attempt in (
            "UPDATE entry SET bytes = '\\x01'",
            "DELETE FROM entry",
            "TRUNCATE entry",
            "DROP TABLE entry",
            "ALTER TABLE entry DISABLE TRIGGER ALL",
            "UPDATE checkpoint SET note = ''",
            "DELETE FROM tree",
            "CREATE TABLE other (id INTEGER)",
            "UPDATE kakine_writer SET holder = 'x'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                party.execute(attempt.encode())
        assert party.execute("SELECT bytes FROM entry").fetchall() == [(b"\0",)]


def test_no_party_reaches_the_database_of_another(tmp_path: Path) -> None:
    mine, other = (address(postgres_server.database(METADATA, tmp_path, name)).server for name in "ab")
    theirs = psycopg.conninfo.conninfo_to_dict(other)["dbname"]
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(mine, dbname=theirs)


def test_what_the_server_refuses_does_not_stand_in_its_log(where: Path) -> None:
    """A row that breaks a rule is said to be one, and not shown: a log outlives what is deleted."""
    log = postgres_server.server().folder / "data" / "server.log"
    with psycopg.connect(address(where).server, autocommit=True) as party:
        before = log.stat().st_size
        with pytest.raises(psycopg.errors.NotNullViolation):
            party.execute("INSERT INTO taken VALUES (NULL, 'a-name-in-a-row')")
    told = log.read_bytes()[before:]
    assert b"not-null" in told
    assert b"a-name-in-a-row" not in told
    assert b"a-name-in-a-row".hex().encode() not in told


def test_a_writer_that_was_overtaken_writes_nothing_more(where: Path) -> None:
    async def scene() -> None:
        with closing(Database.open(where, METADATA)) as first:
            await first.write(add(1))
            with closing(Database.open(where, METADATA)) as second:
                with pytest.raises(StoreInUse):
                    await first.write(add(2))
                await second.write(add(3))
                with pytest.raises(StoreInUse):
                    await first.write(add(4))
                assert first.overtaken
                assert not second.overtaken
                assert count(second) == 2

    asyncio.run(scene())


@pytest.mark.parametrize("sent", [True, False], ids=["after the server had it", "before"])
def test_an_unanswered_commit_is_asked_about_and_not_guessed(
    where: Path, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, runs, cuts = postgres._commit, list[int](), [sent]

    def commit(line: Line) -> bool:
        if not cuts:
            return real(line)
        if cuts.pop():
            real(line)
        line.close()
        raise psycopg.OperationalError("planted")

    def work(db: Connection) -> int:
        runs.append(1)
        return add(7)(db)

    monkeypatch.setattr(postgres, "_commit", commit)
    with closing(Database.open(where, METADATA)) as database:
        assert asyncio.run(database.write(work)) == 7
        assert count(database) == 1
        assert len(runs) == (1 if sent else 2)
        assert asyncio.run(database.write(add(8))) == 8


def test_a_commit_of_unknown_fate_is_asked_about_by_who_opens_the_store_anew(
    where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server had it and went away for longer than a writer waits: nothing more is written until the store is opened
    anew, which is worth a try as soon as the server is back, unless another has opened it meanwhile."""
    real = postgres._commit

    def commit(line: Line) -> bool:
        real(line)
        line.close()
        raise psycopg.OperationalError("planted")

    def away(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("planted")

    async def refused(database: Database, work: Callable[[Connection], int]) -> None:
        with pytest.raises(StoreFailed):
            await database.write(work)

    monkeypatch.setattr(postgres, "PAUSES", (0.0, 0.0))
    with closing(Database.open(where, METADATA)) as database:
        with monkeypatch.context() as gone:
            gone.setattr(postgres, "_commit", commit)
            gone.setattr(postgres, "connect", away)
            asyncio.run(refused(database, add(7)))
            database._reader.line.close()  # type: ignore[attr-defined]
            with pytest.raises(StoreFailed):
                asyncio.run(database.look())
        asyncio.run(refused(database, add(8)))
        assert (type(database.refusal), database.curable) == (StoreFailed, True)
        asyncio.run(database.look())
        assert count(database) == 1
        with closing(Database.open(where, METADATA)) as again:
            assert asyncio.run(again.write(add(8))) == 8
            with pytest.raises(StoreInUse):
                asyncio.run(database.look())
        assert (database.overtaken, database.curable) == (True, False)


def test_a_store_that_was_put_back_under_a_living_writer_is_seen(where: Path) -> None:
    """The connection is lost, and the store that is there now is one from before the last answer."""
    with closing(Database.open(where, METADATA)) as database:
        asyncio.run(database.write(add(1)))
        with psycopg.connect(address(where).server, autocommit=True) as party:
            (older,) = party.execute("SELECT last FROM kakine_writer").fetchone() or (0,)
        asyncio.run(database.write(add(2)))
        name = str(psycopg.conninfo.conninfo_to_dict(address(where).server)["dbname"])
        root = postgres_server.server().server(name, "postgres")
        with psycopg.connect(root, autocommit=True) as server:
            server.execute("UPDATE kakine_writer SET last = %s", (older,))
            server.execute("DELETE FROM taken WHERE id = 2")
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,)
            )
        for _ in range(2):
            with pytest.raises(StoreFailed):
                asyncio.run(database.write(add(3)))
        assert count(database) == 1
        assert not database.curable


def test_nothing_answered_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    """kill -9 while 400 writes are on their way: each that was answered stands, and stands once."""

    async def scene(cluster: postgres_server.Cluster, database: Database) -> None:
        answered = list[int]()

        async def one(number: int) -> None:
            answered.append(await database.write(add(number)))
            if len(answered) == 100:
                pid = cluster.running
                assert pid is not None
                os.kill(pid, signal.SIGKILL)

        works = [asyncio.ensure_future(one(number)) for number in range(200)]
        while len(answered) < 100:
            await asyncio.sleep(0.001)
        more = [asyncio.ensure_future(one(number)) for number in range(200, 400)]
        await asyncio.to_thread(_restart, cluster)
        outcomes = await asyncio.gather(*works, *more, return_exceptions=True)
        assert [each for each in outcomes if each is not None] == []
        assert sorted(answered) == list(range(400))

    with postgres_server.made() as cluster:
        where = tmp_path / "store.postgresql"
        where.write_text(Address(cluster.add("store", METADATA, os.urandom)).text())
        with closing(Database.open(where, METADATA)) as database:
            asyncio.run(scene(cluster, database))
        with closing(Database.open(where, METADATA)) as again:
            assert count(again) == 400


def _restart(cluster: postgres_server.Cluster) -> None:
    while cluster.running is not None:
        os.sched_yield()
    cluster.start()


def test_one_use_per_exchange_id_across_replicas(tmp_path: Path) -> None:
    """Two converters' processes on one store release the same ids at once: each id once."""
    where = postgres_server.database(converter.metadata, tmp_path)
    xids = [k.to_bytes(16, "big") for k in range(120)]

    def use(xid: bytes, by: int) -> Callable[[Connection], None]:
        return lambda db: converter.add_used(db, b"request %d" % by, [xid], "log", int.from_bytes(xid, "big"))

    async def scene(stores: list[Database]) -> None:
        works = [store.write(use(xid, by)) for xid in xids for by, store in enumerate(stores)]
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        for mine, other in zip(outcomes[::2], outcomes[1::2], strict=True):
            assert {type(mine), type(other)} == {type(None), IntegrityError}

    one, two = (Database.open(path, converter.metadata) for path in replicas(where))
    with closing(one), closing(two):
        asyncio.run(scene([one, two]))
        assert converter.count_used(one.read(), "log", 1000) == len(xids)


def test_a_limit_that_is_read_and_then_filled_holds_across_replicas(where: Path) -> None:
    """Count, then add if there is room: both replicas see the room before either fills it."""
    both_looked, looked = threading.Barrier(2), set[int]()

    def if_room(number: int) -> Callable[[Connection], bool]:
        def work(db: Connection) -> bool:
            room = db.execute(COUNT).fetchone()[0] == 0
            if number not in looked:  # not when the group is run again
                looked.add(number)
                both_looked.wait(120)
            if room:
                add(number)(db)
            return bool(room)

        return work

    async def scene(one: Database, two: Database) -> list[bool]:
        return list(await asyncio.gather(one.write(if_room(1)), two.write(if_room(2))))

    one, two = (Database.open(path, METADATA) for path in replicas(where))
    with closing(one), closing(two):
        assert sorted(asyncio.run(scene(one, two))) == [False, True]
        assert count(one) == 1


def test_who_opens_alone_ends_the_replicas(where: Path) -> None:
    one, two = (Database.open(path, METADATA) for path in replicas(where))
    with closing(one), closing(two):
        asyncio.run(one.write(add(1)))
        with closing(Database.open(where, METADATA)) as alone:
            for store in (one, two):
                with pytest.raises(StoreInUse):
                    asyncio.run(store.write(add(2)))
            assert asyncio.run(alone.write(add(3))) == 3


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_flush_is_refused(where: Path, name: str) -> None:
    class Lax:
        def execute(self, text: bytes) -> Any:
            return self if text != f"SHOW {name}".encode() else Off()

        def fetchone(self) -> tuple[str]:
            return ("on",)

    class Off(Lax):
        def fetchone(self) -> tuple[str]:
            return ("off",)

    with pytest.raises(StoreFailed, match=name):
        postgres_open.require_durable(Lax())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    """Every party on PostgreSQL."""
    folder = tmp_path_factory.mktemp("pg") / "land"
    postgres_server.provided(folder, pack())
    with Land.founded(folder) as land:
        yield land


def test_a_country_on_postgresql_asks_answers_and_starts_again(country: Land) -> None:
    assert not list(country.folder.glob("*.sqlite"))
    answer = country.run(country.ask(0))
    assert ref(0) in contents(country.folder / "yokohama.postgresql")
    assert leaks(country.country, [ref(0)]) == []
    assert leaks(country.country, [b"\x00\x00"]) != []
    again = country.reopened()
    country.country, country.loop = again.country, again.loop
    assert country.run(country.ask(1)) != answer
    assert isinstance(country.country.gateways["yokohama"].office.db, PostgresDatabase)  # type: ignore[index]


def test_an_entry_that_the_administrator_edits_is_seen_at_start(country: Land) -> None:
    where = psycopg.conninfo.conninfo_to_dict(address(country.folder / "ledger-a.postgresql").server)
    cluster = postgres_server.server()
    flip = b"UPDATE entry SET bytes = set_byte(bytes, 40, get_byte(bytes, 40) # 1) WHERE idx = 2"
    country.country.close()
    with psycopg.connect(cluster.server(str(where["dbname"]), "postgres"), autocommit=True) as root:
        root.execute(flip)
        with pytest.raises(LedgerDiverged):
            asyncio.run(Country.open(Site(country.folder, country.law, country.clock, country.entropy)))
