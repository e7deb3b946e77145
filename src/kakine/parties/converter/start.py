"""How a converter starts."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from kakine.parties.converter import statement
from kakine.parties.converter.app import Converter
from kakine.parties.converter.office import Settings
from kakine.parties.converter.recording import tell
from kakine.parties.converter.uses import keep_refused
from kakine.protocols.logs import open_logs
from kakine.runtime.footing import HOUR, SECOND, Footing, Site, Working
from kakine.runtime.schedule import Chore
from kakine.values.problems import PartyStarting, PartyUnavailable


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`witness_name` is the key name under which it cosigns heads, `daily_limit` how many people one link may convert
    in a day."""

    witness_name: str
    daily_limit: Annotated[int, Meta(ge=1)] = 1_000_000


def start(place: Footing, own: Own, *, tells_later: bool = False) -> Converter:
    """Raises what `Converter` raises."""
    position = place.converters.index(place.identity.name) + 1
    settings = Settings(
        position, place.converters, place.logs, own.daily_limit, own.witness_name, tells_later
    )
    return Converter(settings, *place.common)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own. At its start and every hour it asks the logs whether they have a statement of its own
    that it does not know of; a ledger that does not answer is asked the next time."""
    made = start(place, own, tells_later=True)
    app, office = made.app, made.office

    async def logged() -> str:
        for log in open_logs(place.logs):
            with suppress(PartyUnavailable, PartyStarting):
                await statement.check_logged(office, log.origin)
        return ""

    async def begin() -> None:
        await logged()

    chores = (
        Chore("refusals", 5 * SECOND, partial(keep_refused, office), "books"),
        Chore("told", SECOND, partial(tell, office), "told"),
        Chore("statements", HOUR, logged, "books"),
    )
    return Working(lambda: app, made.close, begin=begin, chores=chores, believe=made.believe, store=office.db)
