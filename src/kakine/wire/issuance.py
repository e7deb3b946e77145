"""What the authority publishes of its own doings (spec/authority.md section 6): batches of leaves of 65 bytes.

    0 kind: 1 issued, 2 revoked · 1..32 tag, zero for a revocation · 33..64 SHA-256 of the certificate

A leaf names nobody. Who holds an account's key finds the account's certificates by their tags and no others.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.crypto.hashing import digest, mac
from kakine.crypto.merkle import EMPTY, Tree, leaf_hash
from kakine.values.problems import NotCanonical
from kakine.wire.canonical import Message, encode

LABEL = "issuance-batch"
LEAF = 65
ISSUED, REVOKED = 1, 2
FIRST = bytes(32)
"""What stands for the batch before the first."""

Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]


class Batch(Message, frozen=True):
    """One batch: its number from 1, the digest of the one before, when it was closed (minutes since 1970), how many
    leaves it has and the Merkle root over them, and the digest of the list of roots that the authority had then."""

    number: Annotated[int, Meta(ge=1)]
    previous: Digest
    minutes: Annotated[int, Meta(ge=0)]
    count: Annotated[int, Meta(ge=0)]
    root: Digest
    roots: Digest


class Root(Message, frozen=True):
    """A root with the profile that it issues."""

    kind: str
    certificate: bytes


class RootList(Message, frozen=True):
    """All roots of an authority, in order of profile."""

    roots: tuple[Root, ...]


def batch_digest(encoded: bytes) -> bytes:
    """32 bytes: what is logged of a batch."""
    return digest(LABEL, encoded)


def roots_digest(roots: RootList) -> bytes:
    """32 bytes."""
    return digest("authority-roots", encode(roots))


def tag_of(account_key: bytes, number: int) -> bytes:
    """The tag of the `number`-th certificate (from 0) of the account with this key (32 bytes)."""
    return mac(account_key, "issued", number.to_bytes(4, "big"))


def issued_leaf(account_key: bytes, number: int, fingerprint: bytes) -> bytes:
    """The leaf of a certificate that was issued."""
    return bytes([ISSUED]) + tag_of(account_key, number) + fingerprint


def revoked_leaf(fingerprint: bytes) -> bytes:
    """The leaf of one that was revoked, for good."""
    return bytes([REVOKED]) + bytes(32) + fingerprint


def split_leaves(blob: bytes) -> list[bytes]:
    """The leaves that stand one after another. Raises `NotCanonical` for another length or kind."""
    leaves = [blob[at : at + LEAF] for at in range(0, len(blob), LEAF)]
    if len(blob) % LEAF or any(leaf[0] not in (ISSUED, REVOKED) for leaf in leaves):
        raise NotCanonical(message="leaves")
    return leaves


def leaves_root(leaves: list[bytes]) -> bytes:
    """The Merkle root over leaves."""
    if not leaves:
        return EMPTY
    tree = Tree()
    tree.append([leaf_hash(leaf) for leaf in leaves])
    return tree.root()
