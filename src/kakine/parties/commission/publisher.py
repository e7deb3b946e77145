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
from kakine.contracts.ledger import RECEIPT, Append, Appended, ByTag
from kakine.parties.commission.settings import CommissionSettings
from kakine.parties.commission.store import State, Store, Stored
from kakine.protocols.gazette import CLOCK_MS, Law, LawBook, publication_ms
from kakine.protocols.gazette_log import entry_of, logged_ms, tag_of
from kakine.protocols.heads import Heads
from kakine.protocols.logs import log_keys
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Identity
from kakine.values.calendar import minutes
from kakine.values.problems import GazetteNotNext, GazetteTooSoon, PartyUnavailable, TagUnknown
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
        return await self._append(stored.entry, stored.digest, self._law(stored), again=again)

    async def log_digest(self, digest: bytes) -> tuple[bytes, Appended]:
        """The entry and the receipt of the digest (32 bytes) of a public text, logged as a governance entry; once,
        however often asked.

        Raises PartyUnavailable if nothing was concluded, and what does not verify. Says nothing about the text.
        """
        law = self.book.in_force(self._clock())
        for log in self._settings.logs:
            try:
                known = await self._peers.ask(log.ledger, RECEIPT, ByTag(tag_of(digest)))
            except (TagUnknown, PartyUnavailable):
                continue
            logged_ms(known.entries, digest)
            self._verify(known.receipt, known.entries, law)
            return known.entries, known.receipt
        entry = entry_of(digest, self._clock())
        return entry, await self._append(entry, digest, law, again=False)

    async def _append(self, entry: bytes, digest: bytes, law: Law, *, again: bool) -> Appended:
        tag = tag_of(digest)
        filed = filing.filing_of(
            request=_NOTHING,
            points=_NOTHING,
            entries=entry,
            tags=tag,
            hops=_NOTHING,
            minutes=minutes(logged_ms(entry, digest)),
        )
        signed = filing.sign(filed, self._identity.name, self._identity.signing)
        receipt = await append(self._peers, self._settings.logs, Append(entry, tag, [signed]), again=again)
        self._verify(receipt, entry, law)
        return receipt

    def _verify(self, receipt: Appended, entry: bytes, law: Law) -> None:
        keys = log_keys(law, self._settings.logs)
        Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, entry, keys)

    def _law(self, stored: Stored) -> Law:
        now_ms = self._clock()
        if self.book.published:
            return self.book.in_force(now_ms)
        return self.book.check(stored.gazette, Signatures(stored.ministry, stored.commission), now_ms)
