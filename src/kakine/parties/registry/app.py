"""Wiring of the registry."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from kakine.clients.carrier import disputable
from kakine.clients.exchange import Network
from kakine.contracts import gateway, registry, registry_audit
from kakine.parties.registry import store
from kakine.parties.registry.codes import Codes, enrolment_table
from kakine.parties.registry.front import Front
from kakine.parties.registry.numbering import Desk
from kakine.parties.registry.vouching import Vouching
from kakine.protocols.gazette import LawBook
from kakine.runtime.codebook import codebook_metadata
from kakine.runtime.database import Database
from kakine.runtime.http import Duty, Peers, application
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import DomainName

METADATA = store.metadata
enrolment_table(METADATA)
codebook_metadata(METADATA)


class Registry:
    """One registry."""

    def __init__(
        self,
        name: DomainName,
        network: Network,
        path: Path,
        identity: Identity,
        law: LawBook,
        peers: Peers,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self.db = Database.open(path, METADATA)
        self.codes = Codes(name, identity, network, self.db, law, peers, clock, entropy)
        desk = Desk(self.db, entropy, identity.local_key("marking"))
        self._vouching = Vouching(desk, identity, law, peers, clock)
        self._front = Front(desk, self.codes, law, clock, self._vouching)
        self._law = law
        self._clock = clock

    @property
    def app(self) -> ASGIApp:
        """The ASGI application."""
        duties: list[Duty[Any, Any]] = [
            Duty(gateway.DELIVER, self.codes.deliver),
            Duty(gateway.DISPUTABLE, partial(disputable, self.db)),
            Duty(registry_audit.SAMPLE, self.codes.sample),
            Duty(registry.ENTER, self._front.enter),
            Duty(registry.BIRTH, self._front.birth),
            Duty(registry.REPORT, self._front.report),
            Duty(registry.ACQUIRE, self._front.acquire),
            Duty(registry.VOUCH, self._vouching.vouch),
            Duty(registry.CARD, self._vouching.card),
            Duty(registry.LOSS_CODE, self._vouching.loss_code),
            Duty(registry.LOST_BY_CODE, self._vouching.lost_by_code),
        ]
        return application(duties, lambda name: self._law.in_force(self._clock()).roles(name))

    async def start(self) -> None:
        """Join the converters where that is not done, and take up what a crash left open."""
        await self.codes.start()
        await self._vouching.deliver()

    def close(self) -> None:
        """Close the store."""
        self.db.close()
