"""The yearly letter (年次のお知らせ): counts of one year in Japan out of a verified reading, and of nothing else.

`web/static/history/year.js` counts the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from kakine.cli.own_history import Read, Seen
from kakine.values.calendar import in_japan
from kakine.wire.answer import Result
from kakine.wire.entry import Entry, EntryKind

_WENT = frozenset({Result.DELIVERED, Result.PARTIAL})


@dataclass(frozen=True)
class Yearly:
    """`asked` requests under rows of the order, of which `exchanged` got something; `organisations` are (party, how
    often it got something, how often it asked), `results` (result, how often). `own` is every other line, `erased` the
    entries of the year of which it cannot be said any more what they were. The rest as in `Read`."""

    year: int
    asked: int
    exchanged: int
    organisations: tuple[tuple[str, int, int], ...]
    results: tuple[tuple[str, int], ...]
    own: int
    erased: int
    provisional: int
    complete: bool
    public: bool

    @property
    def receivers(self) -> int:
        """How many organisations got something."""
        return sum(went > 0 for _, went, _ in self.organisations)


def yearly(read: Read, year: int) -> Yearly:
    """The counts of a year."""
    lines = [line for line in read.lines if _year(line.time_ms) == year]
    asked = [line for line in lines if _asks(line)]
    went = Counter(_party(line) for line in asked if line.result in _WENT)
    by = Counter(_party(line) for line in asked)
    return Yearly(
        year,
        len(asked),
        went.total(),
        tuple((party, went[party], count) for party, count in sorted(by.items())),
        tuple(sorted(Counter(line.result for line in asked).items())),
        len(lines) - len(asked),
        sum(_year(each.entry.minutes * 60_000) == year for each in read.erased),
        read.provisional,
        read.complete,
        read.public,
    )


def _year(time_ms: int) -> int:
    return in_japan(time_ms).year


def _asks(line: Seen) -> bool:
    return Entry.decode(line.entry).kind is EntryKind.REQUEST and bool(line.rows)


def _party(line: Seen) -> str:
    return line.requester.partition("/")[0]
