"""Receipts as files: out of what the ledger answers, for one entry each."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.crypto.merkle import leaf_hash, narrow
from kakine.values.problems import RangeOutside
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import split_entries
from kakine.wire.proof import Proof


def receipt_of(
    index: int, *, first: int, proof: Sequence[bytes], note: bytes, entries: bytes, head: Checkpoint
) -> Proof:
    """The receipt of the entry at `index`, out of a range proof that covers it; `head` is what `note` says.

    Raises `RangeOutside` if the range does not cover the index. The range proof must have been verified before.
    """
    kept = split_entries(entries)
    if not first <= index < first + len(kept):
        raise RangeOutside(size=head.size)
    own = narrow([leaf_hash(entry) for entry in kept], first, head.size, proof, index)
    return Proof(kept[index - first], index, audit_path(index, head.size, own), note)


def audit_path(index: int, size: int, sorted_path: Sequence[bytes]) -> list[bytes]:
    """The hashes of one leaf's range proof, left to right, in the order of RFC 6962: from the leaf's sibling up."""
    low, high, rest = 0, size, list(sorted_path)
    path: list[bytes] = []
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        path.append(rest.pop() if index < middle else rest.pop(0))
        low, high = (low, middle) if index < middle else (middle, high)
    path.reverse()
    return path
