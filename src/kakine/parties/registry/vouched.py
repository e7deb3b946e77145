"""Whom the registry has vouched for, under which random name, and what the authority has still to be told.

The name (handle) is for the authority alone and derived from nothing. News stands in the transaction of the event it
comes from, so that no death or move is lost on the way.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from kakine.contracts.authority import Event, What
from kakine.contracts.registry import CardNews, Change, Died, Moved, Renamed, WentAbroad
from kakine.crypto.hashing import digest
from kakine.parties.registry.store import Person, metadata
from kakine.runtime.database import Connection, sql
from kakine.runtime.statements import numbered
from kakine.values.problems import LossCodeUnknown

handle = Table(
    "authority_handle",
    metadata,
    Column("person", LargeBinary, ForeignKey("person.id"), primary_key=True),
    Column("handle", LargeBinary, nullable=False, unique=True),
)
news = Table(
    "authority_news",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("handle", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("what", String, nullable=False),
)

loss = Table(
    "loss_code",
    metadata,
    Column("person", LargeBinary, ForeignKey("person.id"), primary_key=True),
    Column("code", LargeBinary, nullable=False, unique=True),
)

_new = insert(loss)
_LOSS_PUT = sql(_new.on_conflict_do_update(index_elements=[loss.c.person], set_={"code": _new.excluded.code}))
_LOSS_FIND = sql(select(loss.c.person).where(loss.c.code == bindparam("told")))
_FIND = sql(select(handle.c.handle).where(handle.c.person == bindparam("wanted")))
_ADD = sql(insert(handle))
_QUEUE = sql(numbered(news.c.position).prefix_with("OR IGNORE"))
_WAITING = sql(
    select(news.c.key, news.c.handle, news.c.version, news.c.what).order_by(news.c.position).limit(1000)
)
_SENT = sql(news.delete().where(news.c.key == bindparam("told")))
_WAITS = sql(select(news.c.position).where(news.c.handle == bindparam("wanted")).limit(1))

_CARD = {CardNews.LOST: What.LOST, CardNews.FOUND: What.FOUND, CardNews.ENDED: What.ENDED}


def find(db: Connection, person: bytes) -> bytes | None:
    """The name under which the authority knows a person."""
    row = db.execute(_FIND, {"wanted": person}).fetchone()
    return row[0] if row else None


def name(db: Connection, person: bytes, fresh: bytes) -> bytes:
    """The person's name towards the authority, `fresh` (16 random bytes) where there is none."""
    found = find(db, person)
    if found is None:
        db.execute(_ADD, {"person": person, "handle": fresh})
        return fresh
    return found


def note(db: Connection, after: Person, key: bytes, change: Change) -> None:
    """Queue what an event means for certificates, if the authority knows the person and it means anything."""
    match change:
        case Died():
            what = What.DIED
        case WentAbroad():
            what = What.LEFT
        case Moved() | Renamed():
            what = What.ATTRIBUTES
        case _:
            return
    _queue(db, after, key, what)


def note_card(db: Connection, person: Person, key: bytes, said: CardNews) -> None:
    """Queue what the holder says of the card."""
    _queue(db, person, key, _CARD[said])


def put_loss_code(db: Connection, person: bytes, code: bytes) -> None:
    """From now on this code (its digest) reports a loss of this person's card, and no other does."""
    db.execute(_LOSS_PUT, {"person": person, "code": code})


def by_loss_code(db: Connection, code: bytes) -> bytes:
    """The person's internal id. Raises `LossCodeUnknown`."""
    row = db.execute(_LOSS_FIND, {"told": code}).fetchone()
    if row is None:
        raise LossCodeUnknown()
    return bytes(row[0])


def _queue(db: Connection, person: Person, key: bytes, what: What) -> None:
    known = find(db, person.id)
    if known is not None:
        # The reporter's key is not passed on: it would name the event at two parties.
        own = digest("authority-news", key)[:16]
        values = {"key": own, "handle": known}
        db.execute(_QUEUE, values | {"version": person.version, "what": what.value})


def waiting(db: Connection) -> list[Event]:
    """What the authority has to be told next, in order."""
    return [Event(key, known, version, What(what)) for key, known, version, what in db.execute(_WAITING)]


def sent(db: Connection, events: Sequence[Event]) -> None:
    """The authority has been told these."""
    db.executemany(_SENT, [{"told": each.key} for each in events])


def waits(db: Connection, known: bytes) -> bool:
    """Whether there is news of this person that the authority does not have."""
    return db.execute(_WAITS, {"wanted": known}).fetchone() is not None
