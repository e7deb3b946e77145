"""What the monitor keeps between two runs: a SQLite file of its own, no part of any country."""

from __future__ import annotations

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
from kakine.runtime.database import Connection, Database, sql
from kakine.values.problems import MonitorMemoryInvalid, TileInvalid
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import LENGTH
from kakine.wire.erasure import Tally
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
    Column("masks", LargeBinary, nullable=False),
    Column("listed", LargeBinary, nullable=False),
)
_INDEXED = Table(
    "indexed",
    METADATA,
    Column("origin", String, nullable=False),
    Column("party", String, nullable=False),
    Column("end", Integer, nullable=False),
    PrimaryKeyConstraint("origin", "party"),
)
_MONTH = Table(
    "month",
    METADATA,
    Column("origin", String, nullable=False),
    Column("month", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("origin", "month"),
)
_PUBLISHED = Table(
    "published",
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
_GET_OPEN = sql(
    select(_OPEN.c.first, _OPEN.c.kinds, _OPEN.c.minutes, _OPEN.c.masks, _OPEN.c.listed).where(
        _OPEN.c.origin == _OF
    )
)
_GET_INDEXED = sql(select(_INDEXED.c.party, _INDEXED.c.end).where(_INDEXED.c.origin == _OF))
_GET_MONTHS = sql(
    select(_MONTH.c.month, _MONTH.c.count, _MONTH.c.first, _MONTH.c.last).where(_MONTH.c.origin == _OF)
)
_GET_PUBLISHED = sql(select(_PUBLISHED.c.idx, _PUBLISHED.c.bytes).where(_PUBLISHED.c.origin == _OF))
_GET_FOUND = sql(
    select(_FOUND.c.finding).where(_FOUND.c.origin == _OF).order_by(_FOUND.c.first_seen_ms, _FOUND.c.key)
)
_PUT_LOG = sql(insert(_LOG).prefix_with("OR REPLACE"))
_PUT_PAGE = sql(insert(_PAGE).prefix_with("OR REPLACE"))
_PUT_OPEN = sql(insert(_OPEN).prefix_with("OR REPLACE"))
_PUT_INDEXED = sql(insert(_INDEXED).prefix_with("OR REPLACE"))
_PUT_MONTH = sql(insert(_MONTH).prefix_with("OR REPLACE"))
_ADD_PUBLISHED = sql(insert(_PUBLISHED).on_conflict_do_nothing())
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

    `indexed` says by record keeper up to where its indexes, and by converter up to where its statements were found
    right, `open` are the entries from the lowest of these on, `published` all entries of those kinds by their place,
    and `months` what expires when.
    """

    edge: dict[int, bytes] = field(default_factory=dict)
    latest: tuple[int, int] = (0, 0)
    last_minutes: int = 0
    heads: list[Seen] = field(default_factory=list)
    pages: dict[int, Counts] = field(default_factory=dict)
    indexed: dict[str, int] = field(default_factory=dict)
    open: Tail = field(default_factory=lambda: Tail(0))
    published: dict[int, bytes] = field(default_factory=dict)
    months: dict[int, Tally] = field(default_factory=dict)

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

    def known(self, name: str) -> Known:
        """What is kept of a log. Raises `MonitorMemoryInvalid` if head and edge are of different sizes."""
        db, of = self._database.read(), {"origin": name}
        origin = name.partition("+")[0]  # no origin has a plus
        heads = [Seen(Checkpoint(r[0], r[1]), r[2], r[3]) for r in db.execute(_GET_HEADS, of)]
        row = db.execute(_GET_LOG, of).fetchone()
        if row is None:
            return Known()
        _, size, edge, latest_index, latest_minutes, last_minutes = row
        if not heads or heads[-1].at.size != size:
            raise MonitorMemoryInvalid(part="head")
        unread = _unpacked(*(db.execute(_GET_OPEN, of).fetchone() or (0, b"", b"", b"", b"")))
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
            {r[0]: r[1] for r in db.execute(_GET_PUBLISHED, of)},
            {r[0]: Tally(origin, *r[1:]) for r in db.execute(_GET_MONTHS, of)},
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


def _keep(db: Connection, origin: str, known: Known) -> None:
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
    unread, count = known.open, len(known.open.kinds)
    packed = struct.pack(f">{count}I", *unread.minutes), struct.pack(f">{count}H", *unread.masks)
    left = {"first": unread.first, "kinds": bytes(unread.kinds), "minutes": packed[0], "masks": packed[1]}
    db.execute(_PUT_OPEN, {"origin": origin, **left, "listed": bytes(unread.listed)})
    db.executemany(
        _PUT_INDEXED,
        [{"origin": origin, "party": party, "end": end} for party, end in known.indexed.items()],
    )
    db.executemany(
        _ADD_PUBLISHED,
        [{"origin": origin, "idx": idx, "bytes": data} for idx, data in known.published.items()],
    )
    db.executemany(
        _PUT_MONTH,
        [
            {"origin": origin, "month": month, "count": each.count, "first": each.first, "last": each.last}
            for month, each in known.months.items()
        ],
    )


def _unpacked(first: int, kinds: bytes, minutes: bytes, masks: bytes, listed: bytes) -> Tail:
    count = len(kinds)
    if (len(minutes), len(masks), len(listed)) != (4 * count, 2 * count, count):
        raise MonitorMemoryInvalid(part="open")
    times, named = struct.unpack(f">{count}I", minutes), struct.unpack(f">{count}H", masks)
    return Tail(first, bytearray(kinds), array("I", times), array("H", named), bytearray(listed))


def _split(size: int, edge: bytes) -> dict[int, bytes]:
    levels, at = {}, 0
    for tile in partials(size):
        if tile.level != ENTRIES:
            levels[tile.level] = edge[at : at + tile.bytes_long]
            at += tile.bytes_long
    return levels
