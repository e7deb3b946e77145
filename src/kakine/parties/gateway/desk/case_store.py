"""Tables of cases, of the people each is about, of applications, and of the questions asked.

A person stands in a case by the agency's own reference and place in the case (0 for who applied), and no longer than
the case is open. The same holds for what was answered. There is no way from a reference to a case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.sql.functions import count, func

from kakine.runtime.database import Connection, sql
from kakine.runtime.replicas import carrier_column, carries, handing_over
from kakine.values.problems import CaseUnknown, InquiryUnknown


class State(StrEnum):
    """Of a case. A waiting one asks nothing; a refused or closed one holds nobody any more."""

    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"
    REFUSED = "refused"


class Why(StrEnum):
    """Why a second person has to look before anything is asked."""

    NOTHING = ""
    OTHER_UNIT = "other-unit"
    NO_APPLICATION = "no-application"
    AGAIN = "again"


class Review(StrEnum):
    """Whether the case was drawn for a look, and what came of it."""

    NO = ""
    DUE = "due"
    FINE = "fine"
    STOPPED = "stopped"


class Step(StrEnum):
    """How far a question is. LOST: the process ended between the refusal and the note of it; nothing was answered."""

    UNDER_WAY = "under-way"
    ANSWERED = "answered"
    REFUSED = "refused"
    LOST = "lost"


@dataclass(frozen=True)
class Case:
    """A case file. `opener` and `staff` are ids of people of the desk, `day` counts from 1970-01-01."""

    domain: str
    number: str
    procedure: str
    application: str
    day: int
    unit: str
    state: State
    why: Why
    opener: bytes
    staff: bytes
    review: Review
    opened_ms: int


@dataclass(frozen=True, repr=False)
class Application:
    """What the agency's own system says of an application it has received: for what, from whom, about whom else."""

    domain: str
    number: str
    procedure: str
    day: int
    unit: str
    people: tuple[bytes, ...]


@dataclass(frozen=True, repr=False)
class Inquiry:
    """A question about one person of a case and what came of it. `data` is empty when nothing went, and when it is
    over."""

    id: bytes
    domain: str
    case: str
    place: int
    rows: tuple[str, ...]
    provider: str
    staff: bytes
    law: int
    asked_ms: int
    step: Step
    result: str
    problem: str
    answered_ms: int
    data: bytes
    request: bytes


