"""How usual a row is: only what bands make sure, in three words, and of small tasks nothing."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from kakine.protocols.uses import Cell, band
from kakine.protocols.usual import MONTHS, usual_of
from kakine.values.calendar import days
from kakine.wire.canonical import encode
from kakine.wire.gazette import Row
from kakine.wire.usual import Share, Usual

TODAY = days(date(2026, 11, 22))
OCTOBER = days(date(2026, 10, 5))
ROWS = [
    Row(f"{task}.{at}", task, "city", f"TK-000{at}", days(date(2020, 1, 1)), "f-1", "f-2")
    for task in ("JO1", "JO2")
    for at in (1, 2, 3, 4)
]


def cell(people: int, row: str, day: int = OCTOBER, requester: str = "a/x") -> Cell:
    return Cell(day, row.split(".")[0], row, requester, "b/y", people, people, people)


def shares(cells: list[Cell], rows: list[Row] = ROWS, today: int = TODAY) -> dict[str, Share]:
    found = usual_of(cells, rows, today)
    return {each.row: each.share for task in found.tasks for each in task.rows} if found else {}


def test_three_words_stand_for_nine_in_ten_between_and_one_in_ten() -> None:
    cells = [cell(1000, "JO1.1"), cell(915, "JO1.2"), cell(500, "JO1.3"), cell(90, "JO1.4")]
    assert shares(cells) == {
        "JO1.1": Share.USUAL,
        "JO1.2": Share.USUAL,
        "JO1.3": Share.SOMETIMES,
        "JO1.4": Share.SELDOM,
    }
    assert shares([cell(1000, "JO1.1")])["JO1.2"] is Share.SELDOM, "a row that nobody used"


def test_what_bands_leave_open_is_not_said() -> None:
    """905 may be nine in ten of 1,000–1,009 or not; 95 may be one in ten or not."""
    cells = [cell(1000, "JO1.1"), cell(905, "JO1.2"), cell(101, "JO1.3")]
    assert set(shares(cells)) == {"JO1.1", "JO1.4"}


def test_of_a_task_with_few_people_or_one_row_nothing_is_said() -> None:
    assert shares([cell(99, "JO1.1"), cell(9, "JO1.2")]) == {}
    assert shares([cell(100, "JO1.1")]) != {}
    many = [cell(9, "JO1.1", OCTOBER, f"a{at}/x") for at in range(1000)]
    assert shares(many) == {}, "cells of 1–9 count for nothing"
    assert shares([cell(1000, "JO1.1")], ROWS[:1]) == {}


def test_only_months_that_are_over_and_twelve_of_them_count() -> None:
    assert usual_of([cell(1000, "JO1.1", TODAY)], ROWS, TODAY) is None
    months = [days(date(2025 + at // 12, at % 12 + 1, 5)) for at in range(22)]
    found = usual_of([cell(1000, "JO1.1", day) for day in months], ROWS, TODAY)
    assert found is not None
    assert (found.first, found.last) == (26 * 12 + 9 - MONTHS + 1, 26 * 12 + 9)
    old = [cell(100_000, "JO1.2", months[0]), *[cell(1000, "JO1.1", day) for day in months]]
    assert shares(old)["JO1.2"] is Share.SELDOM


def test_a_row_that_began_within_the_months_is_not_called_seldom() -> None:
    young = [*ROWS[:3], Row("JO1.4", "JO1", "city", "TK-0004", OCTOBER - 1, "f-1", "f-2")]
    assert set(shares([cell(1000, "JO1.1")], young)) == {"JO1.1", "JO1.2", "JO1.3"}


CELLS = st.lists(
    st.builds(
        cell,
        st.integers(0, 1200),
        st.sampled_from([row.id for row in ROWS]),
        st.sampled_from([days(date(2026, month, 3)) for month in (8, 9, 10, 11)]),
        st.sampled_from(["a/x", "c/z"]),
    ),
    max_size=20,
)


def _told(cells: list[Cell], day: int) -> bytes:
    found: Usual | None = usual_of(cells, ROWS, day)
    return b"" if found is None else encode(found)


@given(CELLS)
def test_counts_within_their_bands_make_the_same_file(cells: list[Cell]) -> None:
    """So the file gives no count away, and no small one."""
    sums: dict[tuple[str, int, str], int] = {}
    for each in cells:
        key = each.row, each.day, each.requester
        sums[key] = sums.get(key, 0) + each.people
    least = [cell(band(n), row, day, who) for (row, day, who), n in sums.items()]
    most = [cell(band(n) and max(9, band(n) + 9 * (n > 9)), *key) for key, n in sums.items()]
    assert _told(cells, TODAY) == _told(least, TODAY) == _told(most, TODAY)


@given(CELLS, st.integers(1, 30))
def test_on_every_day_of_a_month_the_file_is_the_same(cells: list[Cell], day: int) -> None:
    at = days(date(2026, 11, day))
    assert _told([each for each in cells if each.day <= at], at) == _told(cells, TODAY)
