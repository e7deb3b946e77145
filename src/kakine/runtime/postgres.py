"""PostgreSQL: the second engine, with the group commit of `runtime.database` over psycopg.

Standard SQL only: no advisory lock, trigger, sequence or notification. What SQLite gets from its file is had from one
table, `kakine_writer`, with a row a writer:

- **One writer.** To open the store is to raise `fence`; each transaction begins by updating its row under the fence it
  knows, so a writer that was overtaken changes nothing more (`StoreInUse`). Replicas, where the address names one,
  have a row each, work at `SERIALIZABLE` and repeat a group that failed to serialize (40001).
- **No guess about a lost COMMIT.** That same update leaves the group's number in `last`. If the connection breaks, a
  new one raises the fence (which waits for the old transaction to end) and reads which group came last.

Savepoints are taken only when a group is run again because a work in it failed: each costs a way to the server.

NOT done here: deleted rows are not overwritten (`forget` does nothing beyond waiting for what was written), neither
in tables nor in the server's log.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier
from psycopg.types.numeric import Int8BinaryDumper, NumericBinaryLoader
from sqlalchemy import (
    BigInteger,
    Column,
    MetaData,
    String,
    Table,
    bindparam,
    column,
    literal,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.runtime import versions
from kakine.runtime.database import Connection, Database, IntegrityError, Rows, Waiting, answer
from kakine.runtime.statements import Sql, sql
from kakine.values.problems import StoreFailed, StoreInUse, StoreOutdated

PAUSES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, *(1.0,) * 15)
"""Seconds before each attempt at one group; after the last one it is given up."""

_SESSION = {
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "60s",
    "lock_timeout": "10s",
    "timezone": "UTC",
}
# Classes of SQLSTATE after which the transaction is lost, not the work: connection, rollback, resources, operator,
# system, internal; and a lock that was not had.
_STORE_FAULTS = ("08", "40", "53", "57", "58", "XX", "55P03")
_AGAIN = ("40", "55P03")

BOOKKEEPING = MetaData()
WRITER = Table(
    "kakine_writer",
    BOOKKEEPING,
    Column("holder", String, primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
)


_SECRETS = {"password", "sslpassword"}
"""Words of a connection string that would carry a secret itself."""


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in a `.postgresql` file (TOML). `server` is a libpq connection string; a password belongs into the
    file its `passfile` names. `replica` (a-z, 0-9, -) names this process where several share the store; without it,
    this one is the only writer."""

    server: str
    replica: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z0-9-]{0,40}", self.replica):
            raise ValueError("replica: a-z, 0-9 and -, at most 40")

    def text(self) -> str:
        """As it stands in the file."""
        # A string of JSON is one of TOML.
        return "".join(
            f"{name} = {json.dumps(value)}\n" for name, value in msgspec.structs.asdict(self).items()
        )


def address(path: Path) -> Address:
    """The address in a file. Raises `StoreFailed` for a file that is none, or that has a password in it."""
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=Address)
        told = psycopg.conninfo.conninfo_to_dict(found.server)
    except (OSError, msgspec.MsgspecError, psycopg.ProgrammingError):
        # What the libraries say may quote the file.
        raise StoreFailed(reason="the file with the store's address cannot be read") from None
    if _SECRETS & told.keys():
        raise StoreFailed(reason="a password stands in the address; it belongs into the passfile")
    return found


def passfile(where: Address) -> Path | None:
    """The file that the password is in, if one is named."""
    named = psycopg.conninfo.conninfo_to_dict(where.server).get("passfile")
    return None if named is None else Path(str(named))


class _Again(Exception):
    """A work failed in a transaction without savepoints: run the group once more, with them."""


class _Whole(NumericBinaryLoader):
    """`sum` of whole numbers is `NUMERIC`."""

    def load(self, data: Any) -> Any:
        return int(super().load(data))


