"""The act of letting somebody have one's address. For whom it is stands nowhere here: the act knows a random number.

Whoever gives addresses out draws 16 random bytes for each permission, has the act asked for with them (`RELEASE`), and
gives nothing before `released` says so (spec/visits.md section 5).
"""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, MetaData, Table, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from kakine.parties.portal.acts.engine import ActKind
from kakine.parties.portal.acts.store import Act
from kakine.runtime.database import Connection, sql
from kakine.values.problems import ActUnknown

RELEASE = "address-released"
NUMBER = 16

_own = MetaData()
_RELEASED = Table(
    "address_released",
    _own,
    Column("number", LargeBinary, primary_key=True),
    Column("account", LargeBinary, nullable=False),
)
_ADD = sql(insert(_RELEASED).on_conflict_do_nothing())
_FIND = sql(select(_RELEASED.c.account).where(_RELEASED.c.number == bindparam("number")))
_DROP = sql(
    delete(_RELEASED).where(
        _RELEASED.c.number == bindparam("number"), _RELEASED.c.account == bindparam("account")
    )
)


def address_tables(into: MetaData) -> MetaData:
    """Add this table to the portal's own schema."""
    _RELEASED.to_metadata(into)
    return into


def kind() -> ActKind:
    """Its detail is the number (16 bytes)."""
    return ActKind(
        RELEASE,
        "住所の提供の許可",
        "an address may be given",
        do=lambda db, act: _execute(db, _ADD, act),
        undo=lambda db, act: _execute(db, _DROP, act),
        ask=_check,
        at_counter=True,
    )


def released(db: Connection, account: bytes, number: bytes) -> bool:
    """Whether the permission of this number was given by this account, has waited, and is not taken back."""
    row = db.execute(_FIND, {"number": number}).fetchone()
    return row is not None and bytes(row[0]) == account


def withdraw(db: Connection, account: bytes, number: bytes) -> None:
    """It is over: that needs no waiting. Whether there was one is not said."""
    db.execute(_DROP, {"number": number, "account": account})


def _execute(db: Connection, statement: str, act: Act) -> None:
    db.execute(statement, {"number": act.detail, "account": act.account})


def _check(db: Connection, act: Act) -> None:
    if len(act.detail) != NUMBER or db.execute(_FIND, {"number": act.detail}).fetchone():
        raise ActUnknown()
