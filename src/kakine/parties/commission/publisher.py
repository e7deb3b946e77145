"""Publishing: intent, ledger, then hand out. One version at a time.

A version is handed out only with the ledger's receipt in the store. Between intent and receipt a crash may
come; the intent is then carried out first thing afterwards, or abandoned if its waiting time no longer holds.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec

from kakine.clients.logs import append
from kakine.contracts.commission import Version
from kakine.contracts.ledger import Append, Appended
from kakine.parties.commission.settings import CommissionSettings
from kakine.parties.commission.store import State, Store, Stored
from kakine.protocols.gazette import CLOCK_MS, Law, LawBook, publication_ms
from kakine.protocols.gazette_log import entry_of, logged_ms, tag_of
from kakine.protocols.heads import Heads
from kakine.protocols.logs import log_keys
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Identity
from kakine.values.calendar import minutes
from kakine.values.problems import GazetteNotNext, GazetteTooSoon
from kakine.wire import filing
from kakine.wire.gazette import Signatures, gazette_digest

_NOTHING = bytes(32)
_receipt = msgspec.msgpack.Decoder(Appended)


def version_of(stored: Stored) -> Version:
    """What is handed out of a published version."""
    return Version(
        stored.gazette,
        stored.ministry,
        stored.commission,
        stored.entry,
        _receipt.decode(stored.receipt or b""),
    )


class Publisher:
    """The chain of versions of one country. Opening it verifies every stored version anew."""

    def __init__(
        self,
        settings: CommissionSettings,
        identity: Identity,
        store: Store,
        book: LawBook,
        peers: Peers,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._store = store
        self._peers = peers
        self._clock = clock
        self._door = asyncio.Lock()
        self.book = book
        for stored in store.in_state(State.PUBLISHED):
            self._take(stored)

    def _take(self, stored: Stored) -> None:
        signatures = Signatures(stored.ministry, stored.commission)
        self.book.accept(stored.gazette, signatures, logged_ms(stored.entry, stored.digest))

    async def publish(self, encoded: bytes, signatures: Signatures) -> Version:
        """Check, write down, log, take and hand out. A version that is published already is given back.

        Raises what `LawBook.check` raises; PartyUnavailable or StoreFailed if nothing was concluded: the
        same version may be sent again.
        """
        async with self._door:
            await self._finish()
            digest = gazette_digest(encoded)
            known = self._store.find_published(digest)
            if known is not None:
                return version_of(known)
            now_ms = self._clock()
            law = self.book.check(encoded, signatures, now_ms)
            stored = Stored(
                digest,
                law.gazette.number,
                encoded,
                signatures.ministry,
                signatures.commission,
                entry_of(digest, now_ms),
                None,
            )
            await self._store.intend(stored)
            return await self._carry_out(stored)

    async def finish(self) -> None:
        """Carry out or abandon what a crash or an unreachable ledger left undone."""
        async with self._door:
            await self._finish()

    async def _finish(self) -> None:
        for stored in self._store.in_state(State.INTENDED):
            logged = publication_ms(stored.gazette, logged_ms(stored.entry, stored.digest))
            published_ms = max(logged, self._clock() - CLOCK_MS)
            try:
                signatures = Signatures(stored.ministry, stored.commission)
                self.book.check(stored.gazette, signatures, published_ms)
            except (GazetteTooSoon, GazetteNotNext):
                # Its ledger entry, if there is one, stays without a version: visible, and harmless.
                await self._store.settle(stored.digest, State.ABANDONED, None)
                continue
            await self._carry_out(stored, again=True)

    async def _carry_out(self, stored: Stored, *, again: bool = False) -> Version:
        receipt = await self._log(stored, again=again)
        kept = msgspec.msgpack.encode(receipt)
        await self._store.settle(stored.digest, State.PUBLISHED, kept)
        self._take(stored)
        return version_of(replace(stored, receipt=kept))

    async def _log(self, stored: Stored, *, again: bool) -> Appended:
        tag = tag_of(stored.digest)
        filed = filing.filing_of(
            request=_NOTHING,
            points=_NOTHING,
            entries=stored.entry,
            tags=tag,
            hops=_NOTHING,
            minutes=minutes(logged_ms(stored.entry, stored.digest)),
        )
        signed = filing.sign(filed, self._identity.name, self._identity.signing)
        asked = Append(stored.entry, tag, [signed])
        receipt = await append(self._peers, self._settings.logs, asked, again=again)
        keys = log_keys(self._law(stored), self._settings.logs)
        Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, stored.entry, keys)
        return receipt

    def _law(self, stored: Stored) -> Law:
        now_ms = self._clock()
        if self.book.published:
            return self.book.in_force(now_ms)
        return self.book.check(stored.gazette, Signatures(stored.ministry, stored.commission), now_ms)
