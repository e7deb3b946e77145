"""What a converter says it has released, in bytes (spec/counting.md)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.crypto.merkle import EMPTY, Tree, leaf_hash
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import CountInvalid
from kakine.wire.canonical import Message, decode, encode
from kakine.wire.index import Index
from kakine.wire.request import Digest, Name

GENESIS: Final = bytes(32)
"""What the first statement of a converter and log names as the one before it."""

_PLACE = 8


class Count(Message, frozen=True):
    """Of the entries start … end - 1 of the log `origin` this converter has released `count`, and will release no
    other. `root` is that of the RFC 6962 tree over their places (`places_root`); `previous` the digest of the
    statement before. Signed with label "statement"."""

    converter: Name
    position: Annotated[int, Meta(ge=1, le=16)]
    origin: Name
    start: Index
    end: Index
    count: Index
    root: Digest
    previous: Digest

    @property
    def digest(self) -> bytes:
        """32 bytes: what the next statement names, and what stands in the log."""
        return digest("count", encode(self))

    def check(self) -> None:
        """Raise `CountInvalid` where the numbers cannot be true."""
        if self.start >= self.end or self.count > self.end - self.start:
            raise CountInvalid(part="range")
        if not self.count and self.root != EMPTY:
            raise CountInvalid(part="root")


class CountShown(Message, frozen=True):
    """A signed statement as anybody is shown it, and where it stands in the log: entry, index, RFC 6962 path, note."""

    statement: bytes
    signature: bytes
    entry: bytes
    index: Index
    path: tuple[bytes, ...]
    note: bytes


def places_root(places: Sequence[int], salt: bytes) -> bytes:
    """Root over these places in the log, in the order given: leaves of salt (32 bytes) and u64.

    Without the salt nobody can try which of a few places were left out.
    """
    tree = Tree()
    tree.append([leaf_hash(salt + place.to_bytes(_PLACE, "big")) for place in places])
    return tree.root()


def pack_places(places: Sequence[int]) -> bytes:
    """u64 each."""
    return struct.pack(f">{len(places)}Q", *places)


def unpack_places(data: bytes) -> tuple[int, ...]:
    """Raises `CountInvalid` for another length than that of whole places. Their order is not looked at."""
    if len(data) % _PLACE:
        raise CountInvalid(part="places")
    return struct.unpack(f">{len(data) // _PLACE}Q", data)


def sign(count: Count, key: SigningKey) -> tuple[bytes, bytes]:
    """(encoded statement, signature of 64 bytes). Raises `CountInvalid`."""
    count.check()
    data = encode(count)
    return data, key.sign("statement", data)


def opened(data: bytes, signature: bytes, key: VerifyKey) -> Count:
    """The statement in `data`. Raises `SignatureInvalid`, `NotCanonical` or `CountInvalid`.

    That `key` is the one of the converter it names is for the caller.
    """
    key.verify(signature, "statement", data)
    count = decode(data, Count)
    count.check()
    return count
