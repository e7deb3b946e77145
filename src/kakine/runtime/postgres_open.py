"""Where a PostgreSQL store is, what its server must be like, and which tables must be in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier
from psycopg.types.numeric import NumericBinaryLoader
from sqlalchemy import (
    BigInteger,
    Column,
    MetaData,
    String,
    Table,
    bindparam,
    column,
    or_,
    select,
    table,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.runtime import versions
from kakine.runtime.statements import Sql, sql
from kakine.values.problems import StoreFailed, StoreOutdated

_SESSION = {
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "60s",
    "lock_timeout": "10s",
    "timezone": "UTC",
}

_ROAD = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
"""So soon a server is given up that is gone without a word, as far as its address says nothing else: the event loop
waits for what it reads. The last is in milliseconds; over a socket of this machine none but the first counts."""

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
    """What stands in a `.postgresql` file (TOML). `server` is a libpq connection string, with `keepalives…` and
    `tcp_user_timeout` where a silent server is to be given up later than after 15 s; a password belongs into the file
    its `passfile` names. `replica` (a-z, 0-9, -) names this process where several share the store; without it,
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


class _Whole(NumericBinaryLoader):
    """`sum` of whole numbers is `NUMERIC`."""

    def load(self, data: Any) -> Any:
        return int(super().load(data))


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


def overtake(driver: psycopg.Connection[Any], replica: str) -> int:
    with driver.transaction():
        driver.execute(_END_OTHERS.postgres, {"me": replica, "only": int(not replica)})
        found = driver.execute(_TAKE.postgres, {"holder": replica}).fetchone()
    assert found is not None  # noqa: S101 - an upsert always has a row
    return int(found[0])


def retake(driver: psycopg.Connection[Any], replica: str, known: int) -> tuple[int, int] | None:
    """(fence, number of the last group) after raising the fence once more; None where it is not `known` any longer."""
    found: tuple[int, int] | None = driver.execute(
        _RETAKE.postgres, {"me": replica, "known": known}
    ).fetchone()
    return found


def create_tables(driver: psycopg.Connection[Any], metadata: MetaData) -> None:
    """Create what is missing of a party's tables, and the writer's. For the owner of the database."""
    with driver.transaction():
        driver.execute("SET LOCAL search_path = public")
        if versions.head(metadata) is not None and metadata.sorted_tables[0].name in _present(driver):
            return
        for statement in (*versions.creation(BOOKKEEPING), *versions.creation(metadata)):
            driver.execute(statement.postgres.encode())


class _Plain:
    """Statements that are asked one by one, before there is a line."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver

    def execute(self, sql: str, /) -> psycopg.Cursor[Any]:
        assert isinstance(sql, Sql)  # noqa: S101 - ours
        return self._driver.execute(sql.postgres.encode())


def require_tables(driver: psycopg.Connection[Any], metadata: MetaData) -> None:
    """Raises `StoreOutdated` if a table is missing that this role may not create, or has other columns."""
    wanted = (*BOOKKEEPING.sorted_tables, *metadata.sorted_tables)
    if not {each.name for each in wanted} <= _present(driver).keys():
        try:
            create_tables(driver, metadata)
        except psycopg.errors.InsufficientPrivilege as fault:
            raise StoreOutdated(table="missing") from fault
    if (head := versions.head(metadata)) is not None:
        versions.require(_Plain(driver), head)
    present = _present(driver)
    for each in wanted:
        if present[each.name] != {column.name for column in each.columns}:
            raise StoreOutdated(table=each.name)


def contents(path: Path) -> bytes:
    """Everything that stands in the tables of a store, as the server sends it: to search for what must not be there."""
    found = bytearray()
    with connect(address(path)) as driver:
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


def require_durable(driver: psycopg.Connection[Any]) -> None:
    """A server that does not flush, or sorts texts otherwise than by their bytes, is none for a party's store."""
    for name in ("fsync", "full_page_writes"):
        found = driver.execute(f"SHOW {name}".encode()).fetchone()
        if found is None or found[0] != "on":
            raise StoreFailed(reason=f"the server runs with {name} off")
    found = driver.execute("SELECT 'B' < 'a' AND 'a' < 'ä' AND 'z' < 'ä'").fetchone()
    if found is None or not found[0]:
        raise StoreFailed(reason="the database's collation is not C")


def connect(where: Address, **more: str) -> psycopg.Connection[Any]:
    session = {**_SESSION, **more}
    if where.replica:
        # Whole-table reads would make every pair of replicas conflict.
        session["enable_seqscan"] = "off"
    options = " ".join(f"-c {name}={value}" for name, value in session.items())
    told = _ROAD | psycopg.conninfo.conninfo_to_dict(where.server) | {"options": options}
    driver = psycopg.connect(psycopg.conninfo.make_conninfo("", **told), autocommit=True)
    driver.adapters.register_loader("numeric", _Whole)
    return driver
