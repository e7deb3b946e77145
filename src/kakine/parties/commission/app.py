"""Wiring of the commission."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from starlette.types import ASGIApp

from kakine.contracts.call import Role
from kakine.contracts.commission import APPOINT, ERASURES, USUAL, Version
from kakine.crypto.passkeys import Site
from kakine.parties.commission import erasing, holds
from kakine.parties.commission.bureau import store as bureau_store
from kakine.parties.commission.bureau import usual
from kakine.parties.commission.bureau.bureau import Bureau
from kakine.parties.commission.bureau.figures import Figuring
from kakine.parties.commission.bureau.uses import Counting, collect, suspend_unused
from kakine.parties.commission.http import duties
from kakine.parties.commission.openings import Openings
from kakine.parties.commission.publisher import Publisher
from kakine.parties.commission.retention_calls import RetentionCalls
from kakine.parties.commission.retention_office import Office
from kakine.parties.commission.settings import CommissionSettings
from kakine.parties.commission.store import METADATA, Store
from kakine.parties.commission.use_cases import Duties
from kakine.protocols.gazette import Anchors, LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log
from kakine.runtime.database import Database
from kakine.runtime.http import Duty, Peers, application
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import PartyName
from kakine.web.staff import Staff
from kakine.wire.erasure import Order

NOWHERE = Site("", "")
"""Where passkeys of the staff live while no console is served: nowhere."""


class Commission:
    """A running commission; `app` serves its calls, `book` is the law as it has published it, `openings` the list of
    logs, `bureau` its people, `counting` and `figuring` what they count."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        openings: Openings,
        offered: Duties,
        office: Office,
        figuring: Figuring,
        clock: Clock,
    ) -> None:
        self.database = database
        self.bureau, self.counting, self.figuring = figuring.bureau, figuring.counting, figuring
        self.openings = openings
        self._publisher = publisher
        self._offered = offered
        self._office = office
        self._retention = RetentionCalls(office)
        self._clock = clock
        self.book: LawBook = publisher.book
        self._duties = [
            *duties(offered),
            Duty(ERASURES, partial(erasing.erasures, office)),
            *self._retention.duties,
            Duty(APPOINT, figuring.bureau.appointed),
            Duty(USUAL, partial(usual.given, figuring.bureau, office.identity)),
        ]
        self.app: ASGIApp = application(self._duties, self._roles)

    def serve(self, further: Sequence[Duty[Any, Any]]) -> None:
        """Answer these calls as well, from now on: the auditor's, which starts when there are parties to audit."""
        self.app = application([*self._duties, *further], self._roles)

    @classmethod
    def open(
        cls,
        settings: CommissionSettings,
        identity: Identity,
        anchors: Anchors,
        peers: Peers,
        clock: Clock,
        entropy: Entropy = secrets.token_bytes,
    ) -> Commission:
        """Open the store and verify every published version before serving.

        Raises StoreInUse, JournalBroken, and what `LawBook.accept` raises if a stored version was altered.
        """
        database = Database.open(settings.database, METADATA)
        with ExitStack() as undo:
            undo.callback(database.close)
            bureau_store.check_journal(database.read())
            store = Store(database)
            publisher = Publisher(settings, identity, store, LawBook(anchors), peers, clock)
            openings = Openings(identity, store, publisher.book, settings.logs, peers, clock)
            undo.pop_all()
        staff = Staff(database, clock, entropy, NOWHERE)
        office = Office(identity, settings.logs, Heads(), database, publisher.book, peers, clock, entropy)
        offered = Duties(
            identity,
            store,
            publisher,
            openings,
            clock,
            lambda: bool(staff.all()),
            lambda: bureau_store.all_cards(database.read()),
            partial(bureau_store.enter_alone, database, clock),
        )
        bureau = Bureau(database, staff, offered, publisher.book, clock, entropy)
        figuring = Figuring(office, bureau, Counting(bureau, peers))
        return cls(database, publisher, openings, offered, office, figuring, clock)

    def _roles(self, caller: PartyName) -> frozenset[Role]:
        return frozenset(map(Role, self.book.in_force(self._clock()).roles(caller)))

    async def found(self, encoded: bytes, ministry: bytes) -> Version:
        """Countersign and publish the first version, which the ministry has signed (64 bytes)."""
        return await self._offered.found(encoded, ministry)

    async def publish_text(self, text: bytes) -> None:
        """Have a public text in the log by its SHA-256, before it takes effect: the policy of witnesses, the page that
        verifies. A repeat changes nothing. Raises what `Publisher.log_digest` raises."""
        await self._publisher.log_digest(hashlib.sha256(text).digest())

    async def resume(self) -> None:
        """Carry out or abandon what a crash left undone. To be called once the ledger can be reached."""
        await self._publisher.finish()
        await self.bureau.resume()

    async def retain(self) -> list[Order]:
        """The operator's own act: erase every month that is over (see `erasing.run`)."""
        return await erasing.run(self._office)

    async def hold(self, log: Log, places: Sequence[int], reason: str) -> bytes:
        """The operator's own act: keep records on (see `holds.hold`)."""
        return await holds.hold(self._office, log, places, reason)

    async def lift(self, digest: bytes) -> None:
        """The operator's own act: end a hold (see `holds.lift`)."""
        await holds.lift(self._office, digest)

    async def count(self) -> tuple[dict[PartyName, str], list[str]]:
        """Collect what converters have counted, suspend what nobody uses, take the figures of the public page and of
        what is usual; (codes of the problems by converter, rows that were suspended). Apart, every hour."""
        faults = await collect(self.counting)
        stopped = await suspend_unused(self.counting)
        await self.figuring.take()
        await usual.take(self.bureau)
        return faults, stopped

    def close(self) -> None:
        """Let go of the store."""
        self._retention.close()
        self.database.close()
