"""A person's own history as JSON and as CSV (spec/browser.md section 7): for a program, and for a spreadsheet.

`web/static/history/copies.js` writes the same bytes out of the same reading. Neither says more of itself than the
reading does: what is not complete says so in its first lines, and in every line of the CSV.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kakine.cli.own_history import Read, Seen
from kakine.protocols.history import lines
from kakine.values.calendar import in_japan
from kakine.values.problems import HistoryIncomplete
from kakine.wire.record import OutcomeRecord, RequestRecord

FORMAT = "kakine-history/v1"

Names = Mapping[str, Mapping[str, Sequence[str]]]
"""How things are called (`protocols.words.words_of`)."""

COLUMNS = (
    "time", "requester", "requester_name", "recipient", "recipient_name", "ground", "ground_name", "rows", "items",
    "unit", "official", "channel", "case", "result", "answered", "log", "index", "sealed_until",
    "exchange", "parent", "entry", "list_complete",
)  # fmt: skip

_FORMULA = re.compile(r"['=+\-@\uff1d\uff0b\uff0d\uff20]")
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"})
_UNSAFE = frozenset("\\;|")


def as_json(read: Read, now_ms: int) -> str:
    """One JSON object, with the last line end. `now_ms` is when it was read."""
    made = {
        "format": FORMAT,
        "read_ms": now_ms,
        "complete": read.complete,
        "public": read.public,
        "signed": read.signed,
        "verified": read.verified,
        "provisional": read.provisional,
        "witnessed": read.witnessed,
        "witnesses": read.witnesses,
        "fingerprint": read.fingerprint,
        "hidden": {keeper: list(places) for keeper, places in sorted(read.hidden.items())},
        "doubts": dict(sorted(read.doubts.items())),
        "accused": {origin: each.code for origin, each in sorted(read.accused.items())},
        "stale": {origin: each.code for origin, each in sorted(read.stale.items())},
        "erased": [
            {"time_ms": each.entry.minutes * 60_000, "log": each.origin, "index": each.index}
            for each in read.erased
        ],
        "lines": list(_lines(read)),
    }
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def as_csv(read: Read, names: Names, *, english: bool = False) -> str:
    """RFC 4180 with a byte order mark, for spreadsheets. No cell begins what a spreadsheet would work out (`safe`)."""
    rows = [COLUMNS, *(_cells(each, names, read.complete, 1 if english else 0) for each in _lines(read))]
    return "\ufeff" + "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)


def safe(text: str) -> str:
    """A text as a cell. Signs that cannot be seen, and those at which some spreadsheet begins a new cell, stand as
    escapes; what begins like a formula, or like this very mark, has an apostrophe before it, which is not of the
    text."""
    escaped = "".join(_escaped(sign) for sign in text).replace('"', '""')
    return f"'{escaped}" if _FORMULA.match(escaped) else escaped


def _escaped(sign: str) -> str:
    unseen = sign != " " and unicodedata.category(sign) in _UNSEEN
    return f"\\u{{{ord(sign):x}}}" if unseen or sign in _UNSAFE else sign


def _lines(read: Read) -> Iterator[dict[str, Any]]:
    for seen, line in zip(read.lines, lines(read.rows), strict=True):
        request, outcome = line.request.record, line.outcome.record if line.outcome else None
        if not isinstance(request, RequestRecord) or not isinstance(outcome, OutcomeRecord | None):
            raise HistoryIncomplete(what="kind of record")
        yield _line(seen, request, outcome)


def _line(seen: Seen, request: RequestRecord, outcome: OutcomeRecord | None) -> dict[str, Any]:
    return {
        "time_ms": seen.time_ms,
        "requester": seen.requester,
        "recipient": seen.recipient,
        "ground": seen.ground,
        "rows": list(seen.rows),
        "items": list(seen.items),
        "unit": request.common.unit,
        "official": request.personal.official,
        "channel": int(request.common.channel),
        "case": seen.case.hex(),
        "result": seen.result,
        "answered_ms": outcome.common.time_ms if outcome else None,
        "log": seen.origin,
        "index": seen.index,
        "sealed_until": seen.sealed_until,
        "exchange": request.personal.xid.hex(),
        "parent": request.personal.parent.hex(),
        "entry": seen.entry.hex(),
    }


def _cells(line: Mapping[str, Any], names: Names, complete: bool, language: int) -> list[str]:
    def named(kind: str, key: str, at: int) -> str:
        found = names.get(kind, {}).get(line[key])
        return found[at] if found else ""

    def moment(ms: int | None) -> str:
        return "" if ms is None else in_japan(ms).isoformat(timespec="minutes")

    def yes(value: bool) -> str:
        return "yes" if value else "no"

    plain = {
        **{
            name: line[name]
            for name in ("requester", "recipient", "ground", "unit", "official", "case", "result")
        },
        **{name: line[name] for name in ("log", "exchange", "parent", "entry")},
        **{name: str(line[name]) for name in ("channel", "index", "sealed_until")},
        "requester_name": named("domains", "requester", language),
        "recipient_name": named("domains", "recipient", language),
        "ground_name": named("grounds", "ground", 2 + language),
        "time": moment(line["time_ms"]),
        "answered": moment(line["answered_ms"]),
        "list_complete": yes(complete),
    }
    cells = {name: safe(value) for name, value in plain.items()}
    for name in ("rows", "items"):
        cells[name] = "|".join(safe(each) for each in line[name])
    return [cells[name] for name in COLUMNS]
