"""The durable head of the log in memory, and what can be proved under it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from kakine.contracts.ledger import Appended, Consistent
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.store import Store
from kakine.values.problems import CheckpointInvalid, LedgerDiverged, RangeOutside, SignatureInvalid
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint

_STRIDE = 10_000


@dataclass(frozen=True)
class Head:
    """A stored and signed state of the log.

    `tree` is shared with later heads and may already have leaves beyond `at.size`, which are never shown.
    """

    tree: Tree
    at: Checkpoint
    note: bytes

    def receipt(self, first: int, count: int) -> Appended:
        """Proof for entries first … first + count - 1. Raises `RangeOutside`."""
        return Appended(first, self.tree.range_proof(first, count, self.at.size), self.note)

    def consistency(self, size: int, until: int | None = None) -> Consistent:
        """Proof from `size` to `until`, or to this head. Raises `RangeOutside`."""
        last = self.at.size if until is None else until
        if last > self.at.size:
            raise RangeOutside(size=self.at.size)
        return Consistent(self.tree.consistency_proof(size, last), self.note)


def load(store: Store, origin: str, key: SigningKey) -> Head:
    """Build the tree anew from the stored entries and hold it against the stored head and last checkpoint.

    Raises `LedgerDiverged` if any two differ. A whole database put back from yesterday agrees with itself:
    only those who hold later checkpoints can see that.
    """
    tree = Tree()
    # An earlier write may still be under way: all three must be read from one state of the store.
    with store.snapshot():
        rows = store.all_entries()
        while stride := [leaf_hash(entry) for entry in islice(rows, _STRIDE)]:
            tree.append(stride)
        at = Checkpoint(tree.size, tree.root())
        if store.head() != at:
            raise LedgerDiverged(part="tree")
        return Head(tree, at, _attested(store, at, origin, key))


def _attested(store: Store, at: Checkpoint, origin: str, key: SigningKey) -> bytes:
    last = store.last_note()
    if last is None:
        if at.size:
            raise LedgerDiverged(part="checkpoint")
        return notes.make(origin, at.size, at.root, key)
    size, note = last
    try:
        signed = notes.open(note, origin, key.public)
    except (CheckpointInvalid, SignatureInvalid) as fault:
        raise LedgerDiverged(part="checkpoint") from fault
    if size != at.size or signed != at:
        raise LedgerDiverged(part="checkpoint")
    return note
