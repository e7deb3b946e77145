"""What a person has decided at the portal, as it is filed in the own list and sealed there (spec/decisions.md).

It stands in field `case` of the record, in 512 bytes whatever it says, so that no length tells one from another.

    u16 length ‖ canonical bytes of one of the messages here ‖ zeros
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from kakine.values.problems import NotCanonical
from kakine.wire.canonical import UNDECODABLE, Message, encode
from kakine.wire.mandate import Called, Number, Terms
from kakine.wire.request import DECISION_LENGTH, Batch, Millis

Client = Annotated[str, Meta(min_length=1, max_length=80)]
Item = Annotated[str, Meta(min_length=1, max_length=20)]
Purpose = Annotated[str, Meta(min_length=1, max_length=80)]

_PREFIX: Final = 2


# Tags 1-9: consent and continuity. 10-19: acts and ways in. 20-29: delegation.


class LatestAllowed(Message, frozen=True, tag=1):
    """A relying party may ask for the latest of these items until `until_ms`. `grant` is random, and known to nobody
    who does not read this record or carry the grant."""

    grant: Batch
    client: Client
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=8)]
    purpose: Purpose
    until_ms: Millis


class LatestWithdrawn(Message, frozen=True, tag=2):
    """That consent is withdrawn. It does not name the relying party again: the record it ends does."""

    grant: Batch


class LinkAllowed(Message, frozen=True, tag=3):
    """A relying party was told that the present certificate follows the one that it knows. Which these are is not said:
    the portal does not know."""

    client: Client


class ActAsked(Message, frozen=True, tag=10):
    """An act that weighs was asked for in a visit, or at a counter: it is not done before `due_ms`, and can be undone
    until `until_ms`. `kind` is its permanent name, `label` what it is about in words, without a relying party."""

    act: Batch
    kind: Annotated[str, Meta(min_length=1, max_length=40)]
    label: Annotated[str, Meta(max_length=120)]
    due_ms: Millis
    until_ms: Millis


class ActUndone(Message, frozen=True, tag=11):
    """That act is undone: it is not done, or is taken back."""

    act: Batch


class MandateGiven(Message, frozen=True, tag=20):
    """Somebody, called so, may act for the person on these terms. `mark` (16 bytes) tells its uses among the own
    records (`protocols.mandates.use_mark`), also when it has ended."""

    number: Number
    called: Called
    terms: Terms
    mark: Batch


class MandateEnded(Message, frozen=True, tag=21):
    """A mandate that the person had given or held has ended by the person's own act."""

    number: Number


Decision = LatestAllowed | LatestWithdrawn | LinkAllowed | ActAsked | ActUndone | MandateGiven | MandateEnded

_decoder: msgspec.msgpack.Decoder[Decision] = msgspec.msgpack.Decoder(Decision)


def packed(decision: Decision) -> bytes:
    """The 512 bytes. Raises `NotCanonical` for one that does not fit."""
    said = encode(decision)
    if len(said) > DECISION_LENGTH - _PREFIX:
        raise NotCanonical(message="decision")
    return (len(said).to_bytes(_PREFIX, "big") + said).ljust(DECISION_LENGTH, b"\0")


def unpacked(data: bytes) -> Decision:
    """The decision that these 512 bytes are the one form of; else `NotCanonical`. Says nothing of who decided it: that
    follows from the record they stand in."""
    length = int.from_bytes(data[:_PREFIX], "big")
    try:
        decision = _decoder.decode(data[_PREFIX : _PREFIX + length])
    except UNDECODABLE as fault:
        raise NotCanonical(message="decision") from fault
    if packed(decision) != data:
        raise NotCanonical(message="decision")
    return decision
