"""What people have against exchanges of this agency, and what it has answered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from kakine.runtime.database import Connection, sql

_metadata = MetaData()

_CLAIM = Table(
    "claim",
    _metadata,
    Column("xid", LargeBinary, primary_key=True),
    Column("domain", String, nullable=False, index=True),
    Column("request", LargeBinary, nullable=False),
    Column("item", Integer, nullable=False),
    Column("claim", LargeBinary, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("received_ms", Integer, nullable=False),
    Column("reply", LargeBinary, nullable=False),
    Column("replied", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
TABLES = (_CLAIM,)


@dataclass(frozen=True)
class Kept:
    """One claim: an encoded `wire.objection.Claim`, which exchange of which domain it is about (hR and the position in
    it), since when the objection stands in the log, and the encoded `Reply`, `Replied` and its signature once there."""

    xid: bytes
    domain: str
    request: bytes
    item: int
    claim: bytes
    since_ms: int
    received_ms: int
    reply: bytes = b""
    replied: bytes = b""
    signature: bytes = b""


_ADD = sql(insert(_CLAIM).prefix_with("OR IGNORE"))
_OF = sql(select(*_CLAIM.c).where(_CLAIM.c.xid == bindparam("xid")))
_ALL = sql(
    select(*_CLAIM.c).where(_CLAIM.c.domain == bindparam("domain")).order_by(_CLAIM.c.since_ms, _CLAIM.c.xid)
)
_ANSWER = sql(
    update(_CLAIM)
    .where(_CLAIM.c.xid == bindparam("which"), _CLAIM.c.reply == bindparam("nothing"))
    .values(
        reply=bindparam("new_reply"), replied=bindparam("new_replied"), signature=bindparam("new_signature")
    )
)


def keep(db: Connection, fresh: Kept) -> Kept:
    """The claim about this exchange: the one kept, or else this."""
    db.execute(_ADD, fresh.__dict__)
    return find(db, fresh.xid) or fresh


def find(db: Connection, xid: bytes) -> Kept | None:
    """The claim about an exchange."""
    row = db.execute(_OF, {"xid": xid}).fetchone()
    return Kept(*row) if row else None


def of_domain(db: Connection, domain: str) -> list[Kept]:
    """All claims of a domain, oldest first."""
    return [Kept(*row) for row in db.execute(_ALL, {"domain": domain})]


def answer(db: Connection, xid: bytes, reply: bytes, replied: bytes, signature: bytes) -> bool:
    """Keep what is answered; False where there is no claim without an answer."""
    values = {
        "which": xid,
        "new_reply": reply,
        "new_replied": replied,
        "new_signature": signature,
        "nothing": b"",
    }
    return db.execute(_ANSWER, values).rowcount == 1
