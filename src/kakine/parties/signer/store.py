"""The signer's table: of each log the head that was signed last, and nothing else."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.crypto.merkle import EMPTY
from kakine.runtime.database import Connection, Database, sql
from kakine.values.problems import HeadNotExtending
from kakine.wire.checkpoint import Checkpoint

METADATA = MetaData(info={"store": "signer"})

_SIGNED = Table(
    "signed",
    METADATA,
    Column("origin", String, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("closed", Boolean, nullable=False, default=False),
)
_PLANT = sql(insert(_SIGNED).on_conflict_do_nothing())
_FIND = sql(select(_SIGNED.c.size, _SIGNED.c.root).where(_SIGNED.c.origin == bindparam("wanted")))
_SWAP = sql(
    update(_SIGNED)
    .where(
        _SIGNED.c.origin == bindparam("wanted"),
        _SIGNED.c.size == bindparam("old_size"),
        _SIGNED.c.root == bindparam("old_root"),
        _SIGNED.c.closed.is_(False),
    )
    .values(size=bindparam("new_size"), root=bindparam("new_root"))
)

_CLOSED = sql(select(_SIGNED.c.closed).where(_SIGNED.c.origin == bindparam("wanted")))
_CLOSE = sql(update(_SIGNED).where(_SIGNED.c.origin == bindparam("wanted")).values(closed=True))


class Store:
    """Reads on the event loop's thread; the one write goes through the database's writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, origin: str) -> Checkpoint:
        """The head signed last; the empty tree if none was."""
        row = self._database.read().execute(_FIND, {"wanted": origin}).fetchone()
        return Checkpoint(*row) if row else Checkpoint(0, EMPTY)

    def closed(self, origin: str) -> bool:
        """Whether the head signed last is the last for good."""
        row = self._database.read().execute(_CLOSED, {"wanted": origin}).fetchone()
        return bool(row and row[0])

    async def close(self, origin: str) -> None:
        """Durably sign nothing more of a log."""
        await self._database.write(lambda connection: _close(connection, origin))

    async def swap(self, origin: str, old: Checkpoint, new: Checkpoint) -> None:
        """Durably put `new` where `old` stands. `HeadNotExtending` if another head stands there."""
        await self._database.write(lambda connection: _swap(connection, origin, old, new))


def _close(connection: Connection, origin: str) -> None:
    connection.execute(_PLANT, {"origin": origin, "size": 0, "root": EMPTY, "closed": False})
    connection.execute(_CLOSE, {"wanted": origin})


def _swap(connection: Connection, origin: str, old: Checkpoint, new: Checkpoint) -> None:
    if old.size == 0:
        connection.execute(_PLANT, {"origin": origin, "size": 0, "root": EMPTY, "closed": False})
    heads = {"old_size": old.size, "old_root": old.root, "new_size": new.size, "new_root": new.root}
    if connection.execute(_SWAP, {"wanted": origin, **heads}).rowcount != 1:
        raise HeadNotExtending(part="overtaken")
