"""What the registry shows the commission of an enrolment it has sampled. No person, no number, no reference."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.contracts.call import Body, Call, Role


class Sample(Body, frozen=True):
    """The place `item` of the enrolment with this request digest, drawn from what the converters have seen."""

    request: Annotated[bytes, Meta(min_length=32, max_length=32)]
    item: Annotated[int, Meta(ge=0, lt=4096)]


class Sampled(Body, frozen=True):
    """The whole Q of the batch, and u with ρ_0 (32 bytes each) sealed to the commission.

    HPKE info is b"kakine/enrolment-audit".
    """

    blinded: bytes
    sealed: bytes


INFO = b"kakine/enrolment-audit"

SAMPLE = Call("/v1/enrolment/sample", Sample, Sampled, frozenset({Role.COMMISSION}))
