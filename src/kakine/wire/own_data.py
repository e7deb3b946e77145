"""What a person sees of the own data at one holder: everything it has a copy of, sealed to the person's own session.

    detail  = canonical bytes of `OwnAsked`, 36 bytes whatever is asked for
    content = len32(m) ‖ m ‖ zeros, a multiple of 4096 bytes; m the canonical bytes of `OwnData`
    answer  = HPKE seal to the session's X25519 key, info H("own-data", hR), of that content

so whoever carries the answer sees neither items nor, but for large answers, how many there are: nobody known here, an
area that is closed, and a copy or two look alike. And closing an area, opening it and looking at it look alike.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, SealKey, open_sealed, seal
from kakine.values.problems import NotCanonical
from kakine.wire.canonical import Message, decode, encode
from kakine.wire.request import Millis, Name

BLOCK = 4096
MOST_ASKED = 64
"""Bytes of an encoded `PageAsked`, at most."""
MEDIA = "application/vnd.kakine.own-data+msgpack"

Session = Annotated[bytes, Meta(min_length=32, max_length=32)]


class Order(IntEnum):
    """What a holder is to do: show the items; or close, or open again, their area for the person. Closing and opening
    answer as one does who has nothing."""

    SHOW = 0
    CLOSE = 1
    OPEN = 2


class OwnAsked(Message, frozen=True):
    """The detail of a request: the X25519 key of the session that the answer is sealed to."""

    session: Session
    order: Order


class PageAsked(Message, frozen=True):
    """What the page of an area asks the portal; of which area says the address."""

    session: Session


class Shown(Message, frozen=True):
    """One holder's answer, as the portal relays it and cannot read it; `request` is hR."""

    domain: Name
    request: Annotated[bytes, Meta(min_length=32, max_length=32)]
    sealed: bytes


class PageGiven(Message, frozen=True):
    """What the portal gives the page: one answer of each holder of the area, in the gazette's order."""

    answers: tuple[Shown, ...]


class OwnItem(Message, frozen=True):
    """One copy (副本). `data` is JSON in the item's layout; times in milliseconds since 1970."""

    item: Name
    layout: Annotated[int, Meta(ge=0, lt=1 << 16)]
    source_version: Annotated[int, Meta(ge=0, lt=1 << 62)]
    as_of_ms: Millis
    expires_ms: Millis
    data: bytes


class OwnData(Message, frozen=True):
    """Of one domain, sorted by item."""

    domain: Name
    items: tuple[OwnItem, ...]


def sealed_to(session: SealKey, request: bytes, told: OwnData) -> bytes:
    """For the session with this key, as the answer to the request with digest hR."""
    content = encode(told)
    framed = len(content).to_bytes(4, "big") + content
    return seal(session, digest("own-data", request), framed + bytes(-len(framed) % BLOCK))


def opened(session: OpenKey, request: bytes, sealed: bytes) -> OwnData:
    """Raises `SealInvalid` for another session or request, `NotCanonical` for another form. It shows no sender: that
    the holder has answered so stands in the person's history (`response` of the outcome's record)."""
    framed = open_sealed(session, digest("own-data", request), sealed)
    length = int.from_bytes(framed[:4], "big")
    content, filler = framed[4 : 4 + length], framed[4 + length :]
    if len(content) != length or any(filler) or len(framed) % BLOCK or len(filler) >= BLOCK:
        raise NotCanonical(message="own data")
    return decode(content, OwnData)
