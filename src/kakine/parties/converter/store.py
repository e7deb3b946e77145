"""What a converter keeps: shares, replay state, released exchanges. No point and no person. Month keys are in
`erasure_store`."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
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
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_once

from kakine.parties.converter.erasure_store import erasure_tables
from kakine.parties.converter.quota import quota_table
from kakine.parties.converter.uses import uses_tables
from kakine.runtime.database import Connection, sql
from kakine.runtime.heads import heads_metadata
from kakine.values.problems import BatchReused, BootFence, LinkWithheld, PlaceStated
from kakine.wire.canonical import plain
from kakine.wire.request import Keeper, Kind

metadata = MetaData(info={"store": "converter"})
quota_table(metadata)
heads_metadata(metadata)
erasure_tables(metadata)
uses_tables(metadata)

_keepers = msgspec.msgpack.Decoder(tuple[Keeper, ...])
_encoder = msgspec.msgpack.Encoder(enc_hook=plain)


def keepers_kept(keepers: tuple[Keeper, ...]) -> bytes:
    """As `Seen.ends` reads them."""
    return _encoder.encode(keepers)


share = Table(
    "domain_share",
    metadata,
    Column("domain", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("share", LargeBinary, nullable=False),
    Column("mask_key", LargeBinary, nullable=False),
    PrimaryKeyConstraint("domain", "epoch"),
)

seen = Table(
    "seen_request",
    metadata,
    Column("request", LargeBinary, primary_key=True),
    Column("batch", LargeBinary, nullable=False, unique=True),
    Column("kind", Integer, nullable=False),
    Column("mode", Integer, nullable=False),
    Column("requester", String, nullable=False),
    Column("requester_epoch", Integer, nullable=False),
    Column("recipient", String, nullable=False),
    Column("recipient_epoch", Integer, nullable=False),
    Column("keepers", LargeBinary, nullable=False),
    Column("time_ms", Integer, nullable=False, index=True),
    Column("hop", LargeBinary, nullable=False),
    Column("session", LargeBinary, nullable=False),
    Column("blinded", LargeBinary, nullable=False),
    Column("released", Integer, nullable=False, default=0),
    Column("granted", LargeBinary),
)

used = Table(
    "used_exchange",
    metadata,
    Column("xid", LargeBinary, primary_key=True),
    Column("log", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Index("used_by_place", "log", "position"),
    Index("used_by_request", "request"),
)

stated = Table(
    "stated_count",
    metadata,
    Column("log", String, nullable=False),
    Column("end", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log", "end"),
)

checked = Table(
    "checked_batch",
    metadata,
    Column("request", LargeBinary, nullable=False),
    Column("party", String, nullable=False),
    Column("points", LargeBinary, nullable=False),
    PrimaryKeyConstraint("request", "party"),
)

fence = Table(
    "boot_fence",
    metadata,
    Column("only", Integer, primary_key=True),
    Column("since_ms", Integer, nullable=False),
)
"""When this converter was started last, whichever of its processes: what is older and not known here is refused."""

withheld = Table(
    "withheld_link",
    metadata,
    Column("requester", String, nullable=False),
    Column("recipient", String, nullable=False),
    PrimaryKeyConstraint("requester", "recipient"),
)

rekeyed = Table(
    "rekeyed_batch",
    metadata,
    Column("batch", LargeBinary, primary_key=True),
    Column("domain", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("points", LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Seen:
    """One request this converter has taken part in."""

    request: bytes
    batch: bytes
    kind: int
    mode: int
    requester: str
    requester_epoch: int
    recipient: str
    recipient_epoch: int
    keepers: bytes
    time_ms: int
    hop: bytes
    session: bytes
    blinded: bytes
    released: int = 0
    granted: bytes | None = None

    @property
    def ends(self) -> tuple[Keeper, ...]:
        """The record keepers of the request."""
        return _keepers.decode(self.keepers)


_COLUMNS = tuple(seen.c)
_INSERT_SEEN = sql(insert(seen))
_SEEN = sql(select(*_COLUMNS).where(seen.c.request == bindparam("request")))
_NEW = sql(
    select(
        select(fence.c.since_ms).where(fence.c.only == 0).scalar_subquery(),
        select(seen.c.request).where(seen.c.batch == bindparam("batch")).scalar_subquery(),
    )
)
_FENCED = sql(select(fence.c.since_ms).where(fence.c.only == 0))
_raise = insert_once(fence)
_FENCE = sql(
    _raise.on_conflict_do_update(index_elements=["only"], set_={"since_ms": _raise.excluded.since_ms})
)
_SINCE = sql(
    select(*_COLUMNS)
    .where(seen.c.time_ms >= bindparam("since"), seen.c.mode == bindparam("only"))
    .order_by(seen.c.time_ms, seen.c.request)
    .limit(bindparam("most"))
)
_ENROLMENTS = sql(
    select(*_COLUMNS)
    .where(
        seen.c.time_ms >= bindparam("since"),
        or_(seen.c.kind == int(Kind.ENROL), seen.c.kind == int(Kind.SUCCEED)),
    )
    .order_by(seen.c.time_ms, seen.c.request)
    .limit(bindparam("most"))
)
_INSERT_CHECKED = sql(insert(checked))
_CHECKED = sql(
    select(checked.c.points).where(
        checked.c.request == bindparam("request"), checked.c.party == bindparam("party")
    )
)
_SET_RELEASED = sql(
    update(seen).where(seen.c.request == bindparam("which")).values(released=bindparam("value"))
)
_SET_GRANTED = sql(
    update(seen).where(seen.c.request == bindparam("which")).values(granted=bindparam("value"))
)
_numbers = select(literal(0).label("k")).cte("numbers", recursive=True)
_numbers = _numbers.union_all(
    select(_numbers.c.k + 1).where(_numbers.c.k + 1 < bindparam("count", type_=Integer))
)
_INSERT_USED = sql(
    insert(used).from_select(
        ["xid", "log", "position", "request"],
        select(
            func.substr(bindparam("xids"), _numbers.c.k * 16 + 1, 16),
            bindparam("in_log"),
            _numbers.c.k + bindparam("first", type_=Integer),
            bindparam("of_request"),
        ),
    )
)
_LOG_OF = sql(select(used.c.log).where(used.c.request == bindparam("request")).limit(1))
_USED = sql(select(used.c.log, used.c.position, used.c.request).where(used.c.xid == bindparam("xid")))
_PLACES = sql(
    select(used.c.position)
    .where(
        used.c.log == bindparam("log"),
        used.c.position >= bindparam("start"),
        used.c.position < bindparam("end"),
    )
    .order_by(used.c.position)
)
_RELEASED = sql(
    select(func.count())
    .select_from(used)
    .where(used.c.log == bindparam("log"), used.c.position < bindparam("end"))
)
_INSERT_STATED = sql(insert(stated))
_STATED = sql(
    select(stated.c.statement, stated.c.signature).where(
        stated.c.log == bindparam("log"), stated.c.end == bindparam("end")
    )
)
_ALL_STATED = sql(
    select(stated.c.statement, stated.c.signature)
    .where(stated.c.log == bindparam("log"))
    .order_by(stated.c.end)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_STATED_END = sql(select(func.max(stated.c.end)).where(stated.c.log == bindparam("log")))
_STATED_COUNT = sql(select(func.sum(stated.c.count)).where(stated.c.log == bindparam("log")))
_INSERT_SHARE = sql(insert(share))
_SHARE = sql(
    select(share.c.share, share.c.mask_key).where(
        share.c.domain == bindparam("domain"), share.c.epoch == bindparam("epoch")
    )
)
_INSERT_WITHHELD = sql(insert_once(withheld).on_conflict_do_nothing())
_WITHHELD = sql(
    select(withheld.c.requester).where(
        withheld.c.requester == bindparam("requester"), withheld.c.recipient == bindparam("recipient")
    )
)
_INSERT_REKEYED = sql(insert(rekeyed))
_REKEYED = sql(
    select(rekeyed.c.domain, rekeyed.c.epoch, rekeyed.c.points).where(rekeyed.c.batch == bindparam("batch"))
)


def find_seen(db: Connection, request: bytes) -> Seen | None:
    """The request, if this converter has taken part in it."""
    row = db.execute(_SEEN, {"request": request}).fetchone()
    return Seen(*row) if row else None


def require_new(db: Connection, batch: bytes, time_ms: int) -> None:
    """Raise `BootFence` for a request of a time before the fence, `BatchReused` for a batch id that has been used."""
    since_ms, used_by = db.execute(_NEW, {"batch": batch}).fetchone()
    if since_ms is not None and time_ms < since_ms:
        raise BootFence()
    if used_by is not None:
        raise BatchReused()


def raise_fence(db: Connection, now_ms: int, most_ms: int) -> None:
    """Refuse from now on what is older than this and not known. A fence that stands `most_ms` or more ahead was raised
    by a clock that was wrong, and is taken back."""
    row = db.execute(_FENCED).fetchone()
    if row is None or not now_ms <= row[0] < now_ms + most_ms:
        db.execute(_FENCE, {"only": 0, "since_ms": now_ms})


def add_seen(db: Connection, row: Seen) -> None:
    """Write a request down. Raises `IntegrityError` when it or its batch id is there."""
    db.execute(_INSERT_SEEN, row.__dict__)


def seen_since(db: Connection, since_ms: int, mode: int, most: int) -> list[Seen]:
    """Requests of a mode since a time, oldest first."""
    rows = db.execute(_SINCE, {"since": since_ms, "only": mode, "most": most})
    return [Seen(*row) for row in rows]


def enrolments_since(db: Connection, since_ms: int, most: int) -> list[Seen]:
    """Enrolments since a time, oldest first."""
    return [Seen(*row) for row in db.execute(_ENROLMENTS, {"since": since_ms, "most": most})]


def keep_checked(db: Connection, request: bytes, party: str, points: bytes) -> bytes:
    """Digest of the one combination of this request that this party has had checked: the one kept, or else this."""
    kept = db.execute(_CHECKED, {"request": request, "party": party}).fetchone()
    if kept is None:
        db.execute(_INSERT_CHECKED, {"request": request, "party": party, "points": points})
    return kept[0] if kept else points


def set_granted(db: Connection, request: bytes, digest: bytes) -> None:
    """The one opening of shares under this reading was for a statement with this digest."""
    db.execute(_SET_GRANTED, {"which": request, "value": digest})


def find_used(db: Connection, xid: bytes) -> tuple[str, int, bytes] | None:
    """(origin of the log, position there, request) under which an exchange was released."""
    row = db.execute(_USED, {"xid": xid}).fetchone()
    return (row[0], row[1], row[2]) if row else None


def log_of(db: Connection, request: bytes) -> str:
    """The origin of the log in which a released request stands; nothing for one that was not released."""
    row = db.execute(_LOG_OF, {"request": request}).fetchone()
    return str(row[0]) if row else ""


def add_used(db: Connection, request: bytes, xids: list[bytes], log: str, first: int) -> None:
    """The exchanges at first … of a log are released, all under one request. One statement for all, so that the
    interpreter lock changes hands once. Raises `IntegrityError` when one of them is there, and `PlaceStated`
    where this converter has already signed what it released up to here."""
    if first < stated_end(db, log):
        _refuse_unless_used(db, xids)
    values = {
        "xids": b"".join(xids),
        "count": len(xids),
        "in_log": log,
        "first": first,
        "of_request": request,
    }
    db.execute(_INSERT_USED, values)
    db.execute(_SET_RELEASED, {"which": request, "value": 1})


def _refuse_unless_used(db: Connection, xids: list[bytes]) -> None:
    # A repeat is answered as ever: the insertion fails on it, and the caller compares.
    if any(find_used(db, xid) is None for xid in xids):
        raise PlaceStated()


def places_used(db: Connection, log: str, start: int, end: int) -> list[int]:
    """Places start … end - 1 of a log that were released, ascending."""
    return [row[0] for row in db.execute(_PLACES, {"log": log, "start": start, "end": end})]


def count_used(db: Connection, log: str, end: int) -> int:
    """How many places below `end` of a log were released."""
    return int(db.execute(_RELEASED, {"log": log, "end": end}).fetchone()[0])


def add_stated(db: Connection, log: str, end: int, count: int, statement: bytes, signature: bytes) -> None:
    """A signed statement up to `end`. Raises `IntegrityError` when there is one."""
    values = {"log": log, "end": end, "count": count, "statement": statement, "signature": signature}
    db.execute(_INSERT_STATED, values)


def find_stated(db: Connection, log: str, end: int) -> tuple[bytes, bytes] | None:
    """(statement, signature) of the statement about a log that ends here."""
    row = db.execute(_STATED, {"log": log, "end": end}).fetchone()
    return (row[0], row[1]) if row else None


def all_stated(db: Connection, log: str, skip: int, most: int) -> list[tuple[bytes, bytes]]:
    """(statement, signature) of the statements about a log, in order, but for the first so many."""
    return db.execute(_ALL_STATED, {"log": log, "skip": skip, "most": most}).fetchall()


def stated_end(db: Connection, log: str) -> int:
    """Where the last statement about a log ends; 0 before the first."""
    return db.execute(_STATED_END, {"log": log}).fetchone()[0] or 0


def stated_count(db: Connection, log: str) -> int:
    """How many places all statements about a log are over."""
    return db.execute(_STATED_COUNT, {"log": log}).fetchone()[0] or 0


def keep_share(
    db: Connection, domain: str, epoch: int, secret: bytes, mask_key: bytes
) -> tuple[bytes, bytes]:
    """(share, mask key) of a domain's epoch: those kept, or else these."""
    kept = find_share(db, domain, epoch)
    if kept is None:
        db.execute(_INSERT_SHARE, {"domain": domain, "epoch": epoch, "share": secret, "mask_key": mask_key})
    return kept or (secret, mask_key)


