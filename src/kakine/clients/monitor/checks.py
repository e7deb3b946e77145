"""The checks: each is one function over what a round has read, and gives what it finds. `CHECKS` is all of them.

A new check is one more `Check` in that list; what it needs to have read goes into `Reading`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import msgspec

from kakine.clients.monitor import count_checks, erasures, index_checks, keeper_checks, seals
from kakine.clients.monitor.erasures import Whole
from kakine.clients.monitor.findings import Code, Evidence, Fact, Finding
from kakine.clients.monitor.reading import Reading
from kakine.clients.monitor.tail import MALFORMED
from kakine.wire.checkpoint import Checkpoint

R = TypeVar("R")


@dataclass(frozen=True)
class Check(Generic[R]):
    """`find` gives what is wrong; `lacks` says in English why a reading cannot be judged, empty if it can. What a check
    of this `name` sees to stands in texts.json."""

    name: str
    find: Callable[[R], Iterator[Finding]]
    lacks: Callable[[R], str] = lambda _: ""


_MINUTE_MS = 60_000
_MOST = 16
"""Findings of one check in one round that name single entries."""


def refusals(reading: Reading) -> Iterator[Finding]:
    """Parties that gave no answer or did not start."""
    yield from (each.finding() for each in reading.refusals)


def signature(reading: Reading) -> Iterator[Finding]:
    """The head is a signed note of this log, by its key."""
    if reading.head_problem:
        yield reading.finding(Code.HEAD_UNSIGNED, problem=reading.head_problem)


def other_heads(reading: Reading) -> Iterator[Finding]:
    """Every head that anybody has seen, this monitor among them, is a beginning of the present one."""
    for head in reading.heads:
        if head.at is None:
            facts: dict[str, Fact] = {"who": head.who, "problem": head.problem}
            yield Finding(Code.REPORTED_HEAD_UNSIGNED, facts, Evidence((head.note,)))
        else:
            yield from _contradiction(reading, head.who, head.at, head.note)


def earlier_heads(reading: Reading) -> Iterator[Finding]:
    """Nor does any head of earlier runs contradict it: after a step back a fork may begin before the newest of them."""
    at = reading.at
    for seen in reading.known.heads[:-1]:
        if at is not None and seen.at.size <= at.size:
            yield from _contradiction(reading, "monitor", seen.at, seen.note)


def _contradiction(reading: Reading, who: str, seen: Checkpoint, note: bytes) -> Iterator[Finding]:
    at = reading.at
    if at is None:
        return
    sizes: dict[str, Fact] = {"who": who, "other_size": seen.size, "size": at.size}
    if seen.size > at.size:
        yield Finding(Code.HEAD_ROLLED_BACK, sizes, Evidence((reading.note, note)))
    elif seen.size == at.size and seen.root != at.root:
        yield Finding(Code.HEAD_FORKED, sizes, Evidence((note, reading.note)))
    elif seen.size < at.size and reading.root_at(seen.size) not in (None, seen.root):
        yield Finding(Code.HEAD_FORKED, sizes, Evidence((note, reading.note), grown=(seen.size, at.size)))


def entries_fit(reading: Reading) -> Iterator[Finding]:
    """The served entries give the signed root."""
    if reading.at is not None and reading.tail is not None and not reading.whole_fits:
        yield reading.finding(Code.ENTRIES_DIFFER, size=reading.at.size)


def well_formed(reading: Reading) -> Iterator[Finding]:
    """Every new entry has the one form of an entry."""
    tail = reading.tail
    if tail is not None:
        wrong = [at for at, kind in enumerate(tail.kinds, tail.first) if kind == MALFORMED]
        for index in wrong[:_MOST]:
            yield reading.finding(Code.ENTRY_MALFORMED, index, index=index)


def tiles(reading: Reading) -> Iterator[Finding]:
    """Every served tile of the new entries, and of the right edge, holds what the entries give."""
    for path, problem in reading.tile_faults:
        yield reading.finding(Code.TILE_DIFFERS, path=path, problem=problem)


def times(reading: Reading) -> Iterator[Finding]:
    """Times in entries do not go back by more than is allowed, nor ahead of this monitor's clock."""
    return islice(_wrong_times(reading), _MOST)


def _wrong_times(reading: Reading) -> Iterator[Finding]:
    now, allowed = reading.now_ms // _MINUTE_MS, reading.limits.skew_minutes
    before, latest = reading.known.latest if reading.goes_on else (0, 0)
    for index, kind, minutes in reading.new_entries():
        if kind == MALFORMED:
            continue
        if minutes < latest - allowed:
            back = latest - minutes
            yield reading.finding(
                Code.TIME_WENT_BACK,
                before,
                index,
                index=index,
                before=before,
                minutes=back,
                allowed=allowed,
            )
        elif minutes > now + allowed:
            yield reading.finding(Code.TIME_AHEAD, index, index=index, minutes=minutes - now)
        if minutes > latest:
            before, latest = index, minutes


