"""The signer of a log: it puts the log's name to a head only if that head extends the last one it signed."""

from __future__ import annotations

from kakine.contracts.call import Body, Call, Role


class OfLog(Body, frozen=True):
    """Which log: its origin."""

    origin: str


class Extension(Body, frozen=True):
    """A head of `size` leaves with `root` (32 bytes) that extends the head of `old` leaves.

    `proof` is the RFC 9162 consistency proof between the two sizes, empty from 0.
    """

    origin: str
    old: int
    size: int
    root: bytes
    proof: list[bytes]


class Signed(Body, frozen=True):
    """The last head that was signed, as a C2SP checkpoint; whether it is the last for good."""

    checkpoint: bytes
    closed: bool = False


SIGN = Call("/v1/sign", Extension, Signed, frozenset({Role.LEDGER}))
CLOSE = Call("/v1/close", OfLog, Signed, frozenset({Role.LEDGER}))
SIGNED = Call("/v1/signed", OfLog, Signed, frozenset({Role.LEDGER}))
