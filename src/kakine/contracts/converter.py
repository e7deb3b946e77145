"""A converter: turns codes of one domain into codes of another, blind, with its own share of every key.

Never learns a person, a plain code, or content. Answers nothing that the gazette in force does not allow.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from kakine.contracts.call import ANYBODY, Body, Call, Nothing, Role
from kakine.contracts.ledger import Appended, Growth, Proved
from kakine.contracts.retention import Destroy, HoldLogged, Said
from kakine.wire.filing import SignedFiling
from kakine.wire.request import Epoch, Keeper, Millis


class Join(Body, frozen=True):
    """A domain asks to be enrolled; the caller must be the party the gazette names for it."""

    domain: str
    epoch: Epoch


class Joined(Body, frozen=True):
    """V = s·G with a proof of knowledge (64 bytes), and the shared mask key sealed to the domain's party.

    `signature` (label "joined") covers domain, epoch, V and proof.
    """

    public: bytes
    proof: bytes
    mask_key: bytes
    signature: bytes


class LinkAsked(Body, frozen=True):
    """The published values of one link."""

    requester: str
    requester_epoch: Epoch
    recipient: str
    recipient_epoch: Epoch


class LinkPublished(Body, frozen=True):
    """V of both domains, T = t·G, and the proof that T fits them (log_G V_A = log_T V_B).

    `signature` (label "link") covers names and epochs of both domains, and all values.
    """

    requester_public: bytes
    recipient_public: bytes
    link: bytes
    proof: bytes
    signature: bytes


class MonthAsked(Body, frozen=True):
    """Months since 2000-01."""

    month: Annotated[int, Meta(ge=0, lt=1 << 16)]


class MonthKey(Body, frozen=True):
    """The X25519 key that envelopes of the month are sealed to, signed with label "month-key"."""

    public: bytes
    signature: bytes


class Hop(Body, frozen=True):
    """A signed `wire.request.HopRecord`."""

    record: bytes
    signature: bytes


class Convert(Body, frozen=True):
    """One batch on its way through the chain. Digests in `record` cover `entries`, `tags`, `to_keepers`, `blinded`.

    `legs` are empty on the way to the first converter; then those of the record keepers in order, the recipient's last.
    """

    public: bytes
    record: bytes
    signature: bytes
    entries: bytes
    tags: bytes
    envelopes: list[bytes]
    to_keepers: list[bytes]
    blinded: bytes
    legs: list[bytes] = msgspec.field(default_factory=list)
    hops: list[Hop] = msgspec.field(default_factory=list)


class Filed(Body, frozen=True):
    """The receipt of a batch: every record keeper's signed `wire.filing.Filing`, and the ledger's proof."""

    filings: list[SignedFiling]
    receipt: Appended


class Converted(Body, frozen=True):
    """What the requester gets: the receipt, all hop records, and the recipient's leg, still masked. `growth` is for the
    converters, from the head that the last of them had seen."""

    filed: Filed
    hops: list[Hop]
    recipient_leg: bytes
    growth: Growth | None = None


class Release(Body, frozen=True):
    """Gate 1: the request, its receipt, and the openings a converter may see.

    `disclosed` is the seed of groups G1 and G2, `withheld` the root G3, `openings` m × 112 bytes (wire/record.py).
    `growth` spares a question to the ledger where it begins at the head that is known here.
    """

    public: bytes
    record: bytes
    entries: bytes
    tags: bytes
    filed: Filed
    hops: list[Hop]
    disclosed: bytes
    withheld: bytes
    openings: bytes
    growth: Growth | None = None


class Released(Body, frozen=True):
    """w_i, sealed under a key that only the recipient shares with this converter.

    `head` (signature, label "head") says: the checkpoint of the receipt is on the one history this converter has seen.
    """

    sealed: bytes
    head: bytes


class LastHead(Body, frozen=True):
    """Which head of the log with this origin have you seen last?"""

    origin: str


class HeadSeen(Body, frozen=True):
    """The largest head that is on disk here, as the log signed it; size 0 and no checkpoint if none is.

    `forked` are checkpoints of the log that contradict one that was seen before, at most `MOST_FORKED`.
    """

    size: int
    root: bytes
    checkpoint: bytes
    forked: list[bytes] = msgspec.field(default_factory=list)


MOST_FORKED = 16
"""One of them is proof enough."""


class Check(Body, frozen=True):
    """Linear check, one hop: M (or the previous Z) on every leg. `seed` gives the weights and `blinded` is Q, so that
    a converter can recompute M."""

    request: bytes
    points: list[bytes]
    seed: bytes
    blinded: bytes


class Checked(Body, frozen=True):
    """Z = f·M on every leg with proofs that the factor is the one of the hop record (64 bytes each)."""

    points: list[bytes]
    proofs: list[bytes]


class SeenSince(Body, frozen=True):
    """The auditor asks which links the S0+ requests since a time were on; or, with `enrolments`, for the enrolments."""

    since_ms: Millis
    enrolments: bool = False


class SeenRequest(Body, frozen=True):
    """One request's link, its own time, and whether this converter has released its value."""

    request: bytes
    requester: str
    recipient: str
    requester_epoch: Epoch
    recipient_epoch: Epoch
    keepers: tuple[Keeper, ...]
    time_ms: Millis
    released: bool


