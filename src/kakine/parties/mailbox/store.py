"""Valid codes, lists, filings and sealed records."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from kakine.runtime.database import sql
from kakine.wire.history import GENESIS

metadata = MetaData()

ACTIVE, WAITING, RETIRED = "active", "waiting", "retired"

code = Table(
    "code",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("list", Integer, ForeignKey("list.id"), nullable=False),
    Column("state", String, nullable=False),
)

person_list = Table(
    "list",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
)

filing = Table(
    "filing",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("filing", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Column("tags", LargeBinary, nullable=False),
    Column("first", Integer),
    Column("proof", LargeBinary),
    Column("checkpoint", LargeBinary),
    Column("size", Integer),
)

row = Table(
    "row",
    metadata,
    Column("filing", LargeBinary, ForeignKey("filing.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("list", Integer, ForeignKey("list.id"), nullable=False, index=True),
    Column("envelope", LargeBinary, nullable=False),
    PrimaryKeyConstraint("filing", "position"),
)

place = Table(
    "place",
    metadata,
    Column("list", Integer, ForeignKey("list.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("filing", LargeBinary, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("list", "number"),
)

vectors = Table(
    "window_vectors",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("request", LargeBinary, nullable=False, unique=True),
    Column("blinded", LargeBinary, nullable=False),
    Column("recipient_leg", LargeBinary, nullable=False),
    Column("keeper_leg", LargeBinary, nullable=False),
    Column("hops", LargeBinary, nullable=False),
)

blinds = Table(
    "enrolment_blinds",
    metadata,
    Column("request", LargeBinary, primary_key=True),
    Column("digests", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Filed:
    """One filing, with its receipt once the ledger has given it."""

    id: bytes
    filing: bytes
    signature: bytes
    entries: bytes
    tags: bytes
    first: int | None
    proof: bytes | None
    checkpoint: bytes | None
    size: int | None


_CODE = sql(select(code.c.list, code.c.state).where(code.c.token == bindparam("token")))
_INSERT_CODE = sql(insert(code))
_SET_CODE = sql(
    update(code)
    .where(code.c.token == bindparam("which"))
    .values(state=bindparam("new_state"), list=bindparam("new_list"))
)
_INSERT_LIST = sql(insert(person_list).values(count=bindparam("count"), head=bindparam("head")))
_LIST = sql(select(person_list.c.count, person_list.c.head).where(person_list.c.id == bindparam("id")))
_SET_LIST = sql(
    update(person_list)
    .where(person_list.c.id == bindparam("which"))
    .values(count=bindparam("new_count"), head=bindparam("new_head"))
)
_INSERT_FILING = sql(insert(filing))
_FILING = sql(select(*filing.c).where(filing.c.id == bindparam("id")))
_SET_RECEIPT = sql(
    update(filing)
    .where(filing.c.id == bindparam("which"))
    .values(
        first=bindparam("new_first"),
        proof=bindparam("new_proof"),
        checkpoint=bindparam("new_checkpoint"),
        size=bindparam("new_size"),
    )
)
_PENDING = sql(select(*filing.c).where(filing.c.first.is_(None)))
_INSERT_ROW = sql(insert(row))
_ROWS_OF_FILING = sql(
    select(row.c.position, row.c.list).where(row.c.filing == bindparam("filing")).order_by(row.c.position)
)
_INSERT_PLACE = sql(insert(place))
_ROWS_OF_LIST = sql(
    select(row.c.filing, row.c.position, row.c.envelope)
    .join_from(place, row, (row.c.filing == place.c.filing) & (row.c.position == place.c.position))
    .where(place.c.list == bindparam("list"))
    .order_by(place.c.number)
)
_MOVE_PLACES = sql(
    update(place)
    .where(place.c.list == bindparam("from_list"))
    .values(list=bindparam("to_list"), number=place.c.number + bindparam("shift"))
)
_MOVE_ROWS = sql(update(row).where(row.c.list == bindparam("from_list")).values(list=bindparam("to_list")))
_INSERT_VECTORS = sql(
    insert(vectors).values(
        request=bindparam("request"),
        blinded=bindparam("blinded"),
        recipient_leg=bindparam("recipient_leg"),
        keeper_leg=bindparam("keeper_leg"),
        hops=bindparam("hops"),
    )
)
_VECTORS = sql(
    select(*vectors.c)
    .where(vectors.c.position > bindparam("after"))
    .order_by(vectors.c.position)
    .limit(bindparam("most"))
)
_INSERT_BLINDS = sql(insert(blinds))
_BLINDS = sql(select(blinds.c.digests).where(blinds.c.request == bindparam("request")))


def find_code(db: sqlite3.Connection, token: bytes) -> tuple[int, str] | None:
    """(list, state) of a wrapped code."""
    found = db.execute(_CODE, {"token": token}).fetchone()
    return (found[0], found[1]) if found else None


def add_code(db: sqlite3.Connection, token: bytes, state: str) -> int:
    """A new code with an empty list, whose id is returned."""
    identity = db.execute(_INSERT_LIST, {"count": 0, "head": GENESIS}).lastrowid
    assert identity is not None  # noqa: S101 - an insert always has one
    db.execute(_INSERT_CODE, {"token": token, "list": identity, "state": state})
    return identity


def set_code(db: sqlite3.Connection, token: bytes, state: str, person: int) -> None:
    """Change a code's state and list."""
    db.execute(_SET_CODE, {"which": token, "new_state": state, "new_list": person})


