"""The record that opens a log after another one has ended (spec/ledger.md section 8).

Openings are numbered and chained, so that there is one list of logs. Two sign each: who runs the ledger, and the
commission.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.wire.canonical import Message, encode
from kakine.wire.request import Digest, Millis, Name

LABEL = "log-opening"
"""Of both signatures."""

GENESIS = bytes(32)
"""What the first opening follows."""


class Reason(StrEnum):
    """Why the log before has ended."""

    YEAR = "year-over"
    BEHIND = "ledger-behind"
    FORKED = "ledger-forked"
    DIVERGED = "ledger-diverged"


class Opening(Message, frozen=True):
    """The log `origin` takes the place of `follows`, whose last head is the one in `final`: a C2SP checkpoint with the
    line of that log's key and no other.

    `operator` is the party that runs the ledger, `ledger` the name by which the new log is called, `key` (32 bytes)
    the one that signs its heads. `previous` is the digest of opening `number` - 1, `GENESIS` for number 1.
    """

    number: Annotated[int, Meta(ge=1, lt=1 << 16)]
    previous: Digest
    reason: Name
    operator: Name
    ledger: Name
    origin: Name
    key: Digest
    follows: Name
    final: Annotated[bytes, Meta(min_length=1, max_length=1024)]
    time_ms: Millis

    @property
    def digest(self) -> bytes:
        """32 bytes: what both sign, what the next opening names, and what stands in the new log."""
        return digest(LABEL, encode(self))
