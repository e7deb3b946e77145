"""One connection to PostgreSQL on which statements go out together and are answered together (libpq's pipeline).

`execute` waits for nothing: it gives an `Answer` that asks for what is due when it is first looked into. The server
carries out nothing between a statement that failed and the next synchronisation, which `settle` sends. A statement is
prepared when it is first used; values and rows are binary.
"""

from __future__ import annotations

import select
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from kakine.runtime.statements import Sql

_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)

SILENT_MS = 30_000
"""A server that answers no word for so long is given up, though its machine may still acknowledge what it gets."""

_Key: TypeAlias = tuple[Any, ...]
"""Text and types of a prepared statement."""


class Answer:
    """What a statement found (`database.Rows`), as soon as somebody looks."""

    __slots__ = ("_adapters", "_at", "_count", "_result", "_rows", "_settle")

    def __init__(self, settle: Callable[[], None], adapters: psycopg.Connection[Any]) -> None:
        self._settle, self._adapters = settle, adapters
        self._result: PGresult | None = None
        self._rows: list[Any] | None = None
        self._count = self._at = 0

    def take(self, result: PGresult) -> None:
        """What the server said; of several results, the last one's rows."""
        self._result = result
        self._count += result.command_tuples or 0

    @property
    def rowcount(self) -> int:
        """Rows changed, or found."""
        self._known()
        return self._count

    @property
    def said(self) -> bytes | None:
        """What was done, in the server's words."""
        return self._known().command_status

    def fetchone(self) -> Any:
        """The next row as a tuple, or None."""
        rows = self._loaded()
        if self._at == len(rows):
            return None
        self._at += 1
        return rows[self._at - 1]

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        rows, at = self._loaded(), self._at
        self._at = len(rows)
        return rows[at:]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())

    def _loaded(self) -> list[Any]:
        if self._rows is None:
            # One of its own for each answer: it may be looked into on another thread than the line's.
            load = Transformer(self._adapters)
            result = self._known()
            load.set_pgresult(result)
            self._rows = load.load_rows(0, result.ntuples, tuple)
        return self._rows

    def _known(self) -> PGresult:
        if self._result is None:
            self._settle()
        if self._result is None:
            raise psycopg.InterfaceError("taken back before it was answered")
        return self._result


