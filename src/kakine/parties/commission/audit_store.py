"""What the auditor keeps: how far it has read, what waits, the windows it has begun, its verdicts.

No code is here that anybody could open: vectors are blinded and masked, and go when their window is judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from kakine.runtime.database import Connection, sql
from kakine.runtime.statements import numbered

METADATA = MetaData(info={"store": "auditor"})

_MARK = Table(
    "audit_mark",
    METADATA,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)
_WAITING = Table(
    "audit_waiting",
    METADATA,
    Column("request", LargeBinary, primary_key=True),
    Column("row", LargeBinary, nullable=False),
)
_JUDGED = Table(
    "audit_judged",
    METADATA,
    Column("request", LargeBinary, primary_key=True),
)
_WINDOW = Table(
    "audit_window",
    METADATA,
    Column("id", LargeBinary, primary_key=True),
    Column("plan", LargeBinary, nullable=False),
)
_VERDICT = Table(
    "audit_verdict",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("time_ms", Integer, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("party", String, nullable=False),
    Column("fault", String, nullable=False),
    Column("requests", Integer, nullable=False),
)
_PUBLIC = Table(
    "audit_public",
    METADATA,
    Column("converter", String, nullable=False),
    Column("domain", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("public", LargeBinary, nullable=False),
    PrimaryKeyConstraint("converter", "domain", "epoch"),
)
_COUNT = Table(
    "audit_count",
    METADATA,
    Column("converter", String, primary_key=True),
    Column("statement", LargeBinary, nullable=False),
)
_OBJECTION = Table(
    "audit_objection",
    METADATA,
    Column("xid", LargeBinary, primary_key=True),
    Column("place", LargeBinary, nullable=False),
    Column("shown", LargeBinary, nullable=False),
    Column("received_ms", Integer, nullable=False),
    Column("waiting", String, nullable=False),
    Column("answer", LargeBinary),
    Column("signature", LargeBinary),
    Column("entry", LargeBinary),
    Column("logged", LargeBinary),
)
_PASSED = Table(
    "audit_passed",
    METADATA,
    Column("xid", LargeBinary, primary_key=True),
    Column("aim", String, nullable=False),
    Column("claim", LargeBinary, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("domain", String, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("item", Integer, nullable=False),
    Column("delivered", Boolean, nullable=False),
    Column("replied", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Verdict:
    """Of a window, a disputed item, a sampled enrolment or a stretch of the log, as `kind` says ("window", "dispute",
    "objection", "enrolment", "count"). `party` and `fault` are empty where all is right."""

    kind: str
    time_ms: int
    subject: bytes
    party: str
    fault: str
    requests: int


@dataclass(frozen=True)
class Objection:
    """One objection: which exchange, at which encoded place, what was shown for it (encoded `Shown`), since when,
    and which party has not answered. Then the answer, its signature and its entry; at last `logged`, with the proof."""

    xid: bytes
    place: bytes
    shown: bytes
    received_ms: int
    waiting: str = ""
    answer: bytes | None = None
    signature: bytes | None = None
    entry: bytes | None = None
    logged: bytes | None = None


@dataclass(frozen=True)
class Passed:
    """What is passed on to an agency, which alone can open `claim`. `since_ms` is the objection's minute in the log;
    `domain`, `request` and `item` are empty until it is known whose exchange it was; `replied` and its signature until
    the agency has answered."""

    xid: bytes
    aim: str
    claim: bytes
    since_ms: int
    domain: str = ""
    request: bytes = b""
    item: int = 0
    delivered: bool = False
    replied: bytes = b""
    signature: bytes = b""


_GET_MARK = sql(select(_MARK.c.value).where(_MARK.c.name == bindparam("name")))
_SET_MARK = sql(insert(_MARK).prefix_with("OR REPLACE"))
_ADD_WAITING = sql(insert(_WAITING).prefix_with("OR IGNORE"))
_ALL_WAITING = sql(select(_WAITING.c.row).order_by(_WAITING.c.request))
_DROP_WAITING = sql(delete(_WAITING).where(_WAITING.c.request == bindparam("request")))
_ADD_JUDGED = sql(insert(_JUDGED).prefix_with("OR IGNORE"))
_IS_JUDGED = sql(select(_JUDGED.c.request).where(_JUDGED.c.request == bindparam("request")))
_ADD_WINDOW = sql(insert(_WINDOW).prefix_with("OR IGNORE"))
_WINDOWS = sql(select(_WINDOW.c.plan).order_by(_WINDOW.c.id))
_DROP_WINDOW = sql(delete(_WINDOW).where(_WINDOW.c.id == bindparam("id")))
_ADD_VERDICT = sql(numbered(_VERDICT.c.number))
_VERDICTS = sql(select(*list(_VERDICT.c)[1:]).order_by(_VERDICT.c.number))
_FAULTS_SINCE = sql(
    select(func.count())
    .select_from(_VERDICT)
    .where(_VERDICT.c.fault != "", _VERDICT.c.time_ms >= bindparam("since_ms"))
)
_ADD_PUBLIC = sql(insert(_PUBLIC).prefix_with("OR IGNORE"))
_GET_PUBLIC = sql(
    select(_PUBLIC.c.public).where(
        _PUBLIC.c.converter == bindparam("converter"),
        _PUBLIC.c.domain == bindparam("domain"),
        _PUBLIC.c.epoch == bindparam("epoch"),
    )
)
_ADD_OBJECTION = sql(insert(_OBJECTION).prefix_with("OR IGNORE"))
_OBJECTION_OF = sql(select(*_OBJECTION.c).where(_OBJECTION.c.xid == bindparam("xid")))
_OBJECTIONS_OPEN = sql(
    select(*_OBJECTION.c).where(_OBJECTION.c.logged.is_(None)).order_by(_OBJECTION.c.received_ms)
)
_SET_WAITING = sql(
    update(_OBJECTION).where(_OBJECTION.c.xid == bindparam("which")).values(waiting=bindparam("party"))
)
_SET_ANSWER = sql(
    update(_OBJECTION)
    .where(_OBJECTION.c.xid == bindparam("which"))
    .values(answer=bindparam("new_answer"), signature=bindparam("new_sig"), entry=bindparam("new_entry"))
)
_SET_LOGGED = sql(
    update(_OBJECTION)
    .where(_OBJECTION.c.xid == bindparam("which"))
    .values(logged=bindparam("new_logged"), shown=bindparam("nothing"), waiting="")
)
_ADD_PASSED = sql(insert(_PASSED).prefix_with("OR IGNORE"))
_PASSED_OF = sql(select(*_PASSED.c).where(_PASSED.c.xid == bindparam("xid")))
_SET_PASSED = sql(insert(_PASSED).prefix_with("OR REPLACE"))
_SET_COUNT = sql(insert(_COUNT).prefix_with("OR REPLACE"))
_GET_COUNT = sql(select(_COUNT.c.statement).where(_COUNT.c.converter == bindparam("converter")))


def mark(db: Connection, name: str) -> int:
    """How far something has been read; 0 at first."""
    row = db.execute(_GET_MARK, {"name": name}).fetchone()
    return int(row[0]) if row else 0


def set_mark(db: Connection, name: str, value: int) -> None:
    """Read up to here."""
    db.execute(_SET_MARK, {"name": name, "value": value})


def add_waiting(db: Connection, rows: list[tuple[bytes, bytes]], after: int) -> None:
    """Rows (request, encoded vectors) that the record keeper has given, and its position after them."""
    db.executemany(_ADD_WAITING, [{"request": request, "row": row} for request, row in rows])
    set_mark(db, "vectors", after)


def all_waiting(db: Connection) -> list[bytes]:
    """Encoded vectors of requests without a verdict."""
    return [row[0] for row in db.execute(_ALL_WAITING)]


def drop_waiting(db: Connection, request: bytes) -> None:
    """There has been a verdict on this request already."""
    db.execute(_DROP_WAITING, {"request": request})


def is_judged(db: Connection, request: bytes) -> bool:
    """Whether there has been a verdict on a request."""
    return db.execute(_IS_JUDGED, {"request": request}).fetchone() is not None


def begin_window(db: Connection, identity: bytes, plan: bytes) -> None:
    """Ratios and randomness of a window are fixed before a converter sees its weights."""
    db.execute(_ADD_WINDOW, {"id": identity, "plan": plan})


def windows(db: Connection) -> list[bytes]:
    """Plans of windows that have been begun and not judged."""
    return [row[0] for row in db.execute(_WINDOWS)]


def judge(db: Connection, verdict: Verdict, requests: list[bytes], window: bytes = b"") -> None:
    """Keep a verdict; these requests and this window are done with it."""
    db.execute(_ADD_VERDICT, verdict.__dict__)
    done = [{"request": request} for request in requests]
    db.executemany(_ADD_JUDGED, done)
    db.executemany(_DROP_WAITING, done)
    db.execute(_DROP_WINDOW, {"id": window})


def verdicts(db: Connection) -> list[Verdict]:
    """All, oldest first."""
    return [Verdict(*row) for row in db.execute(_VERDICTS)]


def faults_since(db: Connection, since_ms: int) -> int:
    """How many verdicts name a fault, from that time on."""
    row = db.execute(_FAULTS_SINCE, {"since_ms": since_ms}).fetchone()
    return int(row[0]) if row else 0


def last_count(db: Connection, converter: str) -> bytes | None:
    """The last statement of a converter that has been checked."""
    row = db.execute(_GET_COUNT, {"converter": converter}).fetchone()
    return row[0] if row else None


def set_count(db: Connection, converter: str, statement: bytes) -> None:
    """This one has been checked."""
    db.execute(_SET_COUNT, {"converter": converter, "statement": statement})


def keep_public(db: Connection, converter: str, domain: tuple[str, int], public: bytes) -> bytes:
    """V of a converter's share of a (domain, epoch) as it was first seen: `public` itself, or what came before it."""
    place = {"converter": converter, "domain": domain[0], "epoch": domain[1]}
    db.execute(_ADD_PUBLIC, {**place, "public": public})
    kept: bytes = db.execute(_GET_PUBLIC, place).fetchone()[0]
    return kept


