"""A log in memory that can tell two histories under one key, and witnesses that must not fall for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kakine.crypto.merkle import Tree, leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.parties.witness.app import WitnessParty
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.policy import NamedKey, witness_key
from kakine.wire.submission import Submission

ORIGIN = "ledger.example/2026/a"
KEY = SigningKey(b"L" * 32)
NOW_MS = 1_700_000_000_000


class Told:
    """One history of the log: leaf n is its number, from `fork_at` on it is another's."""

    def __init__(self, fork_at: int | None = None, origin: str = ORIGIN, key: SigningKey = KEY) -> None:
        self._tree = Tree()
        self._origin, self._key = origin, key
        numbers = [n if fork_at is None or n < fork_at else n + 1_000_000 for n in range(300)]
        self._tree.append([leaf_hash(str(n).encode()) for n in numbers])

    def head(self, size: int) -> Checkpoint:
        """Size and root."""
        return Checkpoint(size, self._tree.root(size))

    def note(self, size: int) -> bytes:
        """The checkpoint, signed by the log."""
        return notes.make(self._origin, size, self._tree.root(size), self._key)

    def proof(self, old: int, size: int) -> list[bytes]:
        """The consistency proof between two sizes of this history."""
        return self._tree.consistency_proof(old, size)

    def submission(self, old: int, size: int) -> Submission:
        """What an honest log with this history sends."""
        return Submission(old, tuple(self.proof(old, size)), self.note(size))

    def body(self, old: int, size: int) -> bytes:
        """The same as bytes."""
        return self.submission(old, size).encode()


def witness_named(
    folder: Path, name: str = "witness.example/w1", clock: Callable[[], int] = lambda: NOW_MS
) -> WitnessParty:
    """A witness that follows the log, with a store of its own in `folder`."""
    seed = name.encode().ljust(32, b"-")[:32]
    path = folder / f"{name.replace('/', '-')}.sqlite"
    return WitnessParty(name, SigningKey(seed), {ORIGIN: (KEY.public,)}, path, clock)


@contextmanager
def witness(folder: Path, name: str = "witness.example/w1") -> Iterator[WitnessParty]:
    """The same, closed at the end."""
    made = witness_named(folder, name)
    try:
        yield made
    finally:
        made.close()


def key_of(party: WitnessParty) -> NamedKey:
    """As a policy names it."""
    return witness_key(party.vkey)