class Line:
    """A connection in libpq's pipeline mode. For one thread at a time."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self.driver = driver
        self.wrote = False
        self.fault: psycopg.Error | None = None
        self._libpq = driver.pgconn
        self._libpq.enter_pipeline_mode()
        # libpq's own waiting would hold the interpreter's lock.
        self._heard, self._way = select.poll(), select.poll()
        self._heard.register(self._libpq.socket, select.POLLIN)
        self._way.register(self._libpq.socket, select.POLLIN | select.POLLOUT)
        self._names: dict[_Key, bytes] = {}
        self._made = 0
        self._due: list[Answer | _Key] = []

    @property
    def closed(self) -> bool:
        """Whether the connection is known to be gone."""
        return self.driver.closed

    def close(self) -> None:
        """End the connection; what was not committed is lost."""
        self.driver.close()

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None, /) -> Answer:
        """See `database.Connection`; a fault comes with an answer."""
        return self._each(sql, [parameters or {}])

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, Any]], /) -> Answer:
        """See `database.Connection`; plain inserts are one statement."""
        rows = list(parameters)
        if not isinstance(sql, Sql) or len(rows) < 2 or (many := sql.many) is None:
            return self._each(sql, rows)
        self.wrote, answer = True, Answer(self.settle, self.driver)
        columns = zip(many.names, many.arrays, strict=True)
        arrays = [_array([row[name] for row in rows], kind) for name, kind in columns]
        self._send(answer, many.text, arrays, [_UNSAID] * len(arrays))
        return answer

    def each(self, sql: str, values: Iterable[Mapping[str, Any]], /) -> list[Answer]:
        """What the same statement finds for each of these values; all are asked before an answer is looked into."""
        return [self.execute(sql, given) for given in values]

    def command(self, text: bytes) -> Answer:
        """Send what takes no values and is no statement of a store."""
        answer = Answer(self.settle, self.driver)
        self._send(answer, text, [], [])
        return answer

    def settle(self) -> None:
        """Take in every answer that is due. Raises the first fault among them, and keeps it as `fault`."""
        if not self._due:
            return
        due, self._due = self._due, []
        try:
            self._synchronise()
            found = [self._taken(each) for each in due]
            while self._result().status != ExecStatus.PIPELINE_SYNC:
                pass
        except psycopg.Error as lost:
            self.fault = lost
            raise
        for fault in found:
            if fault is not None:
                self.fault = fault
                raise fault

    def drop(self) -> None:
        """Roll back, whatever was on its way. If the connection is gone, or what it is in, it is known afterwards."""
        with suppress(psycopg.Error):
            self.settle()
        self.fault = None
        try:
            self.command(b"ROLLBACK")
            self.settle()
        except psycopg.Error:
            self.close()
        self.fault = None

    def _each(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> Answer:
        if not isinstance(sql, Sql):
            raise TypeError("a text that was not made by `sql` runs on no second engine")
        (text, names, _), answer = sql.numbered, Answer(self.settle, self.driver)
        self.wrote |= not text.startswith(b"SELECT")
        for row in rows:
            values = [row[name] for name in names]
            kinds = [_kind(type(value)) for value in values]
            raw = [
                None if value is None else kind.raw(value) for kind, value in zip(kinds, values, strict=True)
            ]
            self._send(answer, text, raw, [kind.oid for kind in kinds])
        return answer

    def _send(self, answer: Answer, text: bytes, raw: Sequence[bytes | None], kinds: Sequence[int]) -> None:
        if self.fault is not None:
            # Until whoever holds the line has undone it, nothing more is carried out anyway.
            raise self.fault
        key = (text, *kinds)
        name = self._names.get(key)
        try:
            if name is None:
                self._made += 1
                name = self._names[key] = b"s%d" % self._made
                self._libpq.send_prepare(name, text, kinds)
                self._due.append(key)
            self._libpq.send_query_prepared(name, raw, [_BINARY] * len(raw), _BINARY)
        except psycopg.Error as lost:
            self.fault = lost
            raise
        self._due.append(answer)

    def _synchronise(self) -> None:
        self._libpq.pipeline_sync()
        while self._libpq.flush():
            # The server may wait with reading until it is rid of what it says.
            self._heard_of(self._way)

    def _taken(self, due: Answer | _Key) -> psycopg.Error | None:
        result = self._result()
        failed, skipped = result.status in _FAILED, result.status == ExecStatus.PIPELINE_ABORTED
        if isinstance(due, Answer):
            if not failed and not skipped:
                due.take(result)
        elif failed or skipped:
            del self._names[due]
        return error_from_result(result) if failed else None

    def _result(self) -> PGresult:
        # After each statement's result the library says once that there is no more.
        for _ in range(3):
            while self._libpq.is_busy():
                self._heard_of(self._heard)
            if (result := self._libpq.get_result()) is not None:
                return result
        raise psycopg.OperationalError("the connection is lost")

    def _heard_of(self, way: select.poll) -> None:
        if not way.poll(SILENT_MS):
            self.close()
            raise psycopg.OperationalError("the server is silent")
        self._libpq.consume_input()


class _Kind(NamedTuple):
    """How values of a Python type are sent."""

    oid: int
    raw: Callable[[Any], bytes]


def _whole(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)


_UNSAID, _BINARY = 0, 1
# Object identifiers of the server's own types (pg_type.dat); they never change.
_BIGINT, _BYTEA, _TEXT = 20, 17, 25
_KINDS: dict[type, _Kind] = {
    int: _Kind(_BIGINT, _whole),
    str: _Kind(_TEXT, str.encode),
    bytes: _Kind(_BYTEA, bytes),
    type(None): _Kind(_UNSAID, bytes),
}
_ELEMENTS = {"BIGINT": _KINDS[int], "BYTEA": _KINDS[bytes], "TEXT": _KINDS[str]}


def _kind(of: type) -> _Kind:
    if of not in _KINDS:
        above = next((each for each in of.__mro__ if each in _KINDS), None)
        if above is None:
            raise TypeError(f"no column holds a {of.__name__}")
        _KINDS[of] = _KINDS[above]
    return _KINDS[of]


def _array(values: Sequence[Any], kind: str) -> bytes:
    """An array of one dimension, as `array_recv` reads it."""
    oid, raw = _ELEMENTS[kind]
    parts = [struct.pack(">iiIii", 1, 1, oid, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(b"\xff\xff\xff\xff")
        else:
            content = raw(value)
            parts += (len(content).to_bytes(4, "big"), content)
    return b"".join(parts)
