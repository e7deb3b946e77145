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


class Signer:
    """A running signer; `app` serves its calls."""

    def __init__(self, settings: SignerSettings, database: Database) -> None:
        self._ledger = settings.ledger
        self.database = database
        self.app: ASGIApp = application(duties(Duties(settings, Store(database))), self._roles)

    @classmethod
    def open(cls, settings: SignerSettings) -> Signer:
        """Open the store. Raises `StoreInUse`: two signers on one store would be two histories."""
        return cls(settings, Database.open(settings.database, METADATA))

    def _roles(self, caller: PartyName) -> frozenset[Role]:
        # Nobody but its own ledger calls a signer, so it needs no law to know who may.
        return frozenset({Role.LEDGER}) if caller == self._ledger else frozenset()

    def close(self) -> None:
        """Store what is queued in the database and let go of it."""
        self.database.close()
