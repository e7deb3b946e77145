"""What others hold of this log: its signer, who must sign each head, and all who keep heads they have seen."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from kakine.contracts.signer import CLOSE, SIGN, SIGNED, Extension, OfLog
from kakine.crypto.merkle import Tree
from kakine.crypto.signing import VerifyKey
from kakine.runtime.http import Peers
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CheckpointInvalid,
    HeadNotExtending,
    LedgerBehind,
    LedgerForked,
    SignatureInvalid,
)
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint

log = logging.getLogger("kakine")


@dataclass(frozen=True)
class Seen:
    """The last checkpoint of this log that somebody else keeps: a converter, a witness."""

    by: str
    note: bytes


Others = Callable[[], Awaitable[Sequence[Seen]]]
"""Asks all who can be reached just now."""


async def nobody() -> Sequence[Seen]:
    """For a log that nobody else keeps heads of."""
    return ()


@dataclass(frozen=True)
class Signed:
    """A head with its signed note; whether the signer signs nothing of this log after it."""

    at: Checkpoint
    note: bytes
    closed: bool = False


@dataclass(frozen=True)
class Attestor:
    """The road to the signer `name` of the log `origin`; believes nothing that `key` has not signed."""

    peers: Peers
    name: PartyName
    origin: str
    key: VerifyKey

    async def last(self) -> Signed:
        """What the signer signed last. Raises `PartyUnavailable`, `CheckpointInvalid`, `SignatureInvalid`."""
        given = await self.peers.ask(self.name, SIGNED, OfLog(self.origin))
        return replace(self._opened(given.checkpoint), closed=given.closed)

    async def close(self) -> Signed:
        """The last head for good: from here on the signer signs nothing of this log."""
        return self._opened((await self.peers.ask(self.name, CLOSE, OfLog(self.origin))).checkpoint)

    async def sign(self, tree: Tree, old: Checkpoint, new: Checkpoint) -> Signed:
        """`new` signed; `old` is what was signed before, `tree` holds both.

        Raises `LedgerForked` if the signer knows another head, or signed something else.
        """
        proof = tree.consistency_proof(old.size, new.size)
        asked = Extension(self.origin, old.size, new.size, new.root, proof)
        try:
            given = self._opened((await self.peers.ask(self.name, SIGN, asked)).checkpoint)
        except HeadNotExtending as refusal:
            raise LedgerForked(known_to=self.name, size=old.size) from refusal
        if given.at != new:
            raise LedgerForked(known_to=self.name, size=given.at.size)
        return given

    def opened(self, seen: Iterable[Seen]) -> list[tuple[str, Checkpoint]]:
        """Who has seen which head. What the signer has not signed is no head of this log and is left out."""
        found = []
        for each in seen:
            try:
                found.append((each.by, self._opened(each.note).at))
            except (CheckpointInvalid, SignatureInvalid) as fault:
                log.warning("head of no log", extra={"by": each.by, "fault": type(fault).__name__})
        return found

    def _opened(self, note: bytes) -> Signed:
        return Signed(notes.open(note, self.origin, self.key), note)


def compare(tree: Tree, heads: Iterable[tuple[str, Checkpoint]]) -> None:
    """Raise unless every head (who has it, size and root) begins the log whose entries make `tree`.

    `LedgerBehind` if somebody has a larger head, `LedgerForked` if one of another root: the facts name who. Either
    means that the store was put back from a backup or changed; neither can be repaired.
    """
    for by, head in heads:
        if head.size > tree.size:
            raise LedgerBehind(known_to=by, size=head.size, stored=tree.size)
        if tree.root(head.size) != head.root:
            raise LedgerForked(known_to=by, size=head.size)
