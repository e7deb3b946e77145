"""Stores of the parties: durable before it is answered, on SQLite or on PostgreSQL.

One writer thread with group commit. Whatever waits when it becomes free goes into one transaction and one `COMMIT`
covers all: a lone caller pays about one bare commit, many callers share one. A work that fails is undone alone. The
compiled text of a statement (`sql`) goes straight to the driver; the engines are in `runtime.sqlite` and
`runtime.postgres`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import MetaData

from kakine.runtime.statements import Sql, sql
from kakine.values.problems import Problem, StoreFailed, StoreInUse

__all__ = [
    "Connection",
    "Database",
    "IntegrityError",
    "Mark",
    "Rows",
    "Sql",
    "each",
    "replica_of",
    "sql",
    "store_of",
]

T = TypeVar("T")
_Why = TypeVar("_Why", StoreFailed, StoreInUse)


def store_of(folder: Path, name: str) -> Path:
    """The store of this name: the file with its server's address where there is one, otherwise an SQLite file."""
    served = folder / f"{name}.postgresql"
    return served if served.is_file() else folder / f"{name}.sqlite"


def replica_of(path: Path) -> str:
    """The name under which a process shares the store at `path`; nothing for its only one. Raises `StoreFailed`."""
    if path.suffix != ".postgresql":
        return ""
    from kakine.runtime.postgres import address

    return address(path).replica


GROUP = 1000
"""Most works in one transaction."""

IntegrityError = sqlite3.IntegrityError
"""A key is there already, or a constraint is broken; the one class for both engines."""


class Rows(Protocol):
    """What a statement found."""

    @property
    def rowcount(self) -> int:
        """Rows changed."""

    def fetchone(self) -> Any:
        """The next row as a tuple, or None."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """What a store does with a database; `sqlite3.Connection` is one."""

    def execute(self, sql: str, parameters: Mapping[str, Any] = ..., /) -> Rows:
        """Run a statement made by `sql`. Raises `IntegrityError`."""

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, Any]], /) -> Rows:
        """Run it once for each; all of them or none."""


class _Wired(Protocol):
    def each(self, sql: str, values: Iterable[Mapping[str, Any]], /) -> Iterable[Rows]: ...


def each(db: Connection, statement: str, values: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """The rows found for each of these values. Where there is a wire, one way for all of them."""
    if isinstance(db, sqlite3.Connection):
        return [db.execute(statement, given).fetchall() for given in values]
    return [found.fetchall() for found in cast(_Wired, db).each(statement, values)]


@dataclass
class Waiting:
    """One queued work and where its outcome goes."""

    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    value: Any = None
    fault: Exception | None = None
    alone: bool = False


@dataclass(frozen=True)
class Mark:
    """What a replica's writer has left in the store: it changes with all that the replica writes."""

    fence: int
    last: int


