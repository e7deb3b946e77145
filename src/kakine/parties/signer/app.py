"""Wiring of one signer."""

from __future__ import annotations

from starlette.types import ASGIApp

from kakine.contracts.call import Role
from kakine.parties.signer.http import duties
from kakine.parties.signer.settings import SignerSettings
from kakine.parties.signer.store import METADATA, Store
from kakine.parties.signer.use_cases import Duties
from kakine.runtime.database import Database
from kakine.runtime.http import application
from kakine.values.labels import PartyName
from kakine.values.problems import SignerBehind
from kakine.wire.checkpoint import Checkpoint


class Signer:
    """A running signer; `app` serves its calls."""

    def __init__(self, settings: SignerSettings, database: Database) -> None:
        self._ledger = settings.ledger
        self._origin = settings.origin
        self.database = database
        self._store = Store(database)
        self.app: ASGIApp = application(duties(Duties(settings, self._store)), self._roles)

    @classmethod
    def open(cls, settings: SignerSettings) -> Signer:
        """Open the store. Raises `StoreInUse`: two signers on one store would be two histories."""
        return cls(settings, Database.open(settings.database, METADATA))

    def compare(self, by: PartyName, head: Checkpoint) -> None:
        """A head under this signer's own signature that somebody else keeps. Raises `SignerBehind` if it is larger than
        the one signed last here, or another of its size: this store was put back, and would sign a second history.

        NOT noticed: heads that nobody who is asked has seen.
        """
        last = self._store.last(self._origin)
        if head.size > last.size or (head.size == last.size and head.root != last.root):
            raise SignerBehind(known_to=by, size=head.size, signed=last.size)

    def _roles(self, caller: PartyName) -> frozenset[Role]:
        # Nobody but its own ledger calls a signer, so it needs no law to know who may.
        return frozenset({Role.LEDGER}) if caller == self._ledger else frozenset()

    def close(self) -> None:
        """Store what is queued in the database and let go of it."""
        self.database.close()
