"""A domain's own codes at rest: which local reference (宛名番号, file number) stands for which wrapped code.

Also the requests a party has sent and not finished, and the outcomes it has filed: what it needs to go on after a
crash as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Index,
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

from kakine.runtime.database import Connection, each, sql
from kakine.runtime.keyring import keyring_metadata
from kakine.runtime.replicas import carrier_column, handing_over

metadata = MetaData()
keyring_metadata(metadata)

holding = Table(
    "holding",
    metadata,
    Column("domain", String, nullable=False),
    Column("reference", LargeBinary, nullable=False),
    Column("token", LargeBinary, nullable=False),
    PrimaryKeyConstraint("domain", "reference"),
    Index("holding_by_token", "domain", "token", unique=True),
)

outgoing = Table(
    "outgoing",
    metadata,
    Column("request", LargeBinary, primary_key=True),
    Column("kept", LargeBinary, nullable=False),
    Column("context", LargeBinary, nullable=False),
    Column("time_ms", Integer, nullable=False),
    carrier_column(),
)

receipt = Table(
    "receipt",
    metadata,
    Column("request", LargeBinary, primary_key=True),
    Column("filed", LargeBinary, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Column("tags", LargeBinary, nullable=False),
    Column("time_ms", Integer, nullable=False),
)

incoming = Table(
    "incoming",
    metadata,
    Column("request", LargeBinary, primary_key=True),
    Column("answers", LargeBinary, nullable=False),
    Column("time_ms", Integer, nullable=False),
)

disputable = Table(
    "disputable",
    metadata,
    Column("request", LargeBinary, primary_key=True),
    Column("kept", LargeBinary, nullable=False),
    Column("expiry", Integer, nullable=False, index=True),
)

TABLES = (holding, outgoing, receipt, incoming, disputable, metadata.tables["domain_key"])


def codebook_metadata(into: MetaData) -> MetaData:
    """Add these tables to a party's own schema."""
    for table in TABLES:
        if table.name not in into.tables:
            table.to_metadata(into)
    return into


@dataclass(frozen=True)
class Unfinished:
    """A request sent and not concluded; `context` is the sender's own note of what it was for, `replica` who carries
    it."""

    request: bytes
    kept: bytes
    context: bytes
    time_ms: int
    replica: str


_ADD = sql(insert(holding))
_BY_REFERENCE = sql(
    select(holding.c.token).where(
        holding.c.domain == bindparam("domain"), holding.c.reference == bindparam("reference")
    )
)
_BY_TOKEN = sql(
    select(holding.c.reference).where(
        holding.c.domain == bindparam("domain"), holding.c.token == bindparam("token")
    )
)
_REPLACE = sql(
    update(holding)
    .where(holding.c.domain == bindparam("of_domain"), holding.c.token == bindparam("old"))
    .values(token=bindparam("new"))
)
_DROP = sql(
    delete(holding).where(
        holding.c.domain == bindparam("domain"), holding.c.reference == bindparam("reference")
    )
)
_REFERENCES = sql(
    select(holding.c.reference)
    .where(holding.c.domain == bindparam("domain"), holding.c.reference > bindparam("after"))
    .order_by(holding.c.reference)
    .limit(bindparam("most"))
)
_SEND = sql(insert(outgoing))
_UNFINISHED = sql(select(*outgoing.c).order_by(outgoing.c.time_ms))
_IS_OPEN = sql(select(outgoing.c.time_ms).where(outgoing.c.request == bindparam("request")))
_DONE = sql(delete(outgoing).where(outgoing.c.request == bindparam("request")))
_KEEP_RECEIPT = sql(insert(receipt))
_HAS_RECEIPT = sql(select(receipt.c.time_ms).where(receipt.c.request == bindparam("request")))
_RECEIPTS = sql(select(*receipt.c).order_by(receipt.c.time_ms))
_KEEP_DISPUTABLE = sql(insert(disputable).prefix_with("OR REPLACE"))
_DISPUTABLE = sql(select(disputable.c.kept).where(disputable.c.request == bindparam("request")))
_ALL_DISPUTABLE = sql(select(disputable.c.request, disputable.c.kept))
_DROP_DISPUTABLE = sql(delete(disputable).where(disputable.c.expiry < bindparam("month")))
_ANSWER = sql(insert(incoming))
_FORGET = sql(delete(incoming).where(incoming.c.time_ms < bindparam("before")))
_ANSWERED = sql(select(incoming.c.answers).where(incoming.c.request == bindparam("request")))


def add_holding(db: Connection, domain: str, reference: bytes, token: bytes) -> None:
    """A new person in the domain. `IntegrityError` if the reference or the token is there."""
    db.execute(_ADD, {"domain": domain, "reference": reference, "token": token})


