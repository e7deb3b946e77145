"""The ministry's duties, one method each."""

from __future__ import annotations

from kakine.clients.gazette import Sources, refresh
from kakine.contracts.commission import PUBLISH, Narrow, PlainChange, Propose
from kakine.contracts.ministry import Draft, Proposed
from kakine.parties.ministry.store import Store
from kakine.protocols.gazette import LawBook, sign_as_ministry
from kakine.protocols.gazette_diff import describe
from kakine.protocols.gazette_draft import narrowing_version, next_version
from kakine.protocols.gazette_sound import require_sound
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Identity
from kakine.values.labels import PartyName
from kakine.values.problems import GazetteInconsistent, GazetteTooSoon, GazetteUnchanged
from kakine.wire.gazette import Gazette, Kind, Subject, decode, encode, gazette_digest


class Duties:
    """What the ministry does for its operator."""

    def __init__(
        self, identity: Identity, store: Store, book: LawBook, peers: Peers, sources: Sources, clock: Clock
    ) -> None:
        self._identity = identity
        self._store = store
        self._book = book
        self._peers = peers
        self._sources = sources
        self._clock = clock

    async def found(self, encoded: bytes) -> bytes:
        """Sign the first version (64 bytes). Called by the founding, not over the network."""
        require_sound(decode(encoded))
        return await self._sign(encoded)

    async def propose(self, caller: PartyName, asked: Draft) -> Proposed:
        """Make the operator's text the next version, sign it and send it to the commission.

        Raises GazetteUnchanged, GazetteInconsistent, GazetteTooSoon, NotCanonical, and what the commission
        raises.
        """
        await refresh(self._book, self._peers, self._sources, self._clock)
        now_ms = self._clock()
        content = decode(asked.content)
        gazette = next_version(
            self._book, content, now_ms, asked.effective_ms, asked.reason_ja, asked.reason_en
        )
        return await self._send(gazette, now_ms)

    async def narrow(self, caller: PartyName, asked: Narrow) -> Proposed:
        """Suspend or strike at once, with this signature alone. Raises as `propose` does, and RowUnknown."""
        await refresh(self._book, self._peers, self._sources, self._clock)
        now_ms = self._clock()
        try:
            stops = [(Subject(stop.subject), stop.name) for stop in asked.suspend]
        except ValueError as fault:
            raise GazetteInconsistent(what="suspensions", fault="no such subject") from fault
        gazette = narrowing_version(
            self._book, stops, asked.strike, now_ms, asked.reason_ja, asked.reason_en, asked.until
        )
        return await self._send(gazette, now_ms)

    async def _send(self, gazette: Gazette, now_ms: int) -> Proposed:
        present = self._book.in_force(now_ms).gazette
        changes = describe(present, gazette)
        require_sound(gazette)
        if not changes and self._book.pending(now_ms) is None:
            raise GazetteUnchanged()
        if gazette.kind is Kind.WIDENING and gazette.effective_ms < now_ms + present.waiting_ms:
            raise GazetteTooSoon(earliest_ms=now_ms + present.waiting_ms)
        encoded = encode(gazette)
        signature = await self._sign(encoded)
        received = await self._peers.ask(self._sources.commission, PUBLISH, Propose(encoded, signature))
        plain = [PlainChange(c.widens, c.what, c.name, c.ja, c.en) for c in changes]
        return Proposed(
            received.digest, gazette.number, gazette.kind.value, published=received.published, changes=plain
        )

    async def _sign(self, encoded: bytes) -> bytes:
        await self._store.add(gazette_digest(encoded), encoded, self._clock())
        return sign_as_ministry(self._identity.signing, encoded)
