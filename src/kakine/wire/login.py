"""What travels for a login: what a card signs, what a counter vouches for, what a relying party's domain answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.wire.canonical import Message
from kakine.wire.mandate import AtCounter
from kakine.wire.request import Batch, Digest, Millis


class Challenge(Message, frozen=True):
    """What a card proof is over (`protocols.logins.challenge_digest`). `origin` is the provider's, `client` the relying
    party, `purpose` the words the holder is shown, `transaction` a digest that is approved, or empty."""

    origin: Annotated[str, Meta(min_length=1, max_length=200)]
    client: Annotated[str, Meta(min_length=1, max_length=80)]
    nonce: Digest
    time_ms: Millis
    purpose: Annotated[str, Meta(min_length=1, max_length=400)]
    transaction: Annotated[bytes, Meta(max_length=32)]


class Paper(Message, frozen=True, tag=1):
    """A counter vouches: whoever brings the paper whose code has this digest may log in once, until `expires_ms`."""

    code: Digest
    expires_ms: Millis


class BoundCard(Message, frozen=True, tag=2):
    """A counter vouches: this person has been given the card with this certificate (`crypto.cards`, 32 bytes)."""

    certificate: Digest


class CardsLost(Message, frozen=True, tag=11):
    """A counter vouches: this person has reported the own cards lost."""


class CardsFound(Message, frozen=True, tag=12):
    """A counter vouches: this person has shown the cards that were reported lost."""


Vouched = Paper | BoundCard | CardsLost | CardsFound | AtCounter


class Voucher(Message, frozen=True):
    """The detail of a request of kind VOUCH."""

    what: Vouched


class LatestGrant(Message, frozen=True):
    """What a relying party carries sealed under the portal's own key: a consent, whose it is, with which key of the
    relying party (RFC 7638 thumbprint) it may be used, for which items, until when."""

    id: Batch
    account: Annotated[bytes, Meta(max_length=64)]
    client: Annotated[str, Meta(min_length=1, max_length=80)]
    thumbprint: Annotated[str, Meta(min_length=43, max_length=43)]
    items: Annotated[tuple[str, ...], Meta(min_length=1, max_length=8)]
    until_ms: Millis


class Subject(Message, frozen=True):
    """The data of an answer of kind LOGIN: under what name the relying party knows the person."""

    sub: Annotated[str, Meta(min_length=43, max_length=43)]
