"""Messages of erasure after seven years, and of legal holds: what the commission asks of those who keep records.

Every order is the commission's signed word; who carries it out checks time and counts by its own clock and store.
Orders, statements and notices travel as encoded `wire.erasure.Signed` and `Notice`.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.contracts.call import Body
from kakine.contracts.ledger import Appended
from kakine.wire.erasure import Tallies

Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Month = Annotated[int, Meta(ge=0, lt=0xFFFF)]


class ExpiringAsked(Body, frozen=True):
    """What does a record keeper have that goes with this month (since 2000-01)?"""

    expiry: Month


class Expiring(Body, frozen=True):
    """Sealed records of logged entries, counted by log; the digests of the holds in force."""

    counts: Tallies
    holds: list[bytes]


class Drop(Body, frozen=True):
    """The order (label "erasure-order"): drop the month."""

    order: bytes


class Said(Body, frozen=True):
    """The signed statement of who has carried out an order."""

    statement: bytes


class Destroy(Body, frozen=True):
    """The order, the statements of all record keepers in the order of their names, and the holds that it names."""

    order: bytes
    dropped: list[bytes]
    holds: list[bytes]


class HeldAsked(Body, frozen=True):
    """A converter asks for the sealed records that outlive a month."""

    order: bytes


class HeldRow(Body, frozen=True):
    """The record of the entry at `place` of the log `origin`."""

    origin: str
    place: int
    envelope: bytes


class HeldGiven(Body, frozen=True):
    """Ascending by log and place."""

    rows: list[HeldRow]


class HoldLogged(Body, frozen=True):
    """A hold (label "hold") or its end (label "hold-lift"), with its entry in a log."""

    signed: bytes
    entry: bytes
    receipt: Appended


class Erased(Body, frozen=True):
    """Whether it is over, and the orders (`wire.erasure.Order`, encoded) of the months that went, ascending."""

    over: bool
    orders: list[bytes]


class HoldWanted(Body, frozen=True):
    """Keep the records of these entries of a log on; `reason` is one of `wire.erasure.Reason`."""

    origin: str
    places: Annotated[list[Annotated[int, Meta(ge=0, lt=1 << 48)]], Meta(min_length=1, max_length=1024)]
    reason: str


class HoldMade(Body, frozen=True):
    """The digest of a hold, by which it is ended."""

    hold: Digest


class EndHold(Body, frozen=True):
    """End the hold with this digest."""

    hold: Digest


class Erasures(Body, frozen=True):
    """Notices of months from this one on."""

    expiry: Month


class NoticeLogged(Body, frozen=True):
    """A notice with its entry in a log."""

    notice: bytes
    entry: bytes
    receipt: Appended


class ErasuresGiven(Body, frozen=True):
    """At most 64, in the order of their months."""

    notices: list[NoticeLogged]
