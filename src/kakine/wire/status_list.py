"""Status lists: one bit a certificate, in the form of the IETF Token Status List (draft-ietf-oauth-status-list).

Three signed or derived texts, for everybody alike (spec/authority.md section 5):

* the *list* token, media type `statuslist+jwt`: all bits, zlib-compressed (RFC 1950), in `status_list.lst`;
* the *head* token, `kakine-status-head+jwt`: version, digest and Merkle root of the same bits, 1.5 KB;
* a *step*: the bits that changed from one version to the next, compressed. It is not signed: it is right if the bits it
  leads to have the digest that the next head signs.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from kakine.crypto.base64url import base64url, unbase64url
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.values.problems import SignatureInvalid, StatusListInvalid
from kakine.wire.canonical import UNDECODABLE, Message

LIST = "statuslist+jwt"
HEAD = "kakine-status-head+jwt"
PAGE = 128
"""Bytes of one page, the leaf of the head's Merkle tree: 1,024 certificates."""
MOST_BITS = 1 << 24
_LEVEL = 9

Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]


class _Bits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bits: int
    lst: str


class ListClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Payload of a list token. Times are seconds since 1970; `version` is ours."""

    sub: str
    iat: int
    exp: int
    ttl: int
    version: int
    status_list: _Bits


class HeadClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Payload of a head token. `size` counts bits; `digest` and `root` are base64url of 32 bytes."""

    sub: str
    iat: int
    exp: int
    ttl: int
    version: int
    size: int
    digest: str
    root: str


class Stapled(Message, frozen=True):
    """What a holder adds to a certificate: a head token, and the page of the list with the certificate's bit, with its
    place under the head's root. Cut out of the public list by the holder; nobody is asked for it."""

    head: str
    page: Annotated[int, Meta(ge=0)]
    bits: Annotated[bytes, Meta(min_length=PAGE, max_length=PAGE)]
    path: tuple[Digest, ...]


Claims = TypeVar("Claims", ListClaims, HeadClaims)


def list_claims(sub: str, iat: int, exp: int, ttl: int, version: int, bits: bytes) -> bytes:
    """Payload of the list token."""
    packed = base64url(zlib.compress(bits, _LEVEL))
    return msgspec.json.encode(ListClaims(sub, iat, exp, ttl, version, _Bits(1, packed)))


def head_claims(sub: str, iat: int, exp: int, ttl: int, version: int, bits: bytes) -> bytes:
    """Payload of the head token over the same bits."""
    digest, root = base64url(digest_of(bits)), base64url(tree_of(bits).root())
    return msgspec.json.encode(HeadClaims(sub, iat, exp, ttl, version, len(bits) * 8, digest, root))


def decode_claims(payload: bytes, kind: type[Claims]) -> Claims:
    """The claims in a payload. Raises `StatusListInvalid`."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except UNDECODABLE as fault:
        raise StatusListInvalid() from fault


def bits_of(claims: ListClaims) -> bytes:
    """All bits of a list. Raises `StatusListInvalid` for another width than one, or more than `MOST_BITS`."""
    if claims.status_list.bits != 1:
        raise StatusListInvalid()
    try:
        return _expanded(unbase64url(claims.status_list.lst))
    except SignatureInvalid as fault:
        raise StatusListInvalid() from fault


def step(old: bytes, new: bytes) -> bytes:
    """What changed between two versions of the same length."""
    return zlib.compress(_xor(old, new), _LEVEL)


def after(old: bytes, data: bytes) -> bytes:
    """The bits after a step. Raises `StatusListInvalid` for a step of another length; whether they are right only the
    digest of a head tells."""
    change = _expanded(data)
    if len(change) != len(old):
        raise StatusListInvalid()
    return _xor(old, change)


def bit(bits: bytes, index: int) -> bool:
    """The bit at `index`, the least significant bit of a byte first (section 4 of the draft)."""
    return bool(bits[index >> 3] >> (index & 7) & 1)


def digest_of(bits: bytes) -> bytes:
    """SHA-256 of all bits, 32 bytes."""
    return hashlib.sha256(bits).digest()


def tree_of(bits: bytes) -> Tree:
    """The Merkle tree over pages of `PAGE` bytes."""
    tree = Tree()
    tree.append([leaf_hash(bits[at : at + PAGE]) for at in range(0, len(bits), PAGE)])
    return tree


def _xor(one: bytes, other: bytes) -> bytes:
    together = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return together.to_bytes(len(one), "big")


def _expanded(packed: bytes) -> bytes:
    """At most `MOST_BITS`, however much a hostile text would expand to."""
    expander = zlib.decompressobj()
    try:
        bits = expander.decompress(packed, MOST_BITS // 8)
    except zlib.error as fault:
        raise StatusListInvalid() from fault
    if not expander.eof or expander.unused_data or len(bits) % PAGE or not bits:
        raise StatusListInvalid()
    return bits
