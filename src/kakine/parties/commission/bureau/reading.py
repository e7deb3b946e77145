"""What the commission has read of each log for its public page, kept: a start goes on from there.

Sums, and the few entries that later counts need; all of it anybody can count out of the logs. Not looked at: whether
the log that is read now continues the one that was read before, which is for those who compare heads.
"""

from __future__ import annotations

from functools import partial

import msgspec

from kakine.clients.log import entries_between
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.parties.commission.bureau import store
from kakine.parties.commission.bureau.bureau import Bureau
from kakine.parties.commission.retention_office import Office
from kakine.protocols.erasure import tallied
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log
from kakine.runtime.database import Connection
from kakine.values.calendar import day_in_japan
from kakine.wire import checkpoint as notes
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.erasure import Tally

_STEP = 16_384
"""Entries that are in memory at once, and after which it is kept how far the reading has come."""


class Read(msgspec.Struct):
    """How far, requests, outcomes and views by (day of Japan, kind), people's entries by expiry month, and by place the
    encoded entries about objections and seals."""

    size: int = 0
    days: dict[tuple[int, EntryKind], int] = {}
    tallies: dict[int, Tally] = {}
    kept: dict[int, bytes] = {}

    def entries(self) -> dict[int, Entry]:
        """Those that are kept."""
        return {place: Entry.decode(data) for place, data in self.kept.items()}

    def add(self, origin: str, page: dict[int, Entry]) -> None:
        """The entries that follow."""
        self.tallies = tallied(origin, sorted(page.items()), self.tallies)
        for place, entry in page.items():
            key = day_in_japan(entry.minutes * 60_000), entry.kind
            self.days[key] = self.days.get(key, 0) + 1
            if entry.kind in (EntryKind.ANNOTATION, EntryKind.UNSEAL) or entry.sealed_until:
                self.kept[place] = entry.encode()
        self.size += len(page)


_coded = msgspec.msgpack.Decoder(Read)


def read(db: Connection, origin: str) -> Read:
    """What has been read of a log so far."""
    found = store.snapshot(db, _name(origin))
    return _coded.decode(found[1]) if found else Read()


async def go_on(office: Office, bureau: Bureau, log: Log, heads: Heads) -> None:
    """Read to the log's head. Raises what a call raises, and what does not verify; what was read before stays."""
    given = await office.peers.ask(log.ledger, CHECKPOINT, Nothing())
    size = notes.open(given.checkpoint, log.origin, office.log_keys[log.origin]).size
    done = read(bureau.db.read(), log.origin)
    while done.size < size:
        end = min(done.size + _STEP, size)
        page = await entries_between(office.peers, log, heads, office.log_keys, done.size, end)
        done.add(log.origin, page)
        data, now_ms = msgspec.msgpack.encode(done), bureau.clock()
        await bureau.db.write(partial(store.put_snapshot, name=_name(log.origin), now_ms=now_ms, data=data))


def _name(origin: str) -> str:
    return f"read/{origin}"
