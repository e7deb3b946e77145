"""How the portal starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from kakine.clients.exchange import Network
from kakine.clients.forgetting import forgetting
from kakine.clients.standing import PublishedStatus
from kakine.parties.portal.app import Portal
from kakine.protocols.gazette_pack import read_pack
from kakine.protocols.words import words_of
from kakine.runtime.footing import HOUR, MINUTE, Footing, Site, Working
from kakine.runtime.pack import pack_files, pack_folder
from kakine.runtime.schedule import Chore
from kakine.values.labels import DomainName, PartyName


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`domain` is the one of logins, `policy` the file with the witnesses' policy. `origin` is the address (scheme,
    host, port) at which residents reach the pages, `away` where their quick exit leads; no pages without an origin.
    Whose cards stand, `authority` says."""

    domain: DomainName
    policy: Path
    authority: PartyName
    origin: str = ""
    away: str = ""


def start(place: Footing, own: Own, policy: Callable[[], bytes]) -> Portal:
    """Not ready before its `start` has run. `policy` gives the text of the witnesses' policy. Raises `StoreInUse`."""
    network = Network(place.converters, place.logs)
    return Portal(own.domain, network, *place.common, policy)


async def work(place: Footing, own: Own, site: Site) -> Working:
    """In a process of its own."""
    made = start(place, own, (site.folder / own.policy).read_bytes)
    app, pages = made.app, None
    cards = PublishedStatus(place.peers, own.authority, place.law, place.clock)
    if own.origin:
        names = words_of(read_pack(pack_files(pack_folder())))
        pages = made.site(made.login(own.origin, cards), names, own.away)

    async def tick() -> str:
        return ", ".join(problem.code for problem in await made.acts.tick())

    async def refresh() -> str:
        await cards.refresh()
        return ""

    async def usual() -> str:
        await made.usual.refresh()
        return ""

    chores = (
        Chore("acts", MINUTE, tick, "acts"),
        Chore("cards", 5 * MINUTE, refresh, "cards"),
        Chore("usual", HOUR, usual, "usual"),
        forgetting(place, made.db),
    )
    return Working(lambda: app, made.close, begin=made.start, chores=chores, pages=pages, store=made.db)
