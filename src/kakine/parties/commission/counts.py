"""The counting audit at work: stretch after stretch of the log, all converters over the same (spec/counting.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.clients.log import pages_between
from kakine.contracts.call import Nothing
from kakine.contracts.converter import STATEMENT, CountAsked
from kakine.contracts.ledger import CHECKPOINT
from kakine.parties.commission import audit_store
from kakine.parties.commission.audit_office import Office
from kakine.parties.commission.audit_store import Verdict
from kakine.protocols import counting
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, LogKey, open_logs
from kakine.runtime.database import Connection
from kakine.values.calendar import minutes
from kakine.values.labels import PartyName
from kakine.values.problems import CountMismatch, OutcomeUnreleased, PartyUnavailable, Problem, StoreFailed
from kakine.wire import checkpoint as notes
from kakine.wire import counting as wire
from kakine.wire.canonical import decode
from kakine.wire.counting import Count
from kakine.wire.entry import Entry, EntryKind

SETTLED_MINUTES = 12
"""How old the entries of a stretch are: two minutes more than converters ask for, as their clocks may differ."""

MOST = 1 << 16
"""Entries of one stretch, all of them in memory while it is judged."""

_TRY_AGAIN = (PartyUnavailable, StoreFailed)


@dataclass(frozen=True)
class Stretch:
    """The entries start … end - 1 of the log."""

    start: int
    end: int
    entries: dict[int, Entry]


@dataclass(frozen=True)
class Stated:
    """What one converter says of a stretch, checked by itself."""

    count: Count
    data: bytes
    places: tuple[int, ...]


async def run(office: Office) -> list[Verdict]:
    """Judge what is settled of each open log, a stretch of at most `MOST` entries after the other: a verdict for each
    fault, or one a stretch.

    Where the stretch ends is kept before a converter is asked, so that after an interruption all state the same one. A
    stretch with a fault comes again at the next run: nothing goes on until somebody has looked. An outcome stands in
    another log than its request where that one was away, so at last all logs are judged together.
    """
    verdicts = [verdict for log in open_logs(office.logs) for verdict in await _of_log(office, log)]
    if verdicts and not any(verdict.fault for verdict in verdicts) and await _spare(office, office.logs) < 0:
        fault = _verdict(office, Stretch(0, 0, {}), "", OutcomeUnreleased.code)
        await office.db.write(lambda db: audit_store.judge(db, fault, []))
        verdicts.append(fault)
    return verdicts


async def _of_log(office: Office, log: Log) -> list[Verdict]:
    verdicts: list[Verdict] = []
    while True:
        stretch = await _stretch(office, log)
        if stretch.end > stretch.start:
            verdicts += await _of_stretch(office, log, stretch)
        if stretch.end - stretch.start < MOST or any(each.fault for each in verdicts):
            return verdicts


async def _of_stretch(office: Office, log: Log, stretch: Stretch) -> list[Verdict]:
    await office.db.write(lambda db: audit_store.set_mark(db, _mark("end", log), stretch.end))
    stated: list[Stated] = []
    faults: list[Verdict] = []
    for name in office.converters:
        try:
            stated.append(await _stated(office, name, log, stretch))
        except _TRY_AGAIN:
            raise
        except Problem as fault:
            faults.append(_verdict(office, stretch, name, fault.code))
    if not faults:
        try:
            return [await _together(office, log, stretch, stated)]
        except (CountMismatch, OutcomeUnreleased) as fault:
            faults.append(_verdict(office, stretch, "", fault.code))

    def keep(db: Connection) -> None:
        for verdict in faults:
            audit_store.judge(db, verdict, [])

    await office.db.write(keep)
    return faults


def _mark(name: str, log: Log) -> str:
    return f"count-{name}/{log.origin}"


async def _stretch(office: Office, log: Log) -> Stretch:
    """What was begun and not finished, or all that is settled by now."""
    db = office.db.read()
    start, end = audit_store.mark(db, _mark("start", log)), audit_store.mark(db, _mark("end", log))
    begun = end > start
    keys, heads = office.log_keys(), Heads()
    given = await office.peers.ask(log.ledger, CHECKPOINT, Nothing())
    size = notes.open(given.checkpoint, log.origin, keys[log.origin]).size
    size = end if begun else min(size, start + MOST)
    newest = minutes(office.clock()) - SETTLED_MINUTES
    entries: dict[int, Entry] = {}
    async for page in pages_between(office.peers, log, heads, keys, start, size):
        for place, entry in page.items():
            if not begun and entry.minutes > newest:
                return Stretch(start, place, entries)
            entries[place] = entry
    return Stretch(start, start + len(entries), entries)


async def _stated(office: Office, name: PartyName, log: Log, stretch: Stretch) -> Stated:
    """A converter's statement of this stretch: signed, logged, behind its last one, over the places it shows."""
    given = await office.peers.ask(name, STATEMENT, CountAsked(log.origin, stretch.end))
    count = wire.opened(given.statement, given.signature, office.key(name))
    counting.check_is_of(count, name, office.converters.index(name) + 1, log.origin)
    before = audit_store.last_count(office.db.read(), f"{name}/{log.origin}")
    counting.check_chain([count], decode(before, Count) if before else None)
    receipt = given.receipt
    if notes.origin_of(receipt.checkpoint) != log.origin:
        raise CountMismatch(converter=str(name), part="entry")
    Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, given.entry, office.log_keys())
    counting.check_logged(count, receipt.first, Entry.decode(given.entry))
    places = wire.unpack_places(given.places)
    counting.check_places(count, places, stretch.entries, given.salt)
    return Stated(count, given.statement, places)