def silence(reading: Reading) -> Iterator[Finding]:
    """Where an entry every so often is promised, none is late. Entries tell minutes, so a gap of g is at least g - 1.

    Without a promise nothing is judged: a country that is not running is silent, and may be.
    """
    return islice(_gaps(reading, reading.limits.heartbeat_s or 0), _MOST)


def _gaps(reading: Reading, promised: int) -> Iterator[Finding]:
    last = reading.known.last_minutes if reading.goes_on else None
    index = reading.known.at.size - 1 if reading.goes_on else -1
    for index, kind, minutes in reading.new_entries():
        if last is not None and kind != MALFORMED and (minutes - last - 1) * 60 > promised:
            before, gap = index - 1, minutes - last
            yield reading.finding(
                Code.LOG_SILENT,
                before,
                index,
                before=before,
                index=index,
                minutes=gap,
                promised=promised,
            )
        last = None if kind == MALFORMED else minutes
    gap = reading.now_ms // _MINUTE_MS - (last or 0)
    if last is not None and (gap - 1) * 60 > promised:
        yield reading.finding(Code.LOG_SILENT_NOW, index, index=index, minutes=gap, promised=promised)


def _unfit(whole: Whole) -> str:
    return next((lacks for reading in whole.readings if (lacks := _no_keeper(reading))), "")


def _unread(whole: Whole) -> str:
    return "" if all(reading.fits for reading in whole.readings) else "not every log holds"


def _no_statements(whole: Whole) -> str:
    return next((lacks for reading in whole.readings if (lacks := _no_converter(reading))), "")


def _no_notices(whole: Whole) -> str:
    if whole.erasing is None:
        return "no commission can be asked here"
    return _unread(whole)


def _no_tail(reading: Reading) -> str:
    return "" if reading.tail is not None else "no signed head, or its entries could not be read"


def _no_promise(reading: Reading) -> str:
    return _no_tail(reading) or (
        "" if reading.limits.heartbeat_s else "no interval is promised (--heartbeat)"
    )


def _no_tiles(reading: Reading) -> str:
    return _no_tail(reading) or ("" if reading.watched.source.has_tiles else "no folder of tiles is given")


def _no_index_promised(reading: Reading) -> str:
    return _no_keeper(reading) or ("" if reading.limits.index_minutes else "no index is promised (--indexed)")


def _no_keeper(reading: Reading) -> str:
    if not reading.watched.keepers:
        return "no record keeper can be asked here"
    return "" if reading.fits else "the log itself does not hold, so there is nothing to compare with"


def _no_converter(reading: Reading) -> str:
    if not reading.watched.converters:
        return "no converter can be asked here"
    return "" if reading.fits else "the log itself does not hold, so there is nothing to compare with"


CHECKS: tuple[Check[Reading], ...] = (
    Check("answers", refusals),
    Check("signature", signature),
    Check("one-history", other_heads),
    Check("no-old-fork", earlier_heads),
    Check("root", entries_fit, _no_tail),
    Check("form", well_formed, _no_tail),
    Check("tiles", tiles, _no_tiles),
    Check("times", times, _no_tail),
    Check("silence", silence, _no_promise),
    Check("statements", keeper_checks.statements, _no_keeper),
    Check("held", keeper_checks.held, _no_keeper),
    Check("owed", keeper_checks.owed, _no_keeper),
    Check("indexes", index_checks.signed, _no_keeper),
    Check("index-line", index_checks.in_line, _no_keeper),
    Check("index-log", index_checks.logged, _no_keeper),
    Check("index-totals", index_checks.totals, _no_keeper),
    Check("index-pairs", index_checks.agreed, _no_keeper),
    Check("index-rows", index_checks.remade, _no_keeper),
    Check("index-late", index_checks.late, _no_index_promised),
    Check("counts", count_checks.signed, _no_converter),
    Check("count-line", count_checks.in_line, _no_converter),
    Check("count-log", count_checks.logged, _no_converter),
    Check("count-totals", count_checks.totals, _no_converter),
)
"""Of each log."""

TOGETHER: tuple[Check[Whole], ...] = (
    Check("outcomes", keeper_checks.outcome_counts, _unfit),
    Check("releases", lambda whole: count_checks.released(whole.readings), _no_statements),
    Check("notices", erasures.notices, _no_notices),
    Check("notices-log", erasures.logged, _no_notices),
    Check("erased", erasures.overdue, _no_notices),
    Check("seals", seals.overdue, _unread),
)
"""Of all logs that were looked at, together."""


def judge(reading: Reading) -> dict[str, list[Finding]]:
    """What each check of one log finds, by its name; each thing once."""
    found = _judged(CHECKS, reading)
    origin = reading.watched.origin
    return {
        name: [msgspec.structs.replace(each, log=origin) for each in these] for name, these in found.items()
    }


def judge_together(whole: Whole) -> dict[str, list[Finding]]:
    """What each check of all logs finds."""
    return _judged(TOGETHER, whole)


def _judged(checks: Sequence[Check[R]], read: R) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    seen: set[str] = set()
    for check in checks:
        found[check.name] = []
        for finding in () if check.lacks(read) else check.find(read):
            if finding.key not in seen:
                seen.add(finding.key)
                found[check.name].append(finding)
    return found
