"""Checkpoints a party has verified, so that one signature check serves all receipts under the same head."""

from __future__ import annotations

from collections.abc import Sequence

from kakine.crypto.signing import VerifyKey
from kakine.protocols import receipts
from kakine.protocols.gates import check_heads
from kakine.protocols.logs import LogKey, LogKeys
from kakine.values.problems import CheckpointInvalid, LogClosed
from kakine.wire.checkpoint import Checkpoint, origin_of

_KEPT = 64


def _check_final(origin: str, head: Checkpoint, final: Checkpoint) -> None:
    if head.size > final.size or (head.size == final.size and head.root != final.root):
        raise LogClosed(log=origin, size=final.size)


class Heads:
    """The last few notes of some logs. A note is looked up by its whole bytes and the key it was verified with."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], Checkpoint] = {}
        self._attested: set[tuple[str, Checkpoint, tuple[bytes, ...], tuple[bytes, ...]]] = set()

    def verify(
        self, first: int, proof: Sequence[bytes], note: bytes, entries: bytes, keys: LogKeys
    ) -> Checkpoint:
        """As `receipts.verify`: raise unless `entries` stand at `first` … under the signed `note` of one of the logs.

        `CheckpointInvalid` if the note is of another log, `LogClosed` if it lies beyond the end of its log.
        """
        origin = origin_of(note)
        key = keys.get(origin)
        if key is None:
            raise CheckpointInvalid(part="origin")
        head = receipts.verify(
            first=first,
            proof=proof,
            checkpoint=self._known.get((note, key), note),
            entries=entries,
            origin=origin,
            key=key,
        )
        if isinstance(key, LogKey):
            _check_final(origin, head, key.final)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[note, key] = head
        return head

    def verify_attested(
        self, origin: str, head: Checkpoint, statements: Sequence[bytes], keys: Sequence[VerifyKey]
    ) -> None:
        """As `gates.check_heads`, once for each head with the same statements and keys."""
        asked = origin, head, tuple(statements), tuple(keys)
        if asked in self._attested:
            return
        check_heads(*asked)
        if len(self._attested) >= _KEPT:
            self._attested.clear()
        self._attested.add(asked)
