"""Tables of the people who work at a site, in their party's own store. Codes are kept as digests."""

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
    func,
    insert,
    select,
    update,
)

from kakine.crypto.passkeys import Passkey
from kakine.runtime.database import Connection, sql

_MEMBER, _CODE, _KEY = "staff_member", "staff_code", "staff_passkey"


def staff_tables(metadata: MetaData) -> tuple[Table, Table, Table]:
    """Add the tables to a party's schema; a second call gives the same tables."""
    if _MEMBER in metadata.tables:
        return metadata.tables[_MEMBER], metadata.tables[_CODE], metadata.tables[_KEY]
    member = Table(
        _MEMBER,
        metadata,
        Column("number", Integer, primary_key=True),
        Column("name", String, nullable=False),
        Column("role", String, nullable=False),
        Column("unit", String, nullable=False),
        Column("since_ms", Integer, nullable=False),
        Column("ended_ms", Integer),
    )
    code = Table(
        _CODE,
        metadata,
        Column("digest", LargeBinary, primary_key=True),
        Column("member", Integer, nullable=False, index=True),
        Column("purpose", String, nullable=False),
        Column("until_ms", Integer, nullable=False),
        Column("used_ms", Integer),
    )
    passkey = Table(
        _KEY,
        metadata,
        Column("id", LargeBinary, primary_key=True),
        Column("member", Integer, nullable=False, index=True),
        Column("public", LargeBinary, nullable=False),
        Column("count", Integer, nullable=False),
    )
    return member, code, passkey


@dataclass(frozen=True)
class Member:
    """Somebody who works here: a number that is never used again, the name as it is shown to the others, a role, and
    the unit that the site knows what to do with (may be empty)."""

    number: int
    name: str
    role: str
    unit: str
    since_ms: int
    ended_ms: int | None = None

    @property
    def works(self) -> bool:
        """Whether they have not left."""
        return self.ended_ms is None


_member, _code, _key = staff_tables(MetaData())
_ADD = sql(insert(_member).values({c.name: bindparam(c.name) for c in _member.c if c.name != "ended_ms"}))
_NEXT = sql(select(func.coalesce(func.max(_member.c.number), 0) + 1))
_ALL = sql(select(*_member.c).order_by(_member.c.number))
_ONE = sql(select(*_member.c).where(_member.c.number == bindparam("number")))
_END = sql(
    update(_member)
    .where(_member.c.number == bindparam("which"), _member.c.ended_ms.is_(None))
    .values(ended_ms=bindparam("now"))
)
_ADD_CODE = sql(insert(_code).values({c.name: bindparam(c.name) for c in _code.c if c.name != "used_ms"}))
_DROP_CODES = sql(
    update(_code)
    .where(_code.c.member == bindparam("which"), _code.c.used_ms.is_(None))
    .values(used_ms=bindparam("now"))
)
_USE_CODE = sql(
    update(_code)
    .where(
        _code.c.digest == bindparam("which"),
        _code.c.purpose == bindparam("only"),
        _code.c.used_ms.is_(None),
        _code.c.until_ms >= bindparam("now"),
    )
    .values(used_ms=bindparam("now"))
)
_CODE_OF = sql(select(_code.c.member).where(_code.c.digest == bindparam("digest")))
_LEFT = sql(
    select(func.count())
    .select_from(_code)
    .where(
        _code.c.member == bindparam("member"),
        _code.c.used_ms.is_(None),
        _code.c.until_ms >= bindparam("now"),
    )
)
_ADD_KEY = sql(insert(_key))
_ONE_KEY = sql(select(*_key.c).where(_key.c.id == bindparam("id")))
_COUNT_KEY = sql(update(_key).where(_key.c.id == bindparam("which")).values(count=bindparam("now")))


def add_member(db: Connection, name: str, role: str, unit: str, now_ms: int) -> Member:
    """Somebody new, who has no way in yet."""
    number = int(db.execute(_NEXT).fetchone()[0])
    added = Member(number, name, role, unit, now_ms)
    db.execute(_ADD, {k: v for k, v in added.__dict__.items() if k != "ended_ms"})
    return added


def members(db: Connection) -> list[Member]:
    """All who work or ever worked here."""
    return [Member(*row) for row in db.execute(_ALL)]


def find_member(db: Connection, number: int) -> Member | None:
    """The member with this number."""
    row = db.execute(_ONE, {"number": number}).fetchone()
    return Member(*row) if row else None


def end_member(db: Connection, number: int, now_ms: int) -> bool:
    """They leave, and every code they have is void. False where they had left already, or never were here."""
    db.execute(_DROP_CODES, {"which": number, "now": now_ms})
    return db.execute(_END, {"which": number, "now": now_ms}).rowcount == 1


def add_code(db: Connection, hashed: bytes, member: int, purpose: str, until_ms: int) -> None:
    """A code that was just handed out."""
    values = {"digest": hashed, "member": member, "purpose": purpose, "until_ms": until_ms}
    db.execute(_ADD_CODE, values)


def use_code(db: Connection, hashed: bytes, purpose: str, now_ms: int) -> Member | None:
    """Whose code this is, which is used up by that; None for one that is unknown, used, over, for another purpose, or
    of somebody who has left."""
    if db.execute(_USE_CODE, {"which": hashed, "only": purpose, "now": now_ms}).rowcount != 1:
        return None
    found = find_member(db, int(db.execute(_CODE_OF, {"digest": hashed}).fetchone()[0]))
    return found if found is not None and found.works else None


def codes_left(db: Connection, member: int, now_ms: int) -> int:
    """How many codes of a member are good."""
    return int(db.execute(_LEFT, {"member": member, "now": now_ms}).fetchone()[0])


def add_passkey(db: Connection, made: Passkey, member: int) -> None:
    """Raises `IntegrityError` for a passkey that somebody has already."""
    db.execute(_ADD_KEY, {"id": made.id, "member": member, "public": made.public, "count": made.count})


def find_passkey(db: Connection, credential: bytes) -> tuple[Passkey, Member] | None:
    """A passkey and who has it, if they still work here."""
    row = db.execute(_ONE_KEY, {"id": credential}).fetchone()
    found = find_member(db, int(row[1])) if row else None
    if found is None or not found.works:
        return None
    return Passkey(row[0], row[2], row[3]), found


def count_passkey(db: Connection, credential: bytes, count: int) -> None:
    """How often it says it was used."""
    db.execute(_COUNT_KEY, {"which": credential, "now": count})
