"""The others, as one party reaches them while its own process may or may not run: for commands of its operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kakine.clients.gazette import Sources, refresh
from kakine.clients.standing import PublishedStatus
from kakine.process.running import PUBLIC, clock
from kakine.process.settings import Settings
from kakine.protocols.gazette import LawBook
from kakine.protocols.logs import LogBook
from kakine.runtime.http import Peers
from kakine.runtime.network import NetworkRoad
from kakine.runtime.tls import Credentials
from kakine.values.certificates import Use
from kakine.values.labels import PartyName


@dataclass(frozen=True)
class Reached:
    """The law and the lists of certificates have been fetched and verified, as every party does."""

    settings: Settings
    road: NetworkRoad
    peers: Peers
    book: LawBook
    logs: LogBook
    standing: PublishedStatus


@asynccontextmanager
async def reached(settings: Settings) -> AsyncIterator[Reached]:
    """With the party's own certificate. Raises what a call raises, and what does not verify."""
    road = NetworkRoad(Credentials(settings.name, settings.files, clock), settings.roads(), clock, PUBLIC)
    peers, book, logs = Peers(road), LawBook(settings.anchors), settings.logs()
    try:
        await refresh(book, peers, Sources(PartyName(settings.country.commission), logs), clock)
        standing = PublishedStatus(peers, PartyName(settings.country.authority), book, clock, Use.PARTY)
        await standing.refresh()
        road.standing = standing
        yield Reached(settings, road, peers, book, logs, standing)
    finally:
        await road.close()
