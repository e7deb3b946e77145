"""Every index root in a log is one that its record keeper shows to everybody (spec/index.md IDX-5.2).

A second one, logged to be shown to one person, proves to that person a list that nobody else sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from kakine.clients.log import pages_between
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, RECEIPT, ByTag
from kakine.contracts.mailbox import INDEXES, IndexesAsked
from kakine.parties.commission import audit_store
from kakine.parties.commission.audit_office import Office
from kakine.parties.commission.audit_store import Verdict
from kakine.protocols import index_check
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log
from kakine.values.calendar import minutes
from kakine.values.labels import PartyName
from kakine.values.problems import (
    IndexChainBroken,
    IndexNotLogged,
    PartyUnavailable,
    Problem,
    StoreFailed,
    TagUnknown,
)
from kakine.wire import checkpoint as notes
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.index import IndexRoot, RootShown, opened

SETTLED_MINUTES = 12
"""How old an index root is when it is looked for: until then its keeper may be without the receipt."""


async def run(office: Office, log: Log) -> list[Verdict]:
    """A verdict for what is wrong with the new index roots of a log; none if nothing is.

    What has a fault comes again at the next run. Raises `PartyUnavailable`.
    """
    mark = f"index-roots/{log.origin}"
    start = audit_store.mark(office.db.read(), mark)
    entries, until = await _logged(office, log, start)
    keepers = office.law.in_force(office.clock()).keeper_parties
    shown: list[tuple[int, IndexRoot]] = []
    for name in keepers:
        try:
            shown += await _shown(office, name, log)
        except (PartyUnavailable, StoreFailed):
            raise
        except Problem as fault:
            return await _keep(office, _verdict(office, name, fault.code))
    try:
        index_check.check_all_logged(entries, [root for place, root in shown if start <= place < until])
    except IndexNotLogged as fault:
        place = int(str(fault.facts.get("index", 0)))
        party = await _filer(office, log, keepers, [root for _, root in shown], place)
        return await _keep(office, _verdict(office, party, fault.code, place))
    await office.db.write(lambda db: audit_store.set_mark(db, mark, until))
    return []


async def _logged(office: Office, log: Log, start: int) -> tuple[dict[int, Entry], int]:
    """(index roots of the log from `start` on that are old enough, up to where that is)."""
    keys, heads = office.log_keys(), Heads()
    given = await office.peers.ask(log.ledger, CHECKPOINT, Nothing())
    size = notes.open(given.checkpoint, log.origin, keys[log.origin]).size
    newest = minutes(office.clock()) - SETTLED_MINUTES
    found: dict[int, Entry] = {}
    async for page in pages_between(office.peers, log, heads, keys, start, size):
        for place, entry in page.items():
            if entry.kind is EntryKind.INDEX_ROOT:
                if entry.minutes > newest:
                    return found, place
                found[place] = entry
    return found, max(start, size)


async def _shown(office: Office, name: PartyName, log: Log) -> list[tuple[int, IndexRoot]]:
    """(place in the log, root) of every index that a record keeper shows, each signed and proved to stand there."""
    given = await office.peers.ask(name, INDEXES, IndexesAsked(log.origin, 0))
    heads, keys, found = Heads(), office.log_keys(), list[tuple[int, IndexRoot]]()
    for number, data in enumerate(given.roots):
        shown = decode(data, RootShown)
        root = opened(shown.root, shown.signature, office.key(name))
        if (root.keeper, root.origin, origin_of(shown.note)) != (name, log.origin, log.origin):
            raise IndexChainBroken(part="keeper", number=number)
        heads.verify(shown.index, shown.path, shown.note, shown.entry, keys)
        index_check.check_logged(root, shown.index, Entry.decode(shown.entry))
        found.append((shown.index, root))
    index_check.check_chain([root for _, root in found])
    return found


async def _filer(
    office: Office, log: Log, keepers: Sequence[PartyName], roots: Sequence[IndexRoot], place: int
) -> str:
    """Who filed the index root at a place, by the tag it has in the log; all record keepers, if the tag is none of
    theirs: one of them it was, for the ledger takes such an entry from nobody else."""
    for name, tag in _tags(keepers, log, roots):
        try:
            given = await office.peers.ask(log.ledger, RECEIPT, ByTag(tag))
        except TagUnknown:
            continue
        if given.receipt.first == place:
            return str(name)
    return ", ".join(keepers)


def _tags(
    keepers: Sequence[PartyName], log: Log, roots: Sequence[IndexRoot]
) -> Iterator[tuple[PartyName, bytes]]:
    starts = {0, *(at for root in roots for at in (root.start, root.end))}
    for name in keepers:
        for start in sorted(starts):
            yield name, index_check.log_tag_at(name, log.origin, start)


def _verdict(office: Office, party: str, fault: str, place: int = 0) -> Verdict:
    return Verdict("index", office.clock(), place.to_bytes(8, "big"), party, fault, 0)


async def _keep(office: Office, verdict: Verdict) -> list[Verdict]:
    await office.db.write(partial(audit_store.judge, verdict=verdict, requests=[]))
    return [verdict]
