"""Wiring of the commission."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from starlette.types import ASGIApp

from kakine.contracts.call import Role
from kakine.contracts.commission import Version
from kakine.parties.commission.http import duties
from kakine.parties.commission.publisher import Publisher
from kakine.parties.commission.settings import CommissionSettings
from kakine.parties.commission.store import METADATA, Store
from kakine.parties.commission.use_cases import Duties
from kakine.protocols.gazette import Anchors, LawBook
from kakine.runtime.database import Database
from kakine.runtime.http import Duty, Peers, application
from kakine.runtime.identity import Clock, Identity
from kakine.values.labels import PartyName


class Commission:
    """A running commission; `app` serves its calls, `book` is the law as it has published it."""

    def __init__(self, database: Database, publisher: Publisher, offered: Duties, clock: Clock) -> None:
        self._database = database
        self._publisher = publisher
        self._offered = offered
        self._clock = clock
        self.book: LawBook = publisher.book
        self.app: ASGIApp = application(duties(offered), self._roles)

    def serve(self, further: Sequence[Duty[Any, Any]]) -> None:
        """Answer these calls as well, from now on: the auditor's, which starts when there are parties to audit."""
        self.app = application([*duties(self._offered), *further], self._roles)

    @classmethod
    def open(
        cls, settings: CommissionSettings, identity: Identity, anchors: Anchors, peers: Peers, clock: Clock
    ) -> Commission:
        """Open the store and verify every published version before serving.

        Raises StoreInUse, and what `LawBook.accept` raises if a stored version was altered.
        """
        database = Database.open(settings.database, METADATA)
        with ExitStack() as undo:
            undo.callback(database.close)
            store = Store(database)
            publisher = Publisher(settings, identity, store, LawBook(anchors), peers, clock)
            undo.pop_all()
        return cls(database, publisher, Duties(identity, store, publisher, clock), clock)

    def _roles(self, caller: PartyName) -> frozenset[Role]:
        return frozenset(map(Role, self.book.in_force(self._clock()).roles(caller)))

    async def found(self, encoded: bytes, ministry: bytes) -> Version:
        """Countersign and publish the first version, which the ministry has signed (64 bytes)."""
        return await self._offered.found(encoded, ministry)

    async def log_policy(self, text: bytes) -> None:
        """Have the policy of witnesses in the log, by its SHA-256, before it takes effect."""
        await self._publisher.log_digest(hashlib.sha256(text).digest())

    async def resume(self) -> None:
        """Carry out or abandon what a crash left undone. To be called once the ledger can be reached."""
        await self._publisher.finish()

    def close(self) -> None:
        """Let go of the store."""
        self._database.close()
