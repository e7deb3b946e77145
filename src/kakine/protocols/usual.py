"""How usual each row of a task is, out of banded cells alone. Pure.

Converters count row by row and never which rows one question asked together. So the measure of a task is the row that
it asks about the most people, and the others stand beside that one, in three words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kakine.protocols.uses import LEAST, Cell, band, month_of, month_over
from kakine.wire.gazette import Row
from kakine.wire.usual import Share, Usual, UsualRow, UsualTask

MONTHS = 12
"""So many months that are over count, at most."""
LEAST_TASK = 100
"""Of a task whose most-asked row has fewer people than this nothing is said."""


@dataclass(frozen=True)
class _Between:
    """People, as far as bands tell."""

    least: int = 0
    most: int = 0

    def plus(self, banded: int) -> _Between:
        """With one more cell that is not empty: 1 stands for 1–9."""
        least = 0 if banded == 1 else banded
        return _Between(self.least + least, self.most + least + LEAST - 1)


def usual_of(cells: Iterable[Cell], rows: Iterable[Row], today: int) -> Usual | None:
    """Of these rows, those of the law in force, in the last months that are over; None where no such month was counted.

    A pair of domains in a month is banded before anything is added, and what is said follows from the bands: it is the
    same for all counts within them (**CON-8.2**). A row that began within these months would only seem to be seldom
    asked, so nothing is said of it.
    """
    known = {row.id: row for row in rows}
    sums: dict[tuple[str, str, str, str], int] = {}
    for cell in cells:
        month = month_of(cell.day)
        if cell.row in known and month_over(month, today):
            key = month, cell.row, cell.requester, cell.recipient
            sums[key] = sums.get(key, 0) + cell.people
    counted = sorted({key[0] for key, people in sums.items() if band(people)})[-MONTHS:]
    if not counted:
        return None
    known = {name: row for name, row in known.items() if month_of(row.start) < counted[0]}
    people: dict[str, _Between] = dict.fromkeys(known, _Between())
    for (month, row, _, _), count in sums.items():
        if row in known and month >= counted[0] and band(count):
            people[row] = people[row].plus(band(count))
    tasks: dict[str, list[Row]] = {}
    for name in sorted(known):
        tasks.setdefault(known[name].procedure, []).append(known[name])
    made = (_task(ground, rows_, people) for ground, rows_ in sorted(tasks.items()))
    told = tuple(task for task in made if task is not None)
    return Usual(_number(counted[0]), _number(counted[-1]), told)


def _task(ground: str, rows: list[Row], people: Mapping[str, _Between]) -> UsualTask | None:
    top = max(rows, key=lambda row: people[row.id].least)
    if len(rows) < 2 or people[top.id].least < LEAST_TASK:
        return None
    shares = {row.id: Share.USUAL if row is top else _share(people[row.id], people[top.id]) for row in rows}
    told = ((row, share) for row in rows if (share := shares[row.id]) is not None)
    return UsualTask(ground, tuple(UsualRow(row.id, row.item, share) for row, share in told))


def _share(row: _Between, top: _Between) -> Share | None:
    """None where the bands allow more than one."""
    if 10 * row.least >= 9 * top.most:
        return Share.USUAL
    if 10 * row.most <= top.least:
        return Share.SELDOM
    if 10 * row.most < 9 * top.least and 10 * row.least > top.most:
        return Share.SOMETIMES
    return None


def _number(month: str) -> int:
    """Months since 2000-01 of `2026-11`."""
    return (int(month[:4]) - 2000) * 12 + int(month[5:]) - 1
