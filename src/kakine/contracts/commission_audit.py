"""The commission's auditor as it can be called: it takes objections, answers them, and takes evidence.

It never learns whose list an entry stands in; the portal, which carries both messages, learns neither.
"""

from __future__ import annotations

from kakine.contracts.call import Body, Call, Role


class Objection(Body, frozen=True):
    """A `wire.objection.Asked`, sealed to the commission by the person's session."""

    sealed: bytes


class Objected(Body, frozen=True):
    """A `wire.objection.Told`, sealed to that session. The same objection again gets the same answer."""

    sealed: bytes


class EvidenceSent(Body, frozen=True):
    """A `wire.evidence.BrowserEvidence`, as the reader's browser has made it."""

    data: bytes


class EvidenceTaken(Body, frozen=True):
    """The commission's signature over that data (64 bytes, label "evidence-received"): it has it."""

    signature: bytes


EVIDENCE = Call("/v1/evidence", EvidenceSent, EvidenceTaken, frozenset({Role.PORTAL}), 1 << 19)
OBJECT = Call("/v1/objection", Objection, Objected, frozenset({Role.PORTAL}))
