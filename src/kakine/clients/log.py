"""Reading the public log: pages of entries, each page proved under a signed head."""

from __future__ import annotations

from collections.abc import AsyncIterator

from kakine.contracts.ledger import ENTRIES, ByIndex
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, LogKeys
from kakine.runtime.http import Peers
from kakine.values.problems import CheckpointInvalid, RangeOutside
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import Entry, split_entries

PAGE = 256


async def pages_between(
    peers: Peers, log: Log, heads: Heads, keys: LogKeys, start: int, end: int
) -> AsyncIterator[dict[int, Entry]]:
    """The entries start … end - 1 by their place, `PAGE` at a time. Raises `RangeOutside` where the log is shorter, and
    what does not verify; that all pages are of one history is for who compares heads."""
    for first in range(start, end, PAGE):
        count = min(PAGE, end - first)
        given = await peers.ask(log.ledger, ENTRIES, ByIndex(first, count))
        receipt, entries = given.receipt, split_entries(given.entries)
        if len(entries) != count:
            raise RangeOutside(size=first)
        if origin_of(receipt.checkpoint) != log.origin:
            raise CheckpointInvalid(part="origin")
        heads.verify(first, receipt.proof, receipt.checkpoint, given.entries, keys)
        yield dict(enumerate(map(Entry.decode, entries), first))


async def entries_between(
    peers: Peers, log: Log, heads: Heads, keys: LogKeys, start: int, end: int
) -> dict[int, Entry]:
    """The same, all in memory. Raises as `pages_between`."""
    found: dict[int, Entry] = {}
    async for page in pages_between(peers, log, heads, keys, start, end):
        found |= page
    return found
