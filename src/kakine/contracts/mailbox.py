"""The mailbox: record keeper and gate. No record filed under a valid code, no exchange.

It is called by converters only, so it cannot tell from the caller who asks or answers.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.contracts.call import ANYBODY, Body, Call, Role
from kakine.contracts.converter import BULK, Filed, History, Hop


class File(Body, frozen=True):
    """A converted batch. `public` is only the digest of the public part."""

    public: bytes
    record: bytes
    entries: bytes
    tags: bytes
    envelopes: list[bytes]
    to_keeper: bytes
    blinded: bytes
    recipient_leg: bytes
    keeper_leg: bytes
    hops: list[Hop]


class FileOutcome(Body, frozen=True):
    """Outcome entries of a filed request. `signature` (label "outcome-relay") is the relaying converter's, over hR,
    H("entries", ·) and H("tags", ·)."""

    request: bytes
    entries: bytes
    tags: bytes
    envelopes: list[bytes]
    signature: bytes


class Vectors(Body, frozen=True):
    """The auditor asks for the vectors of all S0+ requests filed since a position of the mailbox's own numbering."""

    after: Annotated[int, Meta(ge=0, lt=1 << 48)]


class VectorRow(Body, frozen=True):
    """One request's Q, outputs and signed hop records."""

    position: int
    request: bytes
    blinded: bytes
    recipient_leg: bytes
    keeper_leg: bytes
    hops: list[Hop]


class VectorsGiven(Body, frozen=True):
    """At most 256 rows, in order."""

    rows: list[VectorRow]


class Blinds(Body, frozen=True):
    """The auditor asks under which blindings the people of an enrolment were opened."""

    request: bytes


class BlindsGiven(Body, frozen=True):
    """m × 32 bytes: H("person-blind", hR, j, ρ_0) for each place in the batch, as the record keeper used them."""

    digests: bytes


class AskStanding(Body, frozen=True):
    """Anybody asks what the record keeper holds of the entries first … end - 1 (at most 4,096) of the log, and which
    requests filed at least `older_ms` ago (ten minutes or more) still have no outcome."""

    first: Annotated[int, Meta(ge=0, lt=1 << 48)]
    end: Annotated[int, Meta(ge=0, lt=1 << 48)]
    older_ms: Annotated[int, Meta(ge=0, lt=1 << 48)]


class StandingGiven(Body, frozen=True):
    """The canonical `wire.standing.Standing` and the record keeper's signature (label "standing") over it."""

    statement: bytes
    signature: bytes


_CONVERTERS = frozenset({Role.CONVERTER})

FILE = Call("/v1/file", File, Filed, _CONVERTERS, BULK)
OUTCOME = Call("/v1/outcome", FileOutcome, Filed, _CONVERTERS, BULK)
READ = Call("/v1/read", File, History, _CONVERTERS, BULK)
VECTORS = Call("/v1/vectors", Vectors, VectorsGiven, frozenset({Role.COMMISSION}), BULK)
BLINDS = Call("/v1/enrolment/blinds", Blinds, BlindsGiven, frozenset({Role.COMMISSION}))
STANDING = Call("/v1/standing", AskStanding, StandingGiven, ANYBODY)
