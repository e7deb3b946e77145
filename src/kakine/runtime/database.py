"""SQLite with one writer thread and group commit: durable before it is answered.

Whatever waits when the writer thread becomes free goes into one transaction, each work in a savepoint of its
own, and one `COMMIT` (WAL, `synchronous=FULL`: an fsync) covers all. A lone caller pays about one bare
commit; many callers share one. Schemas are SQLAlchemy Core tables and statements are compiled by `sql`, so
that another engine can follow; at run time the compiled text goes straight to the driver.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql import ClauseElement

from kakine.values.problems import StoreFailed, StoreInUse, StoreOutdated

T = TypeVar("T")

GROUP = 1000
"""Most works in one transaction."""

_DIALECT = sqlite.dialect(paramstyle="named")

# After one of these the transaction as a whole is in doubt, whatever the savepoint of the work that met it.
_STORE_FAULTS = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_BUSY,
    }
)


def sql(statement: ClauseElement) -> str:
    """SQLite text of a Core statement with `:named` parameters; call it once per statement, at import.

    Constants in the statement are written into the text. Raises `TypeError` for a constant of bytes and for
    an expanding `IN`, which need a parameter of their own at run time.
    """
    compiled = statement.compile(dialect=_DIALECT)
    binds = getattr(compiled, "binds", {})
    constants = {name: bind for name, bind in binds.items() if not bind.required}

    def written(found: re.Match[str]) -> str:
        bind = constants.get(found[1])
        return found[0] if bind is None else _constant(bind.value)

    text = str(compiled)
    if "POSTCOMPILE" in text:
        raise TypeError("an expanding IN cannot be compiled once")
    return re.sub(r"(?<!:):(\w+)", written, text)


def _constant(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise TypeError("only whole numbers, texts and NULL can be constants of a statement")


@dataclass
class _Waiting:
    """One queued work and where its outcome goes."""

    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    value: Any = None
    fault: Exception | None = None
    alone: bool = False


class Database:
    """One SQLite file, open in this process and no other."""

    def __init__(self, lock: int, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._lock = lock
        self._writer = writer
        self._reader = reader
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._door = threading.Lock()
        self._open = True
        self._sound = True
        self._thread = threading.Thread(target=self._serve, name="database-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, metadata: MetaData) -> Database:
        """Open or create the file and create the tables of `metadata` that are missing.

        Raises `StoreInUse` if another process, or another object of this one, has it open, and `StoreOutdated` if
        a table in it has other columns than `metadata` says: there are no migrations yet. Types and keys are not
        compared.
        """
        lock = _exclusive(path)
        with ExitStack() as undo:
            undo.callback(os.close, lock)
            writer = _connection(path)
            undo.callback(writer.close)
            _create(writer, metadata)
            reader = _connection(path)
            undo.callback(reader.close)
            reader.execute("PRAGMA query_only = ON")
            undo.pop_all()
        return cls(lock, writer, reader)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work(connection)` on the writer thread; its value, once the commit that holds it is durable.

        An exception of `work` undoes that work alone and is raised here. `StoreFailed` means that the
        transaction of the whole group failed (disk full, I/O error, failed commit). After an I/O error
        nothing more is written until the file is opened anew: whether the failed group survives is known only
        then, and an fsync is never retried. `work` must not commit or roll back. If the caller is cancelled,
        its work may still be carried out.
        """
        return await self._queued(work, alone=False)

    async def forget(self) -> None:
        """Empty the write-ahead log into the file, so that nothing deleted before stands in either: deleted pages are
        overwritten (`secure_delete`). Raises `StoreFailed` where that is not possible now.

        Does not reach what lies below the file: copies, snapshots of the file system, spare blocks of the disk.
        """
        await self._queued(_emptied, alone=True)

    async def _queued(self, work: Callable[[sqlite3.Connection], T], *, alone: bool) -> T:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(work, loop, loop.create_future(), alone=alone)
        with self._door:
            if not self._open:
                raise StoreFailed(reason="closed")
            self._queue.put(waiting)
        value: T = await waiting.future
        return value

    def read(self) -> sqlite3.Connection:
        """For reading, on the thread of the event loop only; sees every commit already answered."""
        return self._reader

    def close(self) -> None:
        """Carry out what is queued, then close. A second call does nothing."""
        with self._door:
            if not self._open:
                return
            self._open = False
            self._queue.put(None)
        self._thread.join()
        self._reader.close()
        self._writer.close()
        os.close(self._lock)

    def _serve(self) -> None:
        going = True
        while going:
            group: list[_Waiting] = []
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

    def _finish(self, group: list[_Waiting]) -> None:
        if group:
            self._transact(group)
            _answer(group)

    def _outside(self, waiting: _Waiting) -> None:
        """What SQLite does in no transaction."""
        try:
            waiting.value = waiting.work(self._writer)
        except (sqlite3.Error, StoreFailed) as fault:
            self._give_up([waiting], fault)
        _answer([waiting])

    def _transact(self, group: list[_Waiting]) -> None:
        try:
            if not self._sound:
                raise StoreFailed(reason="an earlier write met an I/O error")
            self._writer.execute("BEGIN IMMEDIATE")
            for waiting in group:
                self._attempt(waiting)
            self._writer.execute("COMMIT")
        except (sqlite3.Error, StoreFailed) as fault:
            self._give_up(group, fault)

    def _attempt(self, waiting: _Waiting) -> None:
        self._writer.execute("SAVEPOINT work")
        try:
            waiting.value = waiting.work(self._writer)
        except Exception as fault:
            if _is_store_fault(fault) or not self._writer.in_transaction:
                raise StoreFailed(reason="write failed") from fault
            waiting.fault = fault
            self._writer.execute("ROLLBACK TO work")
        if not self._writer.in_transaction:
            raise StoreFailed(reason="a work ended the transaction")
        self._writer.execute("RELEASE work")

    def _give_up(self, group: list[_Waiting], fault: Exception) -> None:
        cause = fault.__cause__ if isinstance(fault, StoreFailed) else fault
        if isinstance(cause, sqlite3.Error) and _code(cause) in (
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_CORRUPT,
        ):
            self._sound = False
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            self._sound = False
        for waiting in group:
            waiting.fault = StoreFailed(**fault.facts) if isinstance(fault, StoreFailed) else StoreFailed()
            waiting.fault.__cause__ = cause


