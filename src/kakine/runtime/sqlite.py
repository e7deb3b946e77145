"""SQLite: one file a party, one writer, WAL and `synchronous=FULL` (an fsync a commit)."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import MetaData, Table

from kakine.runtime import versions
from kakine.runtime.database import Database, Waiting, answer
from kakine.values.problems import StoreFailed, StoreInUse, StoreOutdated

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


LOG_PAGES = 8000
"""Of 4 KiB, that the write-ahead log may have before a commit puts them into the file, which holds up whoever waits for
that commit for several flushes. SQLite's own 1,000 made such a commit of every fiftieth of a batch."""


class SqliteDatabase(Database):
    """One SQLite file, open in this process and no other."""

    def __init__(
        self, metadata: MetaData, lock: int, writer: sqlite3.Connection, reader: sqlite3.Connection
    ) -> None:
        self._lock = lock
        self._writer = writer
        self._reader = reader
        super().__init__(metadata)

    @classmethod
    def open(cls, path: Path, metadata: MetaData) -> SqliteDatabase:
        """See `Database.open`."""
        lock = exclusive(path)
        with ExitStack() as undo:
            undo.callback(os.close, lock)
            writer = _connection(path)
            undo.callback(writer.close)
            _create(writer, metadata)
            reader = _connection(path)
            undo.callback(reader.close)
            reader.execute("PRAGMA query_only = ON")
            undo.pop_all()
        return cls(metadata, lock, writer, reader)

    async def forget(self) -> None:
        """Empty the write-ahead log into the file: deleted pages are overwritten (`secure_delete`)."""
        await self._queued(_emptied, alone=True)

    def read(self) -> sqlite3.Connection:
        """See `Database.read`."""
        return self._reader

    async def look(self) -> None:
        """See `Database.look`. Nobody else can open the file while it is open here."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See `Database.snapshot`."""
        self._reader.execute("BEGIN")
        try:
            yield
        finally:
            # Some faults of a read have ended it already.
            if self._reader.in_transaction:
                self._reader.execute("ROLLBACK")

    def _let_go(self) -> None:
        self._reader.close()
        self._writer.close()
        os.close(self._lock)

    def _outside(self, waiting: Waiting) -> None:
        """What SQLite does in no transaction."""
        try:
            waiting.value = waiting.work(self._writer)
        except (sqlite3.Error, StoreFailed) as fault:
            self._undo([waiting], fault)
        answer([waiting])

    def _transact(self, group: list[Waiting]) -> None:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for waiting in group:
                self._attempt(waiting)
            self._writer.execute("COMMIT")
        except (sqlite3.Error, StoreFailed) as fault:
            self._undo(group, fault)

    def _attempt(self, waiting: Waiting) -> None:
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

    def _undo(self, group: list[Waiting], fault: Exception) -> None:
        cause = fault.__cause__ if isinstance(fault, StoreFailed) else fault
        met = _code(cause) if isinstance(cause, sqlite3.Error) else None
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            met = sqlite3.SQLITE_IOERR
        if met == sqlite3.SQLITE_CORRUPT:
            self._give_up(StoreFailed(reason="the file is damaged"))
        elif met == sqlite3.SQLITE_IOERR:
            self._give_up(StoreFailed(reason="an earlier write met an I/O error"), curable=True)
        for waiting in group:
            waiting.fault = StoreFailed(**fault.facts) if isinstance(fault, StoreFailed) else StoreFailed()
            waiting.fault.__cause__ = cause


@contextmanager
def alone(path: Path, metadata: MetaData) -> Iterator[sqlite3.Connection]:
    """The same file without the writer thread, for a program with one thread and no event loop (a card): each
    statement outside a transaction is a commit, durable when it returns. Raises `StoreInUse`, `StoreOutdated`."""
    lock = exclusive(path)
    with ExitStack() as undo:
        undo.callback(os.close, lock)
        connection = _connection(path)
        undo.callback(connection.close)
        _create(connection, metadata)
        yield connection


def _create(db: sqlite3.Connection, metadata: MetaData) -> None:
    head = versions.head(metadata)
    if head is not None and db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone():
        versions.require(db, head)
    else:
        _create_all(db, metadata)
    for table in metadata.sorted_tables:
        _require_columns(db, table)


def _create_all(db: sqlite3.Connection, metadata: MetaData) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement in versions.creation(metadata):
            db.execute(statement)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


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


def exclusive(path: Path) -> int:
    """Hold the lock beside a store; the handle to close. Raises `StoreInUse`."""
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
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    return connection
