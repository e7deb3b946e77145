"""Data copies and flags, by domain and wrapped code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

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
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_once

from kakine.clients.rekey import rekey_tables
from kakine.parties.gateway import claims_store
from kakine.parties.gateway.bulk import store as bulk_store
from kakine.parties.gateway.desk import case_store, journal, people_store
from kakine.runtime.codebook import codebook_metadata
from kakine.runtime.database import Connection, each, sql

metadata = codebook_metadata(MetaData(info={"store": "gateway"}))
rekey_tables(metadata)
for _table in (
    *people_store.TABLES,
    *case_store.TABLES,
    *journal.TABLES,
    *bulk_store.TABLES,
    *claims_store.TABLES,
):
    _table.to_metadata(metadata)
_holding = metadata.tables["holding"]

flags = Table(
    "flags",
    metadata,
    Column("domain", String, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("non_disclosed", Boolean, nullable=False),
    Column("needs_human", Boolean, nullable=False),
    Column("own_view_stopped", Boolean, nullable=False),
    PrimaryKeyConstraint("domain", "token"),
)

copy = Table(
    "data_copy",
    metadata,
    Column("domain", String, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("item", String, nullable=False),
    Column("layout", Integer, nullable=False),
    Column("source_version", Integer, nullable=False),
    Column("as_of_ms", Integer, nullable=False),
    Column("expires_ms", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("domain", "token", "item"),
)

closed_area = Table(
    "closed_area",
    metadata,
    Column("domain", String, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("area", String, nullable=False),
    PrimaryKeyConstraint("domain", "token", "area"),
)
"""Areas of the own data that their person has closed (spec/own-data.md section 4)."""


@dataclass(frozen=True)
class Flags:
    """不開示 (nothing of this person goes out), 自動応答不可 (a human decides), and 自己情報提供不可 (the person's own
    view is stopped: it shows nothing, whoever looks)."""

    non_disclosed: bool = False
    needs_human: bool = False
    own_view_stopped: bool = False


@dataclass(frozen=True)
class Copy:
    """A copy (副本) of what the agency's own system says of one person under one item. `data` is JSON in a layout."""

    item: str
    layout: int
    source_version: int
    as_of_ms: int
    expires_ms: int
    data: bytes


_PERSON = sql(
    select(flags.c.non_disclosed, flags.c.needs_human, flags.c.own_view_stopped)
    .select_from(
        _holding.outerjoin(flags, (flags.c.domain == _holding.c.domain) & (flags.c.token == _holding.c.token))
    )
    .where(_holding.c.domain == bindparam("domain"), _holding.c.token == bindparam("token"))
)
_INSERT_FLAGS = sql(insert(flags))
_DROP_FLAGS = sql(
    delete(flags).where(flags.c.domain == bindparam("domain"), flags.c.token == bindparam("token"))
)
_MOVE_FLAGS = sql(
    update(flags)
    .where(flags.c.domain == bindparam("of_domain"), flags.c.token == bindparam("old"))
    .values(token=bindparam("new"))
)
_COPIES = sql(
    select(
        copy.c.item, copy.c.layout, copy.c.source_version, copy.c.as_of_ms, copy.c.expires_ms, copy.c.data
    ).where(copy.c.domain == bindparam("domain"), copy.c.token == bindparam("token"))
)
_INSERT_COPY = sql(insert(copy))
_VERSION = sql(
    select(copy.c.source_version).where(
        copy.c.domain == bindparam("domain"),
        copy.c.token == bindparam("token"),
        copy.c.item == bindparam("item"),
    )
)
_DROP_COPY = sql(
    delete(copy).where(
        copy.c.domain == bindparam("domain"),
        copy.c.token == bindparam("token"),
        copy.c.item == bindparam("item"),
    )
)
_MOVE_COPIES = sql(
    update(copy)
    .where(copy.c.domain == bindparam("of_domain"), copy.c.token == bindparam("old"))
    .values(token=bindparam("new"))
)

_THIS_AREA = (
    (closed_area.c.domain == bindparam("domain"))
    & (closed_area.c.token == bindparam("token"))
    & (closed_area.c.area == bindparam("area"))
)
_CLOSE = sql(insert_once(closed_area).on_conflict_do_nothing())
_OPEN = sql(delete(closed_area).where(_THIS_AREA))
_CLOSED = sql(select(closed_area.c.area).where(_THIS_AREA))
_CLOSED_OF = sql(
    select(closed_area.c.area).where(
        closed_area.c.domain == bindparam("domain"), closed_area.c.token == bindparam("token")
    )
)


def find_person(db: Connection, domain: str, token: bytes) -> Flags | None:
    """The flags of somebody the domain knows; None for others."""
    return find_people(db, domain, [token])[0]


def find_people(db: Connection, domain: str, tokens: Sequence[bytes]) -> list[Flags | None]:
    """The flags of each, in order; None for whom the domain does not know."""
    found = each(db, _PERSON, [{"domain": domain, "token": token} for token in tokens])
    return [Flags(*map(bool, rows[0])) if rows else None for rows in found]


def set_flags(db: Connection, domain: str, token: bytes, of: Flags) -> None:
    """All flags at once; none removes the row."""
    place = {"domain": domain, "token": token}
    db.execute(_DROP_FLAGS, place)
    if of != Flags():
        db.execute(_INSERT_FLAGS, place | asdict(of))


def copies_of(db: Connection, domain: str, token: bytes) -> dict[str, Copy]:
    """All copies of one person in one domain, by item."""
    return all_copies(db, domain, [token])[token]


def all_copies(db: Connection, domain: str, tokens: Sequence[bytes]) -> dict[bytes, dict[str, Copy]]:
    """All copies of each of these people in one domain, by code and item."""
    found = each(db, _COPIES, [{"domain": domain, "token": token} for token in tokens])
    return {token: {row[0]: Copy(*row) for row in rows} for token, rows in zip(tokens, found, strict=True)}


def version_of(db: Connection, domain: str, token: bytes, item: str) -> int | None:
    """The source version of a copy."""
    row = db.execute(_VERSION, {"domain": domain, "token": token, "item": item}).fetchone()
    return row[0] if row else None


def put_copy(db: Connection, domain: str, token: bytes, new: Copy) -> None:
    """Replace the copy of an item."""
    place = {"domain": domain, "token": token, "item": new.item}
    db.execute(_DROP_COPY, place)
    db.execute(_INSERT_COPY, {"domain": domain, "token": token, **new.__dict__})


def drop_copy(db: Connection, domain: str, token: bytes, item: str) -> None:
    """Keep no copy of this item."""
    db.execute(_DROP_COPY, {"domain": domain, "token": token, "item": item})


def set_closed(db: Connection, domain: str, token: bytes, area: str, *, closed: bool) -> None:
    """Whether this area is closed from now on, for whoever has this code."""
    db.execute(_CLOSE if closed else _OPEN, {"domain": domain, "token": token, "area": area})


def is_closed(db: Connection, domain: str, token: bytes, area: str) -> bool:
    """Whether its person has closed this area."""
    return db.execute(_CLOSED, {"domain": domain, "token": token, "area": area}).fetchone() is not None


def move_person(db: Connection, old: bytes, new: bytes, domain: str) -> None:
    """Flags, copies and closed areas follow a person to a new code."""
    move = {"of_domain": domain, "old": old, "new": new}
    db.execute(_MOVE_FLAGS, move)
    db.execute(_MOVE_COPIES, move)
    for (area,) in db.execute(_CLOSED_OF, {"domain": domain, "token": old}).fetchall():
        set_closed(db, domain, old, area, closed=False)
        set_closed(db, domain, new, area, closed=True)
