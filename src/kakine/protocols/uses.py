"""How often each row and ground was used: banded for the public, and what has not been used for long. Pure.

A cell is one row or ground between two domains in one month. Nothing is published but what follows from banded cells
of months that are over: so nobody can take a small count out of two tables, or out of two days' pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from kakine.protocols.gazette import Law
from kakine.values import calendar
from kakine.wire.gazette import Subject

LEAST = 10
"""Fewer people than this are not told from each other."""


@dataclass(frozen=True)
class Cell:
    """Counts of one day. `row` is empty for a ground that is no row. `asked` and `released` count requests, `people`
    those in released ones."""

    day: int
    ground: str
    row: str
    requester: str
    recipient: str
    asked: int
    released: int
    people: int

    @property
    def key(self) -> tuple[int, str, str, str, str]:
        """What it is about."""
        return self.day, self.ground, self.row, self.requester, self.recipient


def month_of(day: int) -> str:
    """`2026-11` for days since 1970-01-01."""
    return calendar.day(day).isoformat()[:7]


def month_over(month: str, day: int) -> bool:
    """Whether a month is over on this day."""
    return month < month_of(day)


def band(people: int) -> int:
    """What is published for a number of people: 0 for none, 1 for 1–9, else the full tens below it."""
    if people <= 0:
        return 0
    return 1 if people < LEAST else people // LEAST * LEAST


@dataclass(frozen=True)
class Banded:
    """At least so many, and whether cells of 1–9 are left out of that."""

    least: int = 0
    few: bool = False

    def plus(self, banded: int) -> Banded:
        """With one more cell."""
        if banded == 1:
            return Banded(self.least, few=True)
        return Banded(self.least + banded, self.few)


@dataclass(frozen=True)
class Public:
    """What anybody may see: by month, by row or ground, by pair of domains."""

    months: Mapping[str, Banded]
    rows: Mapping[str, Banded]
    pairs: Mapping[tuple[str, str], Banded]


def public(cells: Iterable[Cell], today: int) -> Public:
    """The tables of all months that are over, out of cells that were banded first."""
    sums: dict[tuple[str, str, str, str], int] = {}
    for cell in cells:
        month = month_of(cell.day)
        if month_over(month, today):
            key = (month, cell.row or cell.ground, cell.requester, cell.recipient)
            sums[key] = sums.get(key, 0) + cell.people
    months: dict[str, Banded] = {}
    rows: dict[str, Banded] = {}
    pairs: dict[tuple[str, str], Banded] = {}
    for (month, name, requester, recipient), people in sorted(sums.items()):
        banded = band(people)
        if banded:
            months[month] = months.get(month, Banded()).plus(banded)
            rows[name] = rows.get(name, Banded()).plus(banded)
            pair = requester, recipient
            pairs[pair] = pairs.get(pair, Banded()).plus(banded)
    return Public(months, rows, pairs)


# --- rows that nobody uses --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sunset:
    """After so many months without use a row is suspended by itself, `warn_days` after a warning; 0 months: never."""

    months: int = 0
    warn_days: int = 60


@dataclass(frozen=True)
class Idle:
    """A row that is not used: since which day, and when it will be suspended (0 if never)."""

    row: str
    since: int
    due: int


def months_after(day: int, months: int) -> int:
    """The same day of the month so many months later, or the last of that month."""
    found = calendar.day(day)
    at = found.year * 12 + found.month - 1 + months
    after = date(at // 12 + (at % 12 == 11), (at + 1) % 12 + 1, 1) - timedelta(days=1)
    return calendar.days(after.replace(day=min(found.day, after.day)))


def idle(
    laws: Iterable[Law], used: Mapping[str, int], counted_from: int, now_ms: int, today: int, rule: Sunset
) -> list[Idle]:
    """Every row of the law in force that is not suspended and has started, with the day from which on it is unused.

    `laws` are those that were in force, oldest first, the present one last; `used` the last day of use of a row. A row
    counts as unused from the latest of: its start, the version that brought it or lifted its suspension, its last use,
    and `counted_from`, the first day from which on every converter has told its counts.
    """
    chain = list(laws)
    present = chain[-1]
    since = _standing_since(chain)
    found = []
    for row in present.gazette.rows:
        if row.start > today or present.stands_still(Subject.ROW, row.id, now_ms):
            continue
        day = max(row.start, since.get(row.id, 0), used.get(row.id, -1) + 1, counted_from)
        due = months_after(day, rule.months) if rule.months else 0
        found.append(Idle(row.id, day, due))
    return sorted(found, key=lambda each: (each.since, each.row))


def _standing_since(laws: list[Law]) -> dict[str, int]:
    """By row the day since when it has stood in the law as it stands, and without a suspension of its own."""
    since: dict[str, int] = {}
    before: dict[str, object] = {}
    for law in laws:
        day = law.starts_ms // 86_400_000
        now = {row.id: row for row in law.gazette.rows}
        for stop in law.gazette.suspensions:
            if stop.subject is Subject.ROW:
                now.pop(stop.name, None)
                if stop.until:
                    since[stop.name] = max(since.get(stop.name, 0), stop.until + 1)
        for name, row in now.items():
            if before.get(name) != row:
                since[name] = max(since.get(name, 0), day) if name in since else day
        before = dict(now)
    return since


def due(rows: Iterable[Idle], today: int) -> list[str]:
    """Those whose day has come."""
    return [each.row for each in rows if each.due and each.due <= today]


def warned(rows: Iterable[Idle], today: int, rule: Sunset) -> list[Idle]:
    """Those that will be suspended before the warning is over."""
    return [each for each in rows if each.due and today < each.due <= today + rule.warn_days]
