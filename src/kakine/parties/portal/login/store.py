"""What the login keeps on disk: ways into an account, since when, and marks of grants that were withdrawn. No relying
party and no time of a login stands in any of it.

A card is there as a keyed hash of its certificate, a paper code as its digest. Passkeys are random and made for this
provider alone. Everything of a login under way is in memory (`memory.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.crypto.passkeys import Passkey
from kakine.protocols.logins import CARD, PASSKEY
from kakine.runtime.database import Connection, sql
from kakine.values.problems import LoginNotKnown, VoucherUnfit

_own = MetaData()

_CARD = Table(
    "login_card",
    _own,
    Column("handle", LargeBinary, primary_key=True),
    Column("account", LargeBinary, nullable=False, index=True),
    Column("since_ms", Integer, nullable=False),
    Column("leaving", Integer, nullable=False),
    Column("lost_ms", Integer, nullable=False),
)
_PAPER = Table(
    "login_paper",
    _own,
    Column("code", LargeBinary, primary_key=True),
    Column("account", LargeBinary, nullable=False),
    Column("expires_ms", Integer, nullable=False),
)
_PASSKEY = Table(
    "login_passkey",
    _own,
    Column("id", LargeBinary, primary_key=True),
    Column("account", LargeBinary, nullable=False, index=True),
    Column("public", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("leaving", Integer, nullable=False),
)


_WITHDRAWN = Table(
    "login_withdrawn",
    _own,
    Column("mark", LargeBinary, primary_key=True),
    Column("expires_day", Integer, nullable=False),
)


def login_tables(into: MetaData) -> MetaData:
    """Add these tables to the portal's own schema."""
    for table in (_CARD, _PAPER, _PASSKEY, _WITHDRAWN):
        table.to_metadata(into)
    return into


_ADD_CARD = sql(insert(_CARD))
_CARD_OF = sql(
    select(_CARD.c.account, _CARD.c.leaving, _CARD.c.lost_ms).where(_CARD.c.handle == bindparam("handle"))
)
_CARDS = sql(
    select(_CARD.c.handle, _CARD.c.since_ms, _CARD.c.leaving, _CARD.c.lost_ms)
    .where(_CARD.c.account == bindparam("account"))
    .order_by(_CARD.c.since_ms, _CARD.c.handle)
)
_CARD_LEAVING = sql(
    update(_CARD).where(_CARD.c.handle == bindparam("which")).values(leaving=bindparam("new"))
)
_CARD_LOST = sql(update(_CARD).where(_CARD.c.handle == bindparam("which")).values(lost_ms=bindparam("new")))
_ALL_LOST = sql(update(_CARD).where(_CARD.c.account == bindparam("whose")).values(lost_ms=bindparam("new")))
_DROP_CARD = sql(
    delete(_CARD).where(_CARD.c.handle == bindparam("way"), _CARD.c.account == bindparam("account"))
)
_ADD_PAPER = sql(insert(_PAPER))
_PAPER_OF = sql(select(_PAPER.c.account, _PAPER.c.expires_ms).where(_PAPER.c.code == bindparam("code")))
_DROP_PAPER = sql(delete(_PAPER).where(_PAPER.c.code == bindparam("code")))
_DROP_OLD = sql(delete(_PAPER).where(_PAPER.c.expires_ms < bindparam("now_ms")))
_ADD_PASSKEY = sql(insert(_PASSKEY).on_conflict_do_nothing())
_PASSKEY_OF = sql(select(*_PASSKEY.c).where(_PASSKEY.c.id == bindparam("id")))
_PASSKEYS = sql(
    select(_PASSKEY.c.id, _PASSKEY.c.since_ms, _PASSKEY.c.leaving)
    .where(_PASSKEY.c.account == bindparam("account"))
    .order_by(_PASSKEY.c.since_ms, _PASSKEY.c.id)
)
_PASSKEY_LEAVING = sql(
    update(_PASSKEY).where(_PASSKEY.c.id == bindparam("which")).values(leaving=bindparam("new"))
)
_DROP_PASSKEY = sql(
    delete(_PASSKEY).where(_PASSKEY.c.id == bindparam("way"), _PASSKEY.c.account == bindparam("account"))
)
_COUNT = sql(update(_PASSKEY).where(_PASSKEY.c.id == bindparam("which")).values(count=bindparam("new")))


_WITHDRAW = sql(insert(_WITHDRAWN).prefix_with("OR IGNORE"))
_IS_WITHDRAWN = sql(select(_WITHDRAWN.c.mark).where(_WITHDRAWN.c.mark == bindparam("mark")))
_DROP_WITHDRAWN = sql(delete(_WITHDRAWN).where(_WITHDRAWN.c.expires_day < bindparam("today")))


@dataclass(frozen=True, repr=False)
class WayIn:
    """A way into an account: `acr` says of what kind, `way` which: a card's handle, a passkey's id. It opens nothing
    while it is `leaving` (asked to be removed) or `lost_ms` (a card that was reported lost at that time) is not 0."""

    acr: str
    way: bytes
    since_ms: int
    leaving: bool
    lost_ms: int = 0


