"""The checks of converters' statements that anybody can make (spec/monitor.md section 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kakine.clients.monitor.counts import CountShelf
from kakine.clients.monitor.findings import Code, Fact, Finding
from kakine.clients.monitor.reading import Reading
from kakine.protocols.counting import check_chain, check_number
from kakine.values.problems import CountChainBroken, CountMismatch
from kakine.wire.entry import EntryKind


def signed(reading: Reading) -> Iterator[Finding]:
    """Every statement is signed by its converter and proves where it stands in the log."""
    for shelf in reading.counted:
        for number, problem in shelf.invalid:
            yield reading.finding(Code.COUNT_INVALID, party=shelf.converter, number=number, problem=problem)


def in_line(reading: Reading) -> Iterator[Finding]:
    """A converter's statements follow each other without gap or overlap, from the first entry on."""
    for shelf in reading.counted:
        try:
            check_chain([each.count for each in shelf.stated])
        except CountChainBroken as problem:
            number = int(str(problem.facts["number"]))
            said = tuple(each.said for each in shelf.stated[max(number - 1, 0) : number + 1])
            start = shelf.stated[number].count.start
            facts: dict[str, Fact] = {"party": shelf.converter, "number": number, "start": start}
            yield reading.finding(Code.COUNT_OUT_OF_LINE, said=said, **facts)


def logged(reading: Reading) -> Iterator[Finding]:
    """Every statement in the log is shown by the converter that its mask names, and every one shown is there."""
    entries = reading.published(EntryKind.STATEMENT)
    size = reading.at.size if reading.at is not None else 0
    for shelf in reading.counted:
        for each in shelf.elsewhere(entries, size):
            facts: dict[str, Fact] = {"party": shelf.converter, "index": each.index}
            yield reading.finding(Code.COUNT_NOT_THERE, said=(each.said,), **facts)
        for index in shelf.unshown(entries):
            yield reading.finding(Code.COUNT_HIDDEN, index, party=shelf.converter, index=index)


def totals(reading: Reading) -> Iterator[Finding]:
    """No converter states more releases of a stretch than there are requests in it that name it."""
    tail = reading.unindexed
    for shelf in reading.counted:
        for each in shelf.stated:
            count = each.count
            if count.start < tail.first or count.end > tail.end:
                continue  # found right before, or logged behind the head that was read
            named = tail.named(shelf.position, count.start, count.end)
            try:
                check_number(count, named)
            except CountMismatch:
                facts: dict[str, Fact] = {"start": count.start, "last": count.end - 1}
                yield reading.finding(
                    Code.COUNT_TOO_MANY,
                    said=(each.said,),
                    party=shelf.converter,
                    stated=count.count,
                    log=named,
                    **facts,
                )


def right_until(reading: Reading, shelf: CountShelf) -> int:
    """Up to where the statements of a converter need not be held against the entries again."""
    wrong = {
        finding.facts["start"] for finding in totals(reading) if finding.facts["party"] == shelf.converter
    }
    until = 0
    for each in shelf.stated:
        if each.count.start != until or each.count.start in wrong or each.count.end > reading.unindexed.end:
            break
        until = each.count.end
    return until


def released(readings: Sequence[Reading]) -> Iterator[Finding]:
    """In all logs together there are no more outcomes than a converter has released requests before them.

    Outcomes are counted where its statements reach; requests behind that place may have been released and not be stated
    yet, so all of them that name the converter are taken as released.
    """
    shelves: dict[str, list[tuple[Reading, CountShelf]]] = {}
    for reading in readings:
        for shelf in reading.counted:
            shelves.setdefault(shelf.converter, []).append((reading, shelf))
    for converter, each_log in shelves.items():
        outcomes = stated = unstated = 0
        for reading, shelf in each_log:
            until, tail = right_until(reading, shelf), reading.unindexed
            if until < tail.first:
                break  # something that was right before is no longer shown: other checks name it
            stated += sum(each.count.count for each in shelf.stated if each.count.end <= until)
            unstated += tail.named(shelf.position, until, tail.end)
            outcomes += sum(page.outcomes for page in reading.pages.values()) - tail.outcomes(until)
        else:
            if outcomes <= stated + unstated:
                continue
            facts: dict[str, Fact] = {"party": converter, "outcomes": outcomes, "stated": stated}
            yield Finding(Code.OUTCOMES_UNRELEASED, {**facts, "unstated": unstated})
