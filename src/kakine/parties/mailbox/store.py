"""Valid codes, lists and filings. The sealed records themselves are in `partitions`: they go, these stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

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
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from kakine.runtime.database import Connection, each, sql
from kakine.runtime.statements import numbered
from kakine.wire.canonical import encode
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import LENGTH, PAYLOAD, Entry
from kakine.wire.filing import SignedFiling
from kakine.wire.history import GENESIS
from kakine.wire.request import Place

metadata = MetaData(info={"store": "mailbox"})

RESERVED, ACTIVE, WAITING, RETIRED = "reserved", "active", "waiting", "retired"
"""A code is reserved from its filing until the log has it."""

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
    Column("kind", Integer, nullable=False),
    Column("expiry", Integer, nullable=False, index=True),
    Column("filing", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Column("tags", LargeBinary, nullable=False),
    Column("tokens", LargeBinary, nullable=False),
    Column("session", LargeBinary, nullable=False),
    Column("about", LargeBinary, nullable=False, index=True),
    Column("log", String),
    Column("first", Integer, index=True),
    Column("proof", LargeBinary),
    Column("checkpoint", LargeBinary),
    Column("size", Integer),
    Column("mark", LargeBinary, nullable=False, index=True),
)

row = Table(
    "row",
    metadata,
    Column("filing", LargeBinary, ForeignKey("filing.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("list", Integer, ForeignKey("list.id"), nullable=False, index=True),
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
    Column("legs", LargeBinary, nullable=False),
    Column("hops", LargeBinary, nullable=False),
)

blinds = Table(
    "enrolment_blinds",
    metadata,
    Column("request", LargeBinary, primary_key=True),
    Column("digests", LargeBinary, nullable=False),
)


joined = Table(
    "joined_list",
    metadata,
    Column("list", Integer, primary_key=True),
    Column("into", Integer, ForeignKey("list.id"), nullable=False, index=True),
)

index_root = Table(
    "index_root",
    metadata,
    Column("log", String, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("shown", LargeBinary),
    PrimaryKeyConstraint("log", "start"),
)

index_row = Table(
    "index_row",
    metadata,
    Column("log", String, nullable=False),
    Column("start", Integer, nullable=False),
    Column("list", Integer, nullable=False, index=True),
    Column("day", Integer, nullable=False),
    Column("places", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log", "start", "list", "day"),
)


@dataclass(frozen=True)
class Filed:
    """One filing, with its receipt once the log has it. `kind` is that of the request, 0 for an outcome; `expiry` the
    month with which its sealed records go; `tokens` are the wrapped codes that it changes, `session` the key of who
    reads, if it is a reading, `about` the encoded place of what is objected to, if it is an objection, `mark` the D of
    the first entry, by which a place in a log leads back here."""

    id: bytes
    kind: int
    expiry: int
    filing: bytes
    signature: bytes
    entries: bytes
    tags: bytes
    tokens: bytes
    session: bytes
    about: bytes
    log: str | None
    first: int | None
    proof: bytes | None
    checkpoint: bytes | None
    size: int | None
    mark: bytes

    def signed(self, party: str) -> SignedFiling:
        """As it is handed out."""
        return SignedFiling(party, self.filing, self.signature)


def new_filing(
    identity: bytes,
    kind: int,
    signed: SignedFiling,
    entries: bytes,
    tags: bytes,
    tokens: bytes = b"",
    session: bytes = b"",
    about: Place | None = None,
) -> Filed:
    """A filing without a receipt."""
    said = signed.filing, signed.signature
    expiry = Entry.decode(entries[:LENGTH]).expiry_months
    rest = entries, tags, tokens, session, _of(about)
    mark = entries[:LENGTH][PAYLOAD]
    return Filed(identity, int(kind), expiry, *said, *rest, None, None, None, None, None, mark)


_CODE = sql(select(code.c.list, code.c.state).where(code.c.token == bindparam("token")))
_INSERT_CODE = sql(insert(code))
_SET_CODE = sql(
    update(code)
    .where(code.c.token == bindparam("which"))
    .values(state=bindparam("new_state"), list=bindparam("new_list"))
)
_RETIRE_LIST = sql(
    update(code)
    .where(code.c.list == bindparam("person"), code.c.state == ACTIVE)
    .values(state=literal(RETIRED))
)
_NEXT_LIST = sql(select(func.coalesce(func.max(person_list.c.id), 0) + 1))
_INSERT_LIST = sql(insert(person_list))
_LIST = sql(select(person_list.c.count, person_list.c.head).where(person_list.c.id == bindparam("id")))
_SET_LIST = sql(
    update(person_list)
    .where(person_list.c.id == bindparam("which"))
    .values(count=bindparam("new_count"), head=bindparam("new_head"))
)
_INSERT_FILING = sql(insert(filing))
_FILING = sql(select(*filing.c).where(filing.c.id == bindparam("id")))
_FILED_AT = sql(
    select(*filing.c)
    .where(filing.c.log == bindparam("log"), filing.c.first <= bindparam("place"))
    .order_by(filing.c.first.desc())
    .limit(1)
)
_ABOUT = sql(select(*filing.c).where(filing.c.about == bindparam("place")))
_SET_RECEIPT = sql(
    update(filing)
    .where(filing.c.id == bindparam("which"))
    .values(
        log=bindparam("new_log"),
        first=bindparam("new_first"),
        proof=bindparam("new_proof"),
        checkpoint=bindparam("new_checkpoint"),
        size=bindparam("new_size"),
    )
)
_PENDING = sql(select(*filing.c).where(filing.c.first.is_(None)))
_PENDING_OF = sql(
    select(*filing.c).where(
        filing.c.first.is_(None),
        filing.c.id.in_(select(row.c.filing).where(row.c.list == bindparam("list"))),
    )
)
_BEGUN_BY = sql(select(*filing.c).where(filing.c.mark == bindparam("mark"), filing.c.log != bindparam("log")))
_INSERT_ROW = sql(insert(row))
_JOIN = sql(insert(joined))
_JOIN_AGAIN = sql(update(joined).where(joined.c.into == bindparam("gone")).values(into=bindparam("target")))
_JOINED = sql(select(joined.c.list).where(joined.c.into == bindparam("into")).order_by(joined.c.list))
_PLACES = sql(
    select(filing.c.first, row.c.position, row.c.list, filing.c.entries)
    .join_from(filing, row, filing.c.id == row.c.filing)
    .where(
        filing.c.log == bindparam("log"),
        filing.c.first < bindparam("end"),
        filing.c.first > bindparam("start") - 4096,
        filing.c.first + row.c.position >= bindparam("start"),
        filing.c.first + row.c.position < bindparam("end"),
    )
    .order_by(filing.c.first, row.c.position)
)
_ADD_INDEX = sql(insert(index_root))
_ADD_INDEX_ROW = sql(insert(index_row))
_SET_SHOWN = sql(
    update(index_root)
    .where(index_root.c.log == bindparam("which_log"), index_root.c.start == bindparam("which"))
    .values(shown=bindparam("value"))
)
_INDEXES = sql(
    select(*index_root.c)
    .where(index_root.c.log == bindparam("log"), index_root.c.end > bindparam("after"))
    .order_by(index_root.c.start)
)
_INDEX_ROWS = sql(
    select(index_row.c.list, index_row.c.day, index_row.c.places).where(
        index_row.c.log == bindparam("log"), index_row.c.start == bindparam("start")
    )
)
_INDEXED = sql(
    select(index_row.c.places)
    .where(index_row.c.log == bindparam("log"), index_row.c.list == bindparam("list"))
    .order_by(index_row.c.start, index_row.c.day)
)
_ROWS_OF_FILING = sql(
    select(row.c.position, row.c.list).where(row.c.filing == bindparam("filing")).order_by(row.c.position)
)
_EXPIRING = sql(
    select(
        func.count(),
        func.coalesce(func.min(filing.c.first + row.c.position), 0),
        func.coalesce(func.max(filing.c.first + row.c.position), 0),
    )
    .select_from(filing.join(row, filing.c.id == row.c.filing))
    .where(filing.c.expiry == bindparam("expiry"), filing.c.log == bindparam("log"))
)
_AT = sql(
    select(filing.c.id, bindparam("at", type_=Integer) - filing.c.first, filing.c.entries)
    .where(
        filing.c.expiry == bindparam("expiry"),
        filing.c.log == bindparam("log"),
        filing.c.first <= bindparam("at", type_=Integer),
        filing.c.first > bindparam("at", type_=Integer) - 4096,
    )
    .order_by(filing.c.first.desc())
    .limit(1)
)
_DROP_VECTORS = sql(
    delete(vectors).where(
        vectors.c.request.in_(select(filing.c.id).where(filing.c.expiry == bindparam("expiry")))
    )
)
_INSERT_PLACE = sql(insert(place))
_ROWS_OF_LIST = sql(
    select(place.c.filing, place.c.position, filing.c.expiry)
    .join_from(place, filing, filing.c.id == place.c.filing)
    .where(place.c.list == bindparam("list"))
    .order_by(place.c.number)
)
_MOVE_PLACES = sql(
    update(place)
    .where(place.c.list == bindparam("from_list"))
    .values(list=bindparam("to_list"), number=place.c.number + bindparam("shift"))
)
_MOVE_ROWS = sql(update(row).where(row.c.list == bindparam("from_list")).values(list=bindparam("to_list")))
_INSERT_VECTORS = sql(numbered(vectors.c.position))
_VECTORS = sql(
    select(*vectors.c)
    .where(vectors.c.position > bindparam("after"))
    .order_by(vectors.c.position)
    .limit(bindparam("most"))
)
_VECTORS_OF = sql(select(*vectors.c).where(vectors.c.request == bindparam("request")))
_INSERT_BLINDS = sql(insert(blinds))
_BLINDS = sql(select(blinds.c.digests).where(blinds.c.request == bindparam("request")))


def find_code(db: Connection, token: bytes) -> tuple[int, str] | None:
    """(list, state) of a wrapped code."""
    return find_codes(db, [token])[0]


def find_codes(db: Connection, tokens: Sequence[bytes]) -> list[tuple[int, str] | None]:
    """(list, state) of each wrapped code."""
    found = each(db, _CODE, [{"token": token} for token in tokens])
    return [(rows[0][0], rows[0][1]) if rows else None for rows in found]


def add_code(db: Connection, token: bytes, state: str) -> int:
    """A new code with an empty list, whose id is returned."""
    identity: int = db.execute(_NEXT_LIST).fetchone()[0]
    db.execute(_INSERT_LIST, {"id": identity, "count": 0, "head": GENESIS})
    db.execute(_INSERT_CODE, {"token": token, "list": identity, "state": state})
    return identity


def set_code(db: Connection, token: bytes, state: str, person: int) -> None:
    """Change a code's state and list."""
    db.execute(_SET_CODE, {"which": token, "new_state": state, "new_list": person})