def find_list(db: sqlite3.Connection, person: int) -> tuple[int, bytes]:
    """(count, head) of a list."""
    found = db.execute(_LIST, {"id": person}).fetchone()
    return found[0], found[1]


def set_list(db: sqlite3.Connection, person: int, count: int, head: bytes) -> None:
    """A list has grown."""
    db.execute(_SET_LIST, {"which": person, "new_count": count, "new_head": head})


def find_filing(db: sqlite3.Connection, identity: bytes) -> Filed | None:
    """A filing by its request."""
    found = db.execute(_FILING, {"id": identity}).fetchone()
    return Filed(*found) if found else None


def add_filing(db: sqlite3.Connection, filed: Filed, lists: list[int], envelopes: list[bytes]) -> None:
    """Store a filing and its sealed records; they get their numbers in the lists with the receipt."""
    db.execute(_INSERT_FILING, filed.__dict__)
    db.executemany(
        _INSERT_ROW,
        [
            {"filing": filed.id, "position": j, "list": person, "envelope": envelope}
            for j, (person, envelope) in enumerate(zip(lists, envelopes, strict=True))
        ],
    )


def set_receipt(
    db: sqlite3.Connection, identity: bytes, first: int, proof: bytes, checkpoint: bytes, size: int
) -> None:
    """The ledger's receipt of a filing, under the head of a tree of `size`."""
    values = {
        "which": identity,
        "new_first": first,
        "new_proof": proof,
        "new_checkpoint": checkpoint,
        "new_size": size,
    }
    db.execute(_SET_RECEIPT, values)


def lists_of_filing(db: sqlite3.Connection, identity: bytes) -> list[int]:
    """The list of each position."""
    return [found[1] for found in db.execute(_ROWS_OF_FILING, {"filing": identity})]


def add_place(db: sqlite3.Connection, person: int, number: int, identity: bytes, position: int) -> None:
    """A record's place in its list."""
    db.execute(_INSERT_PLACE, {"list": person, "number": number, "filing": identity, "position": position})


def rows_of_list(db: sqlite3.Connection, person: int) -> list[tuple[bytes, int, bytes]]:
    """(filing, position, envelope) in order."""
    return [(r[0], r[1], r[2]) for r in db.execute(_ROWS_OF_LIST, {"list": person})]


def move_rows(db: sqlite3.Connection, from_list: int, to_list: int, shift: int) -> None:
    """Append one list's rows to another's; the caller computes the new head."""
    db.execute(_MOVE_PLACES, {"from_list": from_list, "to_list": to_list, "shift": shift})
    db.execute(_MOVE_ROWS, {"from_list": from_list, "to_list": to_list})


def pending_filings(db: sqlite3.Connection) -> list[Filed]:
    """Stored, but without a receipt: a crash came between."""
    return [Filed(*found) for found in db.execute(_PENDING)]


def add_vectors(
    db: sqlite3.Connection, request: bytes, blinded: bytes, legs: tuple[bytes, bytes], hops: bytes
) -> None:
    """Keep what the auditor of a window needs. `hops` are the encoded signed hop records."""
    db.execute(
        _INSERT_VECTORS,
        {
            "request": request,
            "blinded": blinded,
            "recipient_leg": legs[0],
            "keeper_leg": legs[1],
            "hops": hops,
        },
    )


def vectors_after(
    db: sqlite3.Connection, after: int, most: int
) -> list[tuple[int, bytes, bytes, bytes, bytes, bytes]]:
    """(position, request, Q, recipient leg, keeper leg, hop records)."""
    found = db.execute(_VECTORS, {"after": after, "most": most})
    return [(r[0], r[1], r[2], r[3], r[4], r[5]) for r in found]


def add_blinds(db: sqlite3.Connection, request: bytes, digests: bytes) -> None:
    """Under which blindings an enrolment was opened."""
    db.execute(_INSERT_BLINDS, {"request": request, "digests": digests})


def find_blinds(db: sqlite3.Connection, request: bytes) -> bytes | None:
    """The digests of an enrolment."""
    row = db.execute(_BLINDS, {"request": request}).fetchone()
    return row[0] if row else None
