"""Days of law are days in Japan."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kakine.values.calendar import day_in_japan, in_japan

DAY_MS, EARLIER_MS = 86_400_000, 9 * 3_600_000


def test_a_day_begins_at_15_00_utc() -> None:
    """The last millisecond before it is of the day before."""
    begins = int(datetime(2026, 3, 31, 15, tzinfo=UTC).timestamp() * 1000)
    assert f"{in_japan(begins):%Y-%m-%d %H:%M}" == "2026-04-01 00:00"
    assert f"{in_japan(begins - 1):%Y-%m-%d %H:%M}" == "2026-03-31 23:59"
    assert day_in_japan(begins) == day_in_japan(begins - 1) + 1


@given(st.integers(0, 250_000_000_000_000))
def test_days_are_counted_in_whole_numbers(time_ms: int) -> None:
    """No moment falls into another day by rounding, up to the year 9892."""
    assert day_in_japan(time_ms) == (time_ms + EARLIER_MS) // DAY_MS