class SeenRequests(Body, frozen=True):
    """Oldest first, at most 4,096."""

    rows: list[SeenRequest]


class Ratios(Body, frozen=True):
    """S0+: what the auditor needs to compare a window of requests on one link, after release."""

    requests: list[bytes]


class RatiosGiven(Body, frozen=True):
    """For each leg: the ratio window factor ÷ request factor of each request (32 bytes each), and F of the window."""

    ratios: list[list[bytes]]
    factors: list[bytes]


class WindowStep(Body, frozen=True):
    """One earlier hop of a window's check, for each leg: its F, what it put out, and the proof (64 bytes)."""

    factors: list[bytes]
    points: list[bytes]
    proofs: list[bytes]


class WindowCheck(Body, frozen=True):
    """S0+: the window's combination through one hop. No point is named: `seed` gives the weights, `blinded` is Q of
    every request, and `steps` lead from their combination to this hop's input."""

    requests: list[bytes]
    seed: bytes
    blinded: list[bytes]
    steps: list[WindowStep]


class Witness(Body, frozen=True):
    """The auditor asks for the signed hop record of a request."""

    request: bytes


class Witnessed(Body, frozen=True):
    """The hop record (label "hop") and, for enrolments only, the blinding ρ_i of the batch.

    `proof` (label "witnessed") is this converter's signature over the request and ρ_i.
    """

    record: bytes
    signature: bytes
    blind: bytes
    proof: bytes


class Disputed(Body, frozen=True):
    """A standing objection: encoded `wire.objection.Shown`, both entries with their proofs, and under which filings of
    all record keepers the objection was logged. To which request does the disputed exchange belong?"""

    shown: bytes
    disputed: Proved
    objection: Proved
    tag: bytes
    filings: list[SignedFiling]


class DisputedFound(Body, frozen=True):
    """The request. `signature` (label "disputed") covers the xid and hR."""

    request: SeenRequest
    signature: bytes


class Dispute(Body, frozen=True):
    """Explain item `position` of a request: the input vectors whose digests the hop record holds come along."""

    request: bytes
    position: Annotated[int, Meta(ge=0, lt=4096)]
    ins: list[bytes]


class Explained(Body, frozen=True):
    """For each leg: the batch's scalar ν = μ/ρ and the proof that out = t·(ν·in); plus the whole output vectors.

    `signature` (label "explained") covers all of it; anybody can check it against the hop record and the link.
    """

    outs: list[bytes]
    scalars: list[bytes]
    proofs: list[bytes]
    signature: bytes


class Outcome(Body, frozen=True):
    """The recipient's outcome entries, relayed so that the record keeper does not learn who it is.

    `signature` (label "outcome") is the recipient's over hR, H("entries", ·) and H("tags", ·). `receipt` is the
    ledger's of the request.
    """

    request: bytes
    entries: bytes
    tags: bytes
    envelopes: list[bytes]
    signature: bytes
    receipt: Appended


class ReadRow(Body, frozen=True):
    """One row of a history: the entry, its envelope, and its own inclusion proof. Without envelope it is erased on
    schedule. `holds` are the codes of the reasons for which it is kept on, if it is."""

    entry: bytes
    envelope: bytes
    index: int
    proof: list[bytes]
    checkpoint: bytes
    holds: list[str] = msgspec.field(default_factory=list)


class History(Body, frozen=True):
    """What the record keeper has under one code: signed `wire.history.Statement`, the rows it counts, and its
    `wire.index.Indexed` about them, sealed to the session."""

    statement: bytes
    signature: bytes
    rows: list[ReadRow]
    indexed: bytes


class Read(Body, frozen=True):
    """The answer to a conversion of kind READ: the receipt of the view, and each record keeper's list, in order."""

    filed: Filed
    hops: list[Hop]
    histories: list[History]


class Listed(Body, frozen=True):
    """A record keeper's signed statement, and the entries (80 bytes each) that it counts."""

    statement: bytes
    signature: bytes
    entries: bytes


class OpenShares(Body, frozen=True):
    """Open this converter's shares of exactly the envelopes in the signed statements, for the session in the request.

    `envelopes` are those of every entry that any list has, each once, in the order of first appearance; empty for what
    has been erased. `entries`, `tags` and the openings are those of the view itself, which must stand in the log.
    """

    public: bytes
    record: bytes
    entries: bytes
    tags: bytes
    filed: Filed
    hops: list[Hop]
    disclosed: bytes
    withheld: bytes
    openings: bytes
    lists: list[Listed]
    envelopes: list[bytes]


