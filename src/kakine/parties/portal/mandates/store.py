"""Mandates on disk: two accounts, a number, an end, and everything else under seal. Nothing here is of a use.

Terms and names are sealed with the portal's own key (`Kept`): a stolen file tells of no relying party and of no name.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, open_sealed, seal
from kakine.runtime.database import Connection, sql
from kakine.values.problems import DelegateCodeUnknown, MandateNotInForce
from kakine.wire.canonical import Message, decode, encode
from kakine.wire.mandate import Called, Terms
from kakine.wire.request import Batch, Millis

_own = MetaData()

_STANDBY = Table(
    "mandate_standby",
    _own,
    Column("code", LargeBinary, primary_key=True),
    Column("account", LargeBinary, nullable=False),
    Column("called", LargeBinary, nullable=False),
    Column("expires_ms", Integer, nullable=False, index=True),
)
_MANDATE = Table(
    "mandate",
    _own,
    Column("number", LargeBinary, primary_key=True),
    Column("principal", LargeBinary, nullable=False),
    Column("delegate", LargeBinary, nullable=False),
    Column("until_ms", Integer, nullable=False, index=True),
    Column("waits", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("mandate_given", "principal"),
    Index("mandate_held", "delegate"),
)


class Kept(Message, frozen=True):
    """What is under seal. `mark` is for the principal alone; `cleared_ms` is when a clerk has said that the delegate is
    not whom protection is against, 0 for never."""

    terms: Terms
    principal: Called
    delegate: Called
    mark: Batch
    cleared_ms: Millis


@dataclass(frozen=True)
class Mandate:
    """One mandate, opened. While it `waits` it opens nothing."""

    number: bytes
    principal: bytes
    delegate: bytes
    kept: Kept
    waits: bool


def mandate_tables(into: MetaData) -> MetaData:
    """Add these tables to the portal's own schema."""
    for table in (_STANDBY, _MANDATE):
        table.to_metadata(into)
    return into


_ADD_STANDBY = sql(insert(_STANDBY))
_FIND_STANDBY = sql(select(*_STANDBY.c).where(_STANDBY.c.code == bindparam("code")))
_DROP_STANDBY = sql(delete(_STANDBY).where(_STANDBY.c.code == bindparam("code")))
_DROP_LATE = sql(delete(_STANDBY).where(_STANDBY.c.expires_ms <= bindparam("now_ms")))
_ADD = sql(insert(_MANDATE))
_OPENED = (*(_MANDATE.c[name] for name in ("number", "principal", "delegate", "sealed", "waits")),)
_ONE = sql(select(*_OPENED).where(_MANDATE.c.number == bindparam("number")))
_OF = sql(
    select(*_OPENED)
    .where(
        (_MANDATE.c.principal == bindparam("account")) | (_MANDATE.c.delegate == bindparam("account")),
        _MANDATE.c.until_ms > bindparam("now_ms"),
    )
    .order_by(_MANDATE.c.until_ms, _MANDATE.c.number)
)
_COUNT = sql(select(func.count()).select_from(_MANDATE).where(_MANDATE.c.principal == bindparam("account")))
_DROP = sql(delete(_MANDATE).where(_MANDATE.c.number == bindparam("number")))
_BEGIN = sql(update(_MANDATE).where(_MANDATE.c.number == bindparam("which")).values(waits=0))
_DROP_OVER = sql(delete(_MANDATE).where(_MANDATE.c.until_ms <= bindparam("now_ms")))


@dataclass(frozen=True)
class Store:
    """The two tables, and the key under which the rest is sealed. Every method runs in the caller's transaction."""

    key: OpenKey

    def stand_by(
        self, db: Connection, code: bytes, account: bytes, called: str, expires_ms: int, now_ms: int
    ) -> None:
        """Whoever names the code with this digest means this account, called so. `IntegrityError` if there is
        such a code."""
        db.execute(_DROP_LATE, {"now_ms": now_ms})
        sealed = seal(self.key.public, digest("mandate-called", account), called.encode())
        row = {"code": code, "account": account, "called": sealed, "expires_ms": expires_ms}
        db.execute(_ADD_STANDBY, row)

    def standing_by(self, db: Connection, code: bytes, now_ms: int) -> tuple[bytes, str]:
        """(account, name). Raises `DelegateCodeUnknown`, for what is used and what never was alike."""
        row = db.execute(_FIND_STANDBY, {"code": code}).fetchone()
        if row is None or row[3] <= now_ms:
            raise DelegateCodeUnknown()
        account = bytes(row[1])
        return account, open_sealed(self.key, digest("mandate-called", account), bytes(row[2])).decode()

    def add(self, db: Connection, new: Mandate, code: bytes, now_ms: int) -> None:
        """A mandate; the delegate's code is used up by it, and mandates that are over go."""
        db.execute(_DROP_STANDBY, {"code": code})
        db.execute(_DROP_OVER, {"now_ms": now_ms})
        row = {"number": new.number, "principal": new.principal, "delegate": new.delegate}
        sealed = seal(self.key.public, _info(new.number, new.principal, new.delegate), encode(new.kept))
        waits = int(new.waits)
        db.execute(_ADD, {**row, "until_ms": new.kept.terms.until_ms, "waits": waits, "sealed": sealed})

    def find(self, db: Connection, number: bytes) -> Mandate:
        """Raises `MandateNotInForce`."""
        row = db.execute(_ONE, {"number": number}).fetchone()
        if row is None:
            raise MandateNotInForce()
        return self._opened(row)

    def of(self, db: Connection, account: bytes, now_ms: int) -> list[Mandate]:
        """All that an account has given and holds, without those that are over."""
        return [self._opened(row) for row in db.execute(_OF, {"account": account, "now_ms": now_ms})]

    def _opened(self, row: tuple[bytes, bytes, bytes, bytes, int]) -> Mandate:
        number, principal, delegate, sealed, waits = row
        kept = decode(open_sealed(self.key, _info(number, principal, delegate), sealed), Kept)
        return Mandate(number, principal, delegate, kept, bool(waits))


def _info(number: bytes, principal: bytes, delegate: bytes) -> bytes:
    return digest("mandate-kept", number, principal, delegate)


def count_given(db: Connection, account: bytes) -> int:
    """How many an account has given."""
    (found,) = db.execute(_COUNT, {"account": account}).fetchone()
    return int(found)


def begin(db: Connection, number: bytes) -> None:
    """It waits no longer; nothing happens where it has ended."""
    db.execute(_BEGIN, {"which": number})


def drop(db: Connection, number: bytes) -> None:
    """It is over. Once more changes nothing."""
    db.execute(_DROP, {"number": number})
