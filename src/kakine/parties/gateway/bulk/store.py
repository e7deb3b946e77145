"""Tables of jobs, of the people each asks about, and of the requests it went in.

A job's people and what was answered stand here from its beginning until its answers have been handed over; then only
its counts and the numbers of its requests are left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.sql.functions import count

from kakine.runtime.database import Connection, sql
from kakine.runtime.replicas import carrier_column, carries, handing_over


class Step(StrEnum):
    """How far a question is. TO_BEGIN: its job has not begun. LOST: it was recorded, or may have been, and no answer is
    to come."""

    TO_BEGIN = "to-begin"
    WAITING = "waiting"
    UNDER_WAY = "under-way"
    ANSWERED = "answered"
    REFUSED = "refused"
    LOST = "lost"


@dataclass(frozen=True)
class Job:
    """`id` (12 bytes) follows from all that is asked, so the same order is the same job. `ended_ms` is 0 while answers
    are still here."""

    id: bytes
    domain: str
    provider: str
    procedure: str
    rows: str
    official: str
    unit: str
    total: int
    begun_ms: int
    ended_ms: int = 0


@dataclass(frozen=True, repr=False)
class Line:
    """A person of a job and what came of the question. `id` is the job's and the position (4 bytes); `mark` a digest of
    the case number; `items` are those that went, `data` is JSON."""

    id: bytes
    job: bytes
    reference: bytes
    mark: bytes
    step: str = Step.WAITING.value
    result: str = ""
    problem: str = ""
    items: str = ""
    data: bytes = b""
    request: bytes = b""
    replica: str = ""


_own = MetaData()
_JOB = Table(
    "bulk_job",
    _own,
    Column("id", LargeBinary, primary_key=True),
    Column("domain", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("procedure", String, nullable=False),
    Column("rows", String, nullable=False),
    Column("official", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("total", Integer, nullable=False),
    Column("begun_ms", Integer, nullable=False),
    Column("ended_ms", Integer, nullable=False),
)
_LINE = Table(
    "bulk_line",
    _own,
    Column("id", LargeBinary, primary_key=True),
    Column("job", LargeBinary, nullable=False),
    Column("reference", LargeBinary, nullable=False),
    Column("mark", LargeBinary, nullable=False),
    Column("step", String, nullable=False, index=True),
    Column("result", String, nullable=False),
    Column("problem", String, nullable=False),
    Column("items", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("request", LargeBinary, nullable=False, index=True),
    carrier_column(),
)
_REQUEST = Table(
    "bulk_request",
    _own,
    Column("request", LargeBinary, primary_key=True),
    Column("job", LargeBinary, nullable=False),
)
TABLES = (_JOB, _LINE, _REQUEST)

_ADD_JOB = sql(insert(_JOB))
_GET_JOB = sql(select(*_JOB.c).where(_JOB.c.id == bindparam("id")))
_JOBS = sql(
    select(*_JOB.c)
    .where(_JOB.c.domain == bindparam("domain"), _JOB.c.begun_ms >= bindparam("since_ms"))
    .order_by(_JOB.c.begun_ms)
)
_END_JOB = sql(update(_JOB).where(_JOB.c.id == bindparam("which")).values(ended_ms=bindparam("now_ms")))
_ADD_LINE = sql(insert(_LINE))
_ADD_LINES = sql(insert(_LINE).prefix_with("OR IGNORE"))
_DROP_LINES = sql(delete(_LINE).where(_LINE.c.job == bindparam("job")))
# A job's lines lie together under ids that begin with its own, so that this reads no others.
_OF_JOB = (_LINE.c.id >= bindparam("first"), _LINE.c.id <= bindparam("last"))
_AT_STEP = sql(
    select(*_LINE.c)
    .where(*_OF_JOB, _LINE.c.step == bindparam("step"))
    .order_by(_LINE.c.id)
    .limit(bindparam("most"))
)
_LINES = sql(select(*_LINE.c).where(*_OF_JOB).order_by(_LINE.c.id))
_PEOPLE = sql(select(_LINE.c.reference, _LINE.c.mark).where(*_OF_JOB).order_by(_LINE.c.id))
_SOME_LINES = sql(select(*_LINE.c).where(*_OF_JOB).order_by(_LINE.c.id).limit(bindparam("most")))
_BEGIN = sql(
    update(_LINE)
    .where(_LINE.c.job == bindparam("of"), _LINE.c.step == Step.TO_BEGIN.value)
    .values(step=Step.WAITING.value)
)
_DROP_UNBEGUN = sql(delete(_LINE).where(_LINE.c.step == Step.TO_BEGIN.value))
_COUNTS = sql(select(_LINE.c.step, count()).where(*_OF_JOB).group_by(_LINE.c.step))
_RESULTS = sql(
    select(_LINE.c.result, _LINE.c.problem, count()).where(*_OF_JOB).group_by(_LINE.c.result, _LINE.c.problem)
)
_STEP_OF = sql(select(_LINE.c.step, _LINE.c.request, _LINE.c.job).where(_LINE.c.id == bindparam("id")))
_GO = sql(
    update(_LINE)
    .where(_LINE.c.id == bindparam("which"), _LINE.c.step == Step.WAITING.value)
    .values(step=Step.UNDER_WAY.value, request=bindparam("nothing"), replica=bindparam("by"))
)
_TRAVELS = sql(
    update(_LINE)
    .where(_LINE.c.id == bindparam("which"), _LINE.c.step == Step.UNDER_WAY.value)
    .values(request=bindparam("new"))
)
_ADD_REQUEST = sql(insert(_REQUEST))
_JOB_OF = sql(select(_REQUEST.c.job).where(_REQUEST.c.request == bindparam("request")))
_UNDER_WAY = sql(select(_LINE.c.id, _LINE.c.replica).where(_LINE.c.step == Step.UNDER_WAY.value))
_END = sql(
    update(_LINE)
    .where(_LINE.c.id == bindparam("which"), _LINE.c.step == Step.UNDER_WAY.value)
    .values(
        step=bindparam("new"),
        result=bindparam("new_result"),
        problem=bindparam("new_problem"),
        items=bindparam("new_items"),
        data=bindparam("new_data"),
    )
)


def _span(job: bytes) -> dict[str, bytes]:
    return {"first": job + bytes(4), "last": job + b"\xff" * 4}


def add(db: Connection, job: Job, lines: Iterator[Line]) -> None:
    """A new job, whole or not at all."""
    db.execute(_ADD_JOB, asdict(job))
    db.executemany(_ADD_LINE, map(asdict, lines))


def add_lines(db: Connection, lines: Sequence[Line]) -> None:
    """Lines of a job that has not begun; what is there stays."""
    db.executemany(_ADD_LINES, [asdict(each) for each in lines])


def people(db: Connection, job: bytes) -> list[tuple[bytes, bytes]]:
    """(reference, mark) of everybody in a job, in order."""
    return [(bytes(row[0]), bytes(row[1])) for row in db.execute(_PEOPLE, _span(job))]


def drop_people(db: Connection, job: bytes) -> None:
    """Forget whom a job is about."""
    db.execute(_DROP_LINES, {"job": job})


def drop_unbegun(db: Connection) -> None:
    """Forget whom jobs that have not begun were to be about."""
    db.execute(_DROP_UNBEGUN)


def begin(db: Connection, job: Job) -> None:
    """A job whose lines are here."""
    db.execute(_ADD_JOB, asdict(job))
    db.execute(_BEGIN, {"of": job.id})


def find(db: Connection, id_: bytes) -> Job | None:
    """The job of this id, None before it was begun."""
    row = db.execute(_GET_JOB, {"id": id_}).fetchone()
    return Job(*row) if row else None


def jobs(db: Connection, domain: str, since_ms: int) -> list[Job]:
    """What a domain has begun since a time, oldest first."""
    return [Job(*row) for row in db.execute(_JOBS, {"domain": domain, "since_ms": since_ms})]


def end(db: Connection, job: bytes, now_ms: int) -> None:
    """Forget whom it asked about and what was answered."""
    drop_people(db, job)
    db.execute(_END_JOB, {"which": job, "now_ms": now_ms})


def at_step(db: Connection, job: bytes, step: Step, most: int) -> list[Line]:
    """The first `most` of a job's lines at this step."""
    return [Line(*row) for row in db.execute(_AT_STEP, {**_span(job), "step": step.value, "most": most})]


