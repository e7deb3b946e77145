"""Wiring of the mailbox."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from kakine.clients.domains import Domain
from kakine.contracts import mailbox
from kakine.crypto.wrapping import WrapKey
from kakine.parties.mailbox import (
    erasing,
    filing,
    holding,
    indexing,
    numbering,
    reading,
    standing,
    store,
    unsealing,
)
from kakine.parties.mailbox.office import Office, Settings
from kakine.protocols.gazette import LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log
from kakine.runtime.database import Database
from kakine.runtime.http import Duty, Peers, application
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.runtime.keyring import keyring_metadata
from kakine.values.labels import PartyName
from kakine.wire.index import IndexRoot
from kakine.wire.request import Place

METADATA = store.metadata
keyring_metadata(METADATA)


class Mailbox:
    """One record keeper, ready to be called once `start` has run."""

    def __init__(
        self,
        settings: Settings,
        path: Path,
        identity: Identity,
        law: LawBook,
        peers: Peers,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        db = Database.open(path, METADATA)
        wrap = WrapKey(identity.local_key("wrap", settings.domain.encode(), length=64))
        heads = Heads()
        self.office = Office(settings, identity, db, law, peers, clock, entropy, wrap, heads)
        self.domain = Domain(settings.domain, identity, db, peers, settings.converters)

    @property
    def app(self) -> ASGIApp:
        """The ASGI application."""
        office = self.office
        duties: list[Duty[Any, Any]] = [
            Duty(mailbox.FILE, partial(filing.file, office)),
            Duty(mailbox.STANDING, standing.Standings(office).give),
            Duty(mailbox.OUTCOME, partial(filing.file_outcome, office)),
            Duty(mailbox.LOGGED, partial(numbering.logged, office)),
            Duty(mailbox.READ, partial(reading.read, office)),
            Duty(mailbox.VECTORS, partial(reading.vectors, office)),
            Duty(mailbox.FILED_AT, partial(reading.filed_at, office)),
            Duty(mailbox.BLINDS, partial(reading.blinds, office)),
            Duty(mailbox.INDEXES, partial(indexing.indexes, office)),
            Duty(mailbox.INDEX_ROWS, partial(indexing.rows, office)),
            Duty(mailbox.EXPIRING, partial(erasing.expiring, office)),
            Duty(mailbox.DROP, partial(erasing.drop, office)),
            Duty(mailbox.HELD, partial(erasing.held, office)),
            Duty(mailbox.HOLD, partial(holding.hold, office)),
            Duty(mailbox.LIFT, partial(holding.lift, office)),
            Duty(mailbox.UNSEAL, partial(unsealing.unseal, office)),
        ]
        return application(duties, lambda name: office.law.in_force(office.clock()).roles(name))

    async def start(self) -> None:
        """Enrol the own domain where that is not done, number what was logged before a crash, look at the indexes."""
        epoch = self.office.law.in_force(self.office.clock()).epoch(self.office.settings.domain)
        self.office.mask_keys = await self.domain.mask_keys(epoch)
        await numbering.resume(self.office)
        indexing.check_own(self.office)

    async def look_again(self) -> int:
        """Number what stands in a log and nobody has told of; how many. Apart, a clock calls this every ten seconds."""
        return await numbering.look_again(self.office)

    async def unseal(self) -> list[Place]:
        """Open every sealed entry whose day has come; the places. Apart, a clock calls this every hour."""
        return await unsealing.open_due(self.office)

    async def index(self, log: Log, end: int) -> IndexRoot | None:
        """Index a log up to place `end`; apart, a clock calls this every hour. Raises `IndexTotalWrong`."""
        return await indexing.make(self.office, log, end)

    def indexed(self, origin: str) -> int:
        """The place in a log up to which it has an index here."""
        made = store.indexes(self.office.db.read(), origin)
        return made[-1].end if made else 0

    async def ends(self, keeper: PartyName, log: Log) -> list[int]:
        """Where another record keeper has ended indexes that are not made here yet: only the same stretches compare."""
        return await indexing.ends_of(self.office, keeper, log)

    def newest(self, origin: str) -> bytes | None:
        """The checkpoint of the largest head of a log under which a receipt is kept here."""
        return store.newest_checkpoint(self.office.db.read(), origin)

    def close(self) -> None:
        """Close the store."""
        self.office.db.close()
