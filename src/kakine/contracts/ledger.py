"""The ledger: append-only public log of 80-byte entries, with receipts instead of promises.

Every answer that proves something carries the checkpoint it is proved under. Nothing here names a person or an agency.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.contracts.call import ANYBODY, Body, Call, Nothing, Role
from kakine.wire.filing import SignedFiling


class Growth(Body, frozen=True):
    """The RFC 9162 consistency proof from the log's `old` entries to the head of the receipt that it comes with. Nobody
    vouches for it: it is verified between two known heads, or worth nothing."""

    old: Annotated[int, Meta(ge=0, lt=1 << 62)]
    proof: list[bytes]


class Append(Body, frozen=True):
    """Entries of one request, appended next to each other or not at all.

    `entries` is m × 80 bytes, `tags` m × 32 bytes: H("xid", xid) of each, the key under which a repeat is recognised.
    Each of `filings` covers both. Who must have signed is a matter of the entries' kind, not of who brings them.
    `since` is the size of a head that the asker knows, 0 for none: the answer shows how the log has grown since.
    """

    entries: bytes
    tags: bytes
    filings: list[SignedFiling]
    since: Annotated[int, Meta(ge=0, lt=1 << 62)] = 0


class Appended(Body, frozen=True):
    """A receipt: the entries stand at first … first + m - 1 of the tree that `checkpoint` (a C2SP signed note) heads.

    `proof` is the range proof of `crypto.merkle`: for m = 1 the hashes of an RFC 6962 audit path, left to right.
    `growth` is no part of it, and there only where `Append.since` asks for it.
    """

    first: int
    proof: list[bytes]
    checkpoint: bytes
    growth: Growth | None = None


class ByTag(Body, frozen=True):
    """Which entry was filed under this tag (32 bytes)?"""

    tag: bytes


MOST_ENTRIES = 256
"""Entries in one answer, and therefore in one filing of a record keeper: it must be able to ask for all of them."""


class ByIndex(Body, frozen=True):
    """The entries at first … first + count - 1, 1 <= count <= `MOST_ENTRIES`."""

    first: int
    count: int = 1


class Proved(Body, frozen=True):
    """`entries` (count × 80 bytes) with a fresh proof."""

    entries: bytes
    receipt: Appended


class Between(Body, frozen=True):
    """Prove that the tree of `size` is a prefix of that of `until`, of the present one if that is None."""

    size: int
    until: int | None = None


class Consistent(Body, frozen=True):
    """RFC 9162 consistency proof between the asked sizes; without `until`, to the size in `checkpoint`, the present."""

    proof: list[bytes]
    checkpoint: bytes


class Head(Body, frozen=True):
    """A checkpoint: the present one, or of `/v1/witnessed` the largest that met the policy, with its cosignatures."""

    checkpoint: bytes


APPEND = Call("/v1/append", Append, Appended, frozenset({Role.MAILBOX, Role.COMMISSION, Role.CONVERTER}))
RECEIPT = Call("/v1/receipt", ByTag, Proved, ANYBODY)
ENTRIES = Call("/v1/entries", ByIndex, Proved, ANYBODY)
CONSISTENCY = Call("/v1/consistency", Between, Consistent, ANYBODY)
CHECKPOINT = Call("/v1/checkpoint", Nothing, Head, ANYBODY)
WITNESSED = Call("/v1/witnessed", Nothing, Head, ANYBODY)
WITNESSED_ENTRIES = Call("/v1/witnessed/entries", ByIndex, Proved, ANYBODY)