def bind_card(db: Connection, handle: bytes, account: bytes, now_ms: int) -> None:
    """The card of this handle opens this account. Raises `VoucherUnfit` where it opens another: a desk could else turn
    somebody's card towards an account of its choice."""
    row = db.execute(_CARD_OF, {"handle": handle}).fetchone()
    if row is None:
        new = {"handle": handle, "account": account, "since_ms": now_ms, "leaving": 0, "lost_ms": 0}
        db.execute(_ADD_CARD, new)
    elif bytes(row[0]) != account:
        raise VoucherUnfit()


def account_of_card(db: Connection, handle: bytes) -> bytes:
    """Raises `LoginNotKnown`, also for one that is lost or about to be removed."""
    row = db.execute(_CARD_OF, {"handle": handle}).fetchone()
    if row is None or row[1] or row[2]:
        raise LoginNotKnown()
    return bytes(row[0])


def ways_of(db: Connection, account: bytes) -> list[WayIn]:
    """Cards and passkeys of an account; of papers nobody is told."""
    cards = db.execute(_CARDS, {"account": account}).fetchall()
    passkeys = db.execute(_PASSKEYS, {"account": account}).fetchall()
    return [
        *(WayIn(CARD, bytes(way), since, bool(leaving), lost) for way, since, leaving, lost in cards),
        *(WayIn(PASSKEY, bytes(way), since, bool(leaving)) for way, since, leaving in passkeys),
    ]


def set_leaving(db: Connection, acr: str, way: bytes, *, leaving: bool) -> None:
    """It is asked to be removed, or no longer."""
    db.execute(_CARD_LEAVING if acr == CARD else _PASSKEY_LEAVING, {"which": way, "new": int(leaving)})


def set_lost(db: Connection, handle: bytes, now_ms: int) -> None:
    """The card was reported lost now, or (0) is found."""
    db.execute(_CARD_LOST, {"which": handle, "new": now_ms})


def set_all_lost(db: Connection, account: bytes, now_ms: int) -> None:
    """All cards of the account were reported lost now, or (0) are found."""
    db.execute(_ALL_LOST, {"whose": account, "new": now_ms})


def drop_way(db: Connection, account: bytes, acr: str, way: bytes) -> None:
    """It opens this account no more; nothing happens to one of another account."""
    db.execute(_DROP_CARD if acr == CARD else _DROP_PASSKEY, {"way": way, "account": account})


def add_paper(db: Connection, code: bytes, account: bytes, expires_ms: int, now_ms: int) -> None:
    """A paper code; `IntegrityError` if there is one of this digest. Those that have expired go."""
    db.execute(_DROP_OLD, {"now_ms": now_ms})
    db.execute(_ADD_PAPER, {"code": code, "account": account, "expires_ms": expires_ms})


def use_paper(db: Connection, code: bytes, now_ms: int, known: bytes | None = None) -> bytes:
    """The account, once: the code is gone afterwards. `LoginNotKnown` for one that is used, expired or was never
    given, or opens another account than one that is `known` already, without a difference."""
    row = db.execute(_PAPER_OF, {"code": code}).fetchone()
    if row is None or row[1] <= now_ms or known not in (None, bytes(row[0])):
        raise LoginNotKnown()
    db.execute(_DROP_PAPER, {"code": code})
    return bytes(row[0])


def add_passkey(db: Connection, new: Passkey, account: bytes, now_ms: int) -> None:
    """It opens this account; nothing happens where there is one of its id."""
    row = {"id": new.id, "account": account, "public": new.public, "count": new.count}
    db.execute(_ADD_PASSKEY, row | {"since_ms": now_ms, "leaving": 0})


def has_passkey(db: Connection, id_: bytes) -> bool:
    """Whether there is one of this id, of whatever account."""
    return db.execute(_PASSKEY_OF, {"id": id_}).fetchone() is not None


def find_passkey(db: Connection, id_: bytes) -> tuple[Passkey, bytes]:
    """(passkey, account). Raises `LoginNotKnown`, also for one about to be removed."""
    row = db.execute(_PASSKEY_OF, {"id": id_}).fetchone()
    if row is None or row[5]:
        raise LoginNotKnown()
    return Passkey(bytes(row[0]), bytes(row[2]), row[3]), bytes(row[1])


def count_passkey(db: Connection, id_: bytes, count: int) -> None:
    """How often it says that it was used."""
    db.execute(_COUNT, {"which": id_, "new": count})


def withdraw(db: Connection, mark: bytes, today: int, expires_day: int) -> None:
    """A grant is good for nothing from now on. Marks go when no grant of their time can be good any more (days since
    1970 UTC); the day is all that a mark says of when it was made."""
    db.execute(_DROP_WITHDRAWN, {"today": today})
    db.execute(_WITHDRAW, {"mark": mark, "expires_day": expires_day})


def is_withdrawn(db: Connection, mark: bytes) -> bool:
    """Whether this grant is."""
    return db.execute(_IS_WITHDRAWN, {"mark": mark}).fetchone() is not None
