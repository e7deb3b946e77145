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


class Prepared(Message, frozen=True):
    """A request as its requester keeps it until it is done: sent again as it is, it has the same effect once."""

    public: bytes
    record: bytes
    signature: bytes
    entries: bytes
    tags: bytes
    envelopes: tuple[bytes, ...]
    to_recipient: bytes
    to_keeper: bytes
    blinded: bytes
    payload: bytes
    disclosed: bytes
    withheld: bytes
    openings: bytes