class _Face:
    """A connection as stores see it (`database.Connection`)."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self.driver = driver
        self.careful = False
        self.wrote = False
        self.fault: psycopg.Error | None = None

    def begin_work(self) -> None:
        """Forget what the work before did."""
        self.wrote, self.fault = False, None

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None, /) -> Rows:
        return self._run(sql, lambda cursor, text: cursor.execute(text, parameters or {}, prepare=True))

    def executemany(self, sql: str, parameters: Iterable[Mapping[str, Any]], /) -> Rows:
        return self._run(sql, lambda cursor, text: cursor.executemany(text, parameters))

    def _run(self, sql: str, act: Callable[[psycopg.Cursor[Any], Any], object]) -> Rows:
        if not isinstance(sql, Sql):
            raise TypeError("a text that was not made by `sql` runs on no second engine")
        text = sql.postgres
        writes = not text.startswith("SELECT")
        self.wrote |= writes
        cursor = self.driver.cursor(binary=True)
        if self.careful and writes:
            self.driver.execute("SAVEPOINT statement")
        try:
            act(cursor, text)
        except psycopg.Error as fault:
            raise self._judged(fault, writes) from None
        if self.careful and writes:
            self.driver.execute("RELEASE statement")
        return cast(Rows, cursor)

    def _judged(self, fault: psycopg.Error, writes: bool) -> Exception:
        if _is_store_fault(fault) or not self.careful:
            self.fault = fault
        elif writes:
            # As SQLite does: a statement that fails undoes itself alone.
            self.driver.execute("ROLLBACK TO statement")
        if isinstance(fault, psycopg.IntegrityError):
            return IntegrityError(_broken(fault))
        return fault


class _Reader(_Face):
    """A face for reading that finds the server again after it was away."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self.within = False
        super().__init__(connect())

    def _run(self, sql: str, act: Callable[[psycopg.Cursor[Any], Any], object]) -> Rows:
        try:
            return super()._run(sql, act)
        except psycopg.OperationalError as fault:
            if not self.driver.closed or self.within:
                raise StoreFailed(reason="the server does not answer") from fault
        try:
            self.driver = self._connect()
            return super()._run(sql, act)
        except psycopg.OperationalError as fault:
            raise StoreFailed(reason="the server does not answer") from fault


