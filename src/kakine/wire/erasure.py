"""What is signed when the records of a month are erased, or some of them held (spec/retention.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import HoldInvalid
from kakine.wire.canonical import Message, T, decode, encode
from kakine.wire.index import Index
from kakine.wire.request import Digest, Millis, Name

HOLD, LIFT, ORDER, DROPPED, DESTROYED = (
    "hold",
    "hold-lift",
    "erasure-order",
    "partition-dropped",
    "month-destroyed",
)
"""Labels of the signatures."""

Month = Annotated[int, Meta(ge=0, lt=0xFFFF)]
"""Months since 2000-01."""

MOST_HELD = 1024
"""Places in one hold."""


class Reason(StrEnum):
    """Why records outlive their time. A code from this list and no other text: nothing here tells a story."""

    LITIGATION = "litigation"
    REVIEW = "review"
    COURT = "court-order"
    MISUSE = "misuse-inquiry"


class Hold(Message, frozen=True):
    """The records at `places` of the log `origin`, which expire with the month `expiry`, are kept on. The salt hides
    the places in the digest that is logged."""

    origin: Name
    expiry: Month
    places: Annotated[tuple[Index, ...], Meta(min_length=1, max_length=MOST_HELD)]
    reason: Name
    time_ms: Millis
    salt: Digest

    def check(self) -> None:
        """Raise `HoldInvalid` for a reason that is no code, or places that do not ascend."""
        if self.reason not in set(Reason):
            raise HoldInvalid(part="reason")
        if list(self.places) != sorted(set(self.places)):
            raise HoldInvalid(part="places")


class Lift(Message, frozen=True):
    """The hold with this digest, of places in the log `origin`, ends: what it kept goes where the month went."""

    origin: Name
    hold: Digest
    time_ms: Millis


class Tally(Message, frozen=True):
    """How many entries of people in the log `origin` have one expiry month, and the first and last place of them (zeros
    if none)."""

    origin: Name
    count: Index = 0
    first: Index = 0
    last: Index = 0

    def after(self, place: int) -> Tally:
        """With one more entry, at a later place."""
        return Tally(self.origin, self.count + 1, self.first if self.count else place, place)


Tallies = tuple[Tally, ...]
"""Of one month: one tally for each log, in the order of the logs."""


class Order(Message, frozen=True):
    """Erase the records that expire with the month `expiry`, of which the first `sizes` entries of each log have what
    `counts` says, but those of the `holds` (digests, ascending), `held` in all."""

    expiry: Month
    sizes: tuple[Index, ...]
    counts: Tallies
    holds: tuple[Digest, ...]
    held: Index
    time_ms: Millis


class Dropped(Message, frozen=True):
    """A record keeper had sealed records of so many entries of each log that expire with the month, and has dropped all
    but `held` of them under this order."""

    keeper: Name
    order: Digest
    counts: Tallies
    held: Index
    time_ms: Millis


class Destroyed(Message, frozen=True):
    """A converter has destroyed its private key of the exchange month `month`; it keeps shares of `held` records."""

    converter: Name
    order: Digest
    month: Month
    held: Index
    time_ms: Millis


class Signed(Message, frozen=True):
    """An encoded message and the signature of who says it."""

    data: bytes
    signature: bytes

    def opened(self, kind: type[T], label: str, key: VerifyKey) -> T:
        """The message. Raises `SignatureInvalid` or `NotCanonical`."""
        key.verify(self.signature, label, self.data)
        return decode(self.data, kind)


class Notice(Message, frozen=True):
    """Everything that was said about the erasure of a month: the order, what each record keeper and what each converter
    states, in the order of their names. Its digest stands in the log."""

    order: Signed
    keepers: tuple[Signed, ...]
    converters: tuple[Signed, ...]


def signed(message: Message, label: str, key: SigningKey) -> Signed:
    """The message as its party hands it out."""
    data = encode(message)
    return Signed(data, key.sign(label, data))


def order_digest(data: bytes) -> bytes:
    """32 bytes: what statements name."""
    return digest("erasure-ordered", data)


def hold_digest(data: bytes) -> bytes:
    """32 bytes: what orders name, and what stands in the log."""
    return digest("hold-logged", data)


def lift_digest(data: bytes) -> bytes:
    """32 bytes: what stands in the log."""
    return digest("hold-lift-logged", data)


def notice_digest(data: bytes) -> bytes:
    """32 bytes: what stands in the log."""
    return digest("erasure-notice", data)
