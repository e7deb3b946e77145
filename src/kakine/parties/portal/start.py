"""How the portal starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from kakine.clients.exchange import Network
from kakine.parties.portal.app import Portal
from kakine.runtime.footing import MINUTE, Footing, Site, Working
from kakine.runtime.schedule import Chore
from kakine.values.labels import DomainName


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`domain` is the one of logins, `policy` the file with the witnesses' policy."""

    domain: str
    policy: Path


def start(place: Footing, own: Own, policy: Callable[[], bytes]) -> Portal:
    """Not ready before its `start` has run. `policy` gives the text of the witnesses' policy. Raises `StoreInUse`."""
    network = Network(place.converters, place.logs)
    return Portal(DomainName(own.domain), network, *place.common, policy)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own: its calls, without the pages for residents."""
    made = start(place, own, (site.folder / own.policy).read_bytes)
    app = made.app

    async def tick() -> str:
        return ", ".join(problem.code for problem in await made.acts.tick())

    return Working(lambda: app, made.close, begin=made.start, chores=(Chore("acts", MINUTE, tick),))
