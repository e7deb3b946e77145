"""Days and times as people read them: both calendars, the clocks of Japan.

| | 2026-11-22 14:05 |
|---|---|
| 日本語 | 令和8年11月22日（2026年）14時05分 |
| やさしい日本語 | 2026年（令和8年）11月22日 14時05分 |
| English | 22 November 2026 (Reiwa 8), 14:05 |

Eras by the dates of their ordinances; a day before Meiji has no name here and stands in the common calendar alone.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from markupsafe import Markup

from kakine.values.calendar import in_japan
from kakine.web.language import Language

_ERAS: Final = (
    (date(2019, 5, 1), "令和", "Reiwa"),
    (date(1989, 1, 8), "平成", "Heisei"),
    (date(1926, 12, 25), "昭和", "Showa"),
    (date(1912, 7, 30), "大正", "Taisho"),
    (date(1868, 10, 23), "明治", "Meiji"),
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip


def _era(day: date, *, english: bool) -> str:
    for first, ja, en in _ERAS:
        if day >= first:
            year = day.year - first.year + 1
            return f"{en} {year}" if english else f"{ja}{'元' if year == 1 else year}年"
    return ""


def day_text(day: date, language: Language) -> str:
    """A day in both calendars."""
    era = _era(day, english=language is Language.EN)
    if language is Language.EN:
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}" + (f" ({era})" if era else "")
    month_day = f"{day.month}月{day.day}日"
    if not era:
        return f"{day.year}年{month_day}"
    if language is Language.EASY:
        return f"{day.year}年（{era}）{month_day}"
    return f"{era}{month_day}（{day.year}年）"


def month_text(year: int, month: int, language: Language) -> str:
    """A month in both calendars, by the era of its last day."""
    last = date(year + month // 12, month % 12 + 1, 1).toordinal() - 1
    era = _era(date.fromordinal(last), english=language is Language.EN)
    if language is Language.EN:
        return f"{_MONTHS[month - 1]} {year}" + (f" ({era})" if era else "")
    if language is Language.EASY:
        return f"{year}年（{era}）{month}月"
    return f"{era}{month}月（{year}年）"


def moment_text(time_ms: int, language: Language) -> str:
    """A moment to the minute, in Japan."""
    then = in_japan(time_ms)
    if language is Language.EN:
        return f"{day_text(then.date(), language)}, {then:%H:%M}"
    space = " " if language is Language.EASY else ""
    return f"{day_text(then.date(), language)}{space}{then:%H}時{then:%M}分"


def day(given: date | int, language: Language) -> Markup:
    """A `time` element of a day, or of the day in Japan of a moment (ms)."""
    found = in_japan(given).date() if isinstance(given, int) else given
    return Markup('<time datetime="{}">{}</time>').format(found.isoformat(), day_text(found, language))


def moment(time_ms: int, language: Language) -> Markup:
    """A `time` element of a moment."""
    then = in_japan(time_ms)
    text = moment_text(time_ms, language)
    return Markup('<time datetime="{}">{}</time>').format(then.isoformat(timespec="minutes"), text)
