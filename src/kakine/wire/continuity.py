"""That a certificate follows another of the same account, told to one relying party (spec/decisions.md section 3)."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.wire.canonical import Message
from kakine.wire.request import Batch, Digest, Millis

LABEL: Final = "certificate-link"


class LinkWish(Message, frozen=True):
    """What a holder wants confirmed: the present certificate by its serial number, the one before by serial number and
    SHA-256 of its bytes, and `to`, the salted hash of who is to learn it (`link_to`)."""

    serial: Batch
    old_serial: Batch
    old: Digest
    to: Digest
    time_ms: Millis


class LinkAsked(Message, frozen=True):
    """An encoded `LinkWish`, the public key of the present certificate (SubjectPublicKeyInfo, DER) with its signature
    over H("link-ask", wish), and the X25519 key to which the answer is sealed."""

    wish: bytes
    public: Annotated[bytes, Meta(max_length=600)]
    signature: Annotated[bytes, Meta(max_length=600)]
    session: Digest


class Link(Message, frozen=True):
    """What the authority signs with label "certificate-link": `new` is the SHA-256 of the present certificate, `bound`
    hides who may read it and which certificate it follows (`link_bound`)."""

    new: Digest
    bound: Digest
    time_ms: Millis


class SignedLink(Message, frozen=True):
    """An encoded `Link` and the authority's signature."""

    link: bytes
    signature: bytes


class LinkShown(Message, frozen=True):
    """What the relying party gets: the signed link, and the salt with which it can read it."""

    link: bytes
    signature: Annotated[bytes, Meta(max_length=64)]
    salt: Digest


def link_to(salt: bytes, client: str) -> bytes:
    """32 bytes that tell nobody without the salt (32 random bytes) which relying party is meant."""
    return digest("link-to", salt, client.encode())


def link_bound(to: bytes, old: bytes) -> bytes:
    """32 bytes that nobody can try certificates at without knowing `to`."""
    return digest("link-bound", to, old)


def to_authority() -> bytes:
    """HPKE info of what is sealed to the authority."""
    return digest("link-sealed")


def to_holder(wish: bytes) -> bytes:
    """HPKE info of what is sealed back."""
    return digest("link-told", wish)
