"""Erasure notices against the months that the logs themselves count (spec/retention.md section 6).

Judged over all logs together: a month's records stand in all of them, and a notice in one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from kakine.clients.monitor.findings import Code, Evidence, Fact, Finding, Said
from kakine.clients.monitor.reading import Reading
from kakine.contracts.retention import NoticeLogged
from kakine.protocols.erasure import Counted, KeyOf, check_notice, check_noticed, due, of_month
from kakine.protocols.heads import Heads
from kakine.values.calendar import month_name, month_start_ms
from kakine.values.labels import PartyName
from kakine.values.problems import ErasureMismatch, Problem
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.erasure import Notice, Order, Signed, notice_digest
from kakine.wire.request import Place

_DAY_MS = 86_400_000
_MOST = 16


@dataclass(frozen=True)
class Erasing:
    """Who erases, who has to have signed for it, and where all notices can be asked for. `converters` in any order."""

    notices: Callable[[], Awaitable[Sequence[NoticeLogged]]]
    commission: PartyName
    keepers: Sequence[PartyName]
    converters: Sequence[PartyName]
    key_of: KeyOf


@dataclass
class Whole:
    """Everything that one look has read of all logs."""

    readings: Sequence[Reading]
    erasing: Erasing | None = None
    notices: Sequence[NoticeLogged] = field(default_factory=list)

    @property
    def counted(self) -> Counted:
        """What expires when, by log."""
        return {reading.watched.origin: reading.months for reading in self.readings}


def notices(whole: Whole) -> Iterator[Finding]:
    """Every notice is signed by all who must, stands in a log, and counts what the logs have."""
    if whole.erasing is None:
        return
    done: set[int] = set()
    for number, each in enumerate(whole.notices):
        try:
            order = _checked(whole, whole.erasing, each)
            if order.expiry in done:
                raise ErasureMismatch(part="twice")
            done.add(order.expiry)
        except ErasureMismatch as problem:
            yield (
                _differs(whole, whole.erasing, each)
                if problem.facts["part"] == "log"
                else _wrong(number, problem)
            )
        except Problem as problem:
            yield _wrong(number, problem)


def _checked(whole: Whole, erasing: Erasing, each: NoticeLogged) -> Order:
    keys = {reading.watched.origin: reading.watched.key for reading in whole.readings}
    receipt = each.receipt
    Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, each.entry, keys)
    parties = erasing.commission, erasing.keepers, erasing.converters
    return check_notice(decode(each.notice, Notice), *parties, erasing.key_of, whole.counted)


def _wrong(number: int, problem: Problem) -> Finding:
    facts: dict[str, Fact] = {"number": number, "problem": problem.code}
    return Finding(Code.ERASURE_INVALID, {**facts, "part": str(problem.facts.get("part", ""))})


def _differs(whole: Whole, erasing: Erasing, each: NoticeLogged) -> Finding:
    signed: Signed = decode(each.notice, Notice).order
    order = decode(signed.data, Order)
    stated = sum(tally.count for tally in order.counts)
    log = sum(tally.count for tally in of_month(whole.counted, order.expiry))
    said = Said(signed.data, signed.signature, bytes(erasing.key_of(erasing.commission)))
    facts: dict[str, Fact] = {"month": month_name(order.expiry), "stated": stated, "log": log}
    return Finding(Code.ERASURE_DIFFERS, facts, Evidence(said=(said,)))


def logged(whole: Whole) -> Iterator[Finding]:
    """Notices in the logs are those that are shown, and those alone."""
    entries: dict[Place, Entry] = {}
    shown: dict[Place, bytes] = {}
    sizes: dict[str, int] = {}
    for reading in whole.readings:
        origin = reading.watched.origin
        sizes[origin] = reading.at.size if reading.at else 0
        found = reading.published(EntryKind.ERASURE).items()
        entries |= {Place(origin, index): Entry.decode(data) for index, data in found}
    for each in whole.notices:
        origin, index = origin_of(each.receipt.checkpoint), each.receipt.first
        if index < sizes.get(origin, 0):
            shown[Place(origin, index)] = notice_digest(each.notice)
    try:
        check_noticed(entries, shown)
    except ErasureMismatch as problem:
        place: dict[str, Fact] = {"log": str(problem.facts["log"]), "index": int(str(problem.facts["index"]))}
        yield Finding(Code.ERASURE_HIDDEN, place)


def overdue(whole: Whole) -> Iterator[Finding]:
    """Every month that is over is erased within the days that are allowed."""
    if not whole.readings:
        return
    now_ms, days = whole.readings[0].now_ms, whole.readings[0].limits.erased_days
    done = {decode(decode(each.notice, Notice).order.data, Order).expiry for each in whole.notices}
    late = [
        month
        for month in due(whole.counted, now_ms)
        if month not in done and now_ms >= month_start_ms(month + 1) + days * _DAY_MS
    ]
    for month in late[:_MOST]:
        count = sum(tally.count for tally in of_month(whole.counted, month))
        facts: dict[str, Fact] = {"month": month_name(month), "count": count, "days": days}
        yield Finding(Code.ERASURE_OVERDUE, facts)
