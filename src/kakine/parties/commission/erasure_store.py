"""Where the commission stands with each month that goes, and the holds it has ordered."""

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
    or_,
    select,
    update,
)

from kakine.parties.commission.store import METADATA
from kakine.runtime.database import Connection, sql

ERASURE = Table(
    "erasure",
    METADATA,
    Column("expiry", Integer, primary_key=True),
    Column("order", LargeBinary, nullable=False),
    Column("notice", LargeBinary),
    Column("entry", LargeBinary),
    Column("receipt", LargeBinary),
)

STATEMENT = Table(
    "erasure_statement",
    METADATA,
    Column("expiry", Integer, nullable=False),
    Column("party", String, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    PrimaryKeyConstraint("expiry", "party"),
)

HOLD = Table(
    "hold",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("expiry", Integer, nullable=False, index=True),
    Column("hold", LargeBinary, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("told", Integer, nullable=False),
    Column("lift", LargeBinary),
    Column("lift_entry", LargeBinary),
    Column("lift_told", Integer, nullable=False),
)


@dataclass(frozen=True)
class Erasure:
    """The erasure of one expiry month. `order` is an encoded `Signed`; `notice` is there before its entry is logged,
    `receipt` (an encoded `Appended`) once it is: then the month is done."""

    expiry: int
    order: bytes
    notice: bytes | None
    entry: bytes | None
    receipt: bytes | None


@dataclass(frozen=True)
class KeptHold:
    """A hold and, once it is to end, its lift (encoded `Signed`), each with its entry; and whether everybody who must
    know of it has been told."""

    digest: bytes
    expiry: int
    hold: bytes
    entry: bytes
    told: bool
    lift: bytes | None
    lift_entry: bytes | None
    lift_told: bool


_ADD = sql(
    insert(ERASURE).values(
        expiry=bindparam("expiry"), order=bindparam("order"), notice=None, entry=None, receipt=None
    )
)
_FIND = sql(select(*ERASURE.c).where(ERASURE.c.expiry == bindparam("expiry")))
_SET_NOTICE = sql(
    update(ERASURE)
    .where(ERASURE.c.expiry == bindparam("which"), ERASURE.c.notice.is_(None))
    .values(notice=bindparam("new_notice"), entry=bindparam("new_entry"))
)
_SET_RECEIPT = sql(
    update(ERASURE).where(ERASURE.c.expiry == bindparam("which")).values(receipt=bindparam("new_receipt"))
)
_DONE = sql(
    select(*ERASURE.c)
    .where(ERASURE.c.receipt.is_not(None), ERASURE.c.expiry >= bindparam("low"))
    .order_by(ERASURE.c.expiry)
    .limit(bindparam("most"))
)
_ADD_STATEMENT = sql(insert(STATEMENT).prefix_with("OR IGNORE"))
_STATEMENTS = sql(
    select(STATEMENT.c.party, STATEMENT.c.statement).where(STATEMENT.c.expiry == bindparam("expiry"))
)
_ADD_HOLD = sql(insert(HOLD))
_FIND_HOLD = sql(select(*HOLD.c).where(HOLD.c.digest == bindparam("digest")))
_IN_FORCE = sql(
    select(*HOLD.c).where(HOLD.c.expiry == bindparam("expiry"), HOLD.c.lift.is_(None)).order_by(HOLD.c.digest)
)
_OPEN_HOLDS = sql(
    select(*HOLD.c)
    .where(or_(HOLD.c.told == 0, HOLD.c.lift.is_not(None) & (HOLD.c.lift_told == 0)))
    .order_by(HOLD.c.digest)
)
_TOLD = sql(update(HOLD).where(HOLD.c.digest == bindparam("which")).values(told=1))
_SET_LIFT = sql(
    update(HOLD)
    .where(HOLD.c.digest == bindparam("which"), HOLD.c.lift.is_(None))
    .values(lift=bindparam("new_lift"), lift_entry=bindparam("new_entry"))
)
_LIFT_TOLD = sql(update(HOLD).where(HOLD.c.digest == bindparam("which")).values(lift_told=1))


def find(db: Connection, expiry: int) -> Erasure | None:
    """The erasure of a month, if it has been ordered."""
    row = db.execute(_FIND, {"expiry": expiry}).fetchone()
    return Erasure(*row) if row else None


def add(db: Connection, expiry: int, order: bytes) -> None:
    """The order, before anybody is given it."""
    db.execute(_ADD, {"expiry": expiry, "order": order})


def add_statement(db: Connection, expiry: int, party: str, statement: bytes) -> None:
    """What a party has stated (encoded `Signed`). The first one stays."""
    db.execute(_ADD_STATEMENT, {"expiry": expiry, "party": party, "statement": statement})


def statements(db: Connection, expiry: int) -> dict[str, bytes]:
    """By party."""
    return dict(db.execute(_STATEMENTS, {"expiry": expiry}).fetchall())


def set_notice(db: Connection, expiry: int, notice: bytes, entry: bytes) -> None:
    """The notice and its entry, before it is logged. The first one stays."""
    db.execute(_SET_NOTICE, {"which": expiry, "new_notice": notice, "new_entry": entry})


def set_receipt(db: Connection, expiry: int, receipt: bytes) -> None:
    """The notice stands in the log."""
    db.execute(_SET_RECEIPT, {"which": expiry, "new_receipt": receipt})


def done(db: Connection, low: int, most: int) -> list[Erasure]:
    """At most so many erasures that are done, from an expiry month on, in order."""
    return [Erasure(*row) for row in db.execute(_DONE, {"low": low, "most": most})]


def add_hold(db: Connection, digest: bytes, expiry: int, hold: bytes, entry: bytes) -> None:
    """A hold, before it is logged."""
    values = {"digest": digest, "expiry": expiry, "hold": hold, "entry": entry, "told": 0}
    db.execute(_ADD_HOLD, {**values, "lift": None, "lift_entry": None, "lift_told": 0})


def find_hold(db: Connection, digest: bytes) -> KeptHold | None:
    """A hold by its digest."""
    row = db.execute(_FIND_HOLD, {"digest": digest}).fetchone()
    return KeptHold(*row) if row else None


def holds(db: Connection, expiry: int) -> list[KeptHold]:
    """Holds in force on a month, by digest."""
    return [KeptHold(*row) for row in db.execute(_IN_FORCE, {"expiry": expiry})]


def open_holds(db: Connection) -> list[KeptHold]:
    """Holds and lifts of which not everybody has been told."""
    return [KeptHold(*row) for row in db.execute(_OPEN_HOLDS)]


def set_told(db: Connection, digest: bytes) -> None:
    """Every record keeper has the hold."""
    db.execute(_TOLD, {"which": digest})


def set_lift(db: Connection, digest: bytes, lift: bytes, entry: bytes) -> None:
    """The hold is to end; before that is logged."""
    db.execute(_SET_LIFT, {"which": digest, "new_lift": lift, "new_entry": entry})


def set_lift_told(db: Connection, digest: bytes) -> None:
    """Everybody has ended the hold."""
    db.execute(_LIFT_TOLD, {"which": digest})