class Database(ABC):
    """A party's store. `replica` names this process where several share it; `refusal` says why it writes nothing more,
    `curable` whether it would if it opened the store anew. Of a replica, `reached` grows when the store was away: what
    others wrote last may be gone from it; that its own still stands is looked at then, and nothing more is written
    otherwise."""

    replica: str = ""
    refusal: StoreFailed | StoreInUse | None = None
    curable: bool = False
    reached: int = 0

    def __init__(self, metadata: MetaData) -> None:
        self.metadata = metadata
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._door = threading.Lock()
        self._open = True
        self._thread = threading.Thread(target=self._serve, name="database-writer", daemon=True)
        self._thread.start()

    @staticmethod
    def open(path: Path, metadata: MetaData) -> Database:
        """Open the store at `path`: an SQLite file, made if missing, or, where the name ends in `.postgresql`, the
        PostgreSQL database whose address stands in that file (`runtime.postgres.Address`).

        Raises `StoreInUse` if an SQLite file is open elsewhere, in another process or this one, and `StoreOutdated`
        if the store was made by another version of the program or a table in it has other columns than `metadata`
        says; types and keys are not compared. `StoreFailed` if a server does not answer.
        """
        if path.suffix == ".postgresql":
            # Only who uses PostgreSQL loads its driver, and engines are built upon this module.
            from kakine.runtime.postgres import PostgresDatabase

            return PostgresDatabase.open(path, metadata)
        from kakine.runtime.sqlite import SqliteDatabase

        return SqliteDatabase.open(path, metadata)

    @property
    def overtaken(self) -> bool:
        """Another process has opened the store since."""
        return isinstance(self.refusal, StoreInUse)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work(connection)` on the writer thread; its value, once the commit that holds it is durable.

        An exception of `work` undoes that work alone and is raised here. `StoreFailed` means that the
        transaction of the whole group failed (disk full, I/O error, failed commit). After an I/O error
        nothing more is written until the store is opened anew: whether the failed group survives is known only
        then, and an fsync is never retried. `work` must not commit or roll back, and must do the same when it is run
        again (PostgreSQL may ask for that). If the caller is cancelled, its work may still be carried out.
        """
        return await self._queued(work, alone=False)

    @abstractmethod
    async def forget(self) -> None:
        """Let nothing deleted before stand in the store's files, as far as the engine can. Raises `StoreFailed` where
        that is not possible now.

        Does not reach what lies below the files: copies, snapshots of the file system, spare blocks of the disk.
        On PostgreSQL it does not reach the server's own files either (`runtime.postgres`).
        """

    async def _queued(self, work: Callable[[Any], T], *, alone: bool) -> T:
        loop = asyncio.get_running_loop()
        waiting = Waiting(work, loop, loop.create_future(), alone=alone)
        with self._door:
            if not self._open:
                raise StoreFailed(reason="closed")
            self._queue.put(waiting)
        value: T = await waiting.future
        return value

    @abstractmethod
    def read(self) -> Connection:
        """For reading, on the thread of the event loop only; sees every commit already answered."""

    @abstractmethod
    async def look(self) -> None:
        """Raise `StoreInUse` where another process has overtaken this one, `StoreFailed` while the store cannot be
        reached. A replica shows the others by the same call that it lives."""

    def others(self) -> Mapping[str, Mark]:
        """The other replicas that ever opened the store."""
        return {}

    async def end(self, replica: str, seen: Mark) -> bool:
        """Let another replica write nothing more from now on; False where it has written since it was `seen`."""
        raise StoreFailed(reason="this store has one writer")

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """All reads inside see one state of the store."""

    def close(self) -> None:
        """Carry out what is queued, then close. A second call does nothing."""
        with self._door:
            if not self._open:
                return
            self._open = False
            self._queue.put(None)
        self._thread.join()
        self._let_go()

    def _serve(self) -> None:
        going = True
        while going:
            group: list[Waiting] = []
            item = self._queue.get()
            while item is not None:
                if item.alone:
                    self._finish(group)
                    self._outside(item)
                    group, item = [], self._queue.get()
                    continue
                group.append(item)
                if len(group) == GROUP:
                    break
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
            going = item is not None
            self._finish(group)

    def _finish(self, group: list[Waiting]) -> None:
        if not group:
            return
        try:
            if self.refusal is None:
                self._transact(group)
            else:
                _refuse(group, self.refusal)
        except Exception as fault:  # noqa: BLE001 - a writer that ends leaves everybody waiting for ever
            # Nobody knows in what state this has left the transaction: nothing more is written into it.
            _refuse(group, self._give_up(StoreFailed(reason=type(fault).__name__), curable=True))
        answer(group)

    def _give_up(self, why: _Why, *, curable: bool = False) -> _Why:
        # Whoever looks meanwhile, on another thread, must not take what is curable for what is not.
        self.curable, self.refusal = curable, why
        return why

    @abstractmethod
    def _transact(self, group: list[Waiting]) -> None:
        """Carry out a group in one transaction and note each value or fault; raises nothing."""

    @abstractmethod
    def _outside(self, waiting: Waiting) -> None:
        """What is done in no transaction; answers it."""

    @abstractmethod
    def _let_go(self) -> None:
        """Close what is open."""


def _refuse(group: list[Waiting], why: Problem) -> None:
    for waiting in group:
        waiting.fault = type(why)(**why.facts)


def answer(group: list[Waiting]) -> None:
    """Hand values and faults to those who wait, each on the loop it waits on."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Waiting]] = {}
    for waiting in group:
        by_loop.setdefault(waiting.loop, []).append(waiting)
    for loop, waitings in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, waitings)
        except RuntimeError:
            # That loop has ended, so nobody waits there any more; the others must still hear.
            continue


def _resolve(group: list[Waiting]) -> None:
    for waiting in group:
        if waiting.future.done():
            continue
        if waiting.fault is not None:
            waiting.future.set_exception(waiting.fault)
        else:
            waiting.future.set_result(waiting.value)
