"""What the portal puts together for a reader who verifies it alone: lists, shares, second proofs, heads of now.

It can read none of it. What it leaves out or changes is noticed (spec/browser.md, docs/threats.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kakine.clients.exchange import Network
from kakine.contracts.call import Nothing
from kakine.contracts.converter import HEAD, History, LastHead
from kakine.contracts.ledger import (
    CHECKPOINT,
    CONSISTENCY,
    ENTRIES,
    WITNESSED,
    WITNESSED_ENTRIES,
    Between,
    ByIndex,
    Proved,
)
from kakine.contracts.portal import SealedHistory
from kakine.protocols.gazette import LawBook
from kakine.protocols.history import KeptList, SealedRow
from kakine.protocols.logs import Log, log_of
from kakine.protocols.reading import placed
from kakine.protocols.trust import trust_of
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock
from kakine.values.labels import PartyName
from kakine.values.problems import NotWitnessed, PartyUnavailable, Problem, RangeOutside, ReceiptMismatch
from kakine.wire import checkpoint as notes
from kakine.wire.canonical import encode
from kakine.wire.reading import HistoryGiven, Kept, KeptRow, LogNow, ProvedRow, Remembered


class _Blobs:
    """Envelopes and notes, each once: two record keepers have the same ones."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def number(self, data: bytes) -> int:
        return self._numbers.setdefault(data, len(self._numbers))

    @property
    def all(self) -> tuple[bytes, ...]:
        return tuple(self._numbers)


@dataclass(frozen=True)
class Readings:
    """The portal's side of a reading. `policy` gives the text in force."""

    network: Network
    law: LawBook
    peers: Peers
    clock: Clock
    policy: Callable[[], bytes]

    async def given(self, sealed: SealedHistory, since: Sequence[Remembered]) -> bytes:
        """The encoded `HistoryGiven`. Raises `ReceiptMismatch` if a log shows another entry at a row's place, and what
        a log that is not dead refuses with."""
        blobs = _Blobs()
        lists = tuple(_kept(each, blobs) for each in sealed.histories)
        rows = placed([KeptList(each.statement, each.signature, _rows(each)) for each in sealed.histories])
        proved = [await self._proved(row, blobs) for row in rows]
        known = {each.origin: each.size for each in since}
        logs = [await self._now(log, known) for log in self.network.logs]
        trust = trust_of(self.law.in_force(self.clock()), self.network.logs, self.policy())
        return encode(
            HistoryGiven(
                sealed.request, blobs.all, lists, tuple(sealed.shares), tuple(proved), tuple(logs), trust
            )
        )

    async def _proved(self, row: SealedRow, blobs: _Blobs) -> ProvedRow:
        """Under a checkpoint that enough witnesses signed where one covers the row; of a dead log as it is where that
        cannot be read."""
        log = log_of(self.network.logs, notes.origin_of(row.checkpoint))
        try:
            given = await self._entry(log.ledger, row.index)
        except (PartyUnavailable, RangeOutside):
            if not log.dead:
                raise
            return ProvedRow(tuple(row.proof), blobs.number(row.checkpoint))
        if given.entries != row.entry:
            raise ReceiptMismatch(what="entries")
        return ProvedRow(tuple(given.receipt.proof), blobs.number(given.receipt.checkpoint))

    async def _entry(self, ledger: PartyName, index: int) -> Proved:
        try:
            return await self.peers.ask(ledger, WITNESSED_ENTRIES, ByIndex(index))
        except NotWitnessed:
            return await self.peers.ask(ledger, ENTRIES, ByIndex(index))

    async def _now(self, log: Log, known: Mapping[str, int]) -> LogNow:
        """Converters first: an honest log that grows meanwhile must not seem to be behind."""
        served = witnessed = b""
        seen, since, unasked = list[bytes](), list[bytes](), False
        for name in self.network.converters:
            try:
                head = await self.peers.ask(name, HEAD, LastHead(log.origin))
            except Problem:  # what one does not say, the reader is told, whatever the reason
                unasked = True
            else:
                seen += [head.checkpoint] if head.size else []
        try:
            served = (await self.peers.ask(log.ledger, CHECKPOINT, Nothing())).checkpoint
            size = notes.open(served, log.origin, log.key_in(self.law.in_force(self.clock()))).size
            if known.get(log.origin, size) < size:
                between = Between(known[log.origin], size)
                since = (await self.peers.ask(log.ledger, CONSISTENCY, between)).proof
            witnessed = (await self.peers.ask(log.ledger, WITNESSED, Nothing())).checkpoint
        except NotWitnessed:
            pass
        except Problem:
            unasked = True
        return LogNow(log.origin, served, witnessed, tuple(seen), tuple(since), unasked)


def _kept(given: History, blobs: _Blobs) -> Kept:
    rows = [
        KeptRow(
            row.entry,
            blobs.number(row.envelope),
            row.index,
            tuple(row.proof),
            blobs.number(row.checkpoint),
            tuple(row.holds),
        )
        for row in given.rows
    ]
    return Kept(given.statement, given.signature, tuple(rows), given.indexed)


def _rows(given: History) -> list[SealedRow]:
    return [
        SealedRow(row.entry, row.envelope, row.index, row.proof, row.checkpoint, row.holds)
        for row in given.rows
    ]