async def _together(office: Office, log: Log, stretch: Stretch, stated: Sequence[Stated]) -> Verdict:
    """The verdict without a fault, kept together with how far the audit has come. Raises what the rules raise."""
    agreed = counting.agree([(each.count, each.places) for each in stated])
    carried = audit_store.mark(office.db.read(), _mark("waiting", log))
    span, others = (stretch.start, stretch.end), [each for each in office.logs if each != log]
    spare = max(0, await _spare(office, others))  # what they owe, requests of this log may have answered
    waiting = counting.check_outcomes(agreed.common, stretch.entries, span, carried + spare) - spare
    verdict = _verdict(office, stretch, "", "", len(agreed.common))

    def keep(db: Connection) -> None:
        for each in stated:
            audit_store.set_count(db, f"{each.count.converter}/{log.origin}", each.data)
        audit_store.set_mark(db, _mark("waiting", log), waiting)
        audit_store.set_mark(db, _mark("start", log), stretch.end)
        audit_store.judge(db, verdict, [])

    await office.db.write(keep)
    return verdict


async def _spare(office: Office, logs: Sequence[Log]) -> int:
    """Released requests of these logs that no outcome in them answers, less outcomes there that answer none of them;
    requests that are not judged yet are taken as released, and so is every entry that a dead log had and may have
    lost."""
    spare, keys, heads = 0, office.log_keys(), Heads()
    for log in logs:
        db = office.db.read()
        start, waiting = (
            audit_store.mark(db, _mark("start", log)),
            audit_store.mark(db, _mark("waiting", log)),
        )
        if log.dead and isinstance(log.key, LogKey):
            spare += waiting + max(0, log.key.final.size - start)
            continue
        given = await office.peers.ask(log.ledger, CHECKPOINT, Nothing())
        size = notes.open(given.checkpoint, log.origin, keys[log.origin]).size
        spare += waiting
        async for page in pages_between(office.peers, log, heads, keys, start, size):
            spare += sum(entry.kind is EntryKind.REQUEST for entry in page.values())
    return spare


def _verdict(office: Office, stretch: Stretch, party: str, fault: str, common: int = 0) -> Verdict:
    subject = stretch.start.to_bytes(8, "big") + stretch.end.to_bytes(8, "big")
    return Verdict("count", office.clock(), subject, party, fault, common)