def token_of(db: Connection, domain: str, reference: bytes) -> bytes | None:
    """The wrapped code of a local reference."""
    return tokens_of(db, domain, [reference])[0]


def tokens_of(db: Connection, domain: str, references: Sequence[bytes]) -> list[bytes | None]:
    """The wrapped code of each local reference."""
    found = each(db, _BY_REFERENCE, [{"domain": domain, "reference": one} for one in references])
    return [rows[0][0] if rows else None for rows in found]


def reference_of(db: Connection, domain: str, token: bytes) -> bytes | None:
    """The local reference of a wrapped code."""
    row = db.execute(_BY_TOKEN, {"domain": domain, "token": token}).fetchone()
    return row[0] if row else None


def replace_token(db: Connection, domain: str, old: bytes, new: bytes) -> int:
    """The person has a new code; how many rows that changed (0 or 1)."""
    return db.execute(_REPLACE, {"of_domain": domain, "old": old, "new": new}).rowcount


def drop_holding(db: Connection, domain: str, reference: bytes) -> None:
    """The domain keeps nothing under this reference any more."""
    db.execute(_DROP, {"domain": domain, "reference": reference})


def references_after(db: Connection, domain: str, after: bytes, most: int) -> list[bytes]:
    """Local references in order, a page at a time (for the domain's own upkeep: re-keying)."""
    page = {"domain": domain, "after": after, "most": most}
    return [row[0] for row in db.execute(_REFERENCES, page)]


def keep_outgoing(
    db: Connection, request: bytes, kept: bytes, context: bytes, time_ms: int, replica: str = ""
) -> None:
    """Write the intent down before the first call; `replica` carries it."""
    values = {"request": request, "kept": kept, "context": context, "time_ms": time_ms, "replica": replica}
    db.execute(_SEND, values)


hand_over_outgoing = handing_over(outgoing)


def unfinished(db: Connection) -> list[Unfinished]:
    """What a crash left open, oldest first."""
    return [Unfinished(*row) for row in db.execute(_UNFINISHED)]


def is_open(db: Connection, request: bytes) -> bool:
    """Whether the request was sent and is not concluded."""
    return db.execute(_IS_OPEN, {"request": request}).fetchone() is not None


def finish(db: Connection, request: bytes) -> None:
    """The request is concluded, one way or the other."""
    db.execute(_DONE, {"request": request})


def keep_receipt(
    db: Connection, request: bytes, filed: bytes, entries: bytes, tags: bytes, time_ms: int
) -> None:
    """Keep the evidence that a request was recorded. A second time changes nothing."""
    if not has_receipt(db, request):
        values = {"request": request, "filed": filed, "entries": entries, "tags": tags, "time_ms": time_ms}
        db.execute(_KEEP_RECEIPT, values)


def has_receipt(db: Connection, request: bytes) -> bool:
    """Whether it is known here that a request was recorded."""
    return db.execute(_HAS_RECEIPT, {"request": request}).fetchone() is not None


def receipts(db: Connection) -> list[tuple[bytes, bytes, bytes, bytes]]:
    """(request, filed, entries, tags) of every receipt, oldest first."""
    return [(row[0], row[1], row[2], row[3]) for row in db.execute(_RECEIPTS)]


def keep_disputable(db: Connection, request: bytes, kept: bytes, expiry: int) -> None:
    """What a dispute about a request needs, until the month `expiry` (since 2000-01) is over."""
    db.execute(_KEEP_DISPUTABLE, {"request": request, "kept": kept, "expiry": expiry})


def find_disputable(db: Connection, request: bytes) -> bytes | None:
    """What was kept of a request."""
    row = db.execute(_DISPUTABLE, {"request": request}).fetchone()
    return row[0] if row else None


def all_disputable(db: Connection) -> list[tuple[bytes, bytes]]:
    """(request, kept) of every one."""
    return [(row[0], row[1]) for row in db.execute(_ALL_DISPUTABLE)]


def drop_disputable(db: Connection, month: int) -> None:
    """Drop what expired before this month, with the records that it was for."""
    db.execute(_DROP_DISPUTABLE, {"month": month})


def keep_incoming(db: Connection, request: bytes, answers: bytes, time_ms: int) -> bytes:
    """The answers decided for a request: those decided before, or else these."""
    known = answered(db, request)
    if known is None:
        db.execute(_ANSWER, {"request": request, "answers": answers, "time_ms": time_ms})
    return known or answers


def answered(db: Connection, request: bytes) -> bytes | None:
    """The answers decided for a request."""
    row = db.execute(_ANSWERED, {"request": request}).fetchone()
    return row[0] if row else None


def forget_incoming(db: Connection, before_ms: int) -> int:
    """Delete the answers decided before a time, with the seeds of their records; how many there were. What is asked
    again so late is refused before anybody looks here."""
    return db.execute(_FORGET, {"before": before_ms}).rowcount
