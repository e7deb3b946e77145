"""The agency's own journal of its desk: who did what when, under which case number. It only grows.

Each line's hash covers the line before: hash_n = H("desk-journal", hash_(n-1), line_n), 32 zero bytes before the first.
A line that was changed, left out or put in shows; one that was cut off at the end does not, unless somebody has noted
a later hash. No line names a resident, an agency that was asked, or what it answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table, bindparam, insert, select
from sqlalchemy.sql.functions import count

from kakine.crypto.hashing import digest
from kakine.runtime.database import Connection, sql
from kakine.values.problems import DeskJournalBroken
from kakine.wire.canonical import Message, encode

OPERATOR = "operator"
"""Stands for whoever has the machine itself, at its command line."""
NOBODY = ""
"""Stands for one who was not let in."""


class What(StrEnum):
    """Everything that is written down."""

    STAFF_ADDED = "staff-added"
    STAFF_LOCKED = "staff-locked"
    STAFF_UNLOCKED = "staff-unlocked"
    STAFF_REMOVED = "staff-removed"
    KIN_DECLARED = "kin-declared"
    CODE_PRINTED = "code-printed"
    ENROLLED = "enrolled"
    LOGGED_IN = "logged-in"
    LOGIN_REFUSED = "login-refused"
    LOGGED_OUT = "logged-out"
    CASE_OPENED = "case-opened"
    CASE_WAITS = "case-waits"
    CASE_LET = "case-let"
    CASE_REFUSED = "case-refused"
    CASE_ASSIGNED = "case-assigned"
    CASE_CLOSED = "case-closed"
    PERSON_ADDED = "person-added"
    REFERENCE_UNKNOWN = "reference-unknown"
    KIN_TRIED = "kin-tried"
    REVIEWED = "reviewed"
    REVIEW_STOPPED = "review-stopped"
    ASKED = "asked"
    ANSWERED = "answered"
    ANSWER_SEEN = "answer-seen"
    PRINTED = "printed"
    BULK_BEGUN = "bulk-begun"
    BULK_ENDED = "bulk-ended"
    CLAIMS_LISTED = "claims-listed"
    CLAIM_SEEN = "claim-seen"
    CLAIM_ANSWERED = "claim-answered"


PEOPLE = frozenset(
    {
        What.STAFF_ADDED,
        What.STAFF_LOCKED,
        What.STAFF_UNLOCKED,
        What.STAFF_REMOVED,
        What.CODE_PRINTED,
        What.ENROLLED,
        What.LOGIN_REFUSED,
    }
)
"""What the administrator of the desk sees of it: nothing about cases."""


class Line(Message, frozen=True):
    """One line, as it is hashed. `about` is another member of staff, a row, a reason, or the id of an
    exchange that somebody objects to, never a resident."""

    number: int
    time_ms: int
    domain: str
    official: str
    unit: str
    what: str
    case: str
    about: str


@dataclass(frozen=True)
class Act:
    """What is to be written down."""

    domain: str
    official: str
    unit: str
    what: What
    case: str = ""
    about: str = ""


_own = MetaData()
_JOURNAL = Table(
    "desk_journal",
    _own,
    Column("number", Integer, primary_key=True),
    Column("time_ms", Integer, nullable=False),
    Column("domain", String, nullable=False),
    Column("official", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("what", String, nullable=False),
    Column("case_number", String, nullable=False),
    Column("about", String, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("desk_journal_by_official", "official", "what", "time_ms"),
)
TABLES = (_JOURNAL,)

_ADD = sql(insert(_JOURNAL))
_LAST = sql(select(_JOURNAL.c.number, _JOURNAL.c.hash).order_by(_JOURNAL.c.number.desc()).limit(1))
_ALL = sql(select(*_JOURNAL.c).order_by(_JOURNAL.c.number))
_LATEST = sql(
    select(*_JOURNAL.c)
    .where(_JOURNAL.c.domain == bindparam("domain"))
    .order_by(_JOURNAL.c.number.desc())
    .limit(bindparam("most"))
)
_COUNT = sql(
    select(count())
    .select_from(_JOURNAL)
    .where(
        _JOURNAL.c.official == bindparam("official"),
        _JOURNAL.c.what == bindparam("what"),
        _JOURNAL.c.time_ms >= bindparam("since_ms"),
    )
)


def write(db: Connection, act: Act, now_ms: int) -> None:
    """Add a line, in the commit of what it tells of."""
    last = db.execute(_LAST).fetchone()
    number, before = (last[0] + 1, bytes(last[1])) if last else (1, bytes(32))
    line = Line(number, now_ms, act.domain, act.official, act.unit, act.what.value, act.case, act.about)
    db.execute(
        _ADD,
        {
            "number": number,
            "time_ms": now_ms,
            "domain": act.domain,
            "official": act.official,
            "unit": act.unit,
            "what": act.what.value,
            "case_number": act.case,
            "about": act.about,
            "hash": digest("desk-journal", before, encode(line)),
        },
    )


def check(db: Connection) -> tuple[int, bytes]:
    """(lines, last hash) of the whole journal. Raises `DeskJournalBroken` with the first number that does not fit."""
    before, expected = bytes(32), 1
    for row in db.execute(_ALL):
        before = digest("desk-journal", before, encode(Line(*row[:8])))
        if row[0] != expected or before != bytes(row[8]):
            raise DeskJournalBroken(number=expected)
        expected += 1
    return expected - 1, before


def latest(db: Connection, domain: str, most: int) -> list[Line]:
    """The newest lines of one desk, newest first."""
    return [Line(*row[:8]) for row in db.execute(_LATEST, {"domain": domain, "most": most})]


def times(db: Connection, official: str, what: What, since_ms: int) -> int:
    """How often somebody did this since a time."""
    asked = {"official": official, "what": what.value, "since_ms": since_ms}
    return int(db.execute(_COUNT, asked).fetchone()[0])
