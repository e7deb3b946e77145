"""What the monitor keeps between two runs: a SQLite file of its own, no part of any country."""

from __future__ import annotations

import sqlite3
import struct
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.elements import BindParameter

from kakine.clients.monitor.findings import Finding
from kakine.clients.monitor.tail import Tail
from kakine.crypto.merkle import EMPTY
from kakine.crypto.signing import VerifyKey
from kakine.protocols.tiles import Tiler
from kakine.runtime.database import Database, sql
from kakine.values.problems import MonitorMemoryInvalid, TileInvalid
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import LENGTH
from kakine.wire.policy import LOG, vkey
from kakine.wire.standing import Counts
from kakine.wire.tiles import ENTRIES, partials

METADATA = MetaData()

_LOG = Table(
    "log",
    METADATA,
    Column("origin", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("edge", LargeBinary, nullable=False),
    Column("latest_index", Integer, nullable=False),
    Column("latest_minutes", Integer, nullable=False),
    Column("last_minutes", Integer, nullable=False),
)
_HEAD = Table(
    "head",
    METADATA,
    Column("origin", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("first_seen_ms", Integer, nullable=False),
    PrimaryKeyConstraint("origin", "size"),
)
_PAGE = Table(
    "page",
    METADATA,
    Column("origin", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("outcomes", Integer, nullable=False),
    Column("views", Integer, nullable=False),
    PrimaryKeyConstraint("origin", "number"),
)
_OPEN = Table(
    "open",
    METADATA,
    Column("origin", String, primary_key=True),
    Column("first", Integer, nullable=False),
    Column("kinds", LargeBinary, nullable=False),
    Column("minutes", LargeBinary, nullable=False),
)
_INDEXED = Table(
    "indexed",
    METADATA,
    Column("origin", String, nullable=False),
    Column("keeper", String, nullable=False),
    Column("end", Integer, nullable=False),
    PrimaryKeyConstraint("origin", "keeper"),
)
_ROOT = Table(
    "root",
    METADATA,
    Column("origin", String, nullable=False),
    Column("idx", Integer, nullable=False),
    Column("bytes", LargeBinary(LENGTH), nullable=False),
    PrimaryKeyConstraint("origin", "idx"),
)
_FOUND = Table(
    "found",
    METADATA,
    Column("origin", String, nullable=False),
    Column("key", String, nullable=False),
    Column("finding", LargeBinary, nullable=False),
    Column("first_seen_ms", Integer, nullable=False),
    PrimaryKeyConstraint("origin", "key"),
)

_OF: BindParameter[str] = bindparam("origin")
_GET_LOG = sql(select(*_LOG.c).where(_LOG.c.origin == _OF))
_GET_HEADS = sql(
    select(_HEAD.c.size, _HEAD.c.root, _HEAD.c.note, _HEAD.c.first_seen_ms)
    .where(_HEAD.c.origin == _OF)
    .order_by(_HEAD.c.size)
)
_GET_PAGES = sql(
    select(_PAGE.c.number, _PAGE.c.requests, _PAGE.c.outcomes, _PAGE.c.views).where(_PAGE.c.origin == _OF)
)
_GET_OPEN = sql(select(_OPEN.c.first, _OPEN.c.kinds, _OPEN.c.minutes).where(_OPEN.c.origin == _OF))
_GET_INDEXED = sql(select(_INDEXED.c.keeper, _INDEXED.c.end).where(_INDEXED.c.origin == _OF))
_GET_ROOTS = sql(select(_ROOT.c.idx, _ROOT.c.bytes).where(_ROOT.c.origin == _OF))
_GET_FOUND = sql(
    select(_FOUND.c.finding).where(_FOUND.c.origin == _OF).order_by(_FOUND.c.first_seen_ms, _FOUND.c.key)
)
_PUT_LOG = sql(insert(_LOG).prefix_with("OR REPLACE"))
_PUT_PAGE = sql(insert(_PAGE).prefix_with("OR REPLACE"))
_PUT_OPEN = sql(insert(_OPEN).prefix_with("OR REPLACE"))
_PUT_INDEXED = sql(insert(_INDEXED).prefix_with("OR REPLACE"))
_ADD_ROOT = sql(insert(_ROOT).on_conflict_do_nothing())
_ADD_HEAD = sql(insert(_HEAD).on_conflict_do_nothing())
_ADD_FOUND = sql(insert(_FOUND).on_conflict_do_nothing())


@dataclass(frozen=True)
class Seen:
    """A head this monitor has verified, and when it first did."""

    at: Checkpoint
    note: bytes
    first_seen_ms: int


@dataclass
class Known:
    """One log as far as it has been verified.

    `edge` are the partial tiles of hashes by level, `latest` the (index, minutes) of the newest time in any entry,
    `last_minutes` the time of the last entry, `pages` the counts of each 4,096 entries, by number.

    `indexed` says by record keeper up to where its indexes were found right, `open` are the entries from the lowest of
    these on, and `roots` all entries of kind 5, by their place.
    """

    edge: dict[int, bytes] = field(default_factory=dict)
    latest: tuple[int, int] = (0, 0)
    last_minutes: int = 0
    heads: list[Seen] = field(default_factory=list)
    pages: dict[int, Counts] = field(default_factory=dict)
    indexed: dict[str, int] = field(default_factory=dict)
    open: Tail = field(default_factory=lambda: Tail(0))
    roots: dict[int, bytes] = field(default_factory=dict)

    @property
    def at(self) -> Checkpoint:
        """The largest verified head; the empty tree if there is none."""
        return self.heads[-1].at if self.heads else Checkpoint(0, EMPTY)

    def tiler(self) -> Tiler:
        """The tree to go on with. Raises `MonitorMemoryInvalid` if it does not give the kept root."""
        try:
            tiler = Tiler.resumed(self.at.size, self.edge)
        except TileInvalid as fault:
            raise MonitorMemoryInvalid(part="edge") from fault
        if tiler.root() != self.at.root:
            raise MonitorMemoryInvalid(part="root")
        return tiler


def named(origin: str, key: VerifyKey) -> str:
    """What a log is kept under. Two logs may carry one name (each demonstration has its own key), so the key is part of
    it."""
    return vkey(origin, LOG, key)


class Memory:
    """The file, in which a log is known by its `named` origin. Raises `StoreInUse` if another monitor has it open."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = Database.open(folder / "monitor.sqlite", METADATA)

    def known(self, origin: str) -> Known:
        """What is kept of a log. Raises `MonitorMemoryInvalid` if head and edge are of different sizes."""
        db, of = self._database.read(), {"origin": origin}
        heads = [Seen(Checkpoint(r[0], r[1]), r[2], r[3]) for r in db.execute(_GET_HEADS, of)]
        row = db.execute(_GET_LOG, of).fetchone()
        if row is None:
            return Known()
        _, size, edge, latest_index, latest_minutes, last_minutes = row
        if not heads or heads[-1].at.size != size:
            raise MonitorMemoryInvalid(part="head")
        unread = _unpacked(*(db.execute(_GET_OPEN, of).fetchone() or (0, b"", b"")))
        if unread.end != size:
            raise MonitorMemoryInvalid(part="open")
        return Known(
            _split(size, edge),
            (latest_index, latest_minutes),
            last_minutes,
            heads,
            {r[0]: Counts(*r[1:]) for r in db.execute(_GET_PAGES, of)},
            {r[0]: r[1] for r in db.execute(_GET_INDEXED, of)},
            unread,
            {r[0]: r[1] for r in db.execute(_GET_ROOTS, of)},
        )

    def found(self, origin: str) -> list[Finding]:
        """What was ever proven against a log, oldest first."""
        rows = self._database.read().execute(_GET_FOUND, {"origin": origin})
        return [msgspec.msgpack.decode(row[0], type=Finding) for row in rows]

    async def keep(self, origin: str, known: Known) -> None:
        """Replace what is kept of a log; a head that is kept already keeps its time."""
        await self._database.write(lambda db: _keep(db, origin, known))

    async def remember(self, origin: str, findings: list[Finding], now_ms: int) -> None:
        """Keep findings for good."""
        rows = [
            {"origin": origin, "key": f.key, "finding": msgspec.msgpack.encode(f), "first_seen_ms": now_ms}
            for f in findings
        ]
        await self._database.write(lambda db: db.executemany(_ADD_FOUND, rows))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _keep(db: sqlite3.Connection, origin: str, known: Known) -> None:
    db.execute(
        _PUT_LOG,
        {
            "origin": origin,
            "size": known.at.size,
            "edge": b"".join(known.edge[level] for level in sorted(known.edge)),
            "latest_index": known.latest[0],
            "latest_minutes": known.latest[1],
            "last_minutes": known.last_minutes,
        },
    )
    head = known.heads[-1]
    row = {"size": head.at.size, "root": head.at.root, "note": head.note, "first_seen_ms": head.first_seen_ms}
    db.execute(_ADD_HEAD, {"origin": origin, **row})
    db.executemany(
        _PUT_PAGE,
        [{"origin": origin, "number": number, **counts._asdict()} for number, counts in known.pages.items()],
    )
    minutes = struct.pack(f">{len(known.open.minutes)}I", *known.open.minutes)
    left = {"first": known.open.first, "kinds": bytes(known.open.kinds), "minutes": minutes}
    db.execute(_PUT_OPEN, {"origin": origin, **left})
    db.executemany(
        _PUT_INDEXED,
        [{"origin": origin, "keeper": keeper, "end": end} for keeper, end in known.indexed.items()],
    )
    db.executemany(
        _ADD_ROOT, [{"origin": origin, "idx": idx, "bytes": data} for idx, data in known.roots.items()]
    )


def _unpacked(first: int, kinds: bytes, minutes: bytes) -> Tail:
    if len(minutes) != 4 * len(kinds):
        raise MonitorMemoryInvalid(part="open")
    return Tail(first, bytearray(kinds), array("I", struct.unpack(f">{len(kinds)}I", minutes)))


def _split(size: int, edge: bytes) -> dict[int, bytes]:
    levels, at = {}, 0
    for tile in partials(size):
        if tile.level != ENTRIES:
            levels[tile.level] = edge[at : at + tile.bytes_long]
            at += tile.bytes_long
    return levels
