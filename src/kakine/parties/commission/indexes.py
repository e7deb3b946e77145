"""Every index of every record keeper, opened row by row: nobody is left out, and all keep the same (spec/index.md 8).

The rows say which entries stand together in somebody's list, without saying whose it is. No row is kept here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from kakine.clients.log import entries_between
from kakine.contracts.mailbox import INDEX_ROWS, INDEXES, IndexesAsked, IndexRowsAsked
from kakine.parties.commission import audit_store, index_roots
from kakine.parties.commission.audit_office import Office
from kakine.parties.commission.audit_store import Verdict
from kakine.protocols import index_check
from kakine.protocols.heads import Heads
from kakine.protocols.index_check import Lists
from kakine.protocols.logs import Log
from kakine.values.labels import PartyName
from kakine.values.problems import (
    IndexChainBroken,
    IndexKeepersDiffer,
    PartyUnavailable,
    Problem,
    StoreFailed,
)
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import Entry
from kakine.wire.index import IndexRoot, OpenedRow, RootShown, opened

_TRY_AGAIN = (PartyUnavailable, StoreFailed)


@dataclass(frozen=True)
class _Told:
    """One index of one record keeper, found right by itself."""

    root: IndexRoot
    encoded: bytes
    lists: Lists


async def run(office: Office) -> list[Verdict]:
    """Judge the indexes that are new: one verdict a stretch, or one for each record keeper at fault.

    What has a fault comes again at the next run. Raises `PartyUnavailable`.
    """
    verdicts: list[Verdict] = []
    for log in office.logs:
        if log.dead:
            continue  # what is left of it may not be all of it
        verdicts += await _of_log(office, log)
        verdicts += await index_roots.run(office, log)
    return verdicts


async def _of_log(office: Office, log: Log) -> list[Verdict]:
    verdicts: list[Verdict] = []
    while True:
        told, faults = await _next(office, log)
        if faults:
            return [*verdicts, *await _keep(office, faults)]
        if not told:
            return verdicts
        verdict = _compared(office, told)
        await _keep(office, [verdict])
        verdicts.append(verdict)
        if verdict.fault:
            return verdicts
        for each in told:
            name, data = _mark(each.root.keeper, log), each.encoded
            await office.db.write(partial(audit_store.set_count, converter=name, statement=data))


async def _next(office: Office, log: Log) -> tuple[list[_Told], list[Verdict]]:
    """The next index of every record keeper; nothing while one of them has none yet."""
    told: list[_Told] = []
    faults: list[Verdict] = []
    for name in office.law.in_force(office.clock()).keeper_parties:
        try:
            found = await _told(office, name, log)
        except _TRY_AGAIN:
            raise
        except Problem as fault:
            faults.append(_verdict(office, name, fault.code, b"", 0))
            continue
        if found is None:
            return [], faults
        told.append(found)
    return told, faults


async def _told(office: Office, name: PartyName, log: Log) -> _Told | None:
    last = audit_store.last_count(office.db.read(), _mark(name, log))
    before = decode(last, IndexRoot) if last else None
    given = await office.peers.ask(name, INDEXES, IndexesAsked(log.origin, before.end if before else 0))
    if not given.roots:
        return None
    shown = decode(given.roots[0], RootShown)
    root = opened(shown.root, shown.signature, office.key(name))
    if root.origin != log.origin or origin_of(shown.note) != log.origin:
        raise IndexChainBroken(part="keeper", number=0)
    index_check.check_chain([root], before)
    heads, keys = Heads(), office.log_keys()
    heads.verify(shown.index, shown.path, shown.note, shown.entry, keys)
    index_check.check_logged(root, shown.index, Entry.decode(shown.entry))
    entries = await entries_between(office.peers, log, heads, keys, root.start, root.end)
    return _Told(root, shown.root, index_check.audit(root, await _rows(office, name, root), entries))


async def _rows(office: Office, name: PartyName, root: IndexRoot) -> list[OpenedRow]:
    rows: list[OpenedRow] = []
    while len(rows) < root.size:
        page = (
            await office.peers.ask(name, INDEX_ROWS, IndexRowsAsked(root.origin, root.start, len(rows)))
        ).rows
        if not page:
            break
        rows += [decode(row, OpenedRow) for row in page]
    return rows


def _compared(office: Office, told: Sequence[_Told]) -> Verdict:
    root = told[0].root
    span = root.start.to_bytes(8, "big") + root.end.to_bytes(8, "big")
    try:
        for other in told[1:]:
            index_check.compare((root, told[0].lists), (other.root, other.lists))
    except IndexKeepersDiffer as fault:
        return _verdict(office, "", fault.code, span, root.total)
    return _verdict(office, "", "", span, root.total)


def _verdict(office: Office, party: str, fault: str, subject: bytes, entries: int) -> Verdict:
    return Verdict("index", office.clock(), subject, party, fault, entries)


async def _keep(office: Office, verdicts: list[Verdict]) -> list[Verdict]:
    for verdict in verdicts:
        await office.db.write(partial(audit_store.judge, verdict=verdict, requests=[]))
    return verdicts


def _mark(keeper: str, log: Log) -> str:
    return f"index/{keeper}/{log.origin}"
