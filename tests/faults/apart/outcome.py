"""All that is known after a run, in one SQLite file: what the callers wrote down, what stands in everybody's store,
what people were shown, what anybody could ask the country. The checker reads this and nothing else, so a test can
doctor it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from kakine.crypto.signing import VerifyKey
from kakine.protocols.logs import LogKeys
from kakine.runtime.postgres import address

Rows = Callable[[str, str], list[tuple[Any, ...]]]
"""(party, query): what stands in its store, which is not changed."""

KEEPERS = ("mailbox-a", "mailbox-b")
CONVERTERS = ("converter-1", "converter-2", "converter-3")
LEDGERS = ("ledger-a", "ledger-b")

_TABLES = {
    "call": "number INTEGER PRIMARY KEY, agency TEXT, person TEXT, caseno BLOB, ends INTEGER, result TEXT, fault TEXT",
    "seen_line": "person TEXT, caseno BLOB, result TEXT, log TEXT, place INTEGER",
    "reading": "person TEXT, signed INTEGER, verified INTEGER, hidden INTEGER",
    "finding": "code TEXT, facts TEXT",
    "head_seen": "who TEXT, note BLOB",
    "fork": "who TEXT, note BLOB",
    "signed_last": "who TEXT, log TEXT, size INTEGER, root BLOB",
    "log": "origin TEXT PRIMARY KEY, ledger TEXT, key BLOB",
    "keeper": "party TEXT PRIMARY KEY, key BLOB",
    "entry": "ledger TEXT, idx INTEGER, tag BLOB, bytes BLOB",
    "filing": "party TEXT, id BLOB, kind INTEGER, filing BLOB, signature BLOB, entries BLOB, tags BLOB, log TEXT,"
    " first INTEGER, proof BLOB, checkpoint BLOB",
    "listed": "party TEXT, filing BLOB, position INTEGER, list INTEGER",
    "used": "party TEXT, xid BLOB, log TEXT, position INTEGER, request BLOB",
    "receipt": "party TEXT, request BLOB, filed BLOB, entries BLOB, tags BLOB",
    "incoming": "party TEXT, request BLOB",
    "outgoing": "party TEXT, request BLOB",
    "rival": "ledger TEXT, ended TEXT",
}

_STORES = {
    "entry": (LEDGERS, "SELECT idx, tag, bytes FROM entry ORDER BY idx"),
    "filing": (
        KEEPERS,
        "SELECT id, kind, filing, signature, entries, tags, log, first, proof, checkpoint FROM filing",
    ),
    "listed": (KEEPERS, "SELECT filing, position, list FROM place"),
    "used": (CONVERTERS, "SELECT xid, log, position, request FROM used_exchange"),
}
_GATEWAY = {
    "receipt": "SELECT request, filed, entries, tags FROM receipt",
    "incoming": "SELECT request FROM incoming",
    "outgoing": "SELECT request FROM outgoing",
}


class Outcome:
    """The file, open for reading."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def rows(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """A query."""
        return self._database.execute(text, values).fetchall()

    def one(self, text: str, *values: Any) -> Any:
        """The first value of the first row."""
        return self.rows(text, *values)[0][0]

    @property
    def log_keys(self) -> LogKeys:
        """By origin."""
        return {origin: VerifyKey(key) for origin, key in self.rows("SELECT origin, key FROM log")}

    @property
    def keepers(self) -> dict[str, VerifyKey]:
        """Whose filings count."""
        return {party: VerifyKey(key) for party, key in self.rows("SELECT party, key FROM keeper")}


@contextmanager
def opened(path: Path) -> Iterator[Outcome]:
    """For the checker."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        yield Outcome(database)


class Writing:
    """A new file."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._database = sqlite3.connect(path, check_same_thread=False)
        for name, columns in _TABLES.items():
            self._database.execute(f"CREATE TABLE {name} ({columns})")
        for name in ("filing", "listed", "used", "entry"):
            key = {"filing": "id", "listed": "filing", "used": "request", "entry": "ledger, idx"}[name]
            self._database.execute(f"CREATE INDEX {name}_by_key ON {name} ({key})")

    def add(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Whole rows."""
        for row in rows:
            marks = ", ".join("?" * len(row))
            self._database.execute(f"INSERT INTO {table} VALUES ({marks})", tuple(row))  # noqa: S608 - constants

    def stores(self, rows: Rows, gateways: Sequence[str]) -> None:
        """What stands in the stores of record keepers, converters, ledgers and gateways."""
        for table, (parties, text) in _STORES.items():
            for party in parties:
                self.add(table, ((party, *row) for row in rows(party, text)))
        for table, text in _GATEWAY.items():
            for party in gateways:
                self.add(table, ((party, *row) for row in rows(party, text)))

    def close(self) -> None:
        """Everything is written."""
        self._database.commit()
        self._database.close()


def sqlite_rows(path_of: Callable[[str], Path]) -> Rows:
    """Out of files, also of a party that runs."""

    def rows(party: str, text: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{path_of(party)}?mode=ro", uri=True)) as database:
            return database.execute(text).fetchall()

    return rows


def store_rows(path_of: Callable[[str], Path]) -> Rows:
    """Out of files or a server, whichever a party has: `path_of` gives where its file would be."""
    files = sqlite_rows(path_of)

    def rows(party: str, text: str) -> list[tuple[Any, ...]]:
        told = path_of(party).with_suffix(".postgresql")
        if not told.is_file():
            return files(party, text)
        with psycopg.connect(address(told).server, options="-c default_transaction_read_only=on") as server:
            return server.execute(text.encode()).fetchall()

    return rows
