"""A country that runs apart on either engine: how it is founded, how its stores are filled past its stopped parties.
Part of bench/country.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from kakine.cli.apart_making import make

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


class Engine(Protocol):
    """Where the stores are."""

    name: str

    async def make(self, folder: Path, residents: int) -> None:
        """Found a country whose parties run apart."""

    def start(self, folder: Path) -> None:
        """What must run before the parties."""

    def stop(self, folder: Path) -> None:
        """End that."""

    def postmaster(self, folder: Path) -> int | None:
        """The process of a database server."""

    def disk_mb(self, folder: Path) -> dict[str, float]:
        """Of the stores, by party."""

    def opened(self, folder: Path, party: str) -> Any:
        """A context that gives the `Store` of a party."""


class Sqlite:
    """Files."""

    name = "sqlite"

    async def make(self, folder: Path, residents: int) -> None:
        await make(folder, residents, 0)

    def start(self, folder: Path) -> None:
        """Nothing runs."""

    def stop(self, folder: Path) -> None:
        """Nothing ran."""

    def postmaster(self, folder: Path) -> int | None:
        return None

    def disk_mb(self, folder: Path) -> dict[str, float]:
        from country_cost import disk_mb

        return disk_mb(folder)

    @contextmanager
    def opened(self, folder: Path, party: str) -> Iterator[Store]:
        db = sqlite3.connect(folder / party / f"{party}.sqlite", isolation_level=None)
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -500000")
        db.execute("BEGIN")
        yield _SqliteStore(db)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()


class _SqliteStore:
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
        self._db.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608 - names of the schema

    def run(self, text: str, values: Row) -> None:
        self._db.execute(text, values)


def engine(name: str) -> Engine:
    """By name."""
    if name == "sqlite":
        return Sqlite()
    raise SystemExit("parties that run apart do not keep their stores in PostgreSQL yet")
