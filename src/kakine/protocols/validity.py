"""Until when a card, its certificates and a report of leaving are good: in days of Japan, the first two by birthdays
(order 2014-85; JPKI Act).

A birthday on 29 February is on 28 February in a common year. Who is 18 is so from the day of the birthday; the law of
ages counts from the end of the day before, which matters to nobody here. Pure functions: the day is an argument.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

from kakine.values.problems import DateOutside

CARD_BIRTHDAYS = 10
CHILD_BIRTHDAYS = 5
CERTIFICATE_BIRTHDAYS = 5
ADULT = 18
SIGNATURE_FROM = 15
"""Younger people are normally given no signature certificate."""
LEAVE_DAYS = 45
"""How long the municipality that was named at a departure (転出届, which comes first; 住民基本台帳法 arts. 22, 24) may
take somebody over: two weeks before the day of the move, and the thirty days after it for which one waits."""
_RENEWAL_MONTHS = 3
_ERAS = ((date(2019, 5, 1), 5), (date(1989, 1, 8), 4), (date(1926, 12, 25), 3), (date(1912, 7, 30), 2))
_MEIJI = date(1868, 1, 25)


def birthday_in(birth: date, year: int) -> date:
    """The birthday in a year."""
    if (birth.month, birth.day) == (2, 29) and monthrange(year, 2)[1] == 28:
        return date(year, 2, 28)
    return birth.replace(year=year)


def birthday_after(birth: date, day: date, count: int) -> date:
    """The `count`-th birthday after `day`; one that falls on `day` itself is not counted."""
    first = day.year if birthday_in(birth, day.year) > day else day.year + 1
    return birthday_in(birth, first + count - 1)


def age_on(birth: date, day: date) -> int:
    """Whole years lived. Raises `DateOutside` for a day before the birth."""
    if day < birth:
        raise DateOutside()
    return day.year - birth.year - (birthday_in(birth, day.year) > day)


def card_until(birth: date, issued: date, stay_until: date | None = None) -> date:
    """The last day of a card: the tenth birthday after issue, the fifth for who is under 18 then, the end of the
    permitted stay if that is sooner. Raises `DateOutside` if the stay is over."""
    count = CHILD_BIRTHDAYS if age_on(birth, issued) < ADULT else CARD_BIRTHDAYS
    return _sooner(birthday_after(birth, issued, count), stay_until, issued)


def certificate_until(birth: date, issued: date, card: date, stay_until: date | None = None) -> date:
    """The last day of a certificate: the fifth birthday after issue, or the card's last day or the end of the stay if
    that is sooner. Raises `DateOutside` if one of them is over."""
    whole = birthday_after(birth, issued, CERTIFICATE_BIRTHDAYS)
    return _sooner(_sooner(whole, card, issued), stay_until, issued)


def renewable_from(until: date) -> date:
    """The first day on which a card or certificate may be renewed: three months before its last day."""
    year, month = divmod(until.year * 12 + until.month - 1 - _RENEWAL_MONTHS, 12)
    return date(year, month + 1, min(until.day, monthrange(year, month + 1)[1]))


def end_of_day_s(day: date) -> int:
    """The last second of a day in Japan (UTC+9), seconds since 1970."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, hours=-9)
    return int(midnight.timestamp()) - 1


def birth_text(birth: date) -> str:
    """As it stands in a signature certificate: the digit of the era (明治 1 … 令和 5, 0 unknown), then YYYYMMDD."""
    era = next((digit for since, digit in _ERAS if birth >= since), 1 if birth >= _MEIJI else 0)
    return f"{era}{birth:%Y%m%d}"


def _sooner(one: date, other: date | None, issued: date) -> date:
    if other is None:
        return one
    if other < issued:
        raise DateOutside()
    return min(one, other)
