"""What a provider answers, as the requester opens it, and what the outcome record says of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from kakine.wire.canonical import Message
from kakine.wire.request import Digest


class Result(StrEnum):
    """What came of one question. The same words stand in the person's history."""

    DELIVERED = "delivered"
    PARTIAL = "partial"
    NOT_KNOWN = "not-known-here"
    NEEDS_HUMAN = "needs-a-human"
    NON_DISCLOSED = "non-disclosed"
    REFUSED = "refused"
    STALE = "stale"
    EXPIRED = "expired"


class Answered(Message, frozen=True):
    """The answer about one person: the result, the items that really went, and the data (JSON, layouts by item)."""

    result: Annotated[str, Meta(max_length=20)]
    items: tuple[str, ...]
    data: bytes


class Answers(Message, frozen=True):
    """The answers of a batch in its order, with what the requester needs to check the outcome entries."""

    root: Digest
    time_ms: int
    people: tuple[Answered, ...]


class Kept(Message, frozen=True):
    """A request as its requester keeps it until it is done. All else follows from it: entries, envelopes and openings
    are a function of the public part and the payload."""

    public: bytes
    record: bytes
    signature: bytes
    to_recipient: bytes
    to_keepers: tuple[bytes, ...]
    blinded: bytes
    payload: bytes


class Prepared(Message, frozen=True):
    """A request ready to go: what is kept, and what is made of it. Sent again as it is, it has the same effect once."""

    kept: Kept
    entries: bytes
    tags: bytes
    envelopes: tuple[bytes, ...]
    disclosed: bytes
    withheld: bytes
    openings: bytes

    @property
    def public(self) -> bytes:
        """The public part."""
        return self.kept.public

    @property
    def record(self) -> bytes:
        """The record part."""
        return self.kept.record

    @property
    def signature(self) -> bytes:
        """The requester's, label "request"."""
        return self.kept.signature

    @property
    def to_recipient(self) -> bytes:
        """The payload, sealed."""
        return self.kept.to_recipient

    @property
    def to_keepers(self) -> tuple[bytes, ...]:
        """The blinding seed, sealed to each record keeper."""
        return self.kept.to_keepers

    @property
    def blinded(self) -> bytes:
        """Q."""
        return self.kept.blinded

    @property
    def payload(self) -> bytes:
        """The payload, canonical."""
        return self.kept.payload
