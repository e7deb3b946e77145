"""How the registry starts."""

from __future__ import annotations

import msgspec

from kakine.clients.exchange import Network
from kakine.clients.forgetting import forgetting
from kakine.parties.registry.app import Registry
from kakine.runtime.footing import Footing, Site, Working
from kakine.values.labels import DomainName


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`domain` is the one whose codes are residents' first."""

    domain: DomainName


def start(place: Footing, own: Own) -> Registry:
    """Not ready before its `start` has run. Raises `StoreInUse`."""
    return Registry(own.domain, Network(place.converters, place.logs), *place.common)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own."""
    made = start(place, own)
    app = made.app
    chores = (forgetting(place, made.db),)
    return Working(lambda: app, made.close, begin=made.start, chores=chores, store=made.db)
