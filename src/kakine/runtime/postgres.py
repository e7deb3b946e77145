"""PostgreSQL: the second engine, with the group commit of `runtime.database` over psycopg's libpq.

Standard SQL only: no advisory lock, trigger, sequence or notification. What SQLite gets from its file is had from one
table, `kakine_writer`, with a row a writer:

- **One writer.** To open the store is to raise `fence`; each transaction begins by updating its row, which fails
  unless the fence is the one it knows, so a writer that was overtaken changes nothing more (`StoreInUse`). Replicas,
  where the address names one, have a row each, work at `SERIALIZABLE` and repeat a group that failed to serialize
  (40001).
- **No guess about a lost COMMIT.** That same update leaves the group's number in `last`. If the connection breaks, a
  new one raises the fence (which waits for the old transaction to end) and reads which group came last.

A whole group goes to the server at once, from `BEGIN` to `COMMIT` (`runtime.postgres_line`); a work waits only where
it looks into what a statement found. The server carries out nothing after a statement that failed, so such a group is
rolled back and run again with a savepoint for each work, and the work that failed with one for each statement.

NOT done here: deleted rows are not overwritten (`forget` does nothing beyond waiting for what was written), neither
in tables nor in the server's log.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import MetaData, bindparam, case, select, update

from kakine.runtime.database import Connection, Database, IntegrityError, Mark, Waiting, answer
from kakine.runtime.postgres_line import Answer, Line
from kakine.runtime.postgres_open import (
    BOOKKEEPING,
    WRITER,
    Address,
    address,
    connect,
    contents,
    create_tables,
    overtake,
    require_durable,
    require_tables,
    retake,
)
from kakine.runtime.statements import sql
from kakine.values.problems import StoreFailed, StoreInUse

__all__ = ["BOOKKEEPING", "Address", "PostgresDatabase", "address", "contents", "create_tables"]

PAUSES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, *(1.0,) * 15)
"""Seconds before each attempt at one group; after the last one it is given up."""
REST = 4
"""See `_Reader`."""

# Classes of SQLSTATE after which the transaction is lost, not the work: connection, rollback, resources, operator,
# system, internal; and a lock that was not had.
_STORE_FAULTS = ("08", "40", "53", "57", "58", "XX", "55P03")
_AGAIN = ("40", "55P03")

# Under another fence there is no number, and the column must have one: what follows is not carried out.
_MARK = sql(
    update(WRITER)
    .where(WRITER.c.holder == bindparam("me"))
    .values(last=case((WRITER.c.fence == bindparam("known"), bindparam("number"))))
)

_MARKS = sql(select(WRITER.c.holder, WRITER.c.fence, WRITER.c.last))
_END = sql(
    update(WRITER)
    .where(
        WRITER.c.holder == bindparam("of"),
        WRITER.c.fence == bindparam("known"),
        WRITER.c.last == bindparam("number"),
    )
    .values(fence=WRITER.c.fence + 1)
)


class _Writer(Line):
    """What works write on. When `careful`, a statement that fails undoes itself alone, as on SQLite."""

    careful = False

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None, /) -> Answer:
        return self._sent(sql, lambda: Line.execute(self, sql, parameters))

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, Any]], /) -> Answer:
        return self._sent(sql, lambda: Line.executemany(self, sql, parameters))

    def _sent(self, sql: str, send: Callable[[], Answer]) -> Answer:
        if not self.careful:
            return send()
        self.command(b"SAVEPOINT statement")
        found = send()
        self.command(b"RELEASE statement")
        try:
            self.settle()
        except psycopg.Error as fault:
            if _is_store_fault(fault):
                raise
            self.fault = None
            self.command(b"ROLLBACK TO statement")
            if isinstance(fault, psycopg.IntegrityError):
                raise IntegrityError(_broken(fault)) from None
            raise
        return found


class _Reader:
    """What is read on; finds the server again after it was away. The event loop waits for that, so that an attempt in
    vain is followed by a rest of `REST` times as long as it took."""

    def __init__(self, reach: Callable[[], psycopg.Connection[Any]]) -> None:
        self._reach = reach
        self._within = False
        self._rests_until = 0.0
        self.line = Line(reach())

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None, /) -> Answer:
        return self._found(lambda line: [line.execute(sql, parameters)])[0]

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, Any]], /) -> Answer:
        rows = list(parameters)
        return self._found(lambda line: [line.executemany(sql, rows)])[0]

    def each(self, sql: str, values: Iterable[Mapping[str, Any]], /) -> list[Answer]:
        """See `Line.each`."""
        rows = list(values)
        return self._found(lambda line: line.each(sql, rows))

    def begin(self) -> None:
        """From here on one state of the store is read."""
        self._found(lambda line: [line.command(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")])
        self._within = True

    def end(self) -> None:
        """See `begin`."""
        self._within = False
        self.line.drop()

    def _found(self, ask: Callable[[Line], list[Answer]]) -> list[Answer]:
        try:
            return _asked(self.line, ask)
        except psycopg.OperationalError as fault:
            begun = time.monotonic()
            if not self.line.closed or self._within or begun < self._rests_until:
                raise StoreFailed(reason="the server does not answer") from fault
        try:
            self.line = Line(self._reach())
            return _asked(self.line, ask)
        except psycopg.OperationalError as fault:
            now = time.monotonic()
            self._rests_until = now + REST * (now - begun)
            raise StoreFailed(reason="the server does not answer") from fault


def _asked(line: Line, ask: Callable[[Line], list[Answer]]) -> list[Answer]:
    line.fault = None
    found = ask(line)
    line.settle()
    return found


class PostgresDatabase(Database):
    """A PostgreSQL database with one party's tables."""

    def __init__(self, where: Address, metadata: MetaData) -> None:
        self._where = where
        # A wait by the clock that nobody sets, which libfaketime leaves alone.
        self._pause = threading.Event()
        self._pending = False
        self._number = self._stood = 0
        self.replica = where.replica
        driver = connect(where)
        try:
            require_durable(driver)
            require_tables(driver, metadata)
            self._fence = overtake(driver, where.replica)
            self._reader = _Reader(self._connect_reader)
        except BaseException:
            driver.close()
            raise
        self._line = _Writer(driver)
        super().__init__(metadata)

    def _connect_reader(self) -> psycopg.Connection[Any]:
        self.reached += bool(self.replica)
        return connect(self._where, default_transaction_read_only="on")

    @classmethod
    def open(cls, path: Path, metadata: MetaData) -> PostgresDatabase:
        """See `Database.open`. An earlier writer of the same store is overtaken: it writes nothing more."""
        try:
            return cls(address(path), metadata)
        except psycopg.OperationalError as fault:
            raise StoreFailed(reason="the server does not answer") from fault

    async def forget(self) -> None:
        """Wait for what was written before. Nothing is overwritten: see above."""
        await self._queued(lambda _: None, alone=True)

    def read(self) -> Connection:
        """See `Database.read`."""
        return self._reader

    def _marks(self) -> dict[str, Mark]:
        return {row[0]: Mark(row[1], row[2]) for row in self._reader.execute(_MARKS)}

    async def look(self) -> None:
        """See `Database.look`."""
        mark = self._marks().get(self.replica)
        ours = mark is not None and mark.fence == self._fence
        if self.curable:
            if not ours:
                raise self._give_up(StoreInUse())
        elif self.replica or not ours:
            # Our own fence rises as well, when a lost connection is made anew; the write knows whose doing it was.
            await self.write(lambda _: None)

    def others(self) -> Mapping[str, Mark]:
        """See `Database.others`."""
        return {name: mark for name, mark in self._marks().items() if name and name != self.replica}

    async def end(self, replica: str, seen: Mark) -> bool:
        """See `Database.end`."""
        values = {"of": replica, "known": seen.fence, "number": seen.last}
        return await self.write(lambda db: db.execute(_END, values).rowcount == 1)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See `Database.snapshot`."""
        self._reader.begin()
        try:
            yield
        finally:
            self._reader.end()

    def _let_go(self) -> None:
        self._reader.line.close()
        self._line.close()

    def _outside(self, waiting: Waiting) -> None:
        answer([waiting])

    def _transact(self, group: list[Waiting]) -> None:
        try:
            self._persist(group)
        except (StoreFailed, StoreInUse, psycopg.Error) as fault:
            if self._pending and self.refusal is None:
                unknown = StoreFailed(reason="whether an earlier write stands is not known")
                self._give_up(unknown, curable=True)
            for waiting in group:
                waiting.fault = _told(fault)

    def _persist(self, group: list[Waiting]) -> None:
        """Run the group until it is known to stand."""
        last: psycopg.Error | None = None
        for pause in PAUSES:
            if pause:
                self._pause.wait(pause)
            try:
                if self._line.closed and self._back():
                    return
                if not self._together(group):
                    self._drop()
                    self._one_by_one(group)
                return
            except psycopg.Error as fault:
                last = fault
            self._drop()
            if _is_overtaken(last):
                raise self._give_up(StoreInUse()) from last
            if not self._line.closed and not _is(last, _AGAIN):
                raise last
        raise StoreFailed(reason="the server does not answer, or others write too much") from last

    def _together(self, group: list[Waiting]) -> bool:
        """Send the whole group and its COMMIT; False if something in it has to be undone alone."""
        mark = self._begin()
        try:
            for waiting in group:
                self._run(waiting)
                if waiting.fault is not None and self._line.wrote:
                    return False
            self._commit(mark)
        except psycopg.Error as fault:
            if _is_store_fault(fault) or _is_overtaken(fault):
                raise
            return False
        return True

    def _one_by_one(self, group: list[Waiting]) -> None:
        mark = self._begin()
        for waiting in group:
            if len(group) == 1 or not self._alone(waiting, careful=False):
                self._alone(waiting, careful=True)
        self._commit(mark)

    def _alone(self, waiting: Waiting, *, careful: bool) -> bool:
        """Run one work under a savepoint; False if it was undone because of a statement of its own."""
        line, undone = self._line, False
        line.command(b"SAVEPOINT work")
        line.settle()
        line.careful = careful
        try:
            self._run(waiting)
            line.settle()
        except psycopg.Error as fault:
            if careful or _is_store_fault(fault):
                raise
            line.fault, undone = None, True
        finally:
            line.careful = False
        if undone or waiting.fault is not None:
            line.command(b"ROLLBACK TO work")
        line.command(b"RELEASE work")
        return not undone

    def _run(self, waiting: Waiting) -> None:
        """Raises what a statement met, whatever the work made of it; the work's own fault is noted."""
        line = self._line
        line.wrote, waiting.value, waiting.fault = False, None, None
        try:
            waiting.value = waiting.work(line)
        except Exception as fault:
            if fault is line.fault:
                raise
            waiting.fault = fault
        if line.fault is not None:
            raise line.fault

    def _begin(self) -> Answer:
        self._number += 1
        self._line.command(b"BEGIN ISOLATION LEVEL SERIALIZABLE" if self._where.replica else b"BEGIN")
        values = {"me": self._where.replica, "known": self._fence, "number": self._number}
        return Line.execute(self._line, _MARK, values)

    def _commit(self, mark: Answer) -> None:
        self._pending = True
        stands = _commit(self._line)
        self._pending = False
        if not stands:
            raise StoreFailed(reason="the server took the group back")
        if mark.rowcount != 1:
            raise self._give_up(StoreFailed(reason="the writer's row is gone"))
        self._stood = self._number

    def _drop(self) -> None:
        self._line.drop()
        # Whoever still answers has not carried out a COMMIT that came with a fault.
        self._pending = self._pending and self._line.closed

    def _back(self) -> bool:
        """Connect anew, and say whether the group whose COMMIT was not answered stands.

        Raises `StoreInUse` where another has opened the store meanwhile.
        """
        driver = connect(self._where)
        try:
            # Waits for the old transaction, if the server has not ended it yet.
            found = retake(driver, self._where.replica, self._fence)
        except BaseException:
            driver.close()
            raise
        if found is None:
            driver.close()
            raise self._give_up(StoreInUse())
        self._fence, last = found
        self.reached += bool(self.replica)
        stands, self._pending = self._pending and last == self._number, False
        if not stands and last != self._stood:
            driver.close()
            older = StoreFailed(reason="the server has not what was written last: it was put back")
            raise self._give_up(older)
        self._stood = last
        self._line = _Writer(driver)
        return stands


