"""What a receipt of the ledger proves, and how anybody checks it (spec/ledger.md section 6)."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.crypto.merkle import leaf_hash, verify_range
from kakine.crypto.signing import VerifyKey
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import split_entries


def verify(
    *,
    first: int,
    proof: Sequence[bytes],
    checkpoint: bytes | Checkpoint,
    entries: bytes,
    origin: str,
    key: VerifyKey,
) -> Checkpoint:
    """The head under which `entries` (m × 80 bytes) stand next to each other from index `first` on.

    `checkpoint` is the signed note, or the head that this function gave for that note before, since one note
    serves many receipts. Raises `CheckpointInvalid`, `SignatureInvalid`, `NotCanonical` or
    `InclusionInvalid`. Does not check what the entries say, how old they are, or that the head extends one
    seen earlier.
    """
    leaves = [leaf_hash(entry) for entry in split_entries(entries)]
    head = checkpoint if isinstance(checkpoint, Checkpoint) else notes.open(checkpoint, origin, key)
    verify_range(leaves, first, head.size, proof, head.root)
    return head