class SharesOpened(Body, frozen=True):
    """n × 32 bytes sealed to the session key; zeros for what has been erased."""

    sealed: bytes


class Rekey(Body, frozen=True):
    """A domain's own codes on the way to its next epoch: blinded, one leg, no person's record (spec/lcx.md 9)."""

    domain: str
    epoch: Epoch
    batch: bytes
    time_ms: Millis
    points: bytes
    signature: bytes


class Rekeyed(Body, frozen=True):
    """The same codes of the next epoch, still blinded by the domain's own scalar and masked."""

    points: bytes


class CountAsked(Body, frozen=True):
    """State what was released of a log's entries up to `end`, from where the last statement about it ended."""

    origin: str
    end: Annotated[int, Meta(ge=1, lt=1 << 62)]


class Counted(Body, frozen=True):
    """A signed `wire.counting.Count`, its entry in the log with a receipt, the places it is over (u64 each), and the
    salt of their tree."""

    statement: bytes
    signature: bytes
    entry: bytes
    receipt: Appended
    places: bytes
    salt: bytes


class StatementsAsked(Body, frozen=True):
    """All that was stated of the log `origin`, but for the first so many statements."""

    origin: str
    first: Annotated[int, Meta(ge=0, lt=1 << 62)]


class StatementsGiven(Body, frozen=True):
    """Encoded `wire.counting.CountShown`, in order, at most `MOST_STATEMENTS`: those that are in the log."""

    statements: list[bytes]


MOST_STATEMENTS = 64


class UsesAsked(Body, frozen=True):
    """How often was each row and ground used on this day of Japan (since 1970-01-01)?"""

    day: Annotated[int, Meta(ge=0, lt=1 << 20)]


class UsesGiven(Body, frozen=True):
    """An encoded `wire.uses.Uses`, signed with label "uses"."""

    statement: bytes
    signature: bytes


_CHAIN = frozenset({Role.GATEWAY, Role.REGISTRY, Role.PORTAL, Role.CONVERTER})
_DOMAINS = frozenset({Role.GATEWAY, Role.REGISTRY, Role.MAILBOX, Role.PORTAL})
_RECIPIENTS = frozenset({Role.GATEWAY, Role.REGISTRY, Role.PORTAL})

BULK = 64 << 20

JOIN = Call("/v1/join", Join, Joined, _DOMAINS)
LINK = Call("/v1/link", LinkAsked, LinkPublished, ANYBODY)
MONTH_KEY = Call("/v1/month-key", MonthAsked, MonthKey, ANYBODY)
CONVERT = Call("/v1/convert", Convert, Converted, _CHAIN, BULK)
READ = Call("/v1/read", Convert, Read, frozenset({Role.PORTAL, Role.CONVERTER}), BULK)
RELEASE = Call("/v1/release", Release, Released, _RECIPIENTS, BULK)
HEAD = Call("/v1/head", LastHead, HeadSeen, ANYBODY)
CHECK = Call("/v1/check", Check, Checked, frozenset({Role.MAILBOX}), BULK)
SEEN = Call("/v1/window/seen", SeenSince, SeenRequests, frozenset({Role.COMMISSION}))
RATIOS = Call("/v1/window/ratios", Ratios, RatiosGiven, frozenset({Role.COMMISSION}))
WINDOW = Call("/v1/window/check", WindowCheck, Checked, frozenset({Role.COMMISSION}))
WITNESS = Call("/v1/witness", Witness, Witnessed, frozenset({Role.COMMISSION}))
STATEMENT = Call("/v1/statement", CountAsked, Counted, frozenset({Role.COMMISSION}))
STATEMENTS = Call("/v1/statements", StatementsAsked, StatementsGiven, ANYBODY)
DISPUTED = Call("/v1/disputed", Disputed, DisputedFound, frozenset({Role.COMMISSION}))
DISPUTE = Call("/v1/dispute", Dispute, Explained, frozenset({Role.COMMISSION}), BULK)
OUTCOME = Call("/v1/outcome", Outcome, Filed, _RECIPIENTS, BULK)
OPEN_SHARES = Call("/v1/open-shares", OpenShares, SharesOpened, frozenset({Role.PORTAL}), BULK)
REKEY = Call("/v1/rekey", Rekey, Rekeyed, _DOMAINS, BULK)
USES = Call("/v1/uses", UsesAsked, UsesGiven, frozenset({Role.COMMISSION}))
DESTROY = Call("/v1/month/destroy", Destroy, Said, frozenset({Role.COMMISSION}))
LIFT = Call("/v1/hold/lift", HoldLogged, Nothing, frozenset({Role.COMMISSION}))