def _commit(line: Line) -> bool:
    # A transaction that had failed is rolled back by COMMIT, and says so.
    said = line.command(b"COMMIT")
    line.settle()
    return said.said == b"COMMIT"


def _is(fault: psycopg.Error, kinds: tuple[str, ...]) -> bool:
    return (fault.sqlstate or "08").startswith(kinds)


def _is_store_fault(fault: psycopg.Error) -> bool:
    lost = fault.sqlstate is None and isinstance(fault, psycopg.OperationalError)
    return lost or (fault.sqlstate is not None and _is(fault, _STORE_FAULTS))


def _is_overtaken(fault: psycopg.Error) -> bool:
    return isinstance(fault, psycopg.errors.NotNullViolation) and fault.diag.table_name == WRITER.name


def _broken(fault: psycopg.IntegrityError) -> str:
    """As SQLite says it: table and columns, and no value."""
    columns = re.match(r"Key \(([^)]*)\)=", fault.diag.message_detail or "")
    names = (
        columns[1].split(", ") if columns else [fault.diag.constraint_name or fault.diag.column_name or ""]
    )
    return "constraint failed: " + ", ".join(f"{fault.diag.table_name}.{name}" for name in names)


def _told(fault: Exception) -> Exception:
    told: Exception
    if isinstance(fault, StoreInUse):
        told = StoreInUse()
    else:
        told = StoreFailed(**fault.facts) if isinstance(fault, StoreFailed) else StoreFailed()
    told.__cause__ = fault.__cause__ if isinstance(fault, StoreFailed) else fault
    return told
