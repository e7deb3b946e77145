"""What the authority keeps. Times are seconds since 1970, serial numbers 16 bytes big-endian.

The text of a certificate is kept for an hour, so that a lost answer can be given again, and then forgotten; the items
of a signature certificate stand nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from kakine.runtime.database import Connection, IntegrityError, sql
from kakine.values.certificates import Profile, Reason
from kakine.values.problems import KeyAlreadyCertified

SERIAL = 16

METADATA = MetaData(info={"store": "authority"})


class State(StrEnum):
    """Of a certificate: written down before it is signed, issued once it is stored, abandoned if it never was."""

    INTENDED = "intended"
    ISSUED = "issued"
    ABANDONED = "abandoned"


certificate = Table(
    "certificate",
    METADATA,
    Column("serial", LargeBinary, primary_key=True),
    Column("kind", String, nullable=False),
    Column("handle", LargeBinary, nullable=False),
    Column("number", Integer, nullable=False),
    Column("partition", String, nullable=False),
    Column("list_uri", String, nullable=False),
    Column("place", Integer, nullable=False),
    Column("common_name", String, nullable=False),
    Column("not_before_s", Integer, nullable=False),
    Column("not_after_s", Integer, nullable=False),
    Column("voucher", LargeBinary, nullable=False, unique=True),
    Column("request", LargeBinary, nullable=False),
    Column("spki", LargeBinary, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("hashed", LargeBinary),
    Column("der", LargeBinary),
    Column("batch", Integer),
    UniqueConstraint("list_uri", "place"),
    Index("certificate_of_holder", "handle", "kind"),
    Index("certificate_unlogged", "batch", "state"),
    Index("certificate_in_state", "state"),
)

# Of a million rows few have a text or were abandoned: each publication looks for exactly those.
Index("certificate_text", certificate.c.not_before_s, sqlite_where=certificate.c.der.is_not(None))
Index(
    "certificate_abandoned",
    certificate.c.list_uri,
    sqlite_where=certificate.c.state == State.ABANDONED.value,
)

known_partition = Table(
    "known_partition",
    METADATA,
    Column("kind", String, nullable=False),
    Column("partition", String, nullable=False),
    PrimaryKeyConstraint("kind", "partition"),
)

status_fill = Table(
    "status_fill",
    METADATA,
    Column("uri", String, primary_key=True),
    Column("used", Integer, nullable=False),
)

account = Table(
    "account",
    METADATA,
    Column("handle", LargeBinary, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

revoked = Table(
    "revoked",
    METADATA,
    Column("serial", LargeBinary, primary_key=True),
    Column("kind", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("reason", Integer, nullable=False),
    Column("since_s", Integer, nullable=False),
    Column("hold_until_s", Integer),
    Column("batch", Integer),
    Column("list_uri", String, nullable=False),
    Column("place", Integer, nullable=False),
    Index("revoked_on", "kind", "partition"),
    Index("revoked_in", "list_uri"),
)

Index("revoked_holds", revoked.c.hold_until_s, sqlite_where=revoked.c.hold_until_s.is_not(None))

event = Table("event", METADATA, Column("key", LargeBinary, primary_key=True))

own = Table(
    "own_certificate",
    METADATA,
    Column("name", String, primary_key=True),
    Column("der", LargeBinary, nullable=False),
    Column("not_after_s", Integer, nullable=False),
)

status_version = Table(
    "status_version",
    METADATA,
    Column("uri", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("issued_s", Integer, nullable=False),
    Column("bits", LargeBinary, nullable=False),
    Column("step", LargeBinary, nullable=False),
    Column("token", String),
    Column("head", String),
    PrimaryKeyConstraint("uri", "version"),
)

crl = Table(
    "crl",
    METADATA,
    Column("kind", String, nullable=False),
    Column("partition", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("this_s", Integer, nullable=False),
    Column("der", LargeBinary),
    Column("entries", LargeBinary),
    PrimaryKeyConstraint("kind", "partition"),
)

batch = Table(
    "batch",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("closed_s", Integer, nullable=False),
    Column("batch", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("entry", LargeBinary),
    Column("receipt", LargeBinary),
)


@dataclass(frozen=True, repr=False)
class Row:
    """One certificate as it is stored. `repr` shows nothing."""

    serial: bytes
    kind: Profile
    handle: bytes
    number: int
    partition: str
    list_uri: str
    place: int
    common_name: str
    not_before_s: int
    not_after_s: int
    voucher: bytes
    request: bytes
    spki: bytes
    state: State
    hashed: bytes | None = None
    der: bytes | None = None
    batch: int | None = None


_COLUMNS = tuple(column.name for column in certificate.columns)
_ADD = sql(insert(certificate))
_BY_SERIAL = sql(select(certificate).where(certificate.c.serial == bindparam("wanted")))
_BY_VOUCHER = sql(select(certificate).where(certificate.c.voucher == bindparam("wanted")))
_OF_HANDLE = sql(select(certificate).where(certificate.c.handle == bindparam("wanted")))
_IN_STATE = sql(select(certificate).where(certificate.c.state == bindparam("wanted")))
_PLACE_TAKEN = sql(
    select(certificate.c.serial).where(
        certificate.c.list_uri == bindparam("uri"), certificate.c.place == bindparam("wanted")
    )
)
_SETTLE = sql(
    update(certificate)
    .where(certificate.c.serial == bindparam("wanted"), certificate.c.state == State.INTENDED.value)
    .values(state=bindparam("new"), hashed=bindparam("digest"), der=bindparam("text"))
)
_FORGET = sql(
    update(certificate)
    .where(certificate.c.der.is_not(None), certificate.c.not_before_s < bindparam("before"))
    .values(der=None)
)
_USED = sql(select(status_fill.c.used).where(status_fill.c.uri == bindparam("wanted")))
_LISTS = sql(select(status_fill.c.uri))
_fill = upsert(status_fill)
_FILL = sql(
    _fill.on_conflict_do_update(
        index_elements=["uri"], set_={"used": status_fill.c.used + _fill.excluded.used}
    )
)
_PARTITIONS = sql(select(known_partition.c.kind, known_partition.c.partition))
_PARTITION = sql(upsert(known_partition).on_conflict_do_nothing())
_PLACES_SET = sql(select(revoked.c.place).where(revoked.c.list_uri == bindparam("uri")))
_ABANDONED_PLACES = sql(
    select(certificate.c.place).where(
        certificate.c.list_uri == bindparam("uri"), certificate.c.state == State.ABANDONED.value
    )
)
_OPEN_ACCOUNT = sql(upsert(account).on_conflict_do_nothing())
_ACCOUNT = sql(select(account).where(account.c.handle == bindparam("wanted")))
_COUNT_UP = sql(
    update(account).where(account.c.handle == bindparam("wanted")).values(count=account.c.count + 1)
)
_AGE = sql(update(account).where(account.c.handle == bindparam("wanted")).values(version=bindparam("new")))


@dataclass(frozen=True, repr=False)
class Account:
    """A holder, by the registry's name. `version` is that of the last event that ended certificates."""

    handle: bytes
    key: bytes
    count: int
    version: int


