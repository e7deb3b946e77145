"""What a converter says of one day: how often each row and ground was used between two domains (spec/console.md)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated

from msgspec import Meta

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.problems import NotCanonical
from kakine.wire.canonical import Message, decode, encode
from kakine.wire.request import Name

LABEL = "uses"
Times = Annotated[int, Meta(ge=0, lt=1 << 53)]


class Use(Message, frozen=True):
    """Requests that were begun, those of them that were released here, and people in these. `row` is empty for a ground
    that is no row."""

    ground: Name
    row: Annotated[str, Meta(max_length=80)]
    requester: Name
    recipient: Name
    asked: Times
    released: Times
    people: Times

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is about."""
        return self.ground, self.row, self.requester, self.recipient


class Refused(Message, frozen=True):
    """How often calls of a party were refused with this code."""

    party: Name
    code: Name
    times: Times


class Uses(Message, frozen=True):
    """All of one day of Japan (since 1970-01-01), each tuple in ascending order. Signed with label "uses"."""

    converter: Name
    day: Annotated[int, Meta(ge=0, lt=1 << 20)]
    uses: tuple[Use, ...]
    refused: tuple[Refused, ...]


def signed(said: Uses, key: SigningKey) -> tuple[bytes, bytes]:
    """The bytes and the signature."""
    data = encode(said)
    return data, key.sign(LABEL, data)


def opened(data: bytes, signature: bytes, key: VerifyKey) -> Uses:
    """Raises `SignatureInvalid`, `NotCanonical`. Not checked: whose day it is."""
    key.verify(signature, LABEL, data)
    said = decode(data, Uses)
    _ascending(each.key for each in said.uses)
    _ascending((each.party, each.code) for each in said.refused)
    return said


def _ascending(keys: Iterable[tuple[str, ...]]) -> None:
    if any(not left < right for left, right in pairwise(keys)):
        raise NotCanonical(message="Uses")
