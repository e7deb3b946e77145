"""The mailbox: record keeper and gate. No record filed under a valid code with every record keeper, no exchange.

Requests and outcomes come from converters only, so it cannot tell from the caller who asks or answers.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.contracts.call import ANYBODY, Body, Call, Nothing, Role
from kakine.contracts.converter import BULK, History, Hop
from kakine.contracts.ledger import Appended
from kakine.contracts.retention import (
    Drop,
    Expiring,
    ExpiringAsked,
    HeldAsked,
    HeldGiven,
    HoldLogged,
    Said,
)
from kakine.wire.filing import SignedFiling
from kakine.wire.request import Name, Place


class File(Body, frozen=True):
    """A converted batch. `public` is only the digest of the public part, `to_keeper` this record keeper's seed."""

    public: bytes
    record: bytes
    entries: bytes
    tags: bytes
    envelopes: list[bytes]
    to_keeper: bytes
    blinded: bytes
    legs: list[bytes]
    hops: list[Hop]


class FiledHere(Body, frozen=True):
    """This record keeper's filing. It is in nobody's list until it is logged; `again` says that it was there before."""

    signed: SignedFiling
    again: bool


class Logged(Body, frozen=True):
    """The ledger's receipt of what was filed under `id`: hR, or H("outcome-of", hR) for the outcome."""

    id: bytes
    receipt: Appended


class Reading(Body, frozen=True):
    """Give the list under the code that this reading (hR of kind READ, filed and logged) opened."""

    request: bytes


class FileOutcome(Body, frozen=True):
    """Outcome entries of a filed request. `signature` (label "outcome-relay") is the relaying converter's, over hR,
    H("entries", ·) and H("tags", ·). `receipt` is the ledger's of the request, which may not have been heard of yet."""

    request: bytes
    entries: bytes
    tags: bytes
    envelopes: list[bytes]
    signature: bytes
    receipt: Appended


class Vectors(Body, frozen=True):
    """The auditor asks for the vectors of all S0+ requests filed since a position of the mailbox's own numbering."""

    after: Annotated[int, Meta(ge=0, lt=1 << 48)]


class VectorRow(Body, frozen=True):
    """One request's Q, outputs and signed hop records."""

    position: int
    request: bytes
    blinded: bytes
    legs: list[bytes]
    hops: list[Hop]


class VectorsGiven(Body, frozen=True):
    """At most 256 rows, in order."""

    rows: list[VectorRow]


class FiledAt(Body, frozen=True):
    """The commission asks what was filed of the entry at this place: an objection, or what one objects to."""

    place: Place


class FiledThere(Body, frozen=True):
    """This record keeper's filing, over which entries from place `first` on, and the vectors where they are kept."""

    signed: SignedFiling
    entries: bytes
    tags: bytes
    first: int
    vectors: VectorRow | None = None


class Blinds(Body, frozen=True):
    """The auditor asks under which blindings the people of an enrolment were opened."""

    request: bytes


class BlindsGiven(Body, frozen=True):
    """m × 32 bytes: H("person-blind", hR, j, ρ_0) for each place in the batch, as the record keeper used them."""

    digests: bytes


class IndexesAsked(Body, frozen=True):
    """Every index of the log `origin` that ends behind `after`."""

    origin: str
    after: Annotated[int, Meta(ge=0, lt=1 << 62)]


class IndexesGiven(Body, frozen=True):
    """Encoded `wire.index.RootShown`, in order."""

    roots: list[bytes]


class IndexRowsAsked(Body, frozen=True):
    """The auditor asks for the rows of the index of a log that begins at `start`, from number `first` of them on."""

    origin: str
    start: Annotated[int, Meta(ge=0, lt=1 << 62)]
    first: Annotated[int, Meta(ge=0, lt=1 << 62)]


class IndexRowsGiven(Body, frozen=True):
    """Encoded `wire.index.OpenedRow` in the order of their tags, at most 4,096: which entries stand together, and the
    salts; neither whose they are nor the keys of the lists."""

    rows: list[bytes]


class Unseal(Body, frozen=True):
    """A record keeper asks another to sign for the entry (kind 6) that opens the sealed one at this place."""

    place: Place
    entry: bytes


class AskStanding(Body, frozen=True):
    """Anybody asks what the record keeper holds of the entries first … end - 1 (at most 4,096) of the log of this
    origin, and which requests filed at least `older_ms` ago (ten minutes or more) still have no outcome."""

    origin: Name
    first: Annotated[int, Meta(ge=0, lt=1 << 48)]
    end: Annotated[int, Meta(ge=0, lt=1 << 48)]
    older_ms: Annotated[int, Meta(ge=0, lt=1 << 48)]


class StandingGiven(Body, frozen=True):
    """The canonical `wire.standing.Standing` and the record keeper's signature (label "standing") over it."""

    statement: bytes
    signature: bytes


_CONVERTERS = frozenset({Role.CONVERTER})

FILE = Call("/v1/file", File, FiledHere, _CONVERTERS, BULK)
OUTCOME = Call("/v1/outcome", FileOutcome, FiledHere, _CONVERTERS, BULK)
LOGGED = Call("/v1/logged", Logged, Nothing, _CONVERTERS, BULK)
READ = Call("/v1/read", Reading, History, _CONVERTERS, BULK)
VECTORS = Call("/v1/vectors", Vectors, VectorsGiven, frozenset({Role.COMMISSION}), BULK)
FILED_AT = Call("/v1/filed", FiledAt, FiledThere, frozenset({Role.COMMISSION}), BULK)
BLINDS = Call("/v1/enrolment/blinds", Blinds, BlindsGiven, frozenset({Role.COMMISSION}))
INDEXES = Call("/v1/indexes", IndexesAsked, IndexesGiven, ANYBODY)
INDEX_ROWS = Call("/v1/index/rows", IndexRowsAsked, IndexRowsGiven, frozenset({Role.COMMISSION}), BULK)
STANDING = Call("/v1/standing", AskStanding, StandingGiven, ANYBODY)
EXPIRING = Call("/v1/expiring", ExpiringAsked, Expiring, frozenset({Role.COMMISSION}))
DROP = Call("/v1/drop", Drop, Said, frozenset({Role.COMMISSION}))
HELD = Call("/v1/held", HeldAsked, HeldGiven, _CONVERTERS, BULK)
HOLD = Call("/v1/hold", HoldLogged, Nothing, frozenset({Role.COMMISSION}))
LIFT = Call("/v1/hold/lift", HoldLogged, Nothing, frozenset({Role.COMMISSION}))
UNSEAL = Call("/v1/unseal", Unseal, FiledHere, frozenset({Role.MAILBOX}))
