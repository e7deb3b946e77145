"""Banded counts give no small count away, and rows that nobody uses are found."""

from __future__ import annotations

from datetime import date

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from gazette_country import NOW, WAIT, altered, book, first, publish
from kakine.protocols.uses import (
    Banded,
    Cell,
    Sunset,
    band,
    due,
    idle,
    months_after,
    public,
    warned,
)
from kakine.values.calendar import day_in_japan
from kakine.wire.gazette import Subject, Suspension

TODAY = day_in_japan(NOW)
RULE = Sunset(24, 60)


def days(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()


def cell(day: int, people: int, row: str = "JO106.2", requester: str = "a/x", recipient: str = "b/y") -> Cell:
    return Cell(day, "JO106", row, requester, recipient, people, people, people)


CELLS = st.lists(
    st.builds(
        cell,
        st.integers(days(2026, 8, 1), days(2026, 11, 22)),
        st.integers(0, 40),
        st.sampled_from(["JO106.1", "JO106.2"]),
        st.sampled_from(["a/x", "c/z"]),
    ),
    max_size=30,
)


@example([cell(days(2026, 11, 10), 25)], 9)
@given(CELLS, st.integers(1, 22))
def test_pages_of_two_days_of_a_month_are_the_same(cells: list[Cell], day: int) -> None:
    """So their difference shows nothing of the days between."""
    one, two = days(2026, 11, day), days(2026, 11, day + 1)
    assert public([c for c in cells if c.day <= one], one) == public([c for c in cells if c.day <= two], two)


@given(CELLS)
def test_what_is_published_follows_from_banded_cells(cells: list[Cell]) -> None:
    """Whoever has all tables of the page learns no more than each cell's band: small counts may be any others."""
    today = days(2026, 12, 1)
    sums: dict[tuple[str, str, str], int] = {}
    for each in cells:
        month = date.fromordinal(each.day + date(1970, 1, 1).toordinal()).isoformat()[:7]
        key = month, each.row, each.requester
        sums[key] = sums.get(key, 0) + each.people
    others = [
        cell(days(int(m[:4]), int(m[5:]), 1), {0: 0, 1: 9}.get(band(n), band(n) + 9), row, asker)
        for (m, row, asker), n in sums.items()
    ]
    assert public(cells, today) == public(others, today)


@given(CELLS)
def test_no_small_count_is_shown(cells: list[Cell]) -> None:
    shown = public(cells, days(2026, 12, 1))
    for table in (shown.months, shown.rows, shown.pairs):
        assert all(each.least % 10 == 0 and (each.least or each.few) for each in table.values())


def test_bands() -> None:
    assert [band(n) for n in (0, 1, 9, 10, 19, 20, 105)] == [0, 1, 1, 10, 10, 20, 100]
    shown = public([cell(days(2026, 9, 1), 25), cell(days(2026, 10, 1), 3)], days(2026, 11, 1))
    assert shown.rows == {"JO106.2": Banded(20, few=True)}
    assert shown.months == {"2026-09": Banded(20), "2026-10": Banded(0, few=True)}


def test_months_after() -> None:
    assert months_after(days(2024, 1, 31), 1) == days(2024, 2, 29)
    assert months_after(days(2026, 12, 15), 24) == days(2028, 12, 15)
    assert months_after(days(2026, 11, 30), 1) == days(2026, 12, 30)


def row_of(found: list, name: str = "JO106.2"):  # type: ignore[no-untyped-def,type-arg]
    return next((each for each in found if each.row == name), None)


def test_a_row_is_unused_since_its_last_use() -> None:
    laws = book().held(NOW)
    later, now_ms = TODAY + 10, NOW + 10 * 86_400_000
    assert row_of(idle(laws, {}, 0, now_ms, later, RULE)).since == NOW // 86_400_000
    assert row_of(idle(laws, {"JO106.2": later - 2}, 0, now_ms, later, RULE)).since == later - 1
    assert row_of(idle(laws, {}, later, now_ms, later, RULE)).since == later  # nobody counted before
    assert row_of(idle(laws, {}, 0, now_ms, later, RULE)).due == months_after(TODAY, 24)
    assert row_of(idle(laws, {}, 0, now_ms, later, Sunset())).due == 0


def test_what_is_due_is_warned_of_before() -> None:
    laws = book().held(NOW)
    last = months_after(NOW // 86_400_000, 24)
    for today, is_warned, is_due in (
        (last - 61, False, False),
        (last - 60, True, False),
        (last, False, True),
    ):
        found = idle(laws, {}, 0, today * 86_400_000, today, RULE)
        assert (row_of(warned(found, today, RULE)) is not None, "JO106.2" in due(found, today)) == (
            is_warned,
            is_due,
        )


def test_a_row_counts_anew_from_when_it_was_lifted_or_changed_and_never_while_suspended() -> None:
    laws = book()
    stop = Suspension(Subject.ROW, "JO106.2", "why")
    publish(laws, lambda old: msgspec.structs.replace(old, suspensions=(stop,)), "commission")
    assert row_of(idle(laws.held(NOW), {}, 0, NOW, TODAY, RULE)) is None
    publish(laws, lambda old: msgspec.structs.replace(old, suspensions=()), now_ms=NOW + 1)
    lifted = NOW + 1 + WAIT
    assert len(laws.held(NOW + 2)) == 2
    assert len(laws.held(lifted)) == 3
    found = row_of(idle(laws.held(lifted), {}, 0, lifted, day_in_japan(lifted), RULE))
    assert found.since == lifted // 86_400_000
    publish(laws, lambda old: altered(old, "rows", "JO106.2", start=1), now_ms=lifted)
    changed = lifted + WAIT
    found = row_of(idle(laws.held(changed), {}, 0, changed, day_in_japan(changed), RULE))
    assert found.since == changed // 86_400_000


def test_a_dropped_version_was_never_the_law() -> None:
    laws = book()
    publish(laws, lambda old: altered(old, "rows", "JO106.2", start=1))
    publish(laws, lambda old: old, "commission", now_ms=NOW + 1)
    assert [law.gazette.number for law in laws.held(NOW + 2 * WAIT)] == [0, 2]
    assert first().rows == laws.held(NOW)[0].gazette.rows
