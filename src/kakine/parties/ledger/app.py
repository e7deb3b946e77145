"""Wiring of one ledger."""

from __future__ import annotations

from starlette.types import ASGIApp

from kakine.parties.ledger.http import duties
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.ledger.store import METADATA, Store
from kakine.parties.ledger.use_cases import Duties, FilerKeys
from kakine.parties.ledger.witnessing import Witnessing
from kakine.runtime.database import Database
from kakine.runtime.http import RolesOf, application


class Ledger:
    """A running ledger; `app` serves its calls, `witnessing` has its heads cosigned when its operator says so."""

    def __init__(self, database: Database, app: ASGIApp, witnessing: Witnessing) -> None:
        self._database = database
        self.app = app
        self.witnessing = witnessing

    @classmethod
    def open(cls, settings: LedgerSettings, filer_keys: FilerKeys, roles_of: RolesOf) -> Ledger:
        """Open the store and check all of it before serving.

        Raises `StoreInUse`, or `LedgerDiverged` if entries, tree and last checkpoint do not agree.
        """
        database = Database.open(settings.database, METADATA)
        try:
            store = Store(database)
            sequencer = Sequencer(store, settings.origin, settings.key)
        except BaseException:
            database.close()
            raise
        offered = Duties(store, sequencer, filer_keys, roles_of)
        witnessing = Witnessing(store, sequencer)
        return cls(database, application(duties(offered, witnessing), roles_of), witnessing)

    def close(self) -> None:
        """Store what is queued in the database and let go of it."""
        self._database.close()