def retire_list(db: Connection, person: int) -> None:
    """No code of a list is active any more."""
    db.execute(_RETIRE_LIST, {"person": person})


def find_list(db: Connection, person: int) -> tuple[int, bytes]:
    """(count, head) of a list."""
    return find_lists(db, [person])[person]


def find_lists(db: Connection, people: Iterable[int]) -> dict[int, tuple[int, bytes]]:
    """(count, head) of each of these lists."""
    wanted = sorted(set(people))
    found = each(db, _LIST, [{"id": person} for person in wanted])
    return {person: (rows[0][0], rows[0][1]) for person, rows in zip(wanted, found, strict=True)}


def set_lists(db: Connection, heads: Mapping[int, tuple[int, bytes]]) -> None:
    """Lists have grown."""
    rows = [{"which": list_, "new_count": count, "new_head": head} for list_, (count, head) in heads.items()]
    db.executemany(_SET_LIST, rows)


def find_filing(db: Connection, identity: bytes) -> Filed | None:
    """A filing by its request."""
    found = db.execute(_FILING, {"id": identity}).fetchone()
    return Filed(*found) if found else None


def _of(place: Place | None) -> bytes:
    return encode(place) if place else b""


def filed_at(db: Connection, place: Place) -> Filed | None:
    """The filing whose entries have this place among theirs."""
    found = db.execute(_FILED_AT, {"log": place.log, "place": place.index}).fetchone()
    filed = Filed(*found) if found else None
    if filed is None or filed.first is None or place.index >= filed.first + len(filed.entries) // LENGTH:
        return None
    return filed


