"""The shield that a person raises at the portal, at once and by any visit (spec/shield.md).

While it is up nothing leaves this portal that leads to where its person is: no address, no municipality, nobody who
acts or reads for them, no own data of the resident record. It is this portal's alone: what agencies and the registry
keep back is set at a counter (支援措置).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from kakine.runtime.database import Connection, sql

AREA = "resident-record"
"""The area of own data that is closed with it, and opened when it is lifted."""
PLACES = frozenset({"address", "lives_in"})
"""What a login or a consent gives of the place."""

_own = MetaData()
_SHIELD = Table(
    "shield",
    _own,
    Column("account", LargeBinary, primary_key=True),
    Column("raised_ms", Integer, nullable=False),
)
_new = insert(_SHIELD)
_RAISE = sql(
    _new.on_conflict_do_update(index_elements=["account"], set_={"raised_ms": _new.excluded.raised_ms})
)
_FIND = sql(select(_SHIELD.c.raised_ms).where(_SHIELD.c.account == bindparam("account")))
_DROP = sql(delete(_SHIELD).where(_SHIELD.c.account == bindparam("account")))


def shield_tables(into: MetaData) -> MetaData:
    """Add this table to the portal's own schema."""
    _SHIELD.to_metadata(into)
    return into


def raise_(db: Connection, account: bytes, now_ms: int) -> None:
    """It is up, and was asked for at this moment; again says the same of a later one."""
    db.execute(_RAISE, {"account": account, "raised_ms": now_ms})


def lift(db: Connection, account: bytes) -> None:
    """It is down."""
    db.execute(_DROP, {"account": account})


def raised_ms(db: Connection, account: bytes) -> int | None:
    """When it was asked for last; None where it is down."""
    row = db.execute(_FIND, {"account": account}).fetchone()
    return int(row[0]) if row else None


def kept_back(db: Connection, account: bytes, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the registry said, without places where the shield is up: as of somebody who has none. It was asked for all
    the same: a line of the history that lacks them would say that the shield is up."""
    if raised_ms(db, account) is None:
        return found
    return {item: value for item, value in found.items() if item not in PLACES}
