"""What a person instructs this agency to do, through the portal: to pay public money into another account.

The portal has seen the person by two ways in, told them, and waited (spec/visits.md); this gateway believes it, as
every gateway believes it at a login. Each act has its effect once in each direction.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from kakine.clients.recipient import Opened
from kakine.parties.gateway import store
from kakine.parties.gateway.store import Copy, metadata
from kakine.protocols.gazette import Law
from kakine.protocols.instructions import ACCOUNT_ITEM, GROUND
from kakine.runtime import codebook
from kakine.runtime.database import Connection, sql
from kakine.values.labels import DomainName
from kakine.values.problems import AnswerNotAllowed
from kakine.wire.answer import Answered, Result
from kakine.wire.canonical import decode
from kakine.wire.instruction import AccountBack, AccountChanged, Instruction
from kakine.wire.request import Mode

LAYOUT = 1
YEAR_MS = 365 * 86_400_000
KEPT_MS = 60 * 86_400_000
"""How long what was there before an act is kept; longer than any act can be undone."""

_CHANGE = Table(
    "account_change",
    metadata,
    Column("act", LargeBinary, primary_key=True),
    Column("domain", String, nullable=False),
    Column("reference", LargeBinary, nullable=False),
    Column("before", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("back", Boolean, nullable=False),
    Column("time_ms", Integer, nullable=False),
)
_ADD = sql(insert(_CHANGE))
_FIND = sql(
    select(_CHANGE.c.before, _CHANGE.c.version, _CHANGE.c.back).where(
        _CHANGE.c.act == bindparam("act"),
        _CHANGE.c.domain == bindparam("of_domain"),
        _CHANGE.c.reference == bindparam("of_reference"),
    )
)
_BACK = sql(update(_CHANGE).where(_CHANGE.c.act == bindparam("which")).values(back=True))
_FORGET = sql(delete(_CHANGE).where(_CHANGE.c.time_ms < bindparam("before_ms")))


def permit(law: Law, opened: Opened, now_ms: int) -> None:
    """The gazette again, with this gateway's own copy of it; and `AnswerNotAllowed` unless it is one person's
    instruction, proved in the chain (mode S1), to the register of accounts."""
    public = opened.public
    law.permit_ground(public.ground, public.requester, public.recipient, now_ms)
    if public.ground != GROUND or opened.record.mode is not Mode.S1 or len(opened.payload.people) != 1:
        raise AnswerNotAllowed(what="mode")
    if ACCOUNT_ITEM not in law.domain(DomainName(public.recipient)).provides:
        raise AnswerNotAllowed(what="domain")
    decode(opened.payload.people[0].detail, Instruction)


def follow(db: Connection, domain: str, opened: Opened, token: bytes, now_ms: int) -> Answered:
    """Do it, once for an act and a direction. Whom the register does not know it says so of, and of whom only a human
    may decide; nothing is done then."""
    reference = codebook.reference_of(db, domain, token)
    person = store.find_person(db, domain, token)
    if reference is None or person is None:
        return Answered(Result.NOT_KNOWN, (), b"")
    if person.needs_human:
        return Answered(Result.NEEDS_HUMAN, (), b"")
    db.execute(_FORGET, {"before_ms": now_ms - KEPT_MS})
    what = decode(opened.payload.people[0].detail, Instruction).what
    key = {"act": what.act, "of_domain": domain, "of_reference": reference}
    known = db.execute(_FIND, key).fetchone()
    match what:
        case AccountChanged() if known is None:
            _change(db, domain, reference, token, what, now_ms)
        case AccountBack() if known is not None and not known[2]:
            _back(db, domain, token, what.act, bytes(known[0]), known[1])
    return Answered(Result.DELIVERED, (ACCOUNT_ITEM,), b"")


def _change(
    db: Connection, domain: str, reference: bytes, token: bytes, what: AccountChanged, now_ms: int
) -> None:
    before = store.copies_of(db, domain, token).get(ACCOUNT_ITEM)
    version = before.source_version + 1 if before else 1
    data = msgspec.json.encode({"registered": True, **msgspec.structs.asdict(what.account)})
    store.put_copy(db, domain, token, Copy(ACCOUNT_ITEM, LAYOUT, version, now_ms, now_ms + YEAR_MS, data))
    row = {
        "act": what.act,
        "domain": domain,
        "reference": reference,
        "before": msgspec.msgpack.encode(before) if before else b"",
        "version": version,
        "back": False,
        "time_ms": now_ms,
    }
    db.execute(_ADD, row)


def _back(db: Connection, domain: str, token: bytes, act: bytes, before: bytes, version: int) -> None:
    """As it was, unless the agency or a later act has changed it since."""
    db.execute(_BACK, {"which": act})
    if store.version_of(db, domain, token, ACCOUNT_ITEM) != version:
        return
    if before:
        was = msgspec.msgpack.decode(before, type=Copy)
        # A later version than what it replaces, so that the agency's own reports go on from here.
        store.put_copy(db, domain, token, replace(was, source_version=version + 1))
    else:
        store.drop_copy(db, domain, token, ACCOUNT_ITEM)