def objections_to(db: Connection, place: Place) -> list[Filed]:
    """Filed objections to the entry at this place, logged or not."""
    return [Filed(*found) for found in db.execute(_ABOUT, {"place": _of(place)})]


def add_filing(db: Connection, filed: Filed, lists: list[int]) -> None:
    """Store a filing, each position for a list; they get their numbers in the lists with the receipt."""
    db.execute(_INSERT_FILING, filed.__dict__)
    db.executemany(
        _INSERT_ROW,
        [{"filing": filed.id, "position": j, "list": person} for j, person in enumerate(lists)],
    )


def set_receipt(
    db: Connection, identity: bytes, first: int, proof: bytes, checkpoint: bytes, size: int
) -> None:
    """The ledger's receipt of a filing, under the head of a tree of `size`."""
    values = {
        "which": identity,
        "new_log": origin_of(checkpoint),
        "new_first": first,
        "new_proof": proof,
        "new_checkpoint": checkpoint,
        "new_size": size,
    }
    db.execute(_SET_RECEIPT, values)


def lists_of_filing(db: Connection, identity: bytes) -> list[int]:
    """The list of each position."""
    return [found[1] for found in db.execute(_ROWS_OF_FILING, {"filing": identity})]


def expiring(db: Connection, log: str, expiry: int) -> tuple[int, int, int]:
    """(count, first place, last place) in a log of the rows that go with a month; zeros if there are none."""
    found = db.execute(_EXPIRING, {"expiry": expiry, "log": log}).fetchone()
    return found[0], found[1], found[2]


