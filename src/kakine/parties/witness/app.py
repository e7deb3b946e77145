"""Wiring of one witness."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import MetaData
from starlette.applications import Starlette
from starlette.types import ASGIApp

from kakine.crypto.signing import SigningKey
from kakine.protocols.witnessing import Logs
from kakine.runtime.database import Database
from kakine.runtime.heads import heads_metadata
from kakine.runtime.identity import Clock
from kakine.runtime.witness import Witness

METADATA = MetaData(info={"store": "witness"})
heads_metadata(METADATA)


class WitnessParty:
    """A running witness; `app` serves its two calls, `vkey` is what a policy names it by."""

    def __init__(self, name: str, key: SigningKey, logs: Logs, database: Path, clock: Clock) -> None:
        """Raises `StoreInUse`: one process per store, or two could sign two histories."""
        self.database = Database.open(database, METADATA)
        self.witness = Witness(name, key, lambda: logs, self.database, clock)
        self.vkey = self.witness.vkey
        self.app: ASGIApp = Starlette(routes=self.witness.routes())

    def close(self) -> None:
        """Store what is queued and let go of the store."""
        self.database.close()
