"""An agency's gateway: answers for its agency, after checking everything again."""

from __future__ import annotations

from kakine.contracts.call import Body, Call, Role
from kakine.contracts.converter import BULK, Filed, Hop, Released


class Deliver(Body, frozen=True):
    """Gate 2: a converted, recorded and released batch, for the recipient to open."""

    public: bytes
    record: bytes
    signature: bytes
    entries: bytes
    tags: bytes
    to_recipient: bytes
    recipient_leg: bytes
    filed: Filed
    hops: list[Hop]
    released: list[Released]


class Delivered(Body, frozen=True):
    """The answers, sealed under the key in the payload, and the receipt of their outcome entries.

    `signature` (label "outcome") is the provider's over hR, H("entries", ·) and H("tags", ·).
    """

    sealed: bytes
    entries: bytes
    tags: bytes
    filed: Filed
    signature: bytes


class Disputable(Body, frozen=True):
    """The commission asks what the requester has kept of a request (hR) that is disputed."""

    request: bytes


class DisputableKept(Body, frozen=True):
    """Both parts of the request, Q, and the signed hop records as they came back, none where that was cut short."""

    public: bytes
    record: bytes
    blinded: bytes
    hops: list[Hop]


DISPUTABLE = Call("/v1/disputable", Disputable, DisputableKept, frozenset({Role.COMMISSION}), BULK)
DELIVER = Call("/v1/deliver", Deliver, Delivered, frozenset({Role.GATEWAY, Role.PORTAL, Role.REGISTRY}), BULK)
