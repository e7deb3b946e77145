"""The completeness index in bytes (spec/index.md): rows, the signed root, proofs, and rows opened for audit.

    row     tag 32 ‖ u32 count ‖ sealed 32                                     a leaf of the index's tree, 68 bytes
    list    SHA-256("ledger/v1/list" ‖ u32 count ‖ u64 idx_1 ‖ … ‖ u64 idx_count)      idx ascending
    sealed  H("index-list", salt, list)

A row tells nothing to those who have neither the key of the list nor its salt. Without the salt a reader who is shown
a stranger's row as a neighbour could find by trial which few entries of the hour stand in it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.crypto.merkle import EMPTY
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import IndexRootInvalid, NotCanonical
from kakine.wire.canonical import Message, decode, encode
from kakine.wire.request import Digest, Name

LABEL: Final = "index"
ROW: Final = 68
GENESIS: Final = bytes(32)
"""What the first index of a keeper and log names as the one before it."""

Index = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
UInt32 = Annotated[int, Meta(ge=0, lt=1 << 32)]
AtLeastOne = Annotated[int, Meta(ge=1, lt=1 << 32)]

_ROW = struct.Struct(">32sI32s")


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """So many entries of one day stand in the list that `tag` belongs to; `sealed` binds which."""

    tag: bytes
    count: int
    sealed: bytes

    def encode(self) -> bytes:
        """The 68 bytes. Raises `NotCanonical` if a field does not fit its place."""
        if len(self.tag) != 32 or len(self.sealed) != 32 or not 1 <= self.count < 1 << 32:
            raise NotCanonical(message="Row")
        return _ROW.pack(self.tag, self.count, self.sealed)

    @classmethod
    def decode(cls, data: bytes) -> Row:
        """Raises `NotCanonical` for another length and for a count of 0: a list without entries has no row."""
        if len(data) != ROW:
            raise NotCanonical(message="Row")
        row = cls(*_ROW.unpack(data))
        if not row.count:
            raise NotCanonical(message="Row")
        return row


def list_digest(indexes: Sequence[int]) -> bytes:
    """32 bytes over the places of a list's entries in the log. That they ascend is not checked."""
    packed = struct.pack(f">I{len(indexes)}Q", len(indexes), *indexes)
    return hashlib.sha256(b"ledger/v1/list" + packed).digest()


def sealed_list(salt: bytes, listed: bytes) -> bytes:
    """What stands in a row for the list with digest `listed`."""
    return digest("index-list", salt, listed)


class Day(Message, frozen=True):
    """How many rows and how many entries an index has of one day (days since 1970, UTC, by the entries' minutes)."""

    day: UInt32
    rows: AtLeastOne
    total: AtLeastOne


class IndexRoot(Message, frozen=True):
    """What a record keeper says of the entries start … end - 1 of the log `origin`; signed with label "index".

    `days` ascend; `root` is that of the RFC 6962 tree over the rows; `previous` is the digest of the index before, so
    that one follows on another. That the numbers are true is not in the form.
    """

    keeper: Name
    origin: Name
    start: Index
    end: Index
    days: Annotated[tuple[Day, ...], Meta(max_length=4096)]
    root: Digest
    previous: Digest

    @property
    def size(self) -> int:
        """Number of rows."""
        return sum(day.rows for day in self.days)

    @property
    def total(self) -> int:
        """Number of entries that stand in rows."""
        return sum(day.total for day in self.days)

    @property
    def digest(self) -> bytes:
        """32 bytes: what the next root names, and what stands in the log."""
        return digest("index-root", encode(self))

    def check(self) -> None:
        """Raise `IndexRootInvalid` where the numbers cannot be those of any index."""
        if self.start >= self.end:
            raise IndexRootInvalid(part="range")
        days = [day.day for day in self.days]
        if days != sorted(set(days)):
            raise IndexRootInvalid(part="days")
        if any(day.rows > day.total for day in self.days) or self.total > self.end - self.start:
            raise IndexRootInvalid(part="totals")
        if not self.days and self.root != EMPTY:
            raise IndexRootInvalid(part="root")


def sign(root: IndexRoot, key: SigningKey) -> tuple[bytes, bytes]:
    """(encoded root, signature of 64 bytes). Raises `IndexRootInvalid`."""
    root.check()
    data = encode(root)
    return data, key.sign("index", data)


def opened(data: bytes, signature: bytes, key: VerifyKey) -> IndexRoot:
    """The root in `data`. Raises `SignatureInvalid`, `NotCanonical` or `IndexRootInvalid`.

    That `key` is the one of the keeper it names is for the caller.
    """
    key.verify(signature, "index", data)
    root = decode(data, IndexRoot)
    root.check()
    return root


class Proof(Message, frozen=True):
    """One row, or the one or two rows between which a tag would stand (none of an empty index).

    `rows` stand next to each other from `first` on; `path` is the range proof of `crypto.merkle`.
    """

    first: Index
    rows: Annotated[bytes, Meta(max_length=2 * ROW)]
    path: Annotated[tuple[Digest, ...], Meta(max_length=128)]


class OpenedRow(Message, frozen=True):
    """A row as the auditor gets it: which entries, and the salt that binds them. The key of the list stays away."""

    tag: Digest
    salt: Digest
    indexes: tuple[Index, ...]

    @property
    def row(self) -> Row:
        """The row that this opens."""
        return Row(self.tag, len(self.indexes), sealed_list(self.salt, list_digest(self.indexes)))


class RootShown(Message, frozen=True):
    """An index as a reader is shown it: encoded root, the keeper's signature, and its entry with the proof (range
    proof of one) that it stands at `index` of the log under `note`."""

    root: bytes
    signature: bytes
    entry: bytes
    index: Index
    path: Annotated[tuple[Digest, ...], Meta(max_length=128)]
    note: bytes


class ListShown(Message, frozen=True):
    """The key of a list, the places of its entries that indexes have under that key, by the origin of their log, and
    for each root in turn the proofs of its days in turn."""

    key: Digest
    places: dict[Name, tuple[Index, ...]]
    proofs: tuple[tuple[Proof, ...], ...]


class Indexed(Message, frozen=True):
    """Everything that one record keeper shows a reader of its indexes: a person has one list, and one more for each
    code that took over before its entries were one with the older ones."""

    roots: tuple[RootShown, ...]
    lists: tuple[ListShown, ...]
