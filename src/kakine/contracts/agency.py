"""What an agency's own systems ask their gateway for."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.contracts.call import Body, Call, Nothing, Role

JobId = Annotated[bytes, Meta(min_length=12, max_length=12)]
Reference = Annotated[bytes, Meta(min_length=1, max_length=64)]
Mark = Annotated[bytes, Meta(min_length=32, max_length=32)]
MOST_PEOPLE = 1_000_000
"""In one job."""
PART = 4096
"""People, or lines, in one message about a job."""


class Asking(Body, frozen=True):
    """One question of the agency's own systems about one person, as `parties.gateway.asking.Question` has it: domains,
    procedure and rows of the order, the asking domain's own reference, the official's, the digest of the case number,
    the unit. `parent` is the exchange this one follows from."""

    domain: str
    provider: str
    procedure: str
    rows: list[str]
    reference: bytes
    official: str
    case: bytes
    unit: str
    channel: int = 2
    parent: bytes = b""


class Told(Body, frozen=True):
    """The result (`wire.answer.Result`), the items that really went, and the data (JSON, layouts by item)."""

    result: str
    items: list[str]
    data: bytes


class AskPaper(Body, frozen=True):
    """A clerk of a residents' desk has seen a person and prints a paper for one login. Fields as in `Asking`."""

    domain: str
    reference: bytes
    official: str
    case: bytes
    unit: str


class Printed(Body, frozen=True):
    """The code on the paper."""

    code: str


ASK = Call("/v1/ask", Asking, Told, frozenset({Role.GATEWAY}), 64 << 10)
"""For the agency's own systems alone: they call with its own certificate, and no other party may."""

PAPER = Call("/v1/paper", AskPaper, Printed, frozenset({Role.GATEWAY}), 64 << 10)
"""As `ASK`, for residents' desks."""


class NewCopy(Body, frozen=True):
    """A copy (副本) of what the agency's own system has of one person, by the domain's own reference: an item in a
    version of its layout, the system's own count of versions, milliseconds since 1970 of when it was so and until when
    it may be given, and the data (JSON that fits the layout)."""

    reference: Reference
    item: str
    layout: Annotated[int, Meta(ge=1, lt=1 << 16)]
    version: Annotated[int, Meta(ge=1, lt=1 << 48)]
    as_of_ms: Annotated[int, Meta(ge=0, lt=1 << 48)]
    expires_ms: Annotated[int, Meta(ge=0, lt=1 << 48)]
    data: Annotated[bytes, Meta(max_length=64 << 10)]


class KeepCopies(Body, frozen=True):
    """Copies of one domain, kept all or none."""

    domain: str
    copies: Annotated[list[NewCopy], Meta(min_length=1, max_length=256)]


KEEP = Call("/v1/copies", KeepCopies, Nothing, frozenset({Role.GATEWAY}), 4 << 20)
"""As `ASK`: what this agency answers from. The same again changes nothing."""


class BulkPart(Body, frozen=True):
    """People of a job that is to begin, from this position on: the domain's own references, digests of the case
    numbers. The job's id follows from all of them and from what is asked (spec/bulk.md section 1)."""

    job: JobId
    first: Annotated[int, Meta(ge=0, lt=MOST_PEOPLE)]
    references: Annotated[list[Reference], Meta(min_length=1, max_length=PART)]
    marks: Annotated[list[Mark], Meta(min_length=1, max_length=PART)]


class BulkOrder(Body, frozen=True):
    """What is asked of everybody in a job; fields as in `Asking`."""

    job: JobId
    domain: str
    provider: str
    procedure: str
    rows: list[str]
    official: str
    unit: str
    total: Annotated[int, Meta(ge=1, le=MOST_PEOPLE)]


class BulkJob(Body, frozen=True):
    """A job that has begun."""

    job: JobId


class BulkTold(Body, frozen=True):
    """How many people a job has, and with how many of them it is over; how often each result, or code of a problem, has
    come of it."""

    total: int
    over: int
    results: dict[str, int]


class BulkDone(Body, frozen=True):
    """With how many people more it is over; `idle` where nobody waits any more."""

    more: int
    idle: bool


class BulkFrom(Body, frozen=True):
    """Lines of a job from this position on."""

    job: JobId
    first: Annotated[int, Meta(ge=0, lt=MOST_PEOPLE)]


class BulkLine(Body, frozen=True):
    """What came of one person: the step, and result, items (with blanks between) and data (JSON), or a problem."""

    step: str
    result: str
    items: str
    data: bytes
    problem: str


class BulkLines(Body, frozen=True):
    """In the order of the job; none after the last."""

    lines: list[BulkLine]


BULK_PEOPLE = Call("/v1/bulk-people", BulkPart, Nothing, frozenset({Role.GATEWAY}), 1 << 20)
"""As `ASK`; before the job begins, in any order, and again without effect."""

BULK_BEGIN = Call("/v1/bulk-begin", BulkOrder, BulkTold, frozenset({Role.GATEWAY}), 64 << 10)
"""As `ASK`. A job that has begun already is found as it was left."""

BULK_WORK = Call("/v1/bulk-work", BulkJob, BulkDone, frozenset({Role.GATEWAY}), 1 << 10)
"""As `ASK`: ask about the next people for a while. Several at once share them."""

BULK_LINES = Call("/v1/bulk-lines", BulkFrom, BulkLines, frozenset({Role.GATEWAY}), 1 << 10)
"""As `ASK`."""

BULK_END = Call("/v1/bulk-end", BulkJob, Nothing, frozenset({Role.GATEWAY}), 1 << 10)
"""As `ASK`: the answers have been handed over, and are forgotten here."""