def row_at(db: Connection, expiry: int, place: Place) -> tuple[bytes, int, bytes] | None:
    """(filing, position, entry) of the row at a place of a log, if it goes with this month."""
    found = db.execute(_AT, {"expiry": expiry, "log": place.log, "at": place.index}).fetchone()
    if found is None or (found[1] + 1) * LENGTH > len(found[2]):
        return None
    return found[0], found[1], found[2][found[1] * LENGTH : (found[1] + 1) * LENGTH]


def drop_vectors(db: Connection, expiry: int) -> None:
    """Blinded vectors of S0+ requests that go with a month."""
    db.execute(_DROP_VECTORS, {"expiry": expiry})


def add_places(db: Connection, places: Iterable[tuple[int, int, bytes, int]]) -> None:
    """Records' places in their lists: (list, number, filing, position)."""
    names = ("list", "number", "filing", "position")
    db.executemany(_INSERT_PLACE, [dict(zip(names, place, strict=True)) for place in places])


def rows_of_list(db: Connection, person: int) -> list[tuple[bytes, int, int]]:
    """(filing, position, expiry month) in order."""
    return [(r[0], r[1], r[2]) for r in db.execute(_ROWS_OF_LIST, {"list": person})]


def move_rows(db: Connection, from_list: int, to_list: int, shift: int) -> None:
    """Append one list's rows to another's; the caller computes the new head."""
    db.execute(_MOVE_PLACES, {"from_list": from_list, "to_list": to_list, "shift": shift})
    db.execute(_MOVE_ROWS, {"from_list": from_list, "to_list": to_list})


def pending_filings(db: Connection, person: int | None = None) -> list[Filed]:
    """Filed, but without a receipt: those with a record for one list, or all."""
    if person is None:
        return [Filed(*found) for found in db.execute(_PENDING)]
    return [Filed(*found) for found in db.execute(_PENDING_OF, {"list": person})]


def add_vectors(db: Connection, request: bytes, blinded: bytes, legs: bytes, hops: bytes) -> None:
    """Keep what the auditor of a window needs: Q, all legs one after another, the encoded signed hop records."""
    db.execute(_INSERT_VECTORS, {"request": request, "blinded": blinded, "legs": legs, "hops": hops})


def vectors_after(db: Connection, after: int, most: int) -> list[tuple[int, bytes, bytes, bytes, bytes]]:
    """(position, request, Q, legs, hop records)."""
    found = db.execute(_VECTORS, {"after": after, "most": most})
    return [(r[0], r[1], r[2], r[3], r[4]) for r in found]


def vectors_of(db: Connection, request: bytes) -> tuple[int, bytes, bytes, bytes, bytes] | None:
    """The same of one request, where they are kept."""
    r = db.execute(_VECTORS_OF, {"request": request}).fetchone()
    return (r[0], r[1], r[2], r[3], r[4]) if r else None


