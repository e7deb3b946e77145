"""How many people a party has named today and got no code of: what leaves no line in anybody's history is counted.

One row for each party, of its last day with a miss. Nothing says who was named.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from kakine.parties.registry.store import metadata
from kakine.runtime.database import Connection, sql
from kakine.values.problems import MissesUsedUp

MOST = 1000
"""People a party may name in vain on one day in Japan."""

_MISSED = Table(
    "missed",
    metadata,
    Column("caller", String, primary_key=True),
    Column("day", Integer, nullable=False),
    Column("people", Integer, nullable=False),
)
_FIND = sql(
    select(_MISSED.c.people).where(
        _MISSED.c.caller == bindparam("of_caller"), _MISSED.c.day == bindparam("of_day")
    )
)
_new = insert(_MISSED)
_PUT = sql(
    _new.on_conflict_do_update(
        index_elements=["caller"], set_={"day": _new.excluded.day, "people": _new.excluded.people}
    )
)


def require_left(db: Connection, caller: str, day: int, people: int) -> None:
    """Raise `MissesUsedUp`, with how many are left, where so many misses more would be too many. Whether they would be
    misses is not asked: a refusal that hung on it would tell."""
    left = max(0, MOST - _missed(db, caller, day))
    if people > left:
        raise MissesUsedUp(left=left)


def add(db: Connection, caller: str, day: int, people: int) -> None:
    """Count misses."""
    if people:
        db.execute(_PUT, {"caller": caller, "day": day, "people": _missed(db, caller, day) + people})


def _missed(db: Connection, caller: str, day: int) -> int:
    row = db.execute(_FIND, {"of_caller": caller, "of_day": day}).fetchone()
    return int(row[0]) if row else 0
