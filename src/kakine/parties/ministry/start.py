"""How the ministry starts."""

from __future__ import annotations

import msgspec

from kakine.parties.ministry.app import Ministry
from kakine.parties.ministry.settings import MinistrySettings
from kakine.runtime.footing import Footing, Site, Working
from kakine.values.labels import PartyName


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The law comes from `commission`."""

    commission: PartyName


def start(place: Footing, own: Own) -> Ministry:
    """Raises `StoreInUse`."""
    settings = MinistrySettings(place.database, own.commission, place.logs)
    return Ministry.open(settings, place.identity, place.law, place.peers, place.clock)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own."""
    made = start(place, own)
    return Working(lambda: made.app, made.close, store=made.database)
