"""A page of the portal as a signed text: a statement in a C2SP signed note (spec/verify.md section 7).

    kakine-page/v1
    by <name of the party that signs>
    at <time to the minute, 2026-11-22T14:05+09:00>
    page <which page>
    language ja|easy|en
    gazette <number of the version in force>
                                    an empty line
    h1 <text>                       and so on: h1, h2, h3 headings, p paragraphs, li items; one line each

There is one form, so what verifies is what was signed, sign for sign.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kakine.crypto.signing import SigningKey, VerifyKey
from kakine.values.calendar import in_japan
from kakine.values.problems import CheckpointInvalid, PageMalformed
from kakine.wire import checkpoint

HEADER = "kakine-page/v1"
LANGUAGES = ("ja", "easy", "en")
TAGS = ("h1", "h2", "h3", "p", "li")
MOST_BYTES = 1 << 16
MOST_LINES = 2000

_NAME = re.compile(r"[a-z0-9][a-z0-9./-]{0,79}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_TIME = re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\+09:00")
_BREAKS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_UNSEEN = _BREAKS | {"Cf", "Co", "Zs"}
_MINUTE = 60_000

Line = tuple[str, str]
"""(tag, text)."""


@dataclass(frozen=True)
class Page:
    """What is signed. `time_ms` is a whole minute."""

    by: str
    time_ms: int
    page: str
    language: str
    gazette: int
    lines: Sequence[Line]

    def text(self) -> str:
        """Raises `PageMalformed` for what could not be read back."""
        at = in_japan(self.time_ms).isoformat(timespec="minutes")
        head = [HEADER, f"by {self.by}", f"at {at}", f"page {self.page}", f"language {self.language}"]
        body = [f"{tag} {text}" for tag, text in self.lines]
        made = "\n".join([*head, f"gazette {self.gazette}", "", *body, ""])
        if parse(made) != self:
            raise PageMalformed(part="text")
        return made

    def sign(self, key: SigningKey) -> bytes:
        """The signed note; `by` is the name of the key."""
        return checkpoint.sign_note(self.text(), self.by, key)


def line_of(tag: str, text: str) -> Line:
    """A line of any text: runs of blanks are one, other signs that cannot be seen stand as escapes."""
    plain = " ".join(text.split())
    return tag, "".join(_escaped(sign) for sign in plain)


def _escaped(sign: str) -> str:
    unseen = sign != " " and unicodedata.category(sign) in _UNSEEN
    return f"\\u{{{ord(sign):x}}}" if unseen else sign


def parse(text: str) -> Page:
    """The statement in a text. Raises `PageMalformed` with the part that is wrong."""
    if len(text.encode()) > MOST_BYTES:
        raise PageMalformed(part="length")
    lines = text.split("\n")
    if len(lines) < 9 or len(lines) > MOST_LINES or lines[0] != HEADER or lines[6] or lines[-1]:
        raise PageMalformed(part="form")
    by = _labelled(lines[1], "by", _NAME)
    at = _labelled(lines[2], "at", _TIME)
    page = _labelled(lines[3], "page", _NAME)
    language = _labelled(lines[4], "language", re.compile("|".join(LANGUAGES)))
    number = int(_labelled(lines[5], "gazette", _NUMBER))
    return Page(by, _moment(at), page, language, number, tuple(_line(each) for each in lines[7:-1]))


def _labelled(line: str, label: str, form: re.Pattern[str]) -> str:
    name, _, value = line.partition(" ")
    if name != label or not form.fullmatch(value):
        raise PageMalformed(part=label)
    return value


def _moment(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp()) * 1000
    except ValueError as fault:
        raise PageMalformed(part="at") from fault


def _line(line: str) -> Line:
    tag, blank, text = line.partition(" ")
    if tag not in TAGS or not blank or not text or any(unicodedata.category(s) in _BREAKS for s in text):
        raise PageMalformed(part="line")
    return tag, text


def whole_minute(time_ms: int) -> int:
    """The minute that has begun."""
    return time_ms // _MINUTE * _MINUTE


def signer_of(note: bytes) -> tuple[str, bytes]:
    """(name, key id) of the one signature of a page. Raises `PageMalformed`; nothing is verified."""
    try:
        found = checkpoint.signers(note)
    except CheckpointInvalid as fault:
        raise PageMalformed(part="note") from fault
    if len(found) != 1:
        raise PageMalformed(part="note")
    return found[0]


def open_page(note: bytes) -> Page:
    """The statement of a signed note, whose signature `check_signature` looks at. Raises `PageMalformed`."""
    name, _ = signer_of(note)
    page = parse(checkpoint.text_of(note))
    if page.by != name:
        raise PageMalformed(part="by")
    return page


def check_signature(note: bytes, name: str, key: VerifyKey) -> None:
    """Raise `SignatureInvalid` unless this key of this name has signed the note."""
    checkpoint.open_note(note, name, key)