def add_blinds(db: Connection, request: bytes, digests: bytes) -> None:
    """Under which blindings an enrolment was opened."""
    db.execute(_INSERT_BLINDS, {"request": request, "digests": digests})


def find_blinds(db: Connection, request: bytes) -> bytes | None:
    """The digests of an enrolment."""
    row = db.execute(_BLINDS, {"request": request}).fetchone()
    return row[0] if row else None


def join_lists(db: Connection, gone: int, into: int) -> None:
    """The rows of one list, and of those that went into it before, are another's from now on."""
    db.execute(_JOIN_AGAIN, {"gone": gone, "target": into})
    db.execute(_JOIN, {"list": gone, "into": into})


def lists_of(db: Connection, person: int) -> list[int]:
    """A list, and those whose rows went into it."""
    return [person, *(found[0] for found in db.execute(_JOINED, {"into": person}))]


def places_between(db: Connection, log: str, start: int, end: int) -> list[tuple[int, int, bytes]]:
    """(place in the log, list, entry) of every numbered row in a stretch of the log."""
    found = db.execute(_PLACES, {"log": log, "start": start, "end": end})
    return [
        (first + position, person, entries[position * LENGTH : (position + 1) * LENGTH])
        for first, position, person, entries in found
    ]


@dataclass(frozen=True)
class KeptIndex:
    """One index: its signed root, its entry, and, once that is logged, what anybody is given of it."""

    log: str
    start: int
    end: int
    root: bytes
    signature: bytes
    entry: bytes
    shown: bytes | None


def add_index(db: Connection, made: KeptIndex, rows: list[tuple[int, int, bytes]]) -> None:
    """Keep an index before it is logged, with (list, day, places) of every row."""
    db.execute(_ADD_INDEX, made.__dict__)
    db.executemany(
        _ADD_INDEX_ROW,
        [
            {"log": made.log, "start": made.start, "list": each[0], "day": each[1], "places": each[2]}
            for each in rows
        ],
    )


def set_shown(db: Connection, log: str, start: int, shown: bytes) -> None:
    """The index is logged."""
    db.execute(_SET_SHOWN, {"which_log": log, "which": start, "value": shown})


def indexes(db: Connection, log: str, after: int = 0) -> list[KeptIndex]:
    """Every index of a log that ends behind a place, in order."""
    return [KeptIndex(*found) for found in db.execute(_INDEXES, {"log": log, "after": after})]


def rows_of_index(db: Connection, log: str, start: int) -> list[tuple[int, int, bytes]]:
    """(list, day, places) of every row of an index."""
    return [(r[0], r[1], r[2]) for r in db.execute(_INDEX_ROWS, {"log": log, "start": start})]


def indexed_places(db: Connection, log: str, person: int) -> list[bytes]:
    """The places that indexes of a log have under one list's own key, packed, in order."""
    return [r[0] for r in db.execute(_INDEXED, {"log": log, "list": person})]


_NEWEST = sql(
    select(filing.c.checkpoint)
    .where(filing.c.log == bindparam("log"), filing.c.size.is_not(None))
    .order_by(filing.c.size.desc())
    .limit(1)
)


def newest_checkpoint(db: Connection, log: str) -> bytes | None:
    """The checkpoint of the receipt under the largest head of a log."""
    row = db.execute(_NEWEST, {"log": log}).fetchone()
    return row[0] if row else None


def begun_by(db: Connection, entries: Sequence[bytes], log: str) -> list[list[Filed]]:
    """For each of these entries the filings that begin with it and were found in another log."""
    found = each(db, _BEGUN_BY, [{"mark": entry[PAYLOAD], "log": log} for entry in entries])
    return [
        [filed for filed in (Filed(*one) for one in rows) if filed.entries.startswith(entry)]
        for entry, rows in zip(entries, found, strict=True)
    ]


def add_twin(db: Connection, filed: Filed, identity: bytes) -> bool:
    """The same rows once more, for their place in another log; whether they are new. They change no code."""
    new = find_filing(db, identity) is None
    if new:
        twin = replace(
            filed, id=identity, tokens=b"", session=b"", log=None, first=None, proof=None, checkpoint=None
        )
        add_filing(db, replace(twin, size=None, kind=0), lists_of_filing(db, filed.id))
    return new
