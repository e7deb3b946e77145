"""Wiring of one ledger."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from starlette.types import ASGIApp

from kakine.parties.ledger.attest import Attestor, Others, nobody
from kakine.parties.ledger.ended import Ended
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
from kakine.values.problems import LogListBroken
from kakine.wire.entry import LENGTH


@dataclass(frozen=True)
class _Wiring:
    filer_keys: FilerKeys
    parties_of: PartiesOf
    roles_of: RolesOf
    clock: Clock
    silent_ms: int


class Ledger:
    """A running ledger; `app` serves its calls, `witnessing` has its heads cosigned when its operator says so."""

    def __init__(
        self, database: Database, store: Store, sequencer: Sequencer, wiring: _Wiring, size: int
    ) -> None:
        self.database = database
        self._store = store
        self._clock = wiring.clock
        self._sequencer = sequencer
        self._offered = Duties(store, sequencer, wiring.filer_keys, wiring.parties_of)
        self._heart = Heart(sequencer, wiring.clock, wiring.silent_ms, size)
        self.witnessing = Witnessing(store, sequencer)
        self.app: ASGIApp = application(duties(self._offered, self.witnessing), wiring.roles_of)

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
        the first entry is appended. Of a log that has ended (`settings.final`) neither is asked. Raises `StoreInUse`;
        `LedgerDiverged` if entries, tree and last checkpoint do not agree; `LedgerBehind` or `LedgerForked` if the
        store is not the one the signer last signed for; `LogListBroken` if the log begins as another one does.
        """
        database = Database.open(settings.database, METADATA)
        with ExitStack() as undo:
            undo.callback(database.close)
            store = Store(database)
            attestor = Attestor(peers, settings.signer, settings.origin, settings.key)
            sequencer = (
                Ended(store, attestor, settings.final)
                if settings.final
                else Sequencer(store, attestor, others, settings.begins)
            )
            size = (await sequencer.head()).at.size
            if size and settings.begins != b"".join(store.entries(0, len(settings.begins) // LENGTH)):
                raise LogListBroken(part="first")
            undo.pop_all()
        wiring = _Wiring(filer_keys, parties_of, roles_of, clock, settings.silent_ms)
        return cls(database, store, sequencer, wiring, size)

    async def start(self) -> None:
        """Compare with the heads of all others. Raises `LedgerBehind` or `LedgerForked`, naming who has another."""
        await self._sequencer.start()

    async def beat(self) -> bool:
        """Log a heartbeat if nothing was logged for the time of the settings; whether one was."""
        return await self._heart.beat()

    @property
    def ending(self) -> bool:
        """Whether nothing new is taken about people."""
        return self._offered.ending

    async def wind_up(self) -> int:
        """Take nothing new about people from now on; since when, milliseconds."""
        await self._store.end(self._clock())
        self._offered.ending = True
        return self._store.ending_since() or 0

    async def end(self) -> bytes:
        """The operator's own act, which cannot be undone: the last checkpoint of this log (see `Sequencer.end`)."""
        return await self._sequencer.end()

    def close(self) -> None:
        """Store what is queued in the database and let go of it."""
        self.database.close()
