"""The commission's tables: versions with what proves them, and proposals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.parties.commission.bureau.store import bureau_tables
from kakine.runtime.database import Connection, Database, sql
from kakine.web.staff_store import staff_tables

METADATA = MetaData(info={"store": "commission"})
bureau_tables(METADATA)
staff_tables(METADATA)

_VERSION = Table(
    "version",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("gazette", LargeBinary, nullable=False),
    Column("ministry", LargeBinary, nullable=False),
    Column("commission", LargeBinary, nullable=False),
    Column("entry", LargeBinary(80), nullable=False),
    Column("receipt", LargeBinary),
)
Index("version_number", _VERSION.c.number)
_PROPOSAL = Table(
    "proposal",
    METADATA,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("received_ms", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("gazette", LargeBinary, nullable=False),
    Column("ministry", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
)

_OPENING = Table(
    "opening",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("opening", LargeBinary, nullable=False),
    Column("operator", LargeBinary(64), nullable=False),
    Column("commission", LargeBinary(64), nullable=False),
    Column("receipt", LargeBinary),
)


class State(StrEnum):
    """Of a version: intended, published or abandoned. Of a proposal: open, published or refused."""

    INTENDED = "intended"
    PUBLISHED = "published"
    ABANDONED = "abandoned"
    OPEN = "open"
    REFUSED = "refused"


@dataclass(frozen=True)
class Stored:
    """A version as stored; `receipt` is an encoded `Appended`, None until the ledger has the entry."""

    digest: bytes
    number: int
    gazette: bytes
    ministry: bytes
    commission: bytes
    entry: bytes
    receipt: bytes | None


@dataclass(frozen=True)
class StoredProposal:
    """A proposal as received."""

    digest: bytes
    gazette: bytes
    ministry: bytes


@dataclass(frozen=True)
class StoredOpening:
    """The opening of a log; `receipt` as in `Stored`, None until the new log has its first entries."""

    opening: bytes
    operator: bytes
    commission: bytes
    receipt: bytes | None


_COLUMNS = (
    _VERSION.c.digest,
    _VERSION.c.number,
    _VERSION.c.gazette,
    _VERSION.c.ministry,
    _VERSION.c.commission,
    _VERSION.c.entry,
    _VERSION.c.receipt,
)
_INTEND = sql(insert(_VERSION))
_FORGET = sql(
    delete(_VERSION).where(
        _VERSION.c.digest == bindparam("wanted"), _VERSION.c.state == State.ABANDONED.value
    )
)
_SETTLE = sql(
    update(_VERSION)
    .where(_VERSION.c.digest == bindparam("wanted"))
    .values(state=bindparam("new_state"), receipt=bindparam("new_receipt"))
)
_IN_STATE = sql(select(*_COLUMNS).where(_VERSION.c.state == bindparam("wanted")).order_by(_VERSION.c.number))
_FROM = sql(
    select(*_COLUMNS)
    .where(_VERSION.c.state == State.PUBLISHED.value, _VERSION.c.number >= bindparam("low"))
    .order_by(_VERSION.c.number)
    .limit(bindparam("most"))
)
_FIND = sql(
    select(*_COLUMNS).where(
        _VERSION.c.digest == bindparam("wanted"), _VERSION.c.state == State.PUBLISHED.value
    )
)
_NUMBERED = sql(
    select(_VERSION.c.gazette).where(
        _VERSION.c.number == bindparam("wanted"), _VERSION.c.state == State.PUBLISHED.value
    )
)
_RECEIVE = sql(insert(_PROPOSAL).on_conflict_do_nothing())
_PROPOSAL_COLUMNS = (_PROPOSAL.c.digest, _PROPOSAL.c.gazette, _PROPOSAL.c.ministry)
_OPEN = sql(
    select(*_PROPOSAL_COLUMNS)
    .where(_PROPOSAL.c.state == State.OPEN.value)
    .order_by(_PROPOSAL.c.received_ms, _PROPOSAL.c.digest)
)
_ONE_OPEN = sql(
    select(*_PROPOSAL_COLUMNS).where(
        _PROPOSAL.c.digest == bindparam("wanted"), _PROPOSAL.c.state == State.OPEN.value
    )
)
_CLOSE = sql(
    update(_PROPOSAL)
    .where(_PROPOSAL.c.digest == bindparam("wanted"), _PROPOSAL.c.state == State.OPEN.value)
    .values(state=bindparam("new_state"), reason=bindparam("new_reason"))
)

_OPENINGS = sql(
    select(_OPENING.c.opening, _OPENING.c.operator, _OPENING.c.commission, _OPENING.c.receipt)
    .where(_OPENING.c.number > bindparam("after"))
    .order_by(_OPENING.c.number)
)
_ADD_OPENING = sql(insert(_OPENING))
_SETTLE_OPENING = sql(
    update(_OPENING).where(_OPENING.c.number == bindparam("wanted")).values(receipt=bindparam("new_receipt"))
)


class Store:
    """Reads on the event loop's thread; writes go through the database's writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def in_state(self, state: State) -> list[Stored]:
        """Versions in this state, by number."""
        rows = self._database.read().execute(_IN_STATE, {"wanted": state.value})
        return [Stored(*row) for row in rows]

    def published_from(self, number: int, most: int) -> list[Stored]:
        """At most so many published versions from this number on."""
        rows = self._database.read().execute(_FROM, {"low": number, "most": most})
        return [Stored(*row) for row in rows]

    def find_published(self, digest: bytes) -> Stored | None:
        """The published version with this digest."""
        row = self._database.read().execute(_FIND, {"wanted": digest}).fetchone()
        return Stored(*row) if row else None

    async def intend(self, version: Stored) -> None:
        """Write down what is about to go to the ledger. A version abandoned before may be tried again."""
        await self._database.write(lambda connection: _intend(connection, version))

    async def settle(self, digest: bytes, state: State, receipt: bytes | None) -> None:
        """Write down how it ended; a proposal of the same digest is closed with it."""
        await self._database.write(lambda connection: _settle(connection, digest, state, receipt))

    async def receive(self, proposal: StoredProposal, now_ms: int) -> None:
        """Keep a proposal for review. A repeat changes nothing, not even a refused one."""
        values = {
            "digest": proposal.digest,
            "received_ms": now_ms,
            "state": State.OPEN.value,
            "gazette": proposal.gazette,
            "ministry": proposal.ministry,
            "reason": "",
        }
        await self._database.write(lambda connection: connection.execute(_RECEIVE, values))

    def openings(self, after: int) -> list[StoredOpening]:
        """Openings of logs after this number, in order; the last of them may have no receipt yet."""
        return [StoredOpening(*row) for row in self._database.read().execute(_OPENINGS, {"after": after})]

    async def intend_opening(self, number: int, opening: StoredOpening) -> None:
        """Write down what is about to open a log."""
        values = {"number": number, **asdict(opening)}
        await self._database.write(lambda connection: connection.execute(_ADD_OPENING, values))

    async def settle_opening(self, number: int, receipt: bytes) -> None:
        """Write down that the new log has it."""
        values = {"wanted": number, "new_receipt": receipt}
        await self._database.write(lambda connection: connection.execute(_SETTLE_OPENING, values))

    def open_proposals(self) -> list[StoredProposal]:
        """Oldest first."""
        return [StoredProposal(*row) for row in self._database.read().execute(_OPEN)]

    def open_proposal(self, digest: bytes) -> StoredProposal | None:
        """The open proposal with this digest."""
        row = self._database.read().execute(_ONE_OPEN, {"wanted": digest}).fetchone()
        return StoredProposal(*row) if row else None

    async def refuse(self, digest: bytes, reason: str) -> None:
        """Close a proposal."""
        await self._database.write(lambda connection: _close(connection, digest, State.REFUSED, reason))


def _intend(connection: Connection, version: Stored) -> None:
    values = {
        "digest": version.digest,
        "number": version.number,
        "state": State.INTENDED.value,
        "gazette": version.gazette,
        "ministry": version.ministry,
        "commission": version.commission,
        "entry": version.entry,
        "receipt": None,
    }
    connection.execute(_FORGET, {"wanted": version.digest})
    connection.execute(_INTEND, values)


def _settle(connection: Connection, digest: bytes, state: State, receipt: bytes | None) -> None:
    connection.execute(_SETTLE, {"wanted": digest, "new_state": state.value, "new_receipt": receipt})
    if state is State.PUBLISHED:
        _close(connection, digest, state, "")


def _close(connection: Connection, digest: bytes, state: State, reason: str) -> None:
    connection.execute(_CLOSE, {"wanted": digest, "new_state": state.value, "new_reason": reason})


def published_in(connection: Connection, number: int) -> bytes | None:
    """The published version with this number, for a reader with a connection of its own."""
    row = connection.execute(_NUMBERED, {"wanted": number}).fetchone()
    return row[0] if row else None
