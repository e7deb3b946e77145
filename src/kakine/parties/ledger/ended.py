"""A log that has ended: it is read and proved for ever, and takes nothing (spec/ledger.md section 8)."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.contracts.ledger import Appended
from kakine.parties.ledger.attest import Attestor
from kakine.parties.ledger.head import Head, rebuilt
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import Store
from kakine.values.problems import LedgerBehind, LedgerForked, LogClosed
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint


class Ended(Sequencer):
    """Stands where the sequencer stood. Its signer is not asked: nothing can be signed any more."""

    def __init__(self, store: Store, attestor: Attestor, final: bytes) -> None:
        """`final` is the last checkpoint of the log.

        Shows the log up to there. Of a dead log whose store lacks the last entries it shows the largest part under a
        checkpoint that was signed for it. Raises `LedgerDiverged`; `LedgerForked` for a store of another history,
        `LedgerBehind` for one that has no part with a checkpoint.
        """
        super().__init__(store, attestor)
        self._last = _last(store, attestor, final)

    async def head(self) -> Head:
        """The last one."""
        return self._last

    async def start(self) -> None:
        """There is nothing to compare for: it was, when the log ended."""

    async def end(self) -> bytes:
        """The last checkpoint."""
        return self._last.note

    async def append(self, entries: Sequence[bytes], tags: Sequence[bytes], since: int = 0) -> Appended:
        """The receipt of what stands there already. Raises `LogClosed` for anything else."""
        found = [self._store.find(tag) for tag in tags]
        first = found[0][0] if found[0] else -1
        if found != list(enumerate(entries, first)) or first + len(entries) > self._last.at.size:
            raise LogClosed()
        return self._last.receipt(first, len(entries), since)

    async def beat(self, minutes: int) -> bool:
        """A log that has ended is silent."""
        return False


def _last(store: Store, attestor: Attestor, final: bytes) -> Head:
    tree, at = rebuilt(store, attestor), notes.open(final, attestor.origin, attestor.key)
    if tree.size >= at.size:
        if tree.root(at.size) != at.root:
            raise LedgerForked(known_to=attestor.name, size=at.size)
        return Head(tree, at, final, closed=True)
    signed = store.last_note()
    if signed is None:
        raise LedgerBehind(known_to=attestor.name, size=at.size, stored=tree.size)
    size, note = signed
    return Head(tree, Checkpoint(size, tree.root(size)), note, closed=True)