_own = MetaData()
_CASE = Table(
    "desk_case",
    _own,
    Column("domain", String, nullable=False),
    Column("number", String, nullable=False),
    Column("procedure", String, nullable=False),
    Column("application", String, nullable=False),
    Column("day", Integer, nullable=False),
    Column("unit", String, nullable=False),
    Column("state", String, nullable=False),
    Column("why", String, nullable=False),
    Column("opener", LargeBinary, nullable=False),
    Column("staff", LargeBinary, nullable=False, index=True),
    Column("review", String, nullable=False),
    Column("opened_ms", Integer, nullable=False),
    PrimaryKeyConstraint("domain", "number"),
)
_PERSON = Table(
    "desk_person",
    _own,
    Column("domain", String, nullable=False),
    Column("number", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("reference", LargeBinary, nullable=False),
    PrimaryKeyConstraint("domain", "number", "place"),
)
_APPLICATION = Table(
    "desk_application",
    _own,
    Column("domain", String, nullable=False),
    Column("number", String, nullable=False),
    Column("procedure", String, nullable=False),
    Column("day", Integer, nullable=False),
    Column("unit", String, nullable=False),
    PrimaryKeyConstraint("domain", "number"),
)
_APPLICANT = Table(
    "desk_applicant",
    _own,
    Column("domain", String, nullable=False),
    Column("number", String, nullable=False),
    Column("reference", LargeBinary, nullable=False),
    PrimaryKeyConstraint("domain", "number", "reference"),
)
_INQUIRY = Table(
    "desk_inquiry",
    _own,
    Column("id", LargeBinary, primary_key=True),
    Column("domain", String, nullable=False),
    Column("number", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("rows", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("staff", LargeBinary, nullable=False),
    Column("law", Integer, nullable=False),
    Column("asked_ms", Integer, nullable=False),
    Column("step", String, nullable=False),
    Column("result", String, nullable=False),
    Column("problem", String, nullable=False),
    Column("answered_ms", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("request", LargeBinary, nullable=False, index=True),
    carrier_column(),
)
TABLES = (_CASE, _PERSON, _APPLICATION, _APPLICANT, _INQUIRY)

_here = (_CASE.c.domain == bindparam("of_domain"), _CASE.c.number == bindparam("of_number"))
_OF_CASE = (_INQUIRY.c.domain == bindparam("domain"), _INQUIRY.c.number == bindparam("number"))
_ADD = sql(insert(_CASE))
_GET = sql(
    select(*_CASE.c).where(_CASE.c.domain == bindparam("domain"), _CASE.c.number == bindparam("number"))
)
_SET_STATE = sql(update(_CASE).where(*_here).values(state=bindparam("new")))
_SET_STAFF = sql(update(_CASE).where(*_here).values(staff=bindparam("new")))
_SET_REVIEW = sql(update(_CASE).where(*_here).values(review=bindparam("new")))
_LIVE = (_CASE.c.state == State.OPEN.value) | (_CASE.c.state == State.WAITING.value)
_CASES_OF = sql(
    select(*_CASE.c)
    .where(_CASE.c.domain == bindparam("domain"), _CASE.c.staff == bindparam("staff"), _LIVE)
    .order_by(_CASE.c.opened_ms)
)
_OF_UNIT = sql(
    select(*_CASE.c)
    .where(_CASE.c.domain == bindparam("domain"), _CASE.c.unit == bindparam("unit"), _LIVE)
    .order_by(_CASE.c.opened_ms)
)
_DUE = sql(
    select(*_CASE.c)
    .where(
        _CASE.c.domain == bindparam("domain"),
        _CASE.c.unit == bindparam("unit"),
        _CASE.c.review == Review.DUE.value,
    )
    .order_by(_CASE.c.opened_ms)
)
_HOW_MANY = sql(select(count()).select_from(_CASE).where(_CASE.c.domain == bindparam("domain")))
_ON_APPLICATION = sql(
    select(count())
    .select_from(_CASE)
    .where(_CASE.c.domain == bindparam("domain"), _CASE.c.application == bindparam("application"))
)
_SET_WAITING = sql(
    update(_CASE).where(*_here).values(state=State.WAITING.value, why=Why.NO_APPLICATION.value)
)
_ADD_PERSON = sql(insert(_PERSON))
_PEOPLE = sql(
    select(_PERSON.c.reference)
    .where(_PERSON.c.domain == bindparam("domain"), _PERSON.c.number == bindparam("number"))
    .order_by(_PERSON.c.place)
)
_FORGET_PEOPLE = sql(
    delete(_PERSON).where(_PERSON.c.domain == bindparam("domain"), _PERSON.c.number == bindparam("number"))
)
_ADD_APPLICATION = sql(insert(_APPLICATION).prefix_with("OR IGNORE"))
_ADD_APPLICANT = sql(insert(_APPLICANT).prefix_with("OR IGNORE"))
_APPLICATION_OF = sql(
    select(*_APPLICATION.c).where(
        _APPLICATION.c.domain == bindparam("domain"), _APPLICATION.c.number == bindparam("number")
    )
)
_APPLICANTS = sql(
    select(_APPLICANT.c.reference).where(
        _APPLICANT.c.domain == bindparam("domain"), _APPLICANT.c.number == bindparam("number")
    )
)
_ASK = sql(insert(_INQUIRY))
_INQUIRY_OF = sql(select(*_INQUIRY.c).where(*_OF_CASE, _INQUIRY.c.id == bindparam("id")))
_INQUIRIES = sql(select(*_INQUIRY.c).where(*_OF_CASE).order_by(_INQUIRY.c.asked_ms))
_UNDER_WAY = sql(select(_INQUIRY.c.id, _INQUIRY.c.replica).where(_INQUIRY.c.step == Step.UNDER_WAY.value))
_ENDED = sql(
    update(_INQUIRY)
    .where(_INQUIRY.c.id == bindparam("which"), _INQUIRY.c.step == Step.UNDER_WAY.value)
    .values(
        step=bindparam("new"),
        result=bindparam("new_result"),
        problem=bindparam("new_problem"),
        answered_ms=bindparam("now_ms"),
        data=bindparam("new_data"),
    )
)
_FORGET_DATA = sql(
    update(_INQUIRY)
    .where(_INQUIRY.c.domain == bindparam("of_domain"), _INQUIRY.c.number == bindparam("of_number"))
    .values(data=bindparam("nothing"))
)
_FORGET_OLD = sql(
    update(_INQUIRY)
    .where(_INQUIRY.c.asked_ms < bindparam("before_ms"), func.length(_INQUIRY.c.data) > 0)
    .values(data=bindparam("nothing"))
)
_TRAVELS = sql(update(_INQUIRY).where(_INQUIRY.c.id == bindparam("which")).values(request=bindparam("new")))
_IN_REQUEST = sql(select(count()).select_from(_INQUIRY).where(_INQUIRY.c.request == bindparam("request")))
_OF_REQUEST = sql(
    select(_INQUIRY.c.number, _INQUIRY.c.staff)
    .where(_INQUIRY.c.request == bindparam("request"), _INQUIRY.c.domain == bindparam("domain"))
    .order_by(_INQUIRY.c.asked_ms)
    .limit(1)
)
_WHOSE = sql(
    select(_INQUIRY.c.domain, _INQUIRY.c.number, _INQUIRY.c.staff).where(_INQUIRY.c.id == bindparam("id"))
)


def _case(row: Sequence[object]) -> Case:
    domain, number, procedure, application, day, unit, state, why, opener, staff, review, opened = row
    return Case(
        str(domain),
        str(number),
        str(procedure),
        str(application),
        int(str(day)),
        str(unit),
        State(str(state)),
        Why(str(why)),
        _bytes(opener),
        _bytes(staff),
        Review(str(review)),
        int(str(opened)),
    )


def _inquiry(row: Sequence[object]) -> Inquiry:
    (
        id_,
        domain,
        number,
        place,
        rows,
        provider,
        staff,
        law,
        asked,
        step,
        result,
        problem,
        when,
        data,
        request,
        _,
    ) = row
    return Inquiry(
        _bytes(id_),
        str(domain),
        str(number),
        int(str(place)),
        tuple(str(rows).split()),
        str(provider),
        _bytes(staff),
        int(str(law)),
        int(str(asked)),
        Step(str(step)),
        str(result),
        str(problem),
        int(str(when)),
        _bytes(data),
        _bytes(request),
    )


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)  # noqa: S101 - the column's type
    return value


def add(db: Connection, new: Case, people: Sequence[bytes]) -> None:
    """A new case about these references."""
    row = {name: getattr(value, "value", value) for name, value in new.__dict__.items()}
    db.execute(_ADD, row)
    for place, reference in enumerate(people):
        add_person(db, new.domain, new.number, place, reference)


def how_many(db: Connection, domain: str) -> int:
    """Cases that a desk ever had."""
    return int(db.execute(_HOW_MANY, {"domain": domain}).fetchone()[0])


def on_application(db: Connection, domain: str, application: str) -> int:
    """Cases that were ever opened on an application."""
    return int(db.execute(_ON_APPLICATION, {"domain": domain, "application": application}).fetchone()[0])


def get(db: Connection, domain: str, number: str) -> Case:
    """Raises `CaseUnknown`, also for a case of another desk."""
    row = db.execute(_GET, {"domain": domain, "number": number}).fetchone()
    if row is None:
        raise CaseUnknown()
    return _case(row)


def cases_of(db: Connection, domain: str, staff: bytes) -> list[Case]:
    """Waiting and open cases of one person of the desk, oldest first."""
    return [_case(row) for row in db.execute(_CASES_OF, {"domain": domain, "staff": staff})]


def cases_of_unit(db: Connection, domain: str, unit: str) -> list[Case]:
    """Waiting and open cases of a unit, oldest first."""
    return [_case(row) for row in db.execute(_OF_UNIT, {"domain": domain, "unit": unit})]


def due_for_review(db: Connection, domain: str, unit: str) -> list[Case]:
    """Cases of a unit, closed ones too, that were drawn and not looked at yet."""
    return [_case(row) for row in db.execute(_DUE, {"domain": domain, "unit": unit})]


def set_state(db: Connection, case: Case, new: State) -> None:
    """What holds nobody any more forgets its people and their answers in the same commit."""
    at = {"of_domain": case.domain, "of_number": case.number}
    db.execute(_SET_STATE, {**at, "new": new.value})
    if new in (State.CLOSED, State.REFUSED):
        db.execute(_FORGET_PEOPLE, {"domain": case.domain, "number": case.number})
        db.execute(_FORGET_DATA, {**at, "nothing": b""})


def set_waiting(db: Connection, case: Case) -> None:
    """Somebody came into it who stands in no application."""
    db.execute(_SET_WAITING, {"of_domain": case.domain, "of_number": case.number})


def set_staff(db: Connection, case: Case, new: bytes) -> None:
    """Another clerk works on it."""
    db.execute(_SET_STAFF, {"of_domain": case.domain, "of_number": case.number, "new": new})


def set_review(db: Connection, case: Case, new: Review) -> None:
    """What the look at it found."""
    db.execute(_SET_REVIEW, {"of_domain": case.domain, "of_number": case.number, "new": new.value})


def add_person(db: Connection, domain: str, number: str, place: int, reference: bytes) -> None:
    """Somebody more whom the case is about."""
    db.execute(_ADD_PERSON, {"domain": domain, "number": number, "place": place, "reference": reference})


def people(db: Connection, domain: str, number: str) -> list[bytes]:
    """References in the order of their places."""
    return [bytes(row[0]) for row in db.execute(_PEOPLE, {"domain": domain, "number": number})]


def add_application(db: Connection, new: Application) -> None:
    """An application received. One that is there stays as it is, and may get people more."""
    at = {"domain": new.domain, "number": new.number}
    row = {**at, "procedure": new.procedure, "day": new.day, "unit": new.unit}
    db.execute(_ADD_APPLICATION, row)
    for reference in new.people:
        db.execute(_ADD_APPLICANT, {**at, "reference": reference})


def application(db: Connection, domain: str, number: str) -> Application | None:
    """The application of this number."""
    at = {"domain": domain, "number": number}
    row = db.execute(_APPLICATION_OF, at).fetchone()
    if row is None:
        return None
    applicants = tuple(bytes(each[0]) for each in db.execute(_APPLICANTS, at))
    return Application(row[0], row[1], row[2], row[3], row[4], applicants)


hand_over = handing_over(_INQUIRY)


def ask(db: Connection, new: Inquiry, replica: str = "") -> None:
    """A question, before it leaves; this replica carries it."""
    row = {name: getattr(value, "value", value) for name, value in new.__dict__.items()}
    row["rows"], row["number"] = " ".join(new.rows), row.pop("case")
    row["replica"] = replica
    db.execute(_ASK, row)


def inquiry(db: Connection, domain: str, number: str, id_: bytes) -> Inquiry:
    """A question of this case. Raises `InquiryUnknown`, also for a question of another case."""
    row = db.execute(_INQUIRY_OF, {"domain": domain, "number": number, "id": id_}).fetchone()
    if row is None:
        raise InquiryUnknown()
    return _inquiry(row)


def inquiries(db: Connection, domain: str, number: str) -> list[Inquiry]:
    """All questions of a case, oldest first."""
    return [_inquiry(row) for row in db.execute(_INQUIRIES, {"domain": domain, "number": number})]


def under_way(db: Connection, replica: str) -> list[bytes]:
    """Questions of a replica of which nobody knows yet what became."""
    return [bytes(row[0]) for row in db.execute(_UNDER_WAY) if carries(replica, row[1])]


def whose(db: Connection, id_: bytes) -> tuple[str, str, bytes] | None:
    """(domain, case number, staff) of a question."""
    row = db.execute(_WHOSE, {"id": id_}).fetchone()
    return (row[0], row[1], bytes(row[2])) if row else None


def travels(db: Connection, id_: bytes, request: bytes) -> None:
    """Under which hR a question goes."""
    db.execute(_TRAVELS, {"which": id_, "new": request})


def in_request(db: Connection, request: bytes) -> int:
    """How many questions of cases went under this hR."""
    return int(db.execute(_IN_REQUEST, {"request": request}).fetchone()[0])


def of_request(db: Connection, domain: str, request: bytes) -> tuple[str, bytes] | None:
    """(case number, staff) of the question of a desk that went under this hR."""
    row = db.execute(_OF_REQUEST, {"domain": domain, "request": request}).fetchone()
    return (row[0], bytes(row[1])) if row else None


def end(
    db: Connection,
    id_: bytes,
    step: Step,
    now_ms: int,
    result: str = "",
    problem: str = "",
    data: bytes = b"",
) -> bool:
    """What became of a question that is under way; False for one of which that is known already."""
    ended = db.execute(
        _ENDED,
        {
            "which": id_,
            "new": step.value,
            "new_result": result,
            "new_problem": problem,
            "now_ms": now_ms,
            "new_data": data,
        },
    )
    return ended.rowcount == 1


def forget_old(db: Connection, before_ms: int) -> None:
    """Drop what was answered to questions asked before a time."""
    db.execute(_FORGET_OLD, {"before_ms": before_ms, "nothing": b""})
