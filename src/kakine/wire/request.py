"""The request that a conversion runs under, in the two parts that different parties may see (spec/lcx.md section 4).

The *public part* goes to the converters and the recipient, the *record part* to the converters and the record keeper,
who gets only the digest of the public part and so never learns who asks whom, or why.

    hA = H("ask", H("req-public", public), batch, H(Q))         bound inside every record's commitment
    hR = H("req", H("req-public", public), H("req-record", record))   what the requester signs
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Final

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.wire.canonical import Message

Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Batch = Annotated[bytes, Meta(min_length=16, max_length=16)]
Count = Annotated[int, Meta(ge=1, le=4096)]
Millis = Annotated[int, Meta(ge=0, lt=1 << 48)]
Epoch = Annotated[int, Meta(ge=1, lt=1 << 16)]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Days = Annotated[int, Meta(ge=0, lt=1 << 32)]

SUITE = "LCX-v1-ristretto255"


class Kind(IntEnum):
    """What a conversion is for. The record keeper sees it; it decides what its gate does.

    EXCHANGE and ISSUE need every code active. ENROL inserts new codes, SUCCEED inserts codes that wait to take over.
    MIGRATE takes (active, waiting) pairs and tells a domain to replace one by the other; SWITCH takes the same pairs
    at the record keepers themselves: the old code is retired, the waiting one becomes active and gets its list. RETIRE
    ends codes without a successor. READ answers one person's own list, after the view has been filed in it. OBJECT
    files one person's objection to an entry of the own list. LOGIN makes one person known to a relying party by its own
    code, ATTRIBUTES asks the registry for what the same person agreed to show there, VOUCH tells the portal that a
    municipality has seen somebody. OWN_DATA shows one person what one holder has on them. DECISION files what one
    person has decided, in the own list and nowhere else. INSTRUCT tells an agency what the person wants it to keep.
    """

    EXCHANGE = 1
    ISSUE = 2
    ENROL = 3
    MIGRATE = 4
    RETIRE = 5
    READ = 6
    SUCCEED = 7
    SWITCH = 8
    OBJECT = 9
    LOGIN = 10
    ATTRIBUTES = 11
    VOUCH = 12
    DECISION = 13
    OWN_DATA = 14
    INSTRUCT = 15


NO_RECIPIENT = frozenset({Kind.RETIRE, Kind.READ, Kind.SWITCH, Kind.OBJECT, Kind.DECISION})
"""Kinds that end at the record keepers: their legs are the only ones, and the first keeper stands as recipient."""


UNKEPT = frozenset({Kind.LOGIN, Kind.ATTRIBUTES, Kind.OWN_DATA})
"""Kinds of which the requester keeps nothing (decision 0036). They are proved whole before the receipt, and cannot be
disputed afterwards: the requester would be found at fault for what it must not have."""


class Mode(IntEnum):
    """How much of a batch is proved, and when (spec/lcx.md section 7)."""

    S0 = 0
    S0_PLUS = 1
    S1 = 2


class Keeper(Message, frozen=True):
    """A record keeper's domain and its epoch."""

    name: Name
    epoch: Epoch


class PublicPart(Message, frozen=True):
    """Who asks whom under which ground, and every record keeper it is filed with, in the law's order.

    `sealed_until` is the day (since 1970 UTC) until which the person is not shown it, 0 where there is no seal.
    """

    suite: Name
    requester: Name
    requester_epoch: Epoch
    recipient: Name
    recipient_epoch: Epoch
    keepers: Annotated[tuple[Keeper, ...], Meta(min_length=1, max_length=8)]
    ground: Name
    rows: tuple[Name, ...]
    time_ms: Millis
    to_recipient: Digest
    sealed_until: Days = 0


class RecordPart(Message, frozen=True):
    """What is filed: digests of Q, of the entries, of their tags and of the seed as sealed to each record keeper.

    `session` is the reader's key for READ and empty otherwise.
    """

    kind: Kind
    mode: Mode
    batch: Batch
    count: Count
    blinded: Digest
    entries: Digest
    tags: Digest
    to_keepers: Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=8)]
    session: Annotated[bytes, Meta(max_length=32)] = b""


