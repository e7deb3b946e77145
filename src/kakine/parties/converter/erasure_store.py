"""Month keys, what is left of those that were destroyed, and this converter's shares of what is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from kakine.runtime.database import Connection, sql
from kakine.values.problems import ErasureConflict, MonthDestroyed
from kakine.wire.request import Place

metadata = MetaData()

month = Table(
    "month_key",
    metadata,
    Column("month", Integer, primary_key=True),
    Column("seed", LargeBinary, nullable=False),
)

destroyed = Table(
    "destroyed_month",
    metadata,
    Column("month", Integer, primary_key=True),
    Column("order", LargeBinary, nullable=False),
    Column("statement", LargeBinary),
    Column("signature", LargeBinary),
)

held = Table(
    "held_share",
    metadata,
    Column("log", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("entry", LargeBinary, nullable=False, index=True),
    Column("salt", LargeBinary, nullable=False),
    Column("share", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log", "place"),
)

hold = Table(
    "hold",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("hold", LargeBinary, nullable=False),
)


def erasure_tables(into: MetaData) -> None:
    """Add these tables to the converter's schema."""
    for table in (month, destroyed, held, hold):
        table.to_metadata(into)


@dataclass(frozen=True)
class Destroyed:
    """The tombstone of a month: the encoded order, and once the key is gone what was stated about it."""

    month: int
    order: bytes
    statement: bytes | None
    signature: bytes | None


@dataclass(frozen=True)
class HeldShare:
    """A share that outlives its month: of the entry at a place of a log, sealed under a key made of `salt`."""

    log: str
    place: int
    entry: bytes
    salt: bytes
    share: bytes


_INSERT_MONTH = sql(insert(month))
_MONTH = sql(select(month.c.seed).where(month.c.month == bindparam("month")))
_DROP_MONTH = sql(delete(month).where(month.c.month == bindparam("month")))
_BURY = sql(
    insert(destroyed).values(
        month=bindparam("month"), order=bindparam("order"), statement=None, signature=None
    )
)
_BURIED = sql(select(*destroyed.c).where(destroyed.c.month == bindparam("month")))
_SET_STATED = sql(
    update(destroyed)
    .where(destroyed.c.month == bindparam("which"), destroyed.c.statement.is_(None))
    .values(statement=bindparam("new_statement"), signature=bindparam("new_signature"))
)
_ADD_HELD = sql(insert(held))
_HELD = sql(select(*held.c).where(held.c.entry == bindparam("entry")))
_DROP_HELD = sql(delete(held).where(held.c.log == bindparam("log"), held.c.place == bindparam("place")))
_ADD_HOLD = sql(insert(hold))
_HOLDS = sql(select(hold.c.digest, hold.c.hold).order_by(hold.c.digest))
_DROP_HOLD = sql(delete(hold).where(hold.c.digest == bindparam("digest")))


def find_month(db: Connection, number: int) -> bytes | None:
    """Seed of the month's sealing key."""
    row = db.execute(_MONTH, {"month": number}).fetchone()
    return row[0] if row else None


def keep_month(db: Connection, number: int, fresh: bytes) -> bytes:
    """The month's seed: the one kept, or else `fresh`. Random, so that destroying the row destroys the key. Raises
    `MonthDestroyed`."""
    require_kept(db, number)
    kept = find_month(db, number)
    if kept is None:
        db.execute(_INSERT_MONTH, {"month": number, "seed": fresh})
    return kept or fresh


def find_destroyed(db: Connection, number: int) -> Destroyed | None:
    """The tombstone of a month."""
    row = db.execute(_BURIED, {"month": number}).fetchone()
    return Destroyed(*row) if row else None


def require_kept(db: Connection, number: int) -> None:
    """Raises `MonthDestroyed` for a month with a tombstone."""
    if find_destroyed(db, number) is not None:
        raise MonthDestroyed(month=number)


def bury(
    db: Connection,
    number: int,
    order: bytes,
    shares: Sequence[HeldShare],
    holds: Sequence[tuple[bytes, bytes]],
) -> None:
    """Write the intent down, with what outlives the month and the holds, (digest, hold) each, for which it does. Raises
    `ErasureConflict` where there is an intent under another order; the same one again changes nothing."""
    present = find_destroyed(db, number)
    if present is not None:
        if present.order != order:
            raise ErasureConflict(month=number)
        return
    db.execute(_BURY, {"month": number, "order": order})
    db.executemany(_ADD_HELD, [each.__dict__ for each in shares])
    db.executemany(_ADD_HOLD, [{"digest": digest, "hold": data} for digest, data in holds])


def drop_month(db: Connection, number: int) -> None:
    """The key goes. Raises `AssertionError` without an intent, which is written first."""
    if find_destroyed(db, number) is None:
        raise AssertionError("no intent")
    db.execute(_DROP_MONTH, {"month": number})


def set_stated(db: Connection, number: int, statement: bytes, signature: bytes) -> None:
    """What was signed about a destroyed month. The first one stays."""
    db.execute(_SET_STATED, {"which": number, "new_statement": statement, "new_signature": signature})


def find_held(db: Connection, entry: bytes) -> HeldShare | None:
    """The share that is held of an entry (80 bytes), at whichever place."""
    row = db.execute(_HELD, {"entry": entry}).fetchone()
    return HeldShare(*row) if row else None


def holds(db: Connection) -> dict[bytes, bytes]:
    """Holds in force on destroyed months, by digest."""
    return dict(db.execute(_HOLDS).fetchall())


def lift(db: Connection, digest: bytes, places: Sequence[Place]) -> None:
    """A hold ends, and the shares at these places go."""
    db.execute(_DROP_HOLD, {"digest": digest})
    db.executemany(_DROP_HELD, [{"log": place.log, "place": place.index} for place in places])
