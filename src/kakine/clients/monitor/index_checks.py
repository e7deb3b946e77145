"""The checks of record keepers' indexes that anybody can make (spec/index.md section 5, spec/monitor.md section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from kakine.clients.monitor.findings import Code, Fact, Finding
from kakine.clients.monitor.indexes import Placed, Shelf, elsewhere, unshown
from kakine.clients.monitor.reading import Reading
from kakine.protocols.index_check import check_chain, check_day_totals
from kakine.values.problems import IndexChainBroken, IndexTotalWrong
from kakine.wire.entry import Entry

_MINUTE_MS = 60_000
SEALED = -1
"""In place of a day: the count of sealed entries."""


def signed(reading: Reading) -> Iterator[Finding]:
    """Every index is signed by its keeper and proves where it stands in the log."""
    for shelf in reading.shelves:
        for number, problem in shelf.invalid:
            yield reading.finding(Code.INDEX_INVALID, party=shelf.keeper, number=number, problem=problem)
        for each in shelf.placed:
            if each.problem:
                facts: dict[str, Fact] = {"party": shelf.keeper, "number": each.root.start}
                yield reading.finding(Code.INDEX_INVALID, said=(each.said,), problem=each.problem, **facts)


def in_line(reading: Reading) -> Iterator[Finding]:
    """A keeper's indexes follow each other without gap or overlap, from the first entry on."""
    for shelf in reading.shelves:
        try:
            check_chain([each.root for each in shelf.placed])
        except IndexChainBroken as problem:
            number = int(str(problem.facts["number"]))
            around = shelf.placed[max(number - 1, 0) : number + 1]
            yield reading.finding(
                Code.INDEX_OUT_OF_LINE,
                said=tuple(each.said for each in around),
                party=shelf.keeper,
                start=around[-1].root.start,
                number=number,
                part=str(problem.facts["part"]),
            )


def logged(reading: Reading) -> Iterator[Finding]:
    """Every index that is shown stands in the log, and every index in the log is shown."""
    entries = reading.index_entries
    for shelf in reading.shelves:
        for each in elsewhere(entries, shelf, _size(reading)):
            facts: dict[str, Fact] = {"party": shelf.keeper, "start": each.root.start, "index": each.index}
            yield reading.finding(Code.INDEX_NOT_THERE, said=(each.said,), **facts)
    for index in sorted(unshown(entries, reading.shelves)):
        party = reading.owners.get(index)
        if not _on_its_way(reading, entries[index], party):
            if party is None:
                among = ", ".join(shelf.keeper for shelf in reading.shelves)
                yield reading.finding(Code.INDEX_OF_NOBODY, index, index=index, among=among)
            else:
                yield reading.finding(Code.INDEX_HIDDEN, index, index=index, party=party)


def _within(reading: Reading, shelf: Shelf) -> list[Placed]:
    """Those that were logged before the head that was read."""
    return [each for each in shelf.placed if each.index < _size(reading)]


def _size(reading: Reading) -> int:
    return reading.at.size if reading.at is not None else 0


def _on_its_way(reading: Reading, entry: bytes, party: str | None) -> bool:
    """Logged, and the receipt not yet back at a keeper that says so."""
    age = reading.now_ms // _MINUTE_MS - Entry.decode(entry).minutes
    asked = (each for each in reading.answers if party in (None, each.keeper))
    waits = any(each.standing is not None and each.standing.unlogged for each in asked)
    return waits and age < reading.limits.owed_minutes


def totals(reading: Reading) -> Iterator[Finding]:
    """Every index has as many entries of each day as the log. What was found right once is not counted again."""
    for shelf in reading.shelves:
        for each in _within(reading, shelf):
            wrong = _wrong_total(reading, each)
            if wrong is not None:
                day, index, log = (
                    int(str(wrong.facts.get(name, SEALED))) for name in ("day", "index", "log")
                )
                yield reading.finding(
                    Code.INDEX_COUNTS_WRONG,
                    said=(each.said,),
                    party=shelf.keeper,
                    start=each.root.start,
                    last=each.root.end - 1,
                    day=day,
                    stated=index,
                    log=log,
                )


def _wrong_total(reading: Reading, placed: Placed) -> IndexTotalWrong | None:
    root, unindexed = placed.root, reading.unindexed
    if root.start < unindexed.first:
        return None
    try:
        span = root.start, root.end
        check_day_totals(root, unindexed.days(*span), unindexed.withheld(*span))
    except IndexTotalWrong as problem:
        return problem
    return None


def agreed(reading: Reading) -> Iterator[Finding]:
    """Two record keepers index the same stretches, with as many lists and entries of each day."""
    for one, other in combinations(reading.shelves, 2):
        theirs = {each.root.start: each for each in other.placed}
        for each in one.placed:
            second = theirs.get(each.root.start)
            if second and (each.root.end, each.root.days) != (second.root.end, second.root.days):
                yield reading.finding(
                    Code.INDEXES_DIFFER,
                    said=(each.said, second.said),
                    party=one.keeper,
                    other=other.keeper,
                    start=each.root.start,
                )
                break  # what comes behind begins elsewhere


def remade(reading: Reading) -> Iterator[Finding]:
    """Every keeper can still make its indexes, out of the rows it holds, as it signed them."""
    shelves = {shelf.keeper: _within(reading, shelf) for shelf in reading.shelves}
    for answer in reading.answers:
        if answer.standing is None or answer.said is None:
            continue
        now = {each.start: each.root for each in answer.standing.indexes}
        for each in shelves.get(answer.keeper, ()):
            root = each.root
            if answer.first <= root.start < answer.end and now.get(root.start) != root.root:
                facts: dict[str, Fact] = {"party": answer.keeper, "start": root.start, "last": root.end - 1}
                yield reading.finding(Code.INDEX_ROWS_LOST, said=(answer.said, each.said), **facts)


def late(reading: Reading) -> Iterator[Finding]:
    """Where an index every so often is promised, none is late."""
    promised = reading.limits.index_minutes or 0
    for shelf in reading.shelves:
        until = max((each.root.end for each in shelf.placed), default=0)
        oldest = reading.unindexed.first_counted(until)
        if oldest is not None and reading.now_ms // _MINUTE_MS - oldest[1] > promised:
            index, minutes = oldest[0], reading.now_ms // _MINUTE_MS - oldest[1]
            yield reading.finding(
                Code.INDEX_LATE, index, party=shelf.keeper, index=index, minutes=minutes, promised=promised
            )


def right_until(reading: Reading) -> dict[str, int]:
    """By record keeper, up to where its indexes need not be counted again."""
    found = dict(reading.known.indexed) if reading.goes_on else {}
    for shelf in reading.shelves:
        until = 0
        for each in _within(reading, shelf):
            if each.root.start != until or each.problem or _wrong_total(reading, each) is not None:
                break
            until = each.root.end
        found[shelf.keeper] = until
    return found