def public_digest(public: bytes) -> bytes:
    """H("req-public", public), all the record keeper gets of it."""
    return digest("req-public", public)


def points_digest(points: bytes) -> bytes:
    """H("points", Q) of a vector."""
    return digest("points", points)


def ask_digest(public: bytes, batch: bytes, blinded: bytes) -> bytes:
    """hA, from the digest of the public part, the batch id and H(Q). Known before any record is committed to."""
    return digest("ask", public, batch, blinded)


def request_digest(public: bytes, record: bytes) -> bytes:
    """hR, from the digest of the public part and the bytes of the record part."""
    return digest("req", public, digest("req-record", record))


def outcome_id(request: bytes) -> bytes:
    """Under what the outcome of a request is filed."""
    return digest("outcome-of", request)


def keepers_known(keepers: tuple[Keeper, ...]) -> bytes:
    """One value for all record keepers of a request, for what is bound to them."""
    return digest("keepers", *(part for each in keepers for part in (each.name.encode(), _short(each.epoch))))


def _short(number: int) -> bytes:
    return number.to_bytes(2, "big")


def recipient_info(public: PublicPart, batch: bytes, blinded: bytes) -> bytes:
    """HPKE info of the message to the recipient: the single-shot call takes no further data."""
    return digest(
        "seal-recipient",
        batch,
        public.requester.encode(),
        public.recipient.encode(),
        keepers_known(public.keepers),
        public.ground.encode(),
        public.time_ms.to_bytes(8, "big"),
        blinded,
    )


def keeper_info(batch: bytes, blinded: bytes) -> bytes:
    """HPKE info of the message to the record keeper, made of what it may know."""
    return digest("seal-keeper", batch, blinded)


Legs = Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=9)]


class HopRecord(Message, frozen=True):
    """What one converter did, signed with label "hop": for each leg H("points", ·) of what came and what went, and
    F = f·G, which is empty in mode S0. Legs are those of the record keepers in order, then the recipient's.
    """

    request: Digest
    position: Annotated[int, Meta(ge=1, le=16)]
    ins: Legs
    outs: Legs
    factors: Annotated[tuple[Annotated[bytes, Meta(max_length=32)], ...], Meta(min_length=1, max_length=9)]


class Refusal(Message, frozen=True):
    """A record keeper's signed no: positions in the batch whose code is not in its table. Label "refusal"."""

    keeper: Name
    request: Digest
    indexes: tuple[int, ...]


class Payload(Message, frozen=True):
    """What only the recipient opens: blinding seed, record root, key for the answer, and what is asked of each."""

    seed: Digest
    root: Digest
    answer_key: Digest
    unit: Annotated[str, Meta(max_length=80)]
    channel: Annotated[int, Meta(ge=1, le=4)]
    items: tuple[Name, ...]
    people: tuple[AskedPerson, ...]


DECISION_LENGTH: Final = 512
"""Bytes of `case` where it is a person's own decision (`wire.decision`)."""


class AskedPerson(Message, frozen=True):
    """The personal part of one record, and `detail`: what the recipient needs besides (a local reference, a year).
    `case` is a digest of the agency's case number or, of kind DECISION, the decision."""

    xid: Batch
    official: Annotated[str, Meta(max_length=40)]
    case: Annotated[bytes, Meta(max_length=DECISION_LENGTH)]
    parent: Annotated[bytes, Meta(max_length=16)]
    detail: Annotated[bytes, Meta(max_length=1024)]


class Place(Message, frozen=True, order=True):
    """Where an entry stands: the origin of its log, and its index there."""

    log: Name
    index: Annotated[int, Meta(ge=0, lt=1 << 62)]


class KeeperSeed(Message, frozen=True):
    """What only the record keeper opens. `about` is the place of the entry that is objected to, which no converter
    learns; nothing in all kinds but OBJECT."""

    seed: Digest
    about: Place | None = None