def _row(found: tuple[object, ...] | None) -> Row | None:
    if found is None:
        return None
    values = dict(zip(_COLUMNS, found, strict=True))
    values |= {"kind": Profile(str(values["kind"])), "state": State(str(values["state"]))}
    return Row(**values)  # type: ignore[arg-type]  # columns and fields have one order


def add(db: Connection, row: Row) -> None:
    """Write an intent, and take its place in its list. Raises `KeyAlreadyCertified` for a key that was asked for with
    another voucher."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    values |= {"kind": row.kind.value, "state": row.state.value}
    try:
        db.execute(_ADD, values)
        db.execute(_FILL, {"uri": row.list_uri, "used": 1})
        db.execute(_PARTITION, {"kind": row.kind.value, "partition": row.partition})
    except IntegrityError as fault:
        if "certificate.spki" in str(fault):
            raise KeyAlreadyCertified() from fault
        raise


def by_serial(db: Connection, serial: bytes) -> Row | None:
    """One certificate."""
    return _row(db.execute(_BY_SERIAL, {"wanted": serial}).fetchone())


def by_voucher(db: Connection, voucher: bytes) -> Row | None:
    """The certificate that a voucher was used for."""
    return _row(db.execute(_BY_VOUCHER, {"wanted": voucher}).fetchone())


def of_holder(db: Connection, handle: bytes) -> list[Row]:
    """All certificates of one holder, past ones too."""
    return [row for each in db.execute(_OF_HANDLE, {"wanted": handle}) if (row := _row(each))]


def intended(db: Connection) -> list[Row]:
    """What was written down and never finished."""
    found = db.execute(_IN_STATE, {"wanted": State.INTENDED.value})
    return [row for each in found if (row := _row(each))]


def settle(db: Connection, serial: bytes, state: State, hashed: bytes | None, der: bytes | None) -> bool:
    """End an intent; whether there was one."""
    values = {"wanted": serial, "new": state.value, "digest": hashed, "text": der}
    return db.execute(_SETTLE, values).rowcount == 1


def forget_texts(db: Connection, before_s: int) -> None:
    """Drop the texts of certificates that begin before this."""
    db.execute(_FORGET, {"before": before_s})


def place_taken(db: Connection, uri: str, place: int) -> bool:
    """Whether a place of a list belongs to a certificate."""
    return db.execute(_PLACE_TAKEN, {"uri": uri, "wanted": place}).fetchone() is not None


def count_in(db: Connection, uri: str) -> int:
    """How many certificates stand in a list."""
    row = db.execute(_USED, {"wanted": uri}).fetchone()
    return int(row[0]) if row else 0


def lists(db: Connection) -> list[str]:
    """All status lists."""
    return sorted(row[0] for row in db.execute(_LISTS))


def partitions(db: Connection) -> list[tuple[Profile, str]]:
    """All partitions of revocation lists."""
    return sorted((Profile(profile), name) for profile, name in db.execute(_PARTITIONS))


def places_set(db: Connection, uri: str) -> list[int]:
    """The places of a list whose certificate is not valid: revoked, on hold, or never finished."""
    found = [row[0] for row in db.execute(_PLACES_SET, {"uri": uri})]
    return found + [row[0] for row in db.execute(_ABANDONED_PLACES, {"uri": uri})]


def open_account(db: Connection, handle: bytes, key: bytes) -> Account:
    """The account of a holder, begun with this key where there is none."""
    db.execute(_OPEN_ACCOUNT, {"handle": handle, "key": key, "count": 0, "version": 0})
    found = find_account(db, handle)
    assert found is not None  # noqa: S101 - it was just written
    return found


def find_account(db: Connection, handle: bytes) -> Account | None:
    """The account of a holder."""
    row = db.execute(_ACCOUNT, {"wanted": handle}).fetchone()
    return Account(*row) if row else None


def count_up(db: Connection, handle: bytes) -> None:
    """One certificate more."""
    db.execute(_COUNT_UP, {"wanted": handle})


def age(db: Connection, handle: bytes, version: int) -> None:
    """Vouchers from before `version` count no more."""
    db.execute(_AGE, {"wanted": handle, "new": version})


# --- revocation ---------------------------------------------------------------------------------------------------

_PUT_REVOKED = sql(upsert(revoked).on_conflict_do_nothing())
_REVOKED = sql(
    select(revoked.c.reason, revoked.c.since_s, revoked.c.hold_until_s).where(
        revoked.c.serial == bindparam("wanted")
    )
)
_MAKE_FINAL = sql(
    update(revoked)
    .where(revoked.c.serial == bindparam("wanted"))
    .values(reason=bindparam("new"), hold_until_s=None)
)
_DROP = sql(revoked.delete().where(revoked.c.serial == bindparam("wanted")))
_HELD_UNTIL = sql(select(revoked.c.serial).where(revoked.c.hold_until_s <= bindparam("now")))
_ON_LIST = sql(
    select(revoked.c.serial, revoked.c.since_s, revoked.c.reason)
    .join(certificate, certificate.c.serial == revoked.c.serial)
    .where(
        revoked.c.kind == bindparam("of"),
        revoked.c.partition == bindparam("part"),
        certificate.c.not_after_s >= bindparam("now"),
    )
)
_SEEN = sql(upsert(event).on_conflict_do_nothing())


@dataclass(frozen=True)
class Standing:
    """That a certificate is not valid; `hold_until_s` is set while it may be released."""

    reason: Reason
    since_s: int
    hold_until_s: int | None


def standing(db: Connection, serial: bytes) -> Standing | None:
    """Whether a certificate is revoked or held."""
    row = db.execute(_REVOKED, {"wanted": serial}).fetchone()
    return Standing(Reason(row[0]), row[1], row[2]) if row else None


def revoke(db: Connection, row: Row, reason: Reason, now_s: int, hold_until_s: int | None = None) -> None:
    """Put a certificate on the lists; one that is there stays as it is, but a hold becomes final where this is."""
    values = {
        "serial": row.serial,
        "kind": row.kind.value,
        "partition": row.partition,
        "list_uri": row.list_uri,
        "place": row.place,
        "reason": int(reason),
        "since_s": now_s,
        "hold_until_s": hold_until_s,
        "batch": None,
    }
    db.execute(_PUT_REVOKED, values)
    before = standing(db, row.serial)
    if hold_until_s is None and before is not None and before.hold_until_s is not None:
        db.execute(_MAKE_FINAL, {"wanted": row.serial, "new": int(reason)})


def release(db: Connection, serial: bytes) -> None:
    """Take a certificate off the lists."""
    db.execute(_DROP, {"wanted": serial})


def holds_over(db: Connection, now_s: int) -> list[bytes]:
    """Certificates whose hold has lasted as long as it may."""
    return [row[0] for row in db.execute(_HELD_UNTIL, {"now": now_s})]


def on_list(db: Connection, profile: Profile, partition: str, now_s: int) -> Sequence[tuple[bytes, int, int]]:
    """(serial, since, reason) of all on one revocation list that have not expired."""
    wanted = {"of": profile.value, "part": partition, "now": now_s}
    return db.execute(_ON_LIST, wanted).fetchall()


def is_new(db: Connection, key: bytes) -> bool:
    """Note an event of the registry; whether it had not been noted."""
    return db.execute(_SEEN, {"key": key}).rowcount == 1
