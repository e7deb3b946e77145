"""How often each row and ground was used between two domains, by day: for the commission, and for nobody else.

Counted in the transaction that writes a request down or releases it, so no use is left out. No request, no person, no
time of day: a line says how many. Refusals are counted in memory and kept a little later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.contracts.converter import UsesAsked, UsesGiven
from kakine.parties.converter.office import Office
from kakine.runtime.database import Connection, sql
from kakine.values.calendar import day_in_japan
from kakine.values.labels import PartyName
from kakine.values.problems import PartyUnavailable, Problem
from kakine.wire import uses as wire
from kakine.wire.request import PublicPart

KEPT_DAYS = 100
"""After so long a day is forgotten here; the commission has its signed statement."""

Message = TypeVar("Message")
Answer = TypeVar("Answer")


def uses_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Uses and refusals by day; a second call gives the same tables."""
    if "use_day" in metadata.tables:
        return metadata.tables["use_day"], metadata.tables["refusal_day"]
    used = Table(
        "use_day",
        metadata,
        Column("day", Integer, nullable=False),
        Column("ground", String, nullable=False),
        Column("row", String, nullable=False),
        Column("requester", String, nullable=False),
        Column("recipient", String, nullable=False),
        Column("asked", Integer, nullable=False),
        Column("released", Integer, nullable=False),
        Column("people", Integer, nullable=False),
        PrimaryKeyConstraint("day", "ground", "row", "requester", "recipient"),
    )
    refused = Table(
        "refusal_day",
        metadata,
        Column("day", Integer, nullable=False),
        Column("party", String, nullable=False),
        Column("code", String, nullable=False),
        Column("times", Integer, nullable=False),
        PrimaryKeyConstraint("day", "party", "code"),
    )
    return used, refused


_used, _refused = uses_tables(MetaData())
_new = insert(_used)
_ADD = sql(
    _new.on_conflict_do_update(
        index_elements=["day", "ground", "row", "requester", "recipient"],
        set_={name: _used.c[name] + _new.excluded[name] for name in ("asked", "released", "people")},
    )
)
_refusal = insert(_refused)
_REFUSE = sql(
    _refusal.on_conflict_do_update(
        index_elements=["day", "party", "code"], set_={"times": _refused.c.times + _refusal.excluded.times}
    )
)
_USES = sql(select(*list(_used.c)[1:]).where(_used.c.day == bindparam("day")))
_REFUSALS = sql(select(*list(_refused.c)[1:]).where(_refused.c.day == bindparam("day")))
_FORGET = sql(delete(_used).where(_used.c.day < bindparam("before")))
_FORGET_REFUSED = sql(delete(_refused).where(_refused.c.day < bindparam("before")))


def _add(db: Connection, public: PublicPart, asked: int, released: int, people: int) -> None:
    # By the request's own time, which all converters have alike.
    day = day_in_japan(public.time_ms)
    for row in public.rows or ("",):
        values = {
            "day": day,
            "ground": public.ground,
            "row": row,
            "requester": public.requester,
            "recipient": public.recipient,
            "asked": asked,
            "released": released,
            "people": people,
        }
        db.execute(_ADD, values)


def count_asked(db: Connection, public: PublicPart) -> None:
    """This converter has taken part in a request for the first time."""
    _add(db, public, 1, 0, 0)


def count_released(db: Connection, public: PublicPart, people: int) -> None:
    """This converter has released a request, about so many people, for the first time."""
    _add(db, public, 0, 1, people)


def counting_refusals(
    serve: Callable[[Office, PartyName, Message], Awaitable[Answer]],
) -> Callable[[Office, PartyName, Message], Awaitable[Answer]]:
    """The same duty; what is refused to anybody but a converter is counted under the caller and the code."""

    async def counted(office: Office, caller: PartyName, message: Message) -> Answer:
        try:
            return await serve(office, caller, message)
        except PartyUnavailable:
            raise
        except Problem as refusal:
            if caller not in office.settings.others:
                key = day_in_japan(office.clock()), str(caller), refusal.code
                office.refused[key] = office.refused.get(key, 0) + 1
            raise

    return counted


async def keep_refused(office: Office) -> str:
    """Write down what was counted in memory, so that whichever process the commission asks can tell it."""
    counted, office.refused = office.refused, {}

    def work(db: Connection) -> None:
        for (day, party, code), times in sorted(counted.items()):
            db.execute(_REFUSE, {"day": day, "party": party, "code": code, "times": times})

    if counted:
        await office.db.write(work)
    return ""


async def told(office: Office, caller: PartyName, asked: UsesAsked) -> UsesGiven:
    """One day, signed. A day that is not over can still grow."""
    await keep_refused(office)
    oldest = day_in_japan(office.clock()) - KEPT_DAYS

    def work(db: Connection) -> None:
        db.execute(_FORGET, {"before": oldest})
        db.execute(_FORGET_REFUSED, {"before": oldest})

    await office.db.write(work)
    db = office.db.read()
    uses = sorted((wire.Use(*row) for row in db.execute(_USES, {"day": asked.day})), key=lambda use: use.key)
    refused = [wire.Refused(*row) for row in sorted(db.execute(_REFUSALS, {"day": asked.day}).fetchall())]
    said = wire.Uses(office.identity.name, asked.day, tuple(uses), tuple(refused))
    return UsesGiven(*wire.signed(said, office.identity.signing))
