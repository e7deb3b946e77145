"""Times as the formats hold them: milliseconds since 1970 UTC, minutes, and months since 2000-01."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

RETENTION_MONTHS = 84
"""Seven years: Cabinet order to the Number Act, art. 30."""

_JAPAN = timezone(timedelta(hours=9), "JST")
_FIRST_DAY = date(1970, 1, 1).toordinal()


def months_since_2000(now_ms: int) -> int:
    """Whole months since 2000-01, UTC."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return (now.year - 2000) * 12 + now.month - 1


def month_start_ms(month: int) -> int:
    """When a month (since 2000-01) begins, UTC."""
    return int(datetime(2000 + month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()) * 1000


def days(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _FIRST_DAY


def day(number: int) -> date:
    """The date of a number of days since 1970-01-01."""
    return date.fromordinal(number + _FIRST_DAY)


def month_name(month: int) -> str:
    """`2033-11` for a month since 2000-01."""
    return f"{2000 + month // 12}-{month % 12 + 1:02d}"


def has_expired(expiry: int, now_ms: int) -> bool:
    """Whether an expiry month (since 2000-01) is over. Counted in UTC, where it ends nine hours later than in Japan, so
    that nothing goes a day too early; until then the records of the month stay, all of them."""
    return months_since_2000(now_ms) > expiry


def retained_from_ms(now_ms: int) -> int:
    """The beginning of the first exchange month whose records have not expired."""
    return month_start_ms(months_since_2000(now_ms) - RETENTION_MONTHS)


def in_japan(time_ms: int) -> datetime:
    """The moment by the clocks of Japan, which know no summer time: a day of law begins at 15:00 UTC."""
    return datetime.fromtimestamp(time_ms / 1000, _JAPAN)


def day_starts_ms(of: date) -> int:
    """The first moment of a day by the clocks of Japan."""
    return int(datetime(of.year, of.month, of.day, tzinfo=_JAPAN).timestamp()) * 1000


def year_in_japan(time_ms: int) -> int:
    """The calendar year by the clocks of Japan; it begins at 15:00 UTC on 31 December."""
    return in_japan(time_ms).year


def day_in_japan(time_ms: int) -> int:
    """Days since 1970-01-01 in Japan."""
    return in_japan(time_ms).toordinal() - _FIRST_DAY


def minutes(now_ms: int) -> int:
    """Whole minutes since 1970, UTC."""
    return now_ms // 60_000
