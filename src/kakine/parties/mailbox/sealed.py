"""Entries that their person is not shown yet: which they are, until when, and what will open them.

They are filed like any other, and their list is that of their filing's position; what they lack until they are opened
is a number in it. A row here stays when that has come.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    insert,
    select,
)

from kakine.parties.mailbox.store import filing, metadata
from kakine.parties.mailbox.store import place as numbered
from kakine.protocols.seals import opening_of
from kakine.runtime.database import Connection, sql
from kakine.wire.request import Place

table = Table(
    "sealed_row",
    metadata,
    Column("log", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("filing", LargeBinary, nullable=False),
    Column("position", Integer, nullable=False),
    Column("until", Integer, nullable=False, index=True),
    Column("expiry", Integer, nullable=False, index=True),
    Column("opening", LargeBinary, nullable=False, unique=True),
    PrimaryKeyConstraint("log", "place"),
)


@dataclass(frozen=True)
class SealedRow:
    """A sealed entry: where it stands, the position of a filing it is, its day (since 1970 UTC), and whether it has a
    number in its list by now."""

    place: Place
    filing: bytes
    position: int
    until: int
    opened: bool


_ON = (numbered.c.filing == table.c.filing) & (numbered.c.position == table.c.position)
_ROWS = select(
    table.c.log,
    table.c.place,
    table.c.filing,
    table.c.position,
    table.c.until,
    numbered.c.number.is_not(None),
).select_from(table.outerjoin(numbered, _ON))
_ADD = sql(insert(table))
_BY_OPENING = sql(_ROWS.where(table.c.opening == bindparam("opening")))
_DUE = sql(
    _ROWS.where(table.c.until <= bindparam("day"), numbered.c.number.is_(None)).order_by(
        table.c.log, table.c.place
    )
)
_CLOSED = sql(
    select(table.c.place)
    .select_from(table.outerjoin(numbered, _ON))
    .where(table.c.expiry == bindparam("expiry"), numbered.c.number.is_(None))
    .limit(1)
)
_SIGNED = sql(select(filing.c.id).where(filing.c.first.is_(None), filing.c.tags == bindparam("tag")).limit(1))


def add(db: Connection, place: Place, identity: bytes, position: int, until: int, expiry: int) -> None:
    """A sealed entry stands in the log."""
    values = {
        "log": place.log,
        "place": place.index,
        "filing": identity,
        "position": position,
        "until": until,
    }
    db.execute(_ADD, {**values, "expiry": expiry, "opening": opening_of(place)})


def find(db: Connection, opening: bytes) -> SealedRow | None:
    """The sealed entry that is opened by one with this digest."""
    found = db.execute(_BY_OPENING, {"opening": opening}).fetchone()
    return _read(found) if found else None


def is_closed(db: Connection, place: Place) -> bool:
    """Whether the entry at a place is withheld at present."""
    found = find(db, opening_of(place))
    return found is not None and not found.opened


def due(db: Connection, day: int) -> list[SealedRow]:
    """What is withheld though its day has come."""
    return [_read(found) for found in db.execute(_DUE, {"day": day})]


def any_closed(db: Connection, expiry: int) -> bool:
    """Whether something is withheld that goes with this month."""
    return db.execute(_CLOSED, {"expiry": expiry}).fetchone() is not None


def signed_for(db: Connection, tag: bytes) -> bool:
    """Whether this record keeper has signed before for an entry under a tag, which some log may have by now."""
    return db.execute(_SIGNED, {"tag": tag}).fetchone() is not None


def _read(found: tuple[str, int, bytes, int, int, int]) -> SealedRow:
    return SealedRow(Place(found[0], found[1]), found[2], found[3], found[4], bool(found[5]))
