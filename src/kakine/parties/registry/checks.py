"""What an entry or event must satisfy before anything is written."""

from __future__ import annotations

import unicodedata
from datetime import date

from kakine.parties.registry.store import Person
from kakine.protocols.characters import normal
from kakine.values.calendar import in_japan
from kakine.values.identifiers import MunicipalityCode
from kakine.values.problems import DateOutside, ItemMalformed, NotMovedOut, NotTheirMunicipality

_LONGEST = {"name": 120, "kana": 240, "address": 240}
# Control and format characters, half surrogates, private use (外字 of some vendor), line separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def require_town(person: Person, town: MunicipalityCode) -> None:
    """Only the municipality of record may report this. Raises NotTheirMunicipality."""
    if person.municipality != town:
        raise NotTheirMunicipality()


def require_let_go(person: Person, town: MunicipalityCode, today: date) -> None:
    """A municipality takes over nobody whom the one of record has not let go to it (転出). Raises NotMovedOut."""
    leaving = person.leaving
    if person.municipality != town and (leaving is None or leaving.to != town or leaving.until < today):
        raise NotMovedOut()


def require_day(day: date, birth: date, now_ms: int) -> None:
    """From the birth to today in Japan, ends included. Raises DateOutside."""
    if not birth <= day <= in_japan(now_ms).date():
        raise DateOutside()


def require_text(item: str, text: str) -> None:
    """Not blank, not overlong, printable. Raises ItemMalformed with the item's name, never its text."""
    if not normal(text) or len(text) > _LONGEST[item]:
        raise ItemMalformed(item=item)
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        raise ItemMalformed(item=item)
