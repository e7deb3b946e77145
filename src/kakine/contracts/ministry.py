"""The ministry: drafts versions of the gazette, signs them and proposes them. Its own operator alone may ask
it to.
"""

from __future__ import annotations

from kakine.contracts.call import Body, Call, Role
from kakine.contracts.commission import Narrow, PlainChange


class Draft(Body, frozen=True):
    """The law as it should be, as canonical gazette bytes; number, digests, kind, times and reasons in it are
    replaced. `effective_ms` must leave room for review and the waiting time if anything widens."""

    content: bytes
    effective_ms: int
    reason_ja: str
    reason_en: str


class Proposed(Body, frozen=True):
    """What was signed and sent, and whether it is published already (a narrowing needs no review)."""

    digest: bytes
    number: int
    kind: str
    published: bool
    changes: list[PlainChange]


_OWN = frozenset({Role.MINISTRY})

PROPOSE = Call("/v1/proposals", Draft, Proposed, _OWN)
NARROW = Call("/v1/narrowings", Narrow, Proposed, _OWN)
