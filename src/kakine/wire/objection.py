"""What a person says against an entry of the own list, and what commission and agency answer (spec/objections.md)."""

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

MOST_WORDS = 1000
"""Characters of an agency's answer."""

MOST_NOTE = 400
"""Characters of a person's note."""


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


class Aim(StrEnum):
    """What the commission is to do with what it is shown. LOOK keeps nothing and begins nothing."""

    LOOK = "look"
    CHECK = "check"
    ASKER = "asker"
    HOLDER = "holder"


class Asked(Message, frozen=True):
    """What the person's session seals to the commission, with the key to which it wants the answer.

    With ASKER or HOLDER `claim` is a `Claim`, sealed to the agency that asked or held: the commission passes it on.
    """

    shown: Shown
    session: Digest
    aim: Aim = Aim.CHECK
    claim: Annotated[bytes, Meta(max_length=8192)] = b""


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


Items = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=40)], ...], Meta(max_length=64)]


class Claim(Message, frozen=True):
    """What the person's session seals to the agency. `official` and `case` are the agency's own references, as the
    record has them; `items` are those of the record that are said to be wrong. `note` is for this agency alone."""

    shown: Shown
    session: Digest
    reason: Reason
    official: Annotated[str, Meta(max_length=200)]
    case: Annotated[bytes, Meta(max_length=64)]
    items: Items
    note: Annotated[str, Meta(max_length=MOST_NOTE)]


class Outcome(StrEnum):
    """What an agency answers. FORWARDED: it is another body's to decide, which the words name."""

    CORRECTED = "corrected"
    KEPT = "kept"
    EXPLAINED = "explained"
    FORWARDED = "forwarded"


class Reply(Message, frozen=True):
    """An agency's answer to a `Claim`. The salt keeps its digest, which the commission has, from being guessed."""

    xid: Batch
    place: Place
    party: Annotated[str, Meta(min_length=1, max_length=40)]
    outcome: Outcome
    words: Annotated[str, Meta(max_length=MOST_WORDS)]
    time_ms: Millis
    salt: Digest

    @property
    def digest(self) -> bytes:
        """32 bytes: what the agency signs for the commission."""
        return digest("claim-reply", encode(self))


class Replied(Message, frozen=True):
    """That an agency has answered, signed with label "claim-replied": all that the commission learns of the answer."""

    xid: Batch
    place: Place
    party: Annotated[str, Meta(min_length=1, max_length=40)]
    reply: Digest
    time_ms: Millis


class Passed(Message, frozen=True):
    """How it stands with what was passed on: to whom, by when it has to answer, whether it has got it, and its signed
    `Replied` once there is one. `sealed` is the encoded `Reply` under the session's key, empty while the agency cannot
    be reached or has not answered."""

    party: Annotated[str, Meta(min_length=1, max_length=40)]
    due_ms: Millis
    delivered: bool
    replied: bytes
    signature: bytes
    sealed: bytes


class Told(Message, frozen=True):
    """What the person is told: since when the objection is known (0: not at all), the encoded `Logged` once there is an
    answer, and how it stands with what was passed on."""

    received_ms: Millis
    logged: bytes
    passed: tuple[Passed, ...] = ()


def to_commission() -> bytes:
    """HPKE info of what is sealed to the commission."""
    return digest("objection")


def to_session(xid: bytes) -> bytes:
    """HPKE info of what is sealed back to the person's session."""
    return digest("objection-told", xid)


def to_agency() -> bytes:
    """HPKE info of what is sealed to an agency."""
    return digest("claim")


def from_agency(xid: bytes) -> bytes:
    """HPKE info of what an agency seals back to the person's session."""
    return digest("claim-told", xid)
