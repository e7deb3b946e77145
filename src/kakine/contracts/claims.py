"""An agency's gateway, where people have something against an exchange of it: objections and correction requests that
the commission passes on (spec/objections.md section 8)."""

from __future__ import annotations

from kakine.contracts.call import Body, Call, Role


class Claimed(Body, frozen=True):
    """A `wire.objection.Claim` that a person has sealed to this agency, and which of its exchanges it is about: hR, the
    place of the item in that request, and the agency's domain, as converters and filings tell the commission."""

    domain: str
    request: bytes
    item: int
    sealed: bytes


class ClaimTaken(Body, frozen=True):
    """It is kept. Once there is an answer: a `wire.objection.Replied`, its signature, and the `Reply` sealed to the
    session that the claim names."""

    replied: bytes = b""
    signature: bytes = b""
    sealed: bytes = b""


CLAIM = Call("/v1/claim", Claimed, ClaimTaken, frozenset({Role.COMMISSION}))
