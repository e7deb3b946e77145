"""How a record keeper starts."""

from __future__ import annotations

from functools import partial

import msgspec

from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.parties.mailbox.app import Mailbox
from kakine.parties.mailbox.office import Settings
from kakine.protocols.logs import open_logs
from kakine.runtime.footing import HOUR, MINUTE, SECOND, Footing, Site, Working
from kakine.runtime.schedule import Chore
from kakine.values.labels import DomainName
from kakine.wire import checkpoint as notes

MOST = 1 << 17
"""Entries of one index, all of them in memory while it is made."""


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`domain` is the one under which it keeps records."""

    domain: DomainName


def start(place: Footing, own: Own) -> Mailbox:
    """Not ready before its `start` has run. Raises `StoreInUse`."""
    return Mailbox(Settings(own.domain, place.converters, place.logs), *place.common)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own."""
    made = start(place, own)
    app = made.app
    chores = (
        Chore("unheard", 10 * SECOND, partial(_look_again, made), "unheard"),
        Chore("unseal", HOUR, partial(_unseal, made), "books"),
        Chore("index", HOUR, partial(index, made, place), "books"),
        Chore("follow", MINUTE, partial(follow, made, place), "books"),
    )
    return Working(lambda: app, made.close, begin=made.start, chores=chores, store=made.office.db)


async def _look_again(mailbox: Mailbox) -> str:
    found = await mailbox.look_again()
    return f"{found} filings" if found else ""


async def _unseal(mailbox: Mailbox) -> str:
    opened = await mailbox.unseal()
    return f"{len(opened)} entries" if opened else ""


async def index(mailbox: Mailbox, place: Footing) -> str:
    """The first record keeper of the law says where an index ends; its own ends where the log does now, or after `MOST`
    entries, and then comes the next."""
    law = place.law.in_force(place.clock())
    if law.keeper_parties[0] != place.identity.name:
        return ""
    for log in open_logs(place.logs):
        given = await place.peers.ask(log.ledger, CHECKPOINT, Nothing())
        size, end = notes.open(given.checkpoint, log.origin, log.key_in(law)).size, 0
        while end < size:
            end = min(mailbox.indexed(log.origin) + MOST, size)
            await mailbox.index(log, end)
    return ""


async def follow(mailbox: Mailbox, place: Footing) -> str:
    """The others end theirs where the first has ended its own (IDX-1.2)."""
    first = place.law.in_force(place.clock()).keeper_parties[0]
    if first == place.identity.name:
        return ""
    for log in open_logs(place.logs):
        for end in await mailbox.ends(first, log):
            await mailbox.index(log, end)
    return ""
