"""Reading the public log: pages of entries, each page proved under a signed head."""

from __future__ import annotations

from kakine.contracts.ledger import ENTRIES, ByIndex
from kakine.crypto.signing import VerifyKey
from kakine.protocols.heads import Heads
from kakine.runtime.http import Peers
from kakine.values.labels import PartyName
from kakine.values.problems import RangeOutside
from kakine.wire.entry import Entry, split_entries

PAGE = 256


async def entries_between(
    peers: Peers, ledger: PartyName, heads: Heads, key: VerifyKey, start: int, end: int
) -> dict[int, Entry]:
    """The entries start … end - 1 by their place. Raises `RangeOutside` where the log is shorter, and what does not
    verify; that all pages are of one history is for who compares heads."""
    found: dict[int, Entry] = {}
    for first in range(start, end, PAGE):
        count = min(PAGE, end - first)
        given = await peers.ask(ledger, ENTRIES, ByIndex(first, count))
        receipt, entries = given.receipt, split_entries(given.entries)
        if len(entries) != count:
            raise RangeOutside(size=first)
        heads.verify(first, receipt.proof, receipt.checkpoint, given.entries, key)
        found |= dict(enumerate(map(Entry.decode, entries), first))
    return found
