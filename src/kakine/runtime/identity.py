"""A party's own keys, and the clock and randomness it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kakine.crypto.hashing import derive
from kakine.crypto.sealing import OpenKey
from kakine.crypto.signing import SigningKey
from kakine.values.labels import PartyName

Clock = Callable[[], int]
"""Milliseconds since 1970, UTC."""

Entropy = Callable[[int], bytes]
"""So many fresh random bytes."""


@dataclass(frozen=True, repr=False)
class Identity:
    """Signing and sealing key of one party, and the secret from which its other local keys are derived."""

    name: PartyName
    signing: SigningKey
    opening: OpenKey
    secret: bytes

    @staticmethod
    def from_seed(name: PartyName, seed: bytes) -> Identity:
        """All keys of a party from one 32-byte seed, which the operator keeps in a file (mode 600) or a device."""
        return Identity(
            name,
            SigningKey(derive(seed, "party-signing", name.encode())),
            OpenKey(derive(seed, "party-opening", name.encode())),
            derive(seed, "party-secret", name.encode()),
        )

    def local_key(self, label: str, *parts: bytes, length: int = 32) -> bytes:
        """A key for one use inside this party."""
        return derive(self.secret, label, *parts, length=length)
