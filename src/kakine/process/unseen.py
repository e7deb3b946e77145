"""What was logged since a backup was taken: all that a converter or a record keeper can lack stands in a log.

No converter releases and no keeper files without an entry. Entries carry the minute of their filer's clock.
"""

from __future__ import annotations

from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, ENTRIES, MOST_ENTRIES, ByIndex
from kakine.process.reaching import reached
from kakine.process.running import clock
from kakine.process.settings import Kind, Settings
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, LogKeys, log_keys
from kakine.runtime.http import Peers
from kakine.values.calendar import minutes
from kakine.values.problems import RangeOutside
from kakine.wire import checkpoint as notes
from kakine.wire.entry import LENGTH, Entry, EntryKind

LOGGED = (Kind.CONVERTER, Kind.MAILBOX)
"""Whose every act has an entry."""
MARGIN_MINUTES = 15
"""Clocks are three minutes apart at most, a release follows its request within two, a statement is ten behind."""
NEUTRAL = frozenset({EntryKind.HEARTBEAT, EntryKind.GOVERNANCE})
"""Entries that neither of them takes part in."""


async def since(settings: Settings, taken_ms: int) -> int | None:
    """How many such entries all logs have; None for a kind of party whose acts are not logged. Raises what a call
    raises, and what does not verify. NOT checked: that a ledger shows all it has, which its witnesses see."""
    if settings.kind not in LOGGED:
        return None
    async with reached(settings) as others:
        keys = log_keys(others.book.in_force(clock()), others.logs)
        first = minutes(taken_ms) - MARGIN_MINUTES
        return sum([await _entries(others.peers, log, keys, first) for log in others.logs])


async def _entries(peers: Peers, log: Log, keys: LogKeys, first: int) -> int:
    """From the end backwards, until a whole page is older."""
    head = (await peers.ask(log.ledger, CHECKPOINT, Nothing())).checkpoint
    at, found, heads = notes.open(head, log.origin, keys[log.origin]).size, 0, Heads()
    while at > 0:
        begin = max(0, at - MOST_ENTRIES)
        proved = await peers.ask(log.ledger, ENTRIES, ByIndex(begin, at - begin))
        receipt = proved.receipt
        if (receipt.first, len(proved.entries)) != (begin, (at - begin) * LENGTH):
            raise RangeOutside(size=at)
        heads.verify(receipt.first, receipt.proof, receipt.checkpoint, proved.entries, keys)
        page = [Entry.decode(proved.entries[i : i + LENGTH]) for i in range(0, len(proved.entries), LENGTH)]
        late = [each for each in page if each.minutes >= first]
        found += sum(1 for each in late if each.kind not in NEUTRAL)
        if not late:
            break
        at = begin
    return found
