"""Validity by birthdays, over all days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kakine.protocols.validity import (
    age_on,
    birth_text,
    birthday_after,
    birthday_in,
    card_until,
    certificate_until,
    end_of_day_s,
    renewable_from,
)
from kakine.values.calendar import in_japan
from kakine.values.problems import DateOutside

BIRTHS = st.dates(date(1900, 1, 1), date(2026, 12, 31))
DAYS = st.integers(0, 40_000)
UNHURRIED = settings(deadline=None)


@UNHURRIED
@given(BIRTHS, DAYS)
def test_a_certificate_ends_on_a_birthday_between_four_and_five_years_on(birth: date, later: int) -> None:
    issued = birth + timedelta(days=later)
    until = certificate_until(birth, issued, card_until(birth, issued))
    assert until == birthday_in(birth, until.year)
    assert 4 * 365 < (until - issued).days <= 5 * 366
    assert birthday_after(birth, issued, 5) == until


@UNHURRIED
@given(BIRTHS, DAYS)
def test_a_card_lasts_ten_birthdays_or_five_for_the_young(birth: date, later: int) -> None:
    issued = birth + timedelta(days=later)
    young = age_on(birth, issued) < 18
    assert card_until(birth, issued) == birthday_after(birth, issued, 5 if young else 10)


@UNHURRIED
@given(BIRTHS, DAYS, st.integers(0, 4000))
def test_nothing_outlives_a_permitted_stay_or_a_card(birth: date, later: int, stays: int) -> None:
    issued = birth + timedelta(days=later)
    stay = issued + timedelta(days=stays)
    card = card_until(birth, issued, stay)
    until = certificate_until(birth, issued, card, stay)
    assert issued <= until <= card <= stay


@UNHURRIED
@given(BIRTHS, DAYS)
def test_exactly_the_birthdays_after_issue_are_counted(birth: date, later: int) -> None:
    issued = birth + timedelta(days=later)
    until = birthday_after(birth, issued, 5)
    days = (issued + timedelta(days=n) for n in range(1, (until - issued).days + 1))
    assert sum(day == birthday_in(birth, day.year) for day in days) == 5


@UNHURRIED
@given(st.integers(1904, 2100).map(lambda year: year - year % 4), st.integers(0, 200))
def test_who_is_born_on_29_february_has_a_birthday_every_year(year: int, more: int) -> None:
    birth = date(2000, 2, 29) if year == 2100 or year == 1900 else date(year, 2, 29)
    found = birthday_in(birth, birth.year + more)
    leap = (date(found.year, 3, 1) - timedelta(days=1)).day == 29
    assert (found.month, found.day) == (2, 29 if leap else 28)
    assert age_on(birth, found) == more
    if more:
        assert age_on(birth, found - timedelta(days=1)) == more - 1


@UNHURRIED
@given(BIRTHS, DAYS)
def test_age_grows_by_one_on_birthdays_only(birth: date, later: int) -> None:
    day = birth + timedelta(days=later + 1)
    grown = age_on(birth, day) - age_on(birth, day - timedelta(days=1))
    assert grown == (day == birthday_in(birth, day.year))


@UNHURRIED
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_day_ends_at_midnight_in_japan(day: date) -> None:
    last = in_japan(end_of_day_s(day) * 1000)
    assert (last.date(), last.hour, last.minute, last.second) == (day, 23, 59, 59)


@UNHURRIED
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_renewal_opens_three_months_before(until: date) -> None:
    opens = renewable_from(until)
    assert 88 <= (until - opens).days <= 92
    assert opens.day <= until.day


def test_the_card_that_was_surveyed() -> None:
    """Issued 2025-10-27, ends with 17 February 2030: the fifth birthday of somebody born on one."""
    born = date(1990, 2, 17)
    assert certificate_until(born, date(2025, 10, 27), date(2035, 2, 17)) == date(2030, 2, 17)
    assert end_of_day_s(date(2030, 2, 17)) == int(datetime(2030, 2, 17, 14, 59, 59, tzinfo=UTC).timestamp())


def test_one_who_is_18_today_gets_ten_birthdays() -> None:
    birth, day = date(2008, 4, 1), date(2026, 4, 1)
    assert card_until(birth, day) == date(2036, 4, 1)
    assert card_until(birth, day - timedelta(days=1)) == date(2030, 4, 1)


def test_what_is_over_or_unborn_is_refused() -> None:
    with pytest.raises(DateOutside):
        card_until(date(2000, 1, 1), date(2026, 1, 2), date(2026, 1, 1))
    with pytest.raises(DateOutside):
        age_on(date(2026, 1, 2), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("birth", "text"),
    [
        (date(2019, 5, 1), "520190501"),
        (date(2019, 4, 30), "420190430"),
        (date(1989, 1, 7), "319890107"),
        (date(1926, 12, 24), "219261224"),
        (date(1912, 7, 29), "119120729"),
        (date(1868, 1, 24), "018680124"),
    ],
)
def test_a_birth_is_written_with_its_era(birth: date, text: str) -> None:
    assert birth_text(birth) == text
