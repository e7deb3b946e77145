"""The durable and signed head of the log in memory, and what can be proved under it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from kakine.contracts.ledger import Appended, Consistent, Growth
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.parties.ledger.attest import Attestor, compare
from kakine.parties.ledger.store import Store
from kakine.values.problems import CheckpointInvalid, LedgerDiverged, RangeOutside, SignatureInvalid
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint

_STRIDE = 10_000


@dataclass(frozen=True)
class Head:
    """A stored and signed state of the log.

    `tree` is shared with later heads and may already have leaves beyond `at.size`, which are never shown. After a
    `closed` one there are none.
    """

    tree: Tree
    at: Checkpoint
    note: bytes
    closed: bool = False

    def receipt(self, first: int, count: int, since: int = 0) -> Appended:
        """Proof for entries first … first + count - 1, and that the log only grew since the size `since`, unless
        that is 0 or beyond this head. Raises `RangeOutside`."""
        size = self.at.size
        growth = Growth(since, self.tree.consistency_proof(since, size)) if 0 < since <= size else None
        return Appended(first, self.tree.range_proof(first, count, size), self.note, growth)

    def consistency(self, size: int, until: int | None = None) -> Consistent:
        """Proof from `size` to `until`, or to this head. Raises `RangeOutside`."""
        last = self.at.size if until is None else until
        if last > self.at.size:
            raise RangeOutside(size=self.at.size)
        return Consistent(self.tree.consistency_proof(size, last), self.note)


def rebuilt(store: Store, attestor: Attestor) -> Tree:
    """The tree of the stored entries, held against the stored head and the last stored checkpoint.

    Raises `LedgerDiverged` if they do not agree. The checkpoint may be older than the head: entries are stored first
    and signed then.
    """
    tree = Tree()
    # An earlier write may still be under way: all three must be read from one state of the store.
    with store.snapshot():
        rows = store.all_entries()
        while stride := [leaf_hash(entry) for entry in islice(rows, _STRIDE)]:
            tree.append(stride)
        if store.head() != Checkpoint(tree.size, tree.root()):
            raise LedgerDiverged(part="tree")
        last = store.last_note()
    if last is not None:
        _check_stored(tree, last, attestor)
    return tree


def _check_stored(tree: Tree, last: tuple[int, bytes], attestor: Attestor) -> None:
    size, note = last
    try:
        signed = notes.open(note, attestor.origin, attestor.key)
    except (CheckpointInvalid, SignatureInvalid) as fault:
        raise LedgerDiverged(part="checkpoint") from fault
    if signed.size != size or size > tree.size or tree.root(size) != signed.root:
        raise LedgerDiverged(part="checkpoint")


async def load(store: Store, attestor: Attestor) -> Head:
    """The head as store and signer agree on it.

    Entries that were stored and not yet signed, because something stopped in between, are signed now. Raises
    `LedgerDiverged`; `LedgerBehind` or `LedgerForked` if the store is not the one the signer last signed for;
    `PartyUnavailable` if the signer cannot be asked.
    """
    tree = rebuilt(store, attestor)
    at = Checkpoint(tree.size, tree.root())
    signed = await attestor.last()
    compare(tree, [(attestor.name, signed.at)])
    if signed.at != at:
        signed = await attestor.sign(tree, signed.at, at)
    return Head(tree, at, signed.note, signed.closed)
