"""The portal: where a resident reads the own history, in a visit (`parties.portal.visits`)."""

from __future__ import annotations

from kakine.contracts.call import Body
from kakine.contracts.converter import Filed, History


class SealedOwnData(Body, frozen=True):
    """What the portal relays of one holder's answer and cannot read: `sealed` is of `wire.own_data`, to the session
    key; `request` is hR."""

    domain: str
    request: bytes
    sealed: bytes


class SealedHistory(Body, frozen=True):
    """What the portal relays and cannot read: each record keeper's list, and each converter's shares sealed to the
    session key. `request` is hR of the reading, `filed` the receipt of its own entry."""

    request: bytes
    filed: Filed
    histories: list[History]
    shares: list[bytes]
