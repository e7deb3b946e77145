"""The commission as publisher of the gazette: takes proposals, reviews them, publishes, and stops what must
stop.

Anybody may ask what the law is. Only the ministry may propose, and only the commission's own operator may
approve, refuse or suspend.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from kakine.contracts.call import ANYBODY, Body, Call, Nothing, Role
from kakine.contracts.ledger import Appended
from kakine.contracts.retention import EndHold, Erased, Erasures, ErasuresGiven, HoldMade, HoldWanted

Day = Annotated[int, Meta(ge=0, lt=1 << 20)]


class Since(Body, frozen=True):
    """Versions from this number on, and openings of logs after this one."""

    number: Annotated[int, Meta(ge=0, lt=1 << 48)]
    openings: Annotated[int, Meta(ge=0, lt=1 << 16)] = 0


class Version(Body, frozen=True):
    """A published version: its bytes, what was signed over their digest (64 bytes, or empty), its ledger
    entry.
    """

    gazette: bytes
    ministry: bytes
    commission: bytes
    entry: bytes
    receipt: Appended


class OpenedLog(Body, frozen=True):
    """The opening of a log (`wire.log_list.Opening`), signed by who runs the ledger and by the commission (64 bytes
    each, label "log-opening"), and the receipt of the first two entries of that log."""

    opening: bytes
    operator: bytes
    commission: bytes
    receipt: Appended


class Versions(Body, frozen=True):
    """At most `MOST_VERSIONS` versions in the order of their numbers, and every later opening of a log; none when there
    is nothing newer."""

    versions: list[Version]
    openings: list[OpenedLog] = field(default_factory=list)


class Propose(Body, frozen=True):
    """A version and the ministry's signature (label "gazette-ministry") over its digest."""

    gazette: bytes
    signature: bytes


class Received(Body, frozen=True):
    """The digest under which the proposal is known. `published` if it is narrowing and so needs no review."""

    digest: bytes
    published: bool


class PlainChange(Body, frozen=True):
    """One difference from the law in force, in words."""

    widens: bool
    what: str
    name: str
    ja: str
    en: str


class Proposal(Body, frozen=True):
    """What the commission has to decide: when it would take effect, why, and everything that would change."""

    digest: bytes
    number: int
    effective_ms: int
    reason_ja: str
    reason_en: str
    changes: list[PlainChange]


class Proposals(Body, frozen=True):
    """The open ones, oldest first."""

    proposals: list[Proposal]


class Approve(Body, frozen=True):
    """Countersign and publish the proposal with this digest."""

    digest: bytes


class Refuse(Body, frozen=True):
    """Close the proposal with this digest. `reason` names no person."""

    digest: bytes
    reason: str


class Stop(Body, frozen=True):
    """One thing to suspend: a `wire.gazette.Subject` and a name, empty for everything."""

    subject: str
    name: str = ""


class Narrow(Body, frozen=True):
    """Suspend these, through the day `until` (since 1970; 0 for no end), and strike these rows, at once; with neither,
    drop a widening that waits. The reasons name no person."""

    suspend: list[Stop]
    strike: list[str]
    reason_ja: str
    reason_en: str
    until: Annotated[int, Meta(ge=0, lt=1 << 20)] = 0


class Appoint(Body, frozen=True):
    """One of the commission's first people. `role` is one of `parties.commission.bureau.acts.Role`; `unit` may be
    empty."""

    name: str
    role: str
    unit: str = ""


class Appointed(Body, frozen=True):
    """The number of somebody new, and the code with which they come in for the first time."""

    number: int
    code: str


class Assessed(Body, frozen=True):
    """An impact assessment that a party has published of one file, for the register: of how many people at least it is
    (one of `protocols.assessment.BANDS`), whether the party has 500 staff or more, and the days (since 1970, in Japan)
    of its steps, 0 for one that was not taken."""

    party: str
    file: str
    people: Annotated[int, Meta(ge=0, lt=1 << 31)]
    many_staff: bool
    draft: Day
    comment_from: Day
    comment_until: Day
    checked: Day
    published: Day


class IssuanceBatch(Body, frozen=True):
    """An encoded `wire.issuance.Batch` of the calling authority, and its signature."""

    batch: bytes
    signature: bytes


class BatchLogged(Body, frozen=True):
    """The governance entry (80 bytes) with the batch's digest, and its receipt."""

    entry: bytes
    receipt: Appended


class UsualGiven(Body, frozen=True):
    """The file of what is usual (`wire.usual.signed`), the same for everybody; empty where there are no figures."""

    file: bytes


MOST_VERSIONS = 8

CURRENT = Call("/v1/gazette", Since, Versions, ANYBODY)
PUBLISH = Call("/v1/gazette/propose", Propose, Received, frozenset({Role.MINISTRY}))
PROPOSALS = Call("/v1/gazette/proposals", Nothing, Proposals, frozenset({Role.COMMISSION}))
APPROVE = Call("/v1/gazette/approve", Approve, Version, frozenset({Role.COMMISSION}))
REFUSE = Call("/v1/gazette/refuse", Refuse, Nothing, frozenset({Role.COMMISSION}))
SUSPEND = Call("/v1/gazette/suspend", Narrow, Version, frozenset({Role.COMMISSION}))
LOG_BATCH = Call("/v1/issuance/log", IssuanceBatch, BatchLogged, frozenset({Role.AUTHORITY}))
ERASURES = Call("/v1/erasures", Erasures, ErasuresGiven, ANYBODY, 4 << 20)
ERASE = Call("/v1/retention/erase", Nothing, Erased, frozenset({Role.COMMISSION}), 1 << 10)
"""By whoever runs the commission, with its own certificate, as the next two. Every month that is over; while that is
under way, the same call again waits on."""
HOLD_ON = Call("/v1/retention/hold", HoldWanted, HoldMade, frozenset({Role.COMMISSION}), 64 << 10)
LET_GO = Call("/v1/retention/lift", EndHold, Nothing, frozenset({Role.COMMISSION}), 1 << 10)
ASSESSED = Call("/v1/assessments", Assessed, Nothing, frozenset({Role.COMMISSION}), 4 << 10)
"""By whoever runs the commission, while it has no people: its officers enter assessments in the console."""
APPOINT = Call("/v1/console/appoint", Appoint, Appointed, frozenset({Role.COMMISSION}), 4 << 10)
"""By whoever runs the commission, with its own certificate; refused from the first act on that two people signed."""
USUAL = Call("/v1/usual", Nothing, UsualGiven, ANYBODY)
