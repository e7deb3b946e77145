"""An answer as a clerk may see it: in words, with its source and age, and with nothing that leads to a hidden place.

What came is another agency's text and is not believed: it must be of the layout that the law names, of the items that
were asked, and from whom was asked, or none of it is shown. Of a person under protection (不開示) no free text, no
identifier and no source is shown: only amounts, yes or no, days, and words from a list of the layout. That is decided
anew each time, by the agency's flags of now. Texts are plain; a page escapes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from kakine.parties.gateway.desk.case_store import Inquiry, Step
from kakine.parties.gateway.desk.office import DAY_MS, CaseDesk, Names
from kakine.values.identifiers import IndividualNumber
from kakine.values.labels import DomainName
from kakine.values.problems import (
    CheckDigitWrong,
    IdentifierMalformed,
    LayoutUnknown,
    LayoutViolated,
    PartyUnknown,
    RowUnknown,
)
from kakine.wire.answer import Result
from kakine.wire.canonical import UNDECODABLE


class Word(StrEnum):
    """What a clerk is told of a question. NO_ANSWER stands for "not known" and "non-disclosed" alike where there was a
    choice of whom to ask: else the place of somebody who hides could be found by trying."""

    DELIVERED = "delivered"
    PARTIAL = "partial"
    NOT_KNOWN = "not-known-here"
    NON_DISCLOSED = "non-disclosed"
    NO_ANSWER = "no-answer"
    NEEDS_HUMAN = "needs-a-human"
    STALE = "stale"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNDER_WAY = "under-way"
    LOST = "lost"
    UNREADABLE = "unreadable"
    OVER = "over"


@dataclass(frozen=True)
class Value:
    """One line: what it is, and what it says, in both languages; `day` where that is a day. `under` are lines of a
    list, one tuple each."""

    label: Names
    text: Names
    under: tuple[tuple[Value, ...], ...] = ()
    day: date | None = None


@dataclass(frozen=True)
class Sheet:
    """What was answered of one item. `source` and `file` are empty where they are not shown; `hidden` counts fields
    that are there and are not shown."""

    item: str
    name: Names
    source: Names | None
    file: Names | None
    version: int
    as_of_ms: int
    age_days: int
    expires_ms: int
    values: tuple[Value, ...]
    hidden: int


@dataclass(frozen=True)
class Reading:
    """One question with what came of it. `missing` are items that were asked and did not come."""

    word: Word
    problem: str
    sheets: tuple[Sheet, ...]
    missing: tuple[Names, ...]


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    layout: int
    source: str
    source_version: int
    as_of_ms: int
    expires_ms: int
    data: Any


_given = msgspec.json.Decoder(dict[str, _Given])
_DATA = frozenset({Result.DELIVERED, Result.PARTIAL})
_HIDING = frozenset({Result.NOT_KNOWN, Result.NON_DISCLOSED})
_NUMBERS = re.compile(r"(?<!\d)\d{4}[\s\-‐-―−ー]?\d{4}[\s\-‐-―−ー]?\d{4}(?!\d)")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])\Z")
_UNITS = {
    "JPY": "円",
    "JPY/year": "円（年額）",
    "JPY/month": "円（月額）",
    "JPY/day": "円（日額）",
    "person": "人",
    "day": "日",
    "%": "％",
    "1": "",
}
_YES, _NO = Names("はい", "yes"), Names("いいえ", "no")


def read(desk: CaseDesk, inquiry: Inquiry, *, protected: bool) -> Reading:
    """What to show of a question; `protected` as of now."""
    word = word_of(desk, inquiry)
    if word not in (Word.DELIVERED, Word.PARTIAL):
        return Reading(word, inquiry.problem, (), ())
    if not inquiry.data:
        return Reading(Word.OVER, "", (), ())
    names = {item.id: Names(item.ja, item.en) for item in desk.law.gazette.items}
    try:
        asked = {desk.law.row(row).item for row in inquiry.rows}
        given = _checked(desk, inquiry, asked)
    except (*UNDECODABLE, LayoutUnknown, LayoutViolated, RowUnknown, _NotAsked):
        return Reading(Word.UNREADABLE, "", (), ())
    sheets = tuple(
        _sheet(desk, inquiry, item, names[item], given[item], protected=protected) for item in sorted(given)
    )
    return Reading(word, "", sheets, tuple(names[item] for item in sorted(asked - set(given))))


def word_of(desk: CaseDesk, inquiry: Inquiry) -> Word:
    """The result alone, for lists."""
    if inquiry.step is not Step.ANSWERED:
        return Word(inquiry.step.value)
    if inquiry.result in _HIDING and _choice(desk, inquiry.rows):
        return Word.NO_ANSWER
    return Word(inquiry.result) if inquiry.result in set(Result) else Word.UNREADABLE


def _choice(desk: CaseDesk, rows: Sequence[str]) -> bool:
    try:
        return desk.law.choice(rows)
    except RowUnknown:
        return True


class _NotAsked(Exception):
    """An answer of other items, or from another source, than was asked."""


def _checked(desk: CaseDesk, inquiry: Inquiry, asked: set[str]) -> Mapping[str, _Given]:
    given = _given.decode(inquiry.data)
    for item, each in given.items():
        if item not in asked or each.source != inquiry.provider:
            raise _NotAsked()
        desk.layouts.validate(item, each.layout, each.data)
    return given


def _sheet(
    desk: CaseDesk, inquiry: Inquiry, item: str, name: Names, given: _Given, *, protected: bool
) -> Sheet:
    schema = desk.layouts.schema(item, given.layout)
    values, hidden = _values(schema, given.data, protected=protected)
    age = max(0, (desk.now_ms - given.as_of_ms) // DAY_MS)
    source = file = None
    if not protected:
        source = party_names(desk, inquiry.provider)
        file_id = next(
            desk.law.row(row).provider_file for row in inquiry.rows if desk.law.row(row).item == item
        )
        file = desk.files.get(file_id, Names(file_id, file_id))
    return Sheet(
        item,
        name,
        source,
        file,
        given.source_version,
        given.as_of_ms,
        age,
        given.expires_ms,
        tuple(values),
        hidden,
    )


def party_names(desk: CaseDesk, domain: str) -> Names:
    """The agency that a domain belongs to."""
    try:
        party = desk.law.party(DomainName(domain).party)
    except PartyUnknown:
        return Names(domain, domain)
    return Names(party.ja, party.en)


def _values(
    schema: Mapping[str, Any], data: Mapping[str, Any], *, protected: bool
) -> tuple[list[Value], int]:
    shown, hidden = list[Value](), 0
    for name, field in schema["properties"].items():
        if name not in data:
            continue
        value = _value(field, data[name], protected=protected)
        if value is None:
            hidden += 1
        else:
            shown.append(value)
    return shown, hidden


def _value(field: Mapping[str, Any], value: Any, *, protected: bool) -> Value | None:
    """None for what is not shown of somebody under protection."""
    label = Names(field["title"], field.get("x-title-en", field["title"]))
    if field["type"] == "array":
        lines = list(_lines(field["items"], value, protected=protected))
        return Value(label, Names(f"{len(value)}件", f"{len(value)}"), tuple(lines))
    text = _text(field, value, protected=protected)
    return None if text is None else Value(label, text, day=_day(field, value))


def _lines(field: Mapping[str, Any], values: list[Any], *, protected: bool) -> Iterator[tuple[Value, ...]]:
    for value in values:
        if field["type"] == "object":
            yield tuple(_values(field, value, protected=protected)[0])
        else:
            text = _text(field, value, protected=protected)
            if text is not None:
                yield (Value(Names("", ""), text),)


def _text(field: Mapping[str, Any], value: Any, *, protected: bool) -> Names | None:
    if isinstance(value, bool):
        return _YES if value else _NO
    if "enum" in field:
        ja, _, en = field.get("x-labels", {}).get(value, str(value)).partition(" / ")
        return Names(ja, en or ja)
    if isinstance(value, int):
        unit = field.get("x-unit", "")
        if not unit:
            return Names(str(value), str(value))
        return Names(f"{value:,}{_UNITS.get(unit, ' ' + unit)}", f"{value:,} {unit}")
    if protected and not _is_time(field, str(value)):
        return None
    text = plain_text(str(value))
    return Names(text, text)


def _day(field: Mapping[str, Any], value: Any) -> date | None:
    if field.get("format") != "date" or not _is_time(field, str(value)):
        return None
    return date.fromisoformat(value)


def _is_time(field: Mapping[str, Any], text: str) -> bool:
    """A day or a month, really: `format` is a note to readers, which no validator of layouts enforces."""
    if field.get("format") == "date":
        try:
            return date.fromisoformat(text).isoformat() == text
        except ValueError:
            return False
    return field.get("pattern") == "^[0-9]{4}-(0[1-9]|1[0-2])$" and _MONTH.match(text) is not None


def plain_text(text: str) -> str:
    """Text of somebody else's as it may stand on a page: signs that cannot be seen, or that turn the direction of what
    follows, as escapes; an individual number as dots."""
    seen = "".join(_visible(sign) for sign in text)
    # Full-width digits are digits too; NFKC keeps one sign for each of them.
    narrow = "".join(
        unicodedata.normalize("NFKC", sign) if unicodedata.category(sign) == "Nd" else sign for sign in seen
    )
    return _NUMBERS.sub(_dotted, narrow) if _NUMBERS.search(narrow) else seen


def _visible(sign: str) -> str:
    hidden = unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    return f"⟨U+{ord(sign):04X}⟩" if hidden else sign


def _dotted(found: re.Match[str]) -> str:
    digits = "".join(sign for sign in found[0] if sign.isdigit())
    try:
        IndividualNumber(digits)
    except (CheckDigitWrong, IdentifierMalformed):
        return found[0]
    return "●●●●●●●●●●●●"
