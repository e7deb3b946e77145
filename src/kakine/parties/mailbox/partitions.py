"""Sealed records by the month they expire with: a table a month, made on demand and dropped as a whole.

Elsewhere this is one table partitioned by expiry month. Either way nothing is searched and no row is touched when a
month goes: the table is unlinked, its pages are overwritten, and entries, filings and numbers, which are in other
tables, stay as they are. What is held moves to a table of its own in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

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
from sqlalchemy.schema import CreateTable, DropTable

from kakine.parties.mailbox.store import metadata
from kakine.runtime.database import Connection, sql
from kakine.values.calendar import month_name
from kakine.values.problems import PartitionDropped
from kakine.wire.entry import FOR_EVER
from kakine.wire.request import Place

OPEN, DROPPING, DROPPED = 0, 1, 2
"""States of a month. It is dropping from the order on, and dropped once its table is gone."""

partition = Table(
    "partition",
    metadata,
    Column("expiry", Integer, primary_key=True),
    Column("state", Integer, nullable=False),
    Column("order", LargeBinary),
    Column("statement", LargeBinary),
    Column("signature", LargeBinary),
)

held = Table(
    "held_envelope",
    metadata,
    Column("log", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("expiry", Integer, nullable=False, index=True),
    Column("filing", LargeBinary, nullable=False),
    Column("position", Integer, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log", "place"),
)

hold = Table(
    "hold",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("expiry", Integer, nullable=False, index=True),
    Column("hold", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("lifted", Integer, nullable=False),
)


@dataclass(frozen=True)
class Month:
    """The sealed records of one expiry month. `order` is the encoded order under which they go, `statement` with
    `signature` what was stated once they had gone."""

    expiry: int
    state: int
    order: bytes | None
    statement: bytes | None
    signature: bytes | None


@dataclass(frozen=True)
class _Statements:
    """What is done with the table of one month."""

    create: str
    drop: str
    insert: str
    find: str


@cache
def _of(expiry: int) -> _Statements:
    table = Table(
        f"envelope_{month_name(expiry).replace('-', '_')}",
        MetaData(),
        Column("filing", LargeBinary, nullable=False),
        Column("position", Integer, nullable=False),
        Column("envelope", LargeBinary, nullable=False),
        PrimaryKeyConstraint("filing", "position"),
    )
    one = (table.c.filing == bindparam("filing")) & (table.c.position == bindparam("position"))
    return _Statements(
        sql(CreateTable(table, if_not_exists=True)),
        sql(DropTable(table, if_exists=True)),
        sql(insert(table)),
        sql(select(table.c.envelope).where(one)),
    )


_MONTH = sql(select(*partition.c).where(partition.c.expiry == bindparam("expiry")))
_ADD_MONTH = sql(
    insert(partition).values(expiry=bindparam("expiry"), state=bindparam("state"), order=bindparam("order"))
)
_SET_MONTH = sql(
    update(partition)
    .where(partition.c.expiry == bindparam("which"))
    .values(state=bindparam("new_state"), order=bindparam("new_order"))
)
_SET_STATED = sql(
    update(partition)
    .where(partition.c.expiry == bindparam("which"))
    .values(statement=bindparam("new_statement"), signature=bindparam("new_signature"))
)
_HOLD_ENVELOPE = sql(insert(held))
_HELD = sql(
    select(held.c.envelope).where(
        held.c.filing == bindparam("filing"), held.c.position == bindparam("position")
    )
)
_HELD_ROWS = sql(
    select(held.c.log, held.c.place, held.c.envelope)
    .where(held.c.expiry == bindparam("expiry"))
    .order_by(held.c.log, held.c.place)
)
_RELEASE = sql(delete(held).where(held.c.log == bindparam("log"), held.c.place == bindparam("place")))
_ADD_HOLD = sql(insert(hold))
_HOLD = sql(select(hold.c.hold, hold.c.signature, hold.c.lifted).where(hold.c.digest == bindparam("digest")))
_LIFT = sql(update(hold).where(hold.c.digest == bindparam("which")).values(lifted=1))
_HOLDS = sql(
    select(hold.c.hold, hold.c.signature)
    .where(hold.c.expiry == bindparam("expiry"), hold.c.lifted == 0)
    .order_by(hold.c.digest)
)


def month(db: Connection, expiry: int) -> Month:
    """The state of a month; one that nothing was filed for is open."""
    found = db.execute(_MONTH, {"expiry": expiry}).fetchone()
    return Month(*found) if found else Month(expiry, OPEN, None, None, None)


def add(db: Connection, expiry: int, filing: bytes, envelopes: Sequence[bytes]) -> None:
    """Store the sealed records of a filing. Raises `PartitionDropped` where the month goes or has gone."""
    present = db.execute(_MONTH, {"expiry": expiry}).fetchone()
    if present is None:
        db.execute(_of(expiry).create)
        db.execute(_ADD_MONTH, {"expiry": expiry, "state": OPEN, "order": None})
    elif present[1] != OPEN:
        raise PartitionDropped(expiry=expiry)
    rows = ({"filing": filing, "position": j, "envelope": each} for j, each in enumerate(envelopes))
    db.executemany(_of(expiry).insert, rows)


def find(db: Connection, expiry: int, filing: bytes, position: int) -> bytes | None:
    """A sealed record, held or not; None once it is erased, and for what never had one."""
    if expiry == FOR_EVER:
        return None
    wanted = {"filing": filing, "position": position}
    if month(db, expiry).state == DROPPED:
        found = db.execute(_HELD, wanted).fetchone()
    else:
        found = db.execute(_of(expiry).find, wanted).fetchone()
    return found[0] if found else None


def begin(db: Connection, expiry: int, order: bytes) -> None:
    """From now on nothing is filed with this month; the order is kept before anything is dropped."""
    if month(db, expiry).state == OPEN:
        db.execute(_of(expiry).create)
        if db.execute(_SET_MONTH, {"which": expiry, "new_state": DROPPING, "new_order": order}).rowcount == 0:
            db.execute(_ADD_MONTH, {"expiry": expiry, "state": DROPPING, "order": order})


def drop(db: Connection, expiry: int, kept: Sequence[tuple[Place, bytes, int]]) -> None:
    """Move what is held, (place, filing, position) each, and drop the rest; a second call does nothing."""
    present = month(db, expiry)
    if present.state == DROPPED:
        return
    for place, filing, position in kept:
        envelope = db.execute(_of(expiry).find, {"filing": filing, "position": position}).fetchone()[0]
        values = {
            "log": place.log,
            "place": place.index,
            "expiry": expiry,
            "filing": filing,
            "position": position,
        }
        db.execute(_HOLD_ENVELOPE, {**values, "envelope": envelope})
    db.execute(_of(expiry).drop)
    db.execute(_SET_MONTH, {"which": expiry, "new_state": DROPPED, "new_order": present.order})


def set_stated(db: Connection, expiry: int, statement: bytes, signature: bytes) -> None:
    """What was signed about a dropped month. The first one stays."""
    if month(db, expiry).statement is None:
        values = {"which": expiry, "new_statement": statement, "new_signature": signature}
        db.execute(_SET_STATED, values)


def held_rows(db: Connection, expiry: int) -> list[tuple[Place, bytes]]:
    """(place, sealed record) of what outlived a month."""
    return [(Place(found[0], found[1]), found[2]) for found in db.execute(_HELD_ROWS, {"expiry": expiry})]


def add_hold(db: Connection, digest: bytes, expiry: int, data: bytes, signature: bytes) -> None:
    """Keep a hold. A repeat changes nothing."""
    if find_hold(db, digest) is None:
        db.execute(
            _ADD_HOLD, {"digest": digest, "expiry": expiry, "hold": data, "signature": signature, "lifted": 0}
        )


def find_hold(db: Connection, digest: bytes) -> tuple[bytes, bytes, bool] | None:
    """(hold, signature, whether it has been lifted)."""
    found = db.execute(_HOLD, {"digest": digest}).fetchone()
    return (found[0], found[1], bool(found[2])) if found else None


def holds(db: Connection, expiry: int) -> list[tuple[bytes, bytes]]:
    """(hold, signature) of every hold in force on a month."""
    return [(found[0], found[1]) for found in db.execute(_HOLDS, {"expiry": expiry})]


def lift(db: Connection, digest: bytes, places: Sequence[Place]) -> None:
    """The hold ends; the records at these places, which no other hold keeps, go."""
    db.execute(_LIFT, {"which": digest})
    db.executemany(_RELEASE, [{"log": place.log, "place": place.index} for place in places])
