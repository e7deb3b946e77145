"""Wiring of one ledger."""

from __future__ import annotations

from contextlib import ExitStack

from starlette.types import ASGIApp

from kakine.parties.ledger.http import duties
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.ledger.store import METADATA, Store
from kakine.parties.ledger.use_cases import Duties, FilerKeys
from kakine.runtime.database import Database
from kakine.runtime.http import RolesOf, application


class Ledger:
    """A running ledger; `app` serves its calls."""

    def __init__(self, database: Database, app: ASGIApp) -> None:
        self._database = database
        self.app = app

    @classmethod
    def open(cls, settings: LedgerSettings, filer_keys: FilerKeys, roles_of: RolesOf) -> Ledger:
        """Open the store and check all of it before serving.

        Raises `StoreInUse`, or `LedgerDiverged` if entries, tree and last checkpoint do not agree.
        """
        database = Database.open(settings.database, METADATA)
        with ExitStack() as undo:
            undo.callback(database.close)
            store = Store(database)
            sequencer = Sequencer(store, settings.origin, settings.key)
            undo.pop_all()
        offered = Duties(store, sequencer, filer_keys, roles_of)
        return cls(database, application(duties(offered), roles_of))

    def close(self) -> None:
        """Store what is queued in the database and let go of it."""
        self._database.close()
