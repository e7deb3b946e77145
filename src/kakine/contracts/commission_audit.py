"""The commission's auditor as it can be called: it takes objections and answers them.

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


OBJECT = Call("/v1/objection", Objection, Objected, frozenset({Role.PORTAL}))
