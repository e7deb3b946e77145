"""What a person says against an entry of the own list, and what the commission answers (spec/objections.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.wire.canonical import Message, encode
from kakine.wire.index import Index
from kakine.wire.record import XID_OPENING
from kakine.wire.request import Batch, Digest, Millis, Place

Opening = Annotated[bytes, Meta(min_length=XID_OPENING, max_length=XID_OPENING)]


class Reason(StrEnum):
    """Why a person objects. It stands in the person's own record and nowhere else."""

    NOT_ME = "not-me"
    NOT_ASKED = "not-asked"
    DATA_WRONG = "data-wrong"
    OTHER = "other"


class Shown(Message, frozen=True):
    """What proves that a person objects to an entry: of two entries of the log, the disputed request and the objection,
    the place, 112 bytes that open one field (xid, parent), and what P is hashed with on its way to C."""

    place: Place
    opening: Opening
    siblings: tuple[Digest, Digest]
    objection: Place
    parent: Opening
    parent_siblings: tuple[Digest, Digest]


class Asked(Message, frozen=True):
    """What the person's session seals to the commission, with the key to which it wants the answer."""

    shown: Shown
    session: Digest


class Finding(StrEnum):
    """What the commission found. NOT_RELEASED: the exchange stopped at a gate, and nothing was given out."""

    RIGHT = "right"
    FAULT = "fault"
    NOT_RELEASED = "not-released"


class Answer(Message, frozen=True):
    """The commission's answer, signed with label "objection-answer". `party` and `fault` are empty unless the finding
    is FAULT. The random xid keeps its digest in the log from being found by trial."""

    xid: Batch
    place: Place
    finding: Finding
    party: Annotated[str, Meta(max_length=40)]
    fault: Annotated[str, Meta(max_length=40)]
    time_ms: Millis

    @property
    def digest(self) -> bytes:
        """32 bytes: what stands in the log."""
        return digest("answer", encode(self))


class Logged(Message, frozen=True):
    """A signed answer and its entry, with the proof (range proof of one) that it stands at `index` under `note`."""

    answer: bytes
    signature: bytes
    entry: bytes
    index: Index
    path: Annotated[tuple[Digest, ...], Meta(max_length=128)]
    note: bytes


class Told(Message, frozen=True):
    """What the person is told: since when the objection is known, and the encoded `Logged` once there is an answer."""

    received_ms: Millis
    logged: bytes


def to_commission() -> bytes:
    """HPKE info of what is sealed to the commission."""
    return digest("objection")


def to_session(xid: bytes) -> bytes:
    """HPKE info of what is sealed back to the person's session."""
    return digest("objection-told", xid)
