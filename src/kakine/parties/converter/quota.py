"""How many people one link may convert in a day: the converter operator's own brake on mass look-ups.

A day is UTC. What counts is people converted, whatever came of them, so probing spends it too.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from kakine.runtime.database import Connection, sql
from kakine.values.problems import QuotaExceeded

_DAY_MS = 86_400_000


def quota_table(metadata: MetaData) -> Table:
    """People converted by link and day."""
    return Table(
        "link_day",
        metadata,
        Column("requester", String, nullable=False),
        Column("recipient", String, nullable=False),
        Column("day", Integer, nullable=False),
        Column("people", Integer, nullable=False),
        PrimaryKeyConstraint("requester", "recipient", "day"),
    )


_spent = quota_table(MetaData())
_here = (
    (_spent.c.requester == bindparam("of_requester"))
    & (_spent.c.recipient == bindparam("of_recipient"))
    & (_spent.c.day == bindparam("of_day"))
)
_FIND = sql(select(_spent.c.people).where(_here))
_ADD = sql(insert(_spent))
_SET = sql(update(_spent).where(_here).values(people=bindparam("now")))


def spend(db: Connection, requester: str, recipient: str, time_ms: int, people: int, limit: int) -> None:
    """Count `people` on the link's day. Raises `QuotaExceeded`, and counts nothing, where that passes `limit`."""
    day = time_ms // _DAY_MS
    place = {"of_requester": requester, "of_recipient": recipient, "of_day": day}
    row = db.execute(_FIND, place).fetchone()
    total = people + (row[0] if row else 0)
    if total > limit:
        raise QuotaExceeded(limit=limit)
    if row:
        db.execute(_SET, {**place, "now": total})
    else:
        db.execute(_ADD, {"requester": requester, "recipient": recipient, "day": day, "people": people})
