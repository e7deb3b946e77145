"""The ministry's table: all it has ever signed."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from kakine.runtime.database import Database, sql

METADATA = MetaData(info={"store": "ministry"})

_SIGNED = Table(
    "signed",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("signed_ms", Integer, nullable=False),
    Column("gazette", LargeBinary, nullable=False),
)
_ADD = sql(insert(_SIGNED).on_conflict_do_nothing())
_FIND = sql(select(_SIGNED.c.gazette).where(_SIGNED.c.digest == bindparam("wanted")))


class Store:
    """Reads on the event loop's thread; writes go through the database's writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, digest: bytes, gazette: bytes, now_ms: int) -> None:
        """Keep what is about to be signed: a signature over anything else was not made here."""
        values = {"digest": digest, "signed_ms": now_ms, "gazette": gazette}
        await self._database.write(lambda connection: connection.execute(_ADD, values))

    def find(self, digest: bytes) -> bytes | None:
        """The version signed under this digest."""
        row = self._database.read().execute(_FIND, {"wanted": digest}).fetchone()
        return row[0] if row else None