def find_share(db: Connection, domain: str, epoch: int) -> tuple[bytes, bytes] | None:
    """(share, mask key) of a domain's epoch."""
    row = db.execute(_SHARE, {"domain": domain, "epoch": epoch}).fetchone()
    return (row[0], row[1]) if row else None


def add_withheld(db: Connection, requester: str, recipient: str) -> None:
    """This converter's operator takes no part in this link any more. A second time changes nothing."""
    db.execute(_INSERT_WITHHELD, {"requester": requester, "recipient": recipient})


def require_link(db: Connection, requester: str, recipient: str) -> None:
    """Raise `LinkWithheld` where this converter takes no part in a link."""
    if db.execute(_WITHHELD, {"requester": requester, "recipient": recipient}).fetchone() is not None:
        raise LinkWithheld()


def add_rekeyed(db: Connection, batch: bytes, domain: str, epoch: int, points: bytes) -> None:
    """A batch of a domain's move to its next epoch; `points` is the digest of what was asked."""
    db.execute(_INSERT_REKEYED, {"batch": batch, "domain": domain, "epoch": epoch, "points": points})


def find_rekeyed(db: Connection, batch: bytes) -> tuple[str, int, bytes] | None:
    """(domain, epoch, digest of points) of a re-key batch."""
    row = db.execute(_REKEYED, {"batch": batch}).fetchone()
    return (row[0], row[1], row[2]) if row else None
