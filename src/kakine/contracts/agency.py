"""What an agency's own systems ask their gateway for."""

from __future__ import annotations

from kakine.contracts.call import Body, Call, Role


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
