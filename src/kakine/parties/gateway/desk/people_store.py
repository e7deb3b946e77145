"""Tables of the people of a desk: who they are, their ways in, and whom each must not work on.

A one-time code is there as its digest, a passphrase as scrypt of it. No row tells when somebody logged in; the journal
does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
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

from kakine.crypto.passkeys import Passkey
from kakine.runtime.database import Connection, sql
from kakine.values.problems import DeskLoginUnknown, DeskStaffUnknown


class Role(StrEnum):
    """What somebody does at the desk. One person has one role; nobody has two."""

    CLERK = "clerk"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


class State(StrEnum):
    """Whether somebody may come in."""

    ACTIVE = "active"
    LOCKED = "locked"
    REMOVED = "removed"


class Use(StrEnum):
    """What a one-time code is for."""

    ENROL = "enrol"
    SHIFT = "shift"


@dataclass(frozen=True, repr=False)
class Staff:
    """Somebody of the agency. `official` is what records and journal show instead of the name; it never changes."""

    id: bytes
    domain: str
    official: str
    name: str
    unit: str
    role: Role
    state: State
    salt: bytes
    passphrase: bytes


_own = MetaData()
_STAFF = Table(
    "desk_staff",
    _own,
    Column("id", LargeBinary, primary_key=True),
    Column("domain", String, nullable=False, index=True),
    Column("official", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("role", String, nullable=False),
    Column("state", String, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("passphrase", LargeBinary, nullable=False),
)
_CODE = Table(
    "desk_code",
    _own,
    Column("code", LargeBinary, primary_key=True),
    Column("staff", LargeBinary, nullable=False, index=True),
    Column("purpose", String, nullable=False),
    Column("expires_ms", Integer, nullable=False),
    Column("wrong", Integer, nullable=False),
)
_PASSKEY = Table(
    "desk_passkey",
    _own,
    Column("id", LargeBinary, primary_key=True),
    Column("staff", LargeBinary, nullable=False, index=True),
    Column("public", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
)
_KIN = Table(
    "desk_kin",
    _own,
    Column("staff", LargeBinary, nullable=False),
    Column("mark", LargeBinary, nullable=False),
    PrimaryKeyConstraint("staff", "mark"),
)
TABLES = (_STAFF, _CODE, _PASSKEY, _KIN)

_ADD = sql(insert(_STAFF))
_BY_ID = sql(select(*_STAFF.c).where(_STAFF.c.id == bindparam("id")))
_BY_OFFICIAL = sql(
    select(*_STAFF.c).where(
        _STAFF.c.official == bindparam("official"), _STAFF.c.domain == bindparam("domain")
    )
)
_OF_DOMAIN = sql(
    select(*_STAFF.c).where(_STAFF.c.domain == bindparam("domain")).order_by(_STAFF.c.unit, _STAFF.c.official)
)
_SET_STATE = sql(update(_STAFF).where(_STAFF.c.id == bindparam("whom")).values(state=bindparam("new")))
_SET_PASSPHRASE = sql(
    update(_STAFF)
    .where(_STAFF.c.id == bindparam("whom"))
    .values(salt=bindparam("new_salt"), passphrase=bindparam("new"))
)
_ADD_CODE = sql(insert(_CODE))
_CODE_OF = sql(select(*_CODE.c).where(_CODE.c.code == bindparam("code")))
_DROP_CODE = sql(delete(_CODE).where(_CODE.c.code == bindparam("code")))
_DROP_CODES = sql(delete(_CODE).where(_CODE.c.staff == bindparam("staff")))
_DROP_OLD = sql(delete(_CODE).where(_CODE.c.expires_ms <= bindparam("now_ms")))
_WRONG = sql(update(_CODE).where(_CODE.c.code == bindparam("which")).values(wrong=_CODE.c.wrong + 1))
_ADD_PASSKEY = sql(insert(_PASSKEY))
_PASSKEY_OF = sql(select(*_PASSKEY.c).where(_PASSKEY.c.id == bindparam("id")))
_COUNT = sql(update(_PASSKEY).where(_PASSKEY.c.id == bindparam("which")).values(count=bindparam("new")))
_DROP_PASSKEYS = sql(delete(_PASSKEY).where(_PASSKEY.c.staff == bindparam("staff")))
_ADD_KIN = sql(insert(_KIN).prefix_with("OR IGNORE"))
_IS_KIN = sql(select(_KIN.c.mark).where(_KIN.c.staff == bindparam("staff"), _KIN.c.mark == bindparam("mark")))


def _staff(row: tuple[object, ...]) -> Staff:
    id_, domain, official, name, unit, role, state, salt, passphrase = row
    assert isinstance(id_, bytes)  # noqa: S101 - the column's type
    assert isinstance(salt, bytes)  # noqa: S101 - the column's type
    assert isinstance(passphrase, bytes)  # noqa: S101 - the column's type
    return Staff(
        id_,
        str(domain),
        str(official),
        str(name),
        str(unit),
        Role(str(role)),
        State(str(state)),
        salt,
        passphrase,
    )


def add(db: Connection, new: Staff) -> None:
    """Somebody new."""
    db.execute(_ADD, new.__dict__)


def staff(db: Connection, id_: bytes) -> Staff:
    """Raises `DeskStaffUnknown`."""
    row = db.execute(_BY_ID, {"id": id_}).fetchone()
    if row is None:
        raise DeskStaffUnknown()
    return _staff(row)


def by_official(db: Connection, domain: str, official: str) -> Staff:
    """Raises `DeskStaffUnknown`, also for somebody of another desk."""
    row = db.execute(_BY_OFFICIAL, {"domain": domain, "official": official}).fetchone()
    if row is None:
        raise DeskStaffUnknown()
    return _staff(row)


def of_domain(db: Connection, domain: str) -> list[Staff]:
    """Everybody of a desk, those who left too: a complaint may still name them."""
    return [_staff(row) for row in db.execute(_OF_DOMAIN, {"domain": domain})]


def set_state(db: Connection, whom: bytes, new: State) -> None:
    """Lock, let in again, or remove. Codes go in every case, passkeys and passphrase with the person."""
    db.execute(_SET_STATE, {"whom": whom, "new": new.value})
    db.execute(_DROP_CODES, {"staff": whom})
    if new is State.REMOVED:
        db.execute(_DROP_PASSKEYS, {"staff": whom})
        set_passphrase(db, whom, b"", b"")


def set_passphrase(db: Connection, whom: bytes, salt: bytes, passphrase: bytes) -> None:
    """The scrypt of a passphrase; both empty for none."""
    db.execute(_SET_PASSPHRASE, {"whom": whom, "new_salt": salt, "new": passphrase})


def drop_ways(db: Connection, whom: bytes) -> None:
    """All ways in go: somebody is enrolled anew."""
    db.execute(_DROP_CODES, {"staff": whom})
    db.execute(_DROP_PASSKEYS, {"staff": whom})
    set_passphrase(db, whom, b"", b"")


def add_code(db: Connection, code: bytes, whom: bytes, use: Use, expires_ms: int, now_ms: int) -> None:
    """The digest of a new one-time code. Those that have expired go, and the person's earlier ones."""
    db.execute(_DROP_OLD, {"now_ms": now_ms})
    db.execute(_DROP_CODES, {"staff": whom})
    row = {"code": code, "staff": whom, "purpose": use.value, "expires_ms": expires_ms, "wrong": 0}
    db.execute(_ADD_CODE, row)