@contextmanager
def alone(path: Path, metadata: MetaData) -> Iterator[sqlite3.Connection]:
    """The same file without the writer thread, for a program with one thread and no event loop (a card): each
    statement outside a transaction is a commit, durable when it returns. Raises `StoreInUse`, `StoreOutdated`."""
    lock = _exclusive(path)
    with ExitStack() as undo:
        undo.callback(os.close, lock)
        connection = _connection(path)
        undo.callback(connection.close)
        _create(connection, metadata)
        yield connection


def _create(db: sqlite3.Connection, metadata: MetaData) -> None:
    for table in metadata.sorted_tables:
        db.execute(sql(CreateTable(table, if_not_exists=True)))
        _require_columns(db, table)
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            db.execute(sql(CreateIndex(index, if_not_exists=True)))


def _emptied(db: sqlite3.Connection) -> None:
    busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreFailed(reason="the store is being read")


def _require_columns(db: sqlite3.Connection, table: Table) -> None:
    present = {row[1] for row in db.execute(f"PRAGMA table_info({table.name})")}
    if present != {column.name for column in table.columns}:
        raise StoreOutdated(table=table.name)


def _code(fault: sqlite3.Error) -> int:
    # The low byte is the primary result code (sqlite.org/rescode.html).
    return getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _is_store_fault(fault: Exception) -> bool:
    return isinstance(fault, sqlite3.Error) and _code(fault) in _STORE_FAULTS


def _answer(group: list[_Waiting]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for waiting in group:
        by_loop.setdefault(waiting.loop, []).append(waiting)
    for loop, waitings in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, waitings)
        except RuntimeError:
            # That loop has ended, so nobody waits there any more; the others must still hear.
            continue


def _resolve(group: list[_Waiting]) -> None:
    for waiting in group:
        if waiting.future.done():
            continue
        if waiting.fault is not None:
            waiting.future.set_exception(waiting.fault)
        else:
            waiting.future.set_result(waiting.value)


def _exclusive(path: Path) -> int:
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        os.close(lock)
        raise StoreInUse() from fault
    return lock


def _connection(path: Path) -> sqlite3.Connection:
    # SQLite gives the WAL the mode of the file, so both are for this user alone.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    return connection
