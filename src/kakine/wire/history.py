"""What the record keeper states about a person's list, signed with label "history"."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.wire.canonical import Message
from kakine.wire.request import Digest, Name

GENESIS = bytes(32)


class Statement(Message, frozen=True):
    """`count` rows stand under the code that the reading `request` opened; `head` chains all their entries.

    Says nothing about rows that this record keeper left out: the others' lists and the public index do.
    """

    keeper: Name
    request: Digest
    count: Annotated[int, Meta(ge=0)]
    head: Digest
    time_ms: int


def chained(head: bytes, entry: bytes) -> bytes:
    """The head after one more entry (80 bytes)."""
    return digest("history-chain", head, entry)
