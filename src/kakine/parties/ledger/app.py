"""Wiring of one ledger."""

from __future__ import annotations

from contextlib import ExitStack

from starlette.types import ASGIApp

from kakine.parties.ledger.attest import Attestor, Others, nobody
from kakine.parties.ledger.heart import Heart
from kakine.parties.ledger.http import duties
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.ledger.store import METADATA, Store
from kakine.parties.ledger.use_cases import Duties, FilerKeys, PartiesOf
from kakine.parties.ledger.witnessing import Witnessing
from kakine.runtime.database import Database
from kakine.runtime.http import Peers, RolesOf, application
from kakine.runtime.identity import Clock


class Ledger:
    """A running ledger; `app` serves its calls, `witnessing` has its heads cosigned when its operator says so."""

    def __init__(
        self, database: Database, sequencer: Sequencer, heart: Heart, app: ASGIApp, witnessing: Witnessing
    ) -> None:
        self._database = database
        self._sequencer = sequencer
        self._heart = heart
        self.app = app
        self.witnessing = witnessing

    @classmethod
    async def open(
        cls,
        settings: LedgerSettings,
        filer_keys: FilerKeys,
        parties_of: PartiesOf,
        roles_of: RolesOf,
        peers: Peers,
        clock: Clock,
        others: Others = nobody,
    ) -> Ledger:
        """Open the store and check all of it, by itself and against the signer, before serving.

        `others` gives the heads that converters and witnesses keep; they are asked by `start`, and otherwise before
        the first entry is appended. Raises `StoreInUse`; `LedgerDiverged` if entries, tree and last checkpoint do not
        agree; `LedgerBehind` or `LedgerForked` if the store is not the one the signer last signed for.
        """
        database = Database.open(settings.database, METADATA)
        with ExitStack() as undo:
            undo.callback(database.close)
            store = Store(database)
            attestor = Attestor(peers, settings.signer, settings.origin, settings.key)
            sequencer = Sequencer(store, attestor, others)
            size = (await sequencer.head()).at.size
            undo.pop_all()
        offered = Duties(store, sequencer, filer_keys, parties_of)
        heart = Heart(sequencer, clock, settings.silent_ms, size)
        witnessing = Witnessing(store, sequencer)
        served = application(duties(offered, witnessing), roles_of)
        return cls(database, sequencer, heart, served, witnessing)

    async def start(self) -> None:
        """Compare with the heads of all others. Raises `LedgerBehind` or `LedgerForked`, naming who has another."""
        await self._sequencer.start()

    async def beat(self) -> bool:
        """Log a heartbeat if nothing was logged for the time of the settings; whether one was."""
        return await self._heart.beat()

    def close(self) -> None:
        """Store what is queued in the database and let go of it."""
        self._database.close()
