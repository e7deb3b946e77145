"""What the login keeps on disk: ways into an account. No relying party and no time of a login stands in any of it.

A card is there as a keyed hash of its certificate, a paper code as its digest. Passkeys are random and made for this
provider alone. Everything of a login under way is in memory (`memory.py`).
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from kakine.crypto.passkeys import Passkey
from kakine.runtime.database import sql
from kakine.values.problems import LoginNotKnown, VoucherUnfit

_own = MetaData()

_CARD = Table(
    "login_card",
    _own,
    Column("handle", LargeBinary, primary_key=True),
    Column("account", LargeBinary, nullable=False),
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
    Column("account", LargeBinary, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
)


def login_tables(into: MetaData) -> MetaData:
    """Add these tables to the portal's own schema."""
    for table in (_CARD, _PAPER, _PASSKEY):
        table.to_metadata(into)
    return into


_ADD_CARD = sql(insert(_CARD))
_CARD_OF = sql(select(_CARD.c.account).where(_CARD.c.handle == bindparam("handle")))
_ADD_PAPER = sql(insert(_PAPER))
_PAPER_OF = sql(select(_PAPER.c.account, _PAPER.c.expires_ms).where(_PAPER.c.code == bindparam("code")))
_DROP_PAPER = sql(delete(_PAPER).where(_PAPER.c.code == bindparam("code")))
_DROP_OLD = sql(delete(_PAPER).where(_PAPER.c.expires_ms < bindparam("now_ms")))
_ADD_PASSKEY = sql(insert(_PASSKEY))
_PASSKEY_OF = sql(select(*_PASSKEY.c).where(_PASSKEY.c.id == bindparam("id")))
_COUNT = sql(update(_PASSKEY).where(_PASSKEY.c.id == bindparam("which")).values(count=bindparam("new")))


def bind_card(db: sqlite3.Connection, handle: bytes, account: bytes) -> None:
    """The card of this handle opens this account. Raises `VoucherUnfit` where it opens another: a desk could else turn
    somebody's card towards an account of its choice."""
    row = db.execute(_CARD_OF, {"handle": handle}).fetchone()
    if row is None:
        db.execute(_ADD_CARD, {"handle": handle, "account": account})
    elif bytes(row[0]) != account:
        raise VoucherUnfit()


def account_of_card(db: sqlite3.Connection, handle: bytes) -> bytes:
    """Raises `LoginNotKnown`."""
    row = db.execute(_CARD_OF, {"handle": handle}).fetchone()
    if row is None:
        raise LoginNotKnown()
    return bytes(row[0])


def add_paper(db: sqlite3.Connection, code: bytes, account: bytes, expires_ms: int, now_ms: int) -> None:
    """A paper code; `sqlite3.IntegrityError` if there is one of this digest. Those that have expired go."""
    db.execute(_DROP_OLD, {"now_ms": now_ms})
    db.execute(_ADD_PAPER, {"code": code, "account": account, "expires_ms": expires_ms})


def use_paper(db: sqlite3.Connection, code: bytes, now_ms: int, known: bytes | None = None) -> bytes:
    """The account, once: the code is gone afterwards. `LoginNotKnown` for one that is used, expired or was never
    given, or opens another account than one that is `known` already, without a difference."""
    row = db.execute(_PAPER_OF, {"code": code}).fetchone()
    if row is None or row[1] <= now_ms or known not in (None, bytes(row[0])):
        raise LoginNotKnown()
    db.execute(_DROP_PAPER, {"code": code})
    return bytes(row[0])


def add_passkey(db: sqlite3.Connection, new: Passkey, account: bytes) -> None:
    """`sqlite3.IntegrityError` if it is there."""
    row = {"id": new.id, "account": account, "public": new.public, "count": new.count}
    db.execute(_ADD_PASSKEY, row)


def find_passkey(db: sqlite3.Connection, id_: bytes) -> tuple[Passkey, bytes]:
    """(passkey, account). Raises `LoginNotKnown`."""
    row = db.execute(_PASSKEY_OF, {"id": id_}).fetchone()
    if row is None:
        raise LoginNotKnown()
    return Passkey(bytes(row[0]), bytes(row[2]), row[3]), bytes(row[1])


def count_passkey(db: sqlite3.Connection, id_: bytes, count: int) -> None:
    """How often it says that it was used."""
    db.execute(_COUNT, {"which": id_, "new": count})
