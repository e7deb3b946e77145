"""Things that last minutes and are used once: pushed requests, logins under way, codes, tokens, spent assertions.

They are in memory and nowhere else. A restart forgets them, which ends the logins under way and nothing more; what was
made before it is refused as too old.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import AssertionReplayed, Problem

T = TypeVar("T")

MOST = 100_000
"""Entries of one kind; the oldest give way, so that nobody fills the memory."""


class Kept(Generic[T]):
    """Values under random names, each until its time is over. A name is kept as its hash: what is read from memory by
    an index cannot be timed against a guess."""

    def __init__(self, life_ms: int, clock: Clock, entropy: Entropy, unknown: type[Problem]) -> None:
        self.life_ms = life_ms
        self._clock = clock
        self._entropy = entropy
        self._unknown = unknown
        self._values: OrderedDict[bytes, tuple[int, T]] = OrderedDict()

    def __len__(self) -> int:
        self.purge()
        return len(self._values)

    def put(self, value: T) -> str:
        """The name under which it is kept: 256 random bits, 64 characters."""
        self.purge()
        if len(self._values) >= MOST:
            self._values.popitem(last=False)
        name = self._entropy(32).hex()
        self._values[_hashed(name)] = (self._clock() + self.life_ms, value)
        return name

    def get(self, name: str) -> T:
        """Raises the problem for unknown names, the same for expired ones."""
        self.purge()
        found = self._values.get(_hashed(name))
        if found is None:
            raise self._unknown()
        return found[1]

    def take(self, name: str) -> T:
        """As `get`, and it is gone afterwards."""
        value = self.get(name)
        del self._values[_hashed(name)]
        return value

    def renew(self, name: str) -> None:
        """Its time begins anew. Raises the problem for unknown names."""
        value = self.take(name)
        self._values[_hashed(name)] = (self._clock() + self.life_ms, value)

    def drop(self, unwanted: Callable[[T], bool]) -> None:
        """Drop every value of which this holds. Looks at all of them."""
        for hashed in [each for each, (_, value) in self._values.items() if unwanted(value)]:
            del self._values[hashed]

    def values(self) -> list[T]:
        """What is kept, those first that will be over first."""
        self.purge()
        return [value for _, value in self._values.values()]

    def purge(self) -> None:
        """Drop what is over. All last alike, so the oldest stand first."""
        now_ms = self._clock()
        while self._values:
            name, (until_ms, _) = next(iter(self._values.items()))
            if until_ms > now_ms:
                return
            del self._values[name]


class Spent:
    """Identifiers of assertions and proofs that have been used, as long as one could be shown again."""

    def __init__(self, life_ms: int, clock: Clock) -> None:
        self.life_ms = life_ms
        self._clock = clock
        self._since_ms = clock()
        self._until: OrderedDict[bytes, int] = OrderedDict()

    def spend(self, who: str, identifier: str, made_ms: int) -> None:
        """Raises `AssertionReplayed` for one that was spent before, or was made before this memory began."""
        now_ms = self._clock()
        while self._until and next(iter(self._until.values())) <= now_ms:
            self._until.popitem(last=False)
        name = _hashed(f"{len(who)}:{who}{identifier}")
        # Times in tokens are whole seconds.
        if name in self._until or made_ms < self._since_ms // 1000 * 1000:
            raise AssertionReplayed()
        self._until[name] = now_ms + self.life_ms


def _hashed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
