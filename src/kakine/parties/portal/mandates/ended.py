"""That a mandate has ended reaches logins under way, without anything that joins a code or token to a mandate."""

from __future__ import annotations

from kakine.crypto.hashing import mac
from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import MandateNotInForce

BITS = 12


class Ended:
    """When a mandate of each of 4096 buckets ended last. A code or token has a bucket, which it shares with every
    4096th mandate of the country; it is void once any of them ends. Whose it is does not stand in it. In memory: what
    a restart forgets are codes and tokens as well."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._salt = entropy(32)
        self._last: dict[int, int] = {}

    def bucket(self, number: bytes) -> int:
        """Of a mandate, until the next start."""
        return int.from_bytes(mac(self._salt, "mandate-bucket", number)[:2], "big") >> (16 - BITS)

    def note(self, number: bytes) -> None:
        """This mandate has ended now."""
        self._last[self.bucket(number)] = self._clock()

    def require(self, bucket: int, since_ms: int) -> None:
        """Raises `MandateNotInForce` for what was made before a mandate of its bucket ended."""
        if self.since(bucket, since_ms):
            raise MandateNotInForce()

    def since(self, bucket: int, since_ms: int) -> bool:
        """Whether anything of this bucket has ended at that time or later."""
        return self._last.get(bucket, -1) >= since_ms