def keep_objection(db: Connection, fresh: Objection) -> Objection:
    """The objection to this exchange: the one kept, or else this."""
    db.execute(_ADD_OBJECTION, fresh.__dict__)
    return find_objection(db, fresh.xid) or fresh


def find_objection(db: Connection, xid: bytes) -> Objection | None:
    """The objection to an exchange."""
    row = db.execute(_OBJECTION_OF, {"xid": xid}).fetchone()
    return Objection(*row) if row else None


def open_objections(db: Connection) -> list[Objection]:
    """Those whose answer is not in the log yet, oldest first."""
    return [Objection(*row) for row in db.execute(_OBJECTIONS_OPEN)]


def set_waiting(db: Connection, xid: bytes, party: str) -> None:
    """This party did not answer."""
    db.execute(_SET_WAITING, {"which": xid, "party": party})


def set_answer(db: Connection, xid: bytes, answer: bytes, signature: bytes, entry: bytes) -> None:
    """What is answered, and how it will be logged; it stays as it is from now on."""
    values = {"which": xid, "new_answer": answer, "new_sig": signature, "new_entry": entry}
    db.execute(_SET_ANSWER, values)


def set_logged(db: Connection, xid: bytes, logged: bytes) -> None:
    """The answer stands in the log. What was shown is not needed any more."""
    db.execute(_SET_LOGGED, {"which": xid, "new_logged": logged, "nothing": b""})


def pass_on(db: Connection, fresh: Passed) -> None:
    """Keep what is to be passed on. What is kept for this exchange already stays."""
    db.execute(_ADD_PASSED, fresh.__dict__)


def passed(db: Connection, xid: bytes) -> Passed | None:
    """What is passed on for an exchange."""
    row = db.execute(_PASSED_OF, {"xid": xid}).fetchone()
    return replace(Passed(*row), delivered=bool(row[7])) if row else None


def set_passed(db: Connection, now: Passed) -> None:
    """How it stands with it now."""
    db.execute(_SET_PASSED, now.__dict__)