def whose_code(db: Connection, code: bytes, use: Use, now_ms: int) -> tuple[bytes, int]:
    """(staff, how often it was tried in vain). `DeskLoginUnknown` for a code that is used, expired, for another use or
    was never given, without a difference."""
    row = db.execute(_CODE_OF, {"code": code}).fetchone()
    if row is None or row[2] != use.value or row[3] <= now_ms:
        raise DeskLoginUnknown()
    return bytes(row[1]), int(row[4])


def drop_code(db: Connection, code: bytes) -> None:
    """It is used up."""
    db.execute(_DROP_CODE, {"code": code})


def count_wrong(db: Connection, code: bytes) -> None:
    """It was tried with a wrong passphrase."""
    db.execute(_WRONG, {"which": code})


def add_passkey(db: Connection, new: Passkey, whom: bytes) -> None:
    """`IntegrityError` if it is there."""
    db.execute(_ADD_PASSKEY, {"id": new.id, "staff": whom, "public": new.public, "count": new.count})


def find_passkey(db: Connection, id_: bytes) -> tuple[Passkey, bytes]:
    """(passkey, staff). Raises `DeskLoginUnknown`."""
    row = db.execute(_PASSKEY_OF, {"id": id_}).fetchone()
    if row is None:
        raise DeskLoginUnknown()
    return Passkey(bytes(row[0]), bytes(row[2]), row[3]), bytes(row[1])


def count_passkey(db: Connection, id_: bytes, count: int) -> None:
    """How often it says that it was used."""
    db.execute(_COUNT, {"which": id_, "new": count})


def add_kin(db: Connection, whom: bytes, mark: bytes) -> None:
    """Somebody must not work on the file that this keyed hash stands for."""
    db.execute(_ADD_KIN, {"staff": whom, "mark": mark})


def is_kin(db: Connection, whom: bytes, mark: bytes) -> bool:
    """Whether that was declared."""
    return db.execute(_IS_KIN, {"staff": whom, "mark": mark}).fetchone() is not None
