"""How something published stands in the log: an entry with its digest in both places (spec/ledger.md section 4).

Such entries are about nobody and are kept for ever.
"""

from __future__ import annotations

from kakine.values.calendar import minutes
from kakine.wire.entry import Entry, EntryFlags, EntryKind

NEVER = 0xFFFF
"""Expiry month of what is kept for ever."""


def entry_of(kind: EntryKind, published: bytes, now_ms: int, converters: int = 0) -> bytes:
    """The 80 bytes to log for what has this digest (32 bytes)."""
    return Entry(kind, converters, NEVER, EntryFlags(0), minutes(now_ms), published, published).encode()


def is_of(entry: Entry, kind: EntryKind, published: bytes) -> bool:
    """Whether the entry is for what has this digest. Its time, and that it is in the log, are not looked at."""
    return entry.kind is kind and entry.commitment == entry.payload_digest == published
