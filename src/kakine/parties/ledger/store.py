"""The ledger's tables: entries, one row for the tree, checkpoints as they were signed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import (
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.crypto.merkle import EMPTY
from kakine.parties.ledger.attest import Signed
from kakine.runtime.database import Connection, Database, sql
from kakine.values.problems import LedgerDiverged
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.filing import TAG

METADATA = MetaData(info={"store": "ledger"})

_ENTRY = Table(
    "entry",
    METADATA,
    Column("idx", Integer, primary_key=True),
    Column("tag", LargeBinary(32), nullable=False, unique=True),
    Column("bytes", LargeBinary(80), nullable=False),
)
_TREE = Table(
    "tree",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
)
_CHECKPOINT = Table(
    "checkpoint",
    METADATA,
    Column("size", Integer, primary_key=True),
    Column("note", LargeBinary, nullable=False),
)
_COSIGNED = Table(
    "cosigned",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("note", LargeBinary, nullable=False),
)

_ENDING = Table(
    "ending",
    METADATA,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True),
    Column("since_ms", Integer, nullable=False),
)

_ADD_ENTRY = sql(insert(_ENTRY))
_ADD_CHECKPOINT = sql(insert(_CHECKPOINT).on_conflict_do_nothing())
_PLANT = sql(insert(_TREE).on_conflict_do_nothing())
_SWAP = sql(
    update(_TREE)
    .where(_TREE.c.id == 1, _TREE.c.size == bindparam("old_size"), _TREE.c.root == bindparam("old_root"))
    .values(size=bindparam("new_size"), root=bindparam("new_root"))
)
_FIND = sql(select(_ENTRY.c.idx, _ENTRY.c.bytes).where(_ENTRY.c.tag == bindparam("wanted")))
# One statement for any number of tags, which come as one blob: asking for each by itself costs four times as much.
_start = select(literal(0).label("at")).cte("place", recursive=True)
_place = _start.union_all(select(_start.c.at + 1).where(_start.c.at + 1 < bindparam("count")))
_FIND_ALL = sql(
    select(_ENTRY.c.tag, _ENTRY.c.idx, _ENTRY.c.bytes).join_from(
        _place, _ENTRY, _ENTRY.c.tag == func.substr(bindparam("wanted"), _place.c.at * TAG + 1, TAG)
    )
)
_RANGE = sql(
    select(_ENTRY.c.idx, _ENTRY.c.bytes)
    .where(_ENTRY.c.idx >= bindparam("low"), _ENTRY.c.idx < bindparam("high"))
    .order_by(_ENTRY.c.idx)
)
_PAGE = sql(
    select(_ENTRY.c.idx, _ENTRY.c.bytes)
    .where(_ENTRY.c.idx >= bindparam("low"))
    .order_by(_ENTRY.c.idx)
    .limit(bindparam("most"))
)
_HEAD = sql(select(_TREE.c.size, _TREE.c.root))
_put = insert(_COSIGNED)
_KEEP_COSIGNED = sql(
    _put.on_conflict_do_update(
        index_elements=["id"],
        set_={"size": _put.excluded["size"], "note": _put.excluded["note"]},
        where=_put.excluded["size"] >= _COSIGNED.c.size,
    )
)
_FIND_COSIGNED = sql(select(_COSIGNED.c.size, _COSIGNED.c.note))
_LAST_NOTE = sql(select(_CHECKPOINT.c.size, _CHECKPOINT.c.note).order_by(_CHECKPOINT.c.size.desc()).limit(1))

_END = sql(insert(_ENDING).on_conflict_do_nothing())
_SINCE = sql(select(_ENDING.c.since_ms))


PAGE = 10_000
"""Entries read at once when all are read."""


@dataclass(frozen=True)
class Growth:
    """One step of the log: from the head `old` to `new` by `entries` under `tags`.

    `signed` is an earlier head whose signature came after its entries had been stored; it is kept along with these.
    """

    old: Checkpoint
    new: Checkpoint
    entries: Sequence[bytes]
    tags: Sequence[bytes]
    signed: Signed | None = None


class Store:
    """Reads on the event loop's thread; writes go through the database's writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grow(self, growth: Growth) -> None:
        """Store one step durably, or nothing. `LedgerDiverged` if the stored head is not `growth.old`."""
        await self._database.write(lambda connection: _grow(connection, growth))

    async def keep(self, signed: Signed) -> None:
        """Store a checkpoint by itself."""
        await self._database.write(lambda connection: _keep(connection, signed))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see one state of the store."""
        with self._database.snapshot():
            yield

    async def keep_cosigned(self, size: int, note: bytes) -> None:
        """Keep a checkpoint with cosignatures, unless one of a larger tree is kept."""
        values = {"id": 1, "size": size, "note": note}
        await self._database.write(lambda connection: connection.execute(_KEEP_COSIGNED, values))

    def cosigned(self) -> tuple[int, bytes] | None:
        """(size, note) of the checkpoint with cosignatures that is kept."""
        row: tuple[int, bytes] | None = self._database.read().execute(_FIND_COSIGNED).fetchone()
        return row

    async def end(self, now_ms: int) -> None:
        """From now on nothing new about people; the first time counts."""
        values = {"id": 1, "since_ms": now_ms}
        await self._database.write(lambda connection: connection.execute(_END, values))

    def ending_since(self) -> int | None:
        """When `end` was called, milliseconds."""
        row = self._database.read().execute(_SINCE).fetchone()
        return None if row is None else int(row[0])

    def find(self, tag: bytes) -> tuple[int, bytes] | None:
        """(index, entry) filed under `tag`, or None if there is none."""
        row: tuple[int, bytes] | None = self._database.read().execute(_FIND, {"wanted": tag}).fetchone()
        return row

    def find_all(self, tags: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """(index, entry) by tag, of those of the tags (32 bytes each) under which one is filed."""
        values = {"count": len(tags), "wanted": b"".join(tags)}
        rows = self._database.read().execute(_FIND_ALL, values)
        return {tag: (index, entry) for tag, index, entry in rows}

    def entries(self, first: int, count: int) -> list[bytes]:
        """The entries from `first` on. `LedgerDiverged` if one of them is not stored."""
        bounds = {"low": first, "high": first + count}
        found = list(_contiguous(self._database.read().execute(_RANGE, bounds), first))
        if len(found) != count:
            raise LedgerDiverged(part="entries")
        return found

    def all_entries(self) -> Iterator[bytes]:
        """Every entry in order. `LedgerDiverged` if an index is left out."""
        return _contiguous(self._all(), 0)

    def _all(self) -> Iterator[tuple[int, bytes]]:
        # By pages: not every engine hands rows over one by one.
        low = 0
        while rows := self._database.read().execute(_PAGE, {"low": low, "most": PAGE}).fetchall():
            yield from rows
            low = rows[-1][0] + 1

    def head(self) -> Checkpoint:
        """The stored size and root; the empty tree if nothing was ever stored."""
        row = self._database.read().execute(_HEAD).fetchone()
        return Checkpoint(*row) if row else Checkpoint(0, EMPTY)

    def last_note(self) -> tuple[int, bytes] | None:
        """(size, signed note) of the largest stored checkpoint, or None if none was ever stored."""
        row: tuple[int, bytes] | None = self._database.read().execute(_LAST_NOTE).fetchone()
        return row


def _grow(connection: Connection, growth: Growth) -> None:
    old, new = growth.old, growth.new
    if old.size == 0:
        connection.execute(_PLANT, {"id": 1, "size": 0, "root": EMPTY})
    swapped = connection.execute(
        _SWAP, {"old_size": old.size, "old_root": old.root, "new_size": new.size, "new_root": new.root}
    )
    if swapped.rowcount != 1:
        raise LedgerDiverged(part="head")
    numbered = enumerate(zip(growth.entries, growth.tags, strict=True), old.size)
    connection.executemany(
        _ADD_ENTRY, [{"idx": index, "tag": tag, "bytes": entry} for index, (entry, tag) in numbered]
    )
    if growth.signed is not None:
        _keep(connection, growth.signed)


def _keep(connection: Connection, signed: Signed) -> None:
    connection.execute(_ADD_CHECKPOINT, {"size": signed.at.size, "note": signed.note})


def _contiguous(rows: Iterable[tuple[int, bytes]], first: int) -> Iterator[bytes]:
    for expected, (index, entry) in enumerate(rows, first):
        if index != expected:
            raise LedgerDiverged(part="entries")
        yield entry