def lines(db: Connection, job: bytes) -> Iterator[Line]:
    """All of a job, in the order of its file."""
    for row in db.execute(_LINES, _span(job)):
        yield Line(*row)


def some_lines(db: Connection, job: bytes, first: int, most: int) -> list[Line]:
    """So many lines of a job at most, from a position on."""
    span = {**_span(job), "first": job + first.to_bytes(4), "most": most}
    return [Line(*row) for row in db.execute(_SOME_LINES, span)]


def counts(db: Connection, job: bytes) -> dict[Step, int]:
    """How many of a job are at each step; steps that nobody is at are left out."""
    return {Step(row[0]): row[1] for row in db.execute(_COUNTS, _span(job))}


def results(db: Connection, job: bytes) -> dict[str, int]:
    """How often each result, or code of a problem, came of a job."""
    found = [(row[0] or row[1], row[2]) for row in db.execute(_RESULTS, _span(job))]
    return {name: many for name, many in sorted(found) if name}


def step_of(db: Connection, id_: bytes) -> tuple[Step, bytes, bytes] | None:
    """(step, request, job) of a line; None for an id of no job."""
    row = db.execute(_STEP_OF, {"id": id_}).fetchone()
    return (Step(row[0]), bytes(row[1]), bytes(row[2])) if row else None


def go(db: Connection, ids: Sequence[bytes], replica: str) -> None:
    """These are being asked from now on, by this replica."""
    db.executemany(_GO, [{"which": id_, "nothing": b"", "by": replica} for id_ in ids])


hand_over = handing_over(_LINE)


def travels(db: Connection, ids: Sequence[bytes], job: bytes, request: bytes) -> None:
    """These go under this hR."""
    db.execute(_ADD_REQUEST, {"request": request, "job": job})
    db.executemany(_TRAVELS, [{"which": id_, "new": request} for id_ in ids])


def job_of(db: Connection, request: bytes) -> bytes | None:
    """The job that asked under this hR; None where none did."""
    row = db.execute(_JOB_OF, {"request": request}).fetchone()
    return bytes(row[0]) if row else None


def under_way(db: Connection, replica: str) -> list[bytes]:
    """Ids of all that a replica is asking, whichever job it is of."""
    return [bytes(row[0]) for row in db.execute(_UNDER_WAY) if carries(replica, row[1])]


def settle(
    db: Connection,
    ids: Collection[bytes],
    step: Step,
    result: str = "",
    problem: str = "",
    items: Sequence[str] = (),
    data: bytes = b"",
) -> None:
    """What became of lines that are under way; nothing for others."""
    told = {
        "new": step.value,
        "new_result": result,
        "new_problem": problem,
        "new_items": " ".join(items),
        "new_data": data,
    }
    db.executemany(_END, [{"which": id_, **told} for id_ in ids])
