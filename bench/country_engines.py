"""The stores of a country that runs apart, on either engine, filled past its stopped parties.

Part of bench/country.py."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from kakine.cli.apart_processes import Processes

Row = tuple[Any, ...]


class Store(Protocol):
    """One party's store while the party is stopped."""

    def one(self, text: str) -> Row | None:
        """The first row of a query."""

    def all(self, text: str) -> list[Row]:
        """All rows of a query."""

    def columns(self, table: str) -> list[str]:
        """Of a table."""

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Many rows."""

    def run(self, text: str, values: Row) -> None:
        """A statement with `?` for each value."""


@contextmanager
def opened(folder: Path, party: str, name: str = "") -> Iterator[Store]:
    """The store of a party, the one of this name where it has another; all that is added is there in the end, or
    nothing. A server must run."""
    name = name or party
    path = folder / party / f"{name}.sqlite"
    if path.is_file():
        with _sqlite(path) as store:
            yield store
        return
    server = Processes(folder).server
    assert server is not None, "neither a file nor a server"
    with psycopg.connect(server.server(name, f"{name}-owner")) as connection:
        connection.execute("SET synchronous_commit = off")
        yield _Postgres(connection)


@contextmanager
def _sqlite(path: Path) -> Iterator[Store]:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -500000")
        db.execute("BEGIN")
        yield _Sqlite(db)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()


class _Sqlite:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def one(self, text: str) -> Row | None:
        found: Row | None = self._db.execute(text).fetchone()
        return found

    def all(self, text: str) -> list[Row]:
        return self._db.execute(text).fetchall()

    def columns(self, table: str) -> list[str]:
        return [row[1] for row in self._db.execute(f'PRAGMA table_info("{table}")')]

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        names, marks = ", ".join(f'"{each}"' for each in columns), ", ".join("?" * len(columns))
        self._db.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608

    def run(self, text: str, values: Row) -> None:
        self._db.execute(text, values)


class _Postgres:
    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def one(self, text: str) -> Row | None:
        found: Row | None = self._connection.execute(text.encode()).fetchone()
        return found

    def all(self, text: str) -> list[Row]:
        return self._connection.execute(text.encode()).fetchall()

    def columns(self, table: str) -> list[str]:
        asked = (
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND "
            "table_name = %s ORDER BY ordinal_position"
        )
        return [row[0] for row in self._connection.execute(asked, (table,))]

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        names = ", ".join(f'"{each}"' for each in columns)
        with self._connection.cursor().copy(f'COPY "{table}" ({names}) FROM STDIN'.encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def run(self, text: str, values: Row) -> None:
        self._connection.execute(text.replace("?", "%s").encode(), values)


def settled(folder: Path) -> None:
    """What a server does once in a while after much has been added, done now: it must not fall into a measurement."""
    server = Processes(folder).server
    if server is not None:
        for name in databases(folder):
            with psycopg.connect(server.server(name, "postgres"), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
        with psycopg.connect(server.server("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")


def databases(folder: Path) -> dict[str, float]:
    """Megabytes by database of the country's server."""
    server = Processes(folder).server
    if server is None:
        return {}
    asked = "SELECT datname, pg_database_size(datname) FROM pg_database WHERE NOT datistemplate"
    with psycopg.connect(server.server("postgres", "postgres")) as connection:
        return {name: size / 1e6 for name, size in connection.execute(asked) if name != "postgres"}


def disk_mb(folder: Path) -> dict[str, float]:
    """Of the stores, by party."""
    found: dict[str, float] = defaultdict(float, databases(folder))
    for path in folder.glob("*/*.sqlite*"):
        found[path.parent.name] += path.stat().st_blocks * 512 / 1e6
    return dict(found)