class PostgresDatabase(Database):
    """A PostgreSQL database with one party's tables."""

    def __init__(self, where: Address, metadata: MetaData) -> None:
        self._where = where
        self._sound = True
        self._pending = False
        self._number = 0
        driver = _connect(where)
        try:
            _require_durable(driver)
            require_tables(driver, metadata)
            self._fence = _overtake(driver, where.replica)
            self._reader = _Reader(lambda: _connect(where, default_transaction_read_only="on"))
        except BaseException:
            driver.close()
            raise
        self._writer = _Face(driver)
        super().__init__(metadata)

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

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See `Database.snapshot`."""
        self._reader.execute(_ONE)  # finds the server again where it was away
        self._reader.driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._reader.within = True
        try:
            yield
        finally:
            self._reader.within = False
            if not self._reader.driver.closed:
                self._reader.driver.execute("ROLLBACK")

    def _let_go(self) -> None:
        self._reader.driver.close()
        self._writer.driver.close()

    def _outside(self, waiting: Waiting) -> None:
        answer([waiting])

    def _transact(self, group: list[Waiting]) -> None:
        try:
            if not self._sound:
                raise StoreFailed(reason="whether an earlier write stands is not known")
            self._persist(group)
        except (StoreFailed, StoreInUse, psycopg.Error) as fault:
            self._sound = self._sound and not self._pending
            for waiting in group:
                waiting.fault = _told(fault)

    def _persist(self, group: list[Waiting]) -> None:
        """Run the group until it is known to stand."""
        last: psycopg.Error | None = None
        for pause in PAUSES:
            if pause:
                time.sleep(pause)
            try:
                if self._writer.driver.closed and self._back():
                    return
                try:
                    self._once(group, careful=False)
                except _Again:
                    self._rollback()
                    self._once(group, careful=True)
                return
            except psycopg.Error as fault:
                last = fault
                if not self._writer.driver.closed:
                    self._rollback()
                    if not _is(fault, _AGAIN):
                        raise
        raise StoreFailed(reason="the server does not answer, or others write too much") from last

    def _once(self, group: list[Waiting], *, careful: bool) -> None:
        face, self._number = self._writer, self._number + 1
        self._begin()
        for waiting in group:
            waiting.value = waiting.fault = None
            self._attempt(waiting, careful=careful)
        face.careful = False
        self._pending = True
        stands = _commit(face.driver)
        self._pending = False
        if not stands:
            raise StoreFailed(reason="the server took the group back")

    def _begin(self) -> None:
        level = "BEGIN ISOLATION LEVEL SERIALIZABLE" if self._where.replica else "BEGIN"
        # Names and numbers that are ours, checked: two commands in one way to the server take no parameters.
        marked = self._writer.driver.execute(
            f"{level}; UPDATE kakine_writer SET last = {self._number}"  # noqa: S608
            f" WHERE holder = '{self._where.replica}' AND fence = {self._fence}".encode()
        )
        marked.nextset()
        if marked.rowcount != 1:
            self._sound = False
            self._rollback()
            raise StoreInUse()

    def _attempt(self, waiting: Waiting, *, careful: bool) -> None:
        face = self._writer
        face.begin_work()
        if careful:
            face.driver.execute("SAVEPOINT work")
        face.careful = careful
        try:
            waiting.value = waiting.work(face)
        except Exception as fault:
            if isinstance(fault, psycopg.Error) and _is_store_fault(fault):
                raise
            waiting.fault = fault
        finally:
            face.careful = False
        if face.fault is not None and _is_store_fault(face.fault):
            raise face.fault
        if not careful and (face.fault is not None or (waiting.fault is not None and face.wrote)):
            raise _Again
        if careful:
            face.driver.execute("RELEASE work" if waiting.fault is None else "ROLLBACK TO work")

    def _rollback(self) -> None:
        # The server may have gone meanwhile; the next attempt sees that the connection is closed.
        with suppress(psycopg.OperationalError):
            self._writer.driver.execute("ROLLBACK")

    def _back(self) -> bool:
        """Connect anew, and say whether the group whose COMMIT was not answered stands.

        Raises `StoreInUse` where another has opened the store meanwhile.
        """
        driver = _connect(self._where)
        try:
            values = {"me": self._where.replica, "known": self._fence}
            # Waits for the old transaction, if the server has not ended it yet.
            found = driver.execute(_RETAKE.postgres, values).fetchone()
        except BaseException:
            driver.close()
            raise
        if found is None:
            driver.close()
            self._sound = False
            raise StoreInUse()
        self._fence, last = found
        stands, self._pending = self._pending and last == self._number, False
        self._writer = _Face(driver)
        return stands


_ONE = sql(select(literal(1)))
_take = insert(WRITER).values(holder=bindparam("holder"), fence=1, last=0)
_TAKE = sql(
    _take.on_conflict_do_update(
        index_elements=["holder"], set_={"fence": WRITER.c.fence + 1, "last": 0}
    ).returning(WRITER.c.fence)
)
# Who opens as the only writer ends all replicas; a replica ends whoever was the only writer.
_END_OTHERS = sql(
    update(WRITER)
    .where(
        WRITER.c.holder != bindparam("me"),
        or_(WRITER.c.holder == "", bindparam("only", type_=BigInteger) == 1),
    )
    .values(fence=WRITER.c.fence + 1)
)
_RETAKE = sql(
    update(WRITER)
    .where(WRITER.c.holder == bindparam("me"), WRITER.c.fence == bindparam("known"))
    .values(fence=WRITER.c.fence + 1)
    .returning(WRITER.c.fence, WRITER.c.last)
)
_TABLES = sql(
    select(column("table_schema"), column("table_name"))
    .select_from(table("tables", schema="information_schema"))
    .where(column("table_schema") != "pg_catalog", column("table_schema") != "information_schema")
)
_COLUMNS = sql(
    select(column("table_name"), column("column_name"))
    .select_from(table("columns", schema="information_schema"))
    .where(column("table_schema") == "public")
)


def _commit(driver: psycopg.Connection[Any]) -> bool:
    # A transaction that had failed is rolled back by COMMIT, and says so.
    return driver.execute("COMMIT").statusmessage == "COMMIT"


def _overtake(driver: psycopg.Connection[Any], replica: str) -> int:
    with driver.transaction():
        driver.execute(_END_OTHERS.postgres, {"me": replica, "only": int(not replica)})
        found = driver.execute(_TAKE.postgres, {"holder": replica}).fetchone()
    assert found is not None  # noqa: S101 - an upsert always has a row
    return int(found[0])


def create_tables(driver: psycopg.Connection[Any], metadata: MetaData) -> None:
    """Create what is missing of a party's tables, and the writer's. For the owner of the database."""
    with driver.transaction():
        driver.execute("SET LOCAL search_path = public")
        if versions.head(metadata) is not None and metadata.sorted_tables[0].name in _present(driver):
            return
        for statement in (*versions.creation(BOOKKEEPING), *versions.creation(metadata)):
            driver.execute(statement.postgres.encode())


def require_tables(driver: psycopg.Connection[Any], metadata: MetaData) -> None:
    """Raises `StoreOutdated` if a table is missing that this role may not create, or has other columns."""
    wanted = (*BOOKKEEPING.sorted_tables, *metadata.sorted_tables)
    if not {each.name for each in wanted} <= _present(driver).keys():
        try:
            create_tables(driver, metadata)
        except psycopg.errors.InsufficientPrivilege as fault:
            raise StoreOutdated(table="missing") from fault
    if (head := versions.head(metadata)) is not None:
        versions.require(_Face(driver), head)
    present = _present(driver)
    for each in wanted:
        if present[each.name] != {column.name for column in each.columns}:
            raise StoreOutdated(table=each.name)


def contents(path: Path) -> bytes:
    """Everything that stands in the tables of a store, as the server sends it: to search for what must not be there."""
    found = bytearray()
    with _connect(address(path)) as driver:
        tables = driver.execute(_TABLES.postgres.encode()).fetchall()
        for name in tables:
            every = SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT BINARY)").format(Identifier(*name))
            with driver.cursor().copy(every) as rows:
                found += b"".join(bytes(each) for each in rows)
    return bytes(found)


def _present(driver: psycopg.Connection[Any]) -> dict[str, set[str]]:
    present: dict[str, set[str]] = {}
    for name, of in driver.execute(_COLUMNS.postgres.encode()):
        present.setdefault(name, set()).add(of)
    return present


def _require_durable(driver: psycopg.Connection[Any]) -> None:
    """A server that does not flush, or sorts texts otherwise than by their bytes, is none for a party's store."""
    for name in ("fsync", "full_page_writes"):
        found = driver.execute(f"SHOW {name}".encode()).fetchone()
        if found is None or found[0] != "on":
            raise StoreFailed(reason=f"the server runs with {name} off")
    found = driver.execute("SELECT 'B' < 'a' AND 'a' < 'ä' AND 'z' < 'ä'").fetchone()
    if found is None or not found[0]:
        raise StoreFailed(reason="the database's collation is not C")


def _connect(where: Address, **more: str) -> psycopg.Connection[Any]:
    session = {**_SESSION, **more}
    if where.replica:
        # Whole-table reads would make every pair of replicas conflict.
        session["enable_seqscan"] = "off"
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    driver = psycopg.connect(where.server, autocommit=True, options=options, connect_timeout=5)
    driver.prepared_max = None
    driver.adapters.register_dumper(int, Int8BinaryDumper)
    driver.adapters.register_dumper(bool, Int8BinaryDumper)
    driver.adapters.register_loader("numeric", _Whole)
    return driver


def _is(fault: psycopg.Error, kinds: tuple[str, ...]) -> bool:
    return (fault.sqlstate or "08").startswith(kinds)


def _is_store_fault(fault: psycopg.Error) -> bool:
    lost = fault.sqlstate is None and isinstance(fault, psycopg.OperationalError)
    return lost or (fault.sqlstate is not None and _is(fault, _STORE_FAULTS))


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
