"""Checkpoints a party has verified, so that one signature check serves all receipts under the same head."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.crypto.signing import VerifyKey
from kakine.protocols import receipts
from kakine.wire.checkpoint import Checkpoint

_KEPT = 64


class Heads:
    """The last few notes of one log. A note is looked up by its whole bytes and the key it was verified with."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._known: dict[tuple[bytes, bytes], Checkpoint] = {}

    def verify(
        self, first: int, proof: Sequence[bytes], note: bytes, entries: bytes, key: VerifyKey
    ) -> Checkpoint:
        """As `receipts.verify`: raise unless `entries` stand at `first` … under the signed `note`."""
        head = receipts.verify(
            first=first,
            proof=proof,
            checkpoint=self._known.get((note, key), note),
            entries=entries,
            origin=self.origin,
            key=key,
        )
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[note, key] = head
        return head
