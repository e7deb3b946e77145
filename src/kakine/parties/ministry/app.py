"""Wiring of the ministry."""

from __future__ import annotations

from starlette.types import ASGIApp

from kakine.clients.gazette import Sources
from kakine.contracts.call import Role
from kakine.parties.ministry.http import duties
from kakine.parties.ministry.settings import MinistrySettings
from kakine.parties.ministry.store import METADATA, Store
from kakine.parties.ministry.use_cases import Duties
from kakine.protocols.gazette import LawBook
from kakine.runtime.database import Database
from kakine.runtime.http import Peers, application
from kakine.runtime.identity import Clock, Identity
from kakine.values.labels import PartyName


class Ministry:
    """A running ministry; `app` serves its calls."""

    def __init__(self, database: Database, offered: Duties, identity: Identity) -> None:
        self.database = database
        self._offered = offered
        self._name = identity.name
        self.app: ASGIApp = application(duties(offered), self._roles)

    @classmethod
    def open(
        cls, settings: MinistrySettings, identity: Identity, book: LawBook, peers: Peers, clock: Clock
    ) -> Ministry:
        """Open the store. `book` is brought up to date before anything is signed. Raises StoreInUse."""
        database = Database.open(settings.database, METADATA)
        sources = Sources(settings.commission, settings.logs)
        return cls(database, Duties(identity, Store(database), book, peers, sources, clock), identity)

    def _roles(self, caller: PartyName) -> frozenset[Role]:
        # Nobody else calls the ministry, so it needs no law to know who may.
        return frozenset({Role.MINISTRY}) if caller == self._name else frozenset()

    async def found(self, encoded: bytes) -> bytes:
        """Sign the first version of the country (64 bytes)."""
        return await self._offered.found(encoded)

    def close(self) -> None:
        """Let go of the store."""
        self.database.close()
