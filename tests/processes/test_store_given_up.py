"""A process whose store writes nothing more takes no calls, and ends where opening the store anew is worth a try."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import MetaData

from kakine.process import running
from kakine.process.running import Process
from kakine.process.settings import read
from kakine.runtime.database import Connection, Database
from kakine.runtime.footing import Working
from kakine.runtime.http import problem_response
from kakine.runtime.postgres import Address
from kakine.values.problems import PartyStarting, StoreFailed
from party_certificates import Roots
from processes.test_settings import TEXT


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a converter; what comes again comes at once."""
    monkeypatch.setattr(running, "SECOND", 5)
    Roots(tmp_path).issued("converter-1")
    (tmp_path / "key.seed").write_bytes(bytes(32))
    path = tmp_path / "party.toml"
    path.write_text(re.sub(r"^(port|admin) = \d+", r"\1 = 0", TEXT, flags=re.MULTILINE))
    return path


def process_of(settings: Path, store: Any, begin: Callable[[], Awaitable[None]]) -> Any:
    """One that is ready, with this store."""
    process: Any = Process(read(settings))

    async def begun() -> None:
        await begin()
        process._working = Working(lambda: problem_response(PartyStarting()), lambda: None, store=store)
        process._ready = True

    process._begin = begun
    return process


async def nothing() -> None:
    """There is nothing to do."""


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


def test_a_party_whose_store_met_an_io_error_is_not_ready_and_ends_with_the_fault(settings: Path) -> None:
    class Broken(sqlite3.OperationalError):
        sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC

    def broken(_: Connection) -> None:
        raise Broken

    store = Database.open(settings.parent / "store.sqlite", MetaData())

    async def harm() -> None:
        with suppress(StoreFailed):
            await store.write(broken)

    process = process_of(settings, store, harm)
    with pytest.raises(StoreFailed):
        asyncio.run(asyncio.wait_for(process.run(), 60))
    process._ready = True
    assert not process._is_ready()
    store.close()


class Away:
    """A store whose server went away while a COMMIT was on its way."""

    def __init__(self, *, curable: bool = True) -> None:
        self.refusal: StoreFailed | None = None
        self.curable, self.back = False, False
        self._after = curable

    def give_up(self) -> None:
        self.refusal, self.curable = StoreFailed(), self._after

    async def look(self) -> None:
        if self.refusal is not None and not self.back:
            raise StoreFailed()


def test_a_replica_that_cannot_write_for_good_takes_no_more_calls_and_ends_when_its_store_is_back(
    settings: Path,
) -> None:
    settings.write_text(settings.read_text().replace("converter-1.sqlite", "converter-1.postgresql"))
    (settings.parent / "converter-1.postgresql").write_text(Address("", "1").text())
    store = Away()

    async def work() -> None:
        process = process_of(settings, store, nothing)
        going = asyncio.create_task(process.run())
        await until(lambda: process._calls.started)
        assert process._is_ready()
        store.give_up()
        assert not process._is_ready()
        await until(process._serving[-1].done)  # nobody listens to calls
        assert not going.done()
        store.back = True
        with pytest.raises(StoreFailed):
            await asyncio.wait_for(going, 60)

    asyncio.run(work())


def test_a_store_that_nobody_should_open_anew_leaves_its_process_where_people_see_it(settings: Path) -> None:
    """One that was put back under a living writer: who starts it again would take it for whole."""
    store = Away(curable=False)
    store.back = True

    async def work() -> None:
        process = process_of(settings, store, nothing)
        going = asyncio.create_task(process.run())
        await until(process._is_ready)
        store.give_up()
        await until(process._over.is_set)
        assert not process._is_ready()
        assert process._border.app.status_code == StoreFailed.status
        assert not going.done()
        process._end()
        await asyncio.wait_for(going, 60)

    asyncio.run(work())


def test_a_clock_that_is_set_back_stops_no_chore(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks, back_ms = list[int](), [0]
    real = running.clock
    monkeypatch.setattr(running, "clock", lambda: real() - back_ms[0])

    async def look() -> None:
        looks.append(1)
        back_ms[0] = 600_000

    async def work() -> None:
        process = process_of(settings, SimpleNamespace(refusal=None, curable=False, look=look), nothing)
        going = asyncio.create_task(process.run())
        await until(lambda: len(looks) > 3)
        process._end()
        await asyncio.wait_for(going, 60)

    asyncio.run(work())
