"""How a version stands in the ledger: one entry of kind governance, whose digests are that of the version."""

from __future__ import annotations

from kakine.crypto.hashing import digest
from kakine.values.calendar import minutes
from kakine.values.problems import GazetteNotLogged
from kakine.wire.entry import FOR_EVER, Entry, EntryFlags, EntryKind

NEVER = FOR_EVER
"""Expiry month of what is kept for ever: nobody may forget what the law was."""

_MINUTE_MS = 60_000


def entry_of(version: bytes, now_ms: int) -> bytes:
    """The 80 bytes to log for the version with this digest (32 bytes)."""
    return Entry(EntryKind.GOVERNANCE, 0, NEVER, EntryFlags(0), minutes(now_ms), version, version).encode()


def tag_of(version: bytes) -> bytes:
    """32 bytes under which the ledger recognises a repeat."""
    return digest("xid", version)


def logged_ms(entry: bytes, version: bytes) -> int:
    """When the version with this digest was published, by its ledger entry; milliseconds, whole minutes.

    Raises GazetteNotLogged if the entry is for something else, NotCanonical if it is none. Not checked: that
    the entry is in the ledger (`receipts.verify`). The time is the commission's word; those who read the
    ledger see between which other entries it stands, and `LawBook.heard` bounds it for those who ask
    regularly.
    """
    found = Entry.decode(entry)
    if found.kind is not EntryKind.GOVERNANCE or (found.commitment, found.payload_digest) != (
        version,
        version,
    ):
        raise GazetteNotLogged()
    return found.minutes * _MINUTE_MS
