"""The sign of life of a log to which nothing was added for a while (spec/ledger.md section 5)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.wire.canonical import Message, encode
from kakine.wire.entry import FOR_EVER, Entry, EntryFlags, EntryKind


class Heartbeat(Message, frozen=True):
    """The log as it was when nothing had been added: `size` entries under `root` (32 bytes), at `minutes` since 1970.

    `size` is also the index of the heartbeat, so that whoever has the log can make the payload again.
    """

    size: Annotated[int, Meta(ge=0, lt=1 << 62)]
    root: Annotated[bytes, Meta(min_length=32, max_length=32)]
    minutes: Annotated[int, Meta(ge=0, lt=1 << 32)]

    def entry(self) -> bytes:
        """The 80 bytes to log: commitment and payload digest are both H("heartbeat", these fields)."""
        said = digest("heartbeat", encode(self))
        return Entry(EntryKind.HEARTBEAT, 0, FOR_EVER, EntryFlags(0), self.minutes, said, said).encode()

    def tag(self) -> bytes:
        """32 bytes under which the ledger recognises a repeat."""
        return digest("xid", digest("heartbeat", encode(self)))
