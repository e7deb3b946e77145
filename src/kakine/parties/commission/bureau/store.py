"""Tables of the commission's people: journal, acts, register, cases, counts. No column is about a resident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta
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
    func,
    insert,
    select,
    update,
)

from kakine.crypto.hashing import digest
from kakine.protocols.assessment import Card
from kakine.protocols.breach import Case
from kakine.protocols.uses import Cell
from kakine.runtime.database import Connection, Database, sql
from kakine.runtime.identity import Clock
from kakine.values.problems import JournalBroken
from kakine.wire.canonical import Message, decode, encode
from kakine.wire.uses import Refused, Uses

GENESIS: Final = bytes(32)


def bureau_tables(metadata: MetaData) -> dict[str, Table]:
    """Add the tables to the commission's schema."""
    made = [
        Table(
            "journal",
            metadata,
            Column("number", Integer, primary_key=True),
            Column("line", LargeBinary, nullable=False),
            Column("digest", LargeBinary, nullable=False),
        ),
        Table(
            "act",
            metadata,
            Column("digest", LargeBinary, primary_key=True),
            Column("act", LargeBinary, nullable=False),
            Column("state", String, nullable=False),
            Column("prepared_ms", Integer, nullable=False),
            Column("signer", Integer, nullable=False),
            Column("signed_ms", Integer, nullable=False),
            Column("result", String, nullable=False),
        ),
        Table(
            "assessment_card",
            metadata,
            Column("party", String, nullable=False),
            Column("file", String, nullable=False),
            Column("card", LargeBinary, nullable=False),
            PrimaryKeyConstraint("party", "file"),
        ),
        Table(
            "breach_case",
            metadata,
            Column("number", Integer, primary_key=True),
            Column("held", LargeBinary, nullable=False),
        ),
        Table(
            "uses_said",
            metadata,
            Column("converter", String, nullable=False),
            Column("day", Integer, nullable=False),
            Column("statement", LargeBinary, nullable=False),
            Column("signature", LargeBinary, nullable=False),
            Column("over", Integer, nullable=False),
            PrimaryKeyConstraint("converter", "day"),
        ),
        Table(
            "use_cell",
            metadata,
            Column("day", Integer, nullable=False),
            Column("ground", String, nullable=False),
            Column("row", String, nullable=False),
            Column("requester", String, nullable=False),
            Column("recipient", String, nullable=False),
            Column("asked", Integer, nullable=False),
            Column("released", Integer, nullable=False),
            Column("people", Integer, nullable=False),
            PrimaryKeyConstraint("day", "ground", "row", "requester", "recipient"),
        ),
        Table(
            "refusal_cell",
            metadata,
            Column("day", Integer, nullable=False),
            Column("party", String, nullable=False),
            Column("code", String, nullable=False),
            Column("times", Integer, nullable=False),
            PrimaryKeyConstraint("day", "party", "code"),
        ),
        Table(
            "witness_day",
            metadata,
            Column("witness", String, nullable=False),
            Column("day", Integer, nullable=False),
            Column("asked", Integer, nullable=False),
            Column("signed", Integer, nullable=False),
            PrimaryKeyConstraint("witness", "day"),
        ),
        Table(
            "snapshot",
            metadata,
            Column("name", String, primary_key=True),
            Column("time_ms", Integer, nullable=False),
            Column("data", LargeBinary, nullable=False),
        ),
    ]
    return {table.name: table for table in made}


_T = bureau_tables(MetaData())
_journal, _act, _card, _case = _T["journal"], _T["act"], _T["assessment_card"], _T["breach_case"]
_said, _cell, _refusal, _witness = _T["uses_said"], _T["use_cell"], _T["refusal_cell"], _T["witness_day"]

# --- journal ----------------------------------------------------------------------------------------------------


class Line(Message, frozen=True):
    """One line: when, who (0 for what is done by the clock or by whoever runs the commission), in which role, what,
    about what. `digest` of a line covers the one before it."""

    number: Annotated[int, Meta(ge=1)]
    time_ms: Annotated[int, Meta(ge=0, lt=1 << 48)]
    member: Annotated[int, Meta(ge=0)]
    role: str
    what: str
    about: str
    fact: str
    previous: bytes

    @property
    def digest(self) -> bytes:
        """What the next line names."""
        return digest("journal", encode(self))


_ADD_LINE = sql(insert(_journal))
_LAST_LINE = sql(select(_journal.c.number, _journal.c.digest).order_by(_journal.c.number.desc()).limit(1))
_LINES = sql(select(_journal.c.line, _journal.c.digest).order_by(_journal.c.number))
_SOME_LINES = sql(
    select(_journal.c.line)
    .where(_journal.c.number < bindparam("before"))
    .order_by(_journal.c.number.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True)
class Doer:
    """Who does something, for the journal."""

    member: int = 0
    role: str = ""


CLOCK: Final = Doer()


def note(db: Connection, now_ms: int, doer: Doer, what: str, about: str = "", fact: str = "") -> None:
    """Write a line behind the last one."""
    number, previous = journal_head(db)
    line = Line(number + 1, now_ms, doer.member, doer.role, what, about, fact, previous)
    db.execute(_ADD_LINE, {"number": line.number, "line": encode(line), "digest": line.digest})


def journal_head(db: Connection) -> tuple[int, bytes]:
    """How many lines there are, and the digest of the last."""
    row = db.execute(_LAST_LINE).fetchone()
    return (int(row[0]), row[1]) if row else (0, GENESIS)


def check_journal(db: Connection) -> None:
    """Raise `JournalBroken` at the first line that does not follow. Not checked: that none is missing at the end; the
    public page says how many there are, and the digest of the last."""
    previous = GENESIS
    for number, (data, kept) in enumerate(db.execute(_LINES), 1):
        line = decode(data, Line)
        if (line.number, line.previous, line.digest) != (number, previous, kept):
            raise JournalBroken(line=number)
        previous = kept


def lines(db: Connection, before: int = 1 << 62, most: int = 100) -> list[Line]:
    """Newest first."""
    return [decode(row[0], Line) for row in db.execute(_SOME_LINES, {"before": before, "most": most})]


# --- acts -------------------------------------------------------------------------------------------------------

PREPARED, SIGNED, DONE, FAILED, WITHDRAWN = "prepared", "signed", "done", "failed", "withdrawn"


@dataclass(frozen=True)
class Kept:
    """An act and how far it is: `signer` and `signed_ms` are 0 before it is signed, `result` what came of it."""

    digest: bytes
    act: bytes
    state: str
    prepared_ms: int
    signer: int
    signed_ms: int
    result: str


_ADD_ACT = sql(insert(_act))
_ONE_ACT = sql(select(*_act.c).where(_act.c.digest == bindparam("digest")))
_ACTS = sql(select(*_act.c).order_by(_act.c.prepared_ms.desc()).limit(bindparam("most")))
_IN_STATE = sql(select(*_act.c).where(_act.c.state == bindparam("state")).order_by(_act.c.prepared_ms))
_MOVE = sql(
    update(_act)
    .where(_act.c.digest == bindparam("which"), _act.c.state == bindparam("old"))
    .values(
        state=bindparam("new"),
        signer=bindparam("who"),
        signed_ms=bindparam("when"),
        result=bindparam("said"),
    )
)


def add_act(db: Connection, hashed: bytes, act: bytes, now_ms: int) -> None:
    """Somebody has prepared this."""
    kept = Kept(hashed, act, PREPARED, now_ms, 0, 0, "")
    db.execute(_ADD_ACT, kept.__dict__)


def find_act(db: Connection, hashed: bytes) -> Kept | None:
    """The act with this digest."""
    row = db.execute(_ONE_ACT, {"digest": hashed}).fetchone()
    return Kept(*row) if row else None


def all_acts(db: Connection, most: int = 200) -> list[Kept]:
    """Newest first."""
    return [Kept(*row) for row in db.execute(_ACTS, {"most": most})]


def acts_in(db: Connection, state: str) -> list[Kept]:
    """Oldest first."""
    return [Kept(*row) for row in db.execute(_IN_STATE, {"state": state})]


def move_act(db: Connection, kept: Kept, new: str, signer: int, signed_ms: int, result: str = "") -> bool:
    """From the state it was read in to the next; False where somebody was faster."""
    values = {"which": kept.digest, "old": kept.state, "new": new, "who": signer, "when": signed_ms}
    return db.execute(_MOVE, {**values, "said": result}).rowcount == 1


# --- register and cases -----------------------------------------------------------------------------------------

_cards = msgspec.msgpack.Decoder(Card)
_cases = msgspec.msgpack.Decoder(Case)
_PUT_CARD = sql(insert(_card).prefix_with("OR REPLACE"))
_CARDS = sql(select(_card.c.card).order_by(_card.c.party, _card.c.file))
_CARD = sql(
    select(_card.c.card).where(_card.c.party == bindparam("party"), _card.c.file == bindparam("file"))
)
_PUT_CASE = sql(insert(_case).prefix_with("OR REPLACE"))
_ALL_CASES = sql(select(_case.c.held).order_by(_case.c.number))
_ONE_CASE = sql(select(_case.c.held).where(_case.c.number == bindparam("number")))
_NEXT_CASE = sql(select(func.coalesce(func.max(_case.c.number), 0) + 1))


def put_card(db: Connection, card: Card) -> None:
    """As it is now."""
    data = msgspec.msgpack.encode(card)
    db.execute(_PUT_CARD, {"party": card.party, "file": card.file, "card": data})


async def enter_alone(db: Database, clock: Clock, card: Card) -> None:
    """A card by whoever runs the commission, with a line in the journal."""
    now_ms, about = clock(), f"{card.party}/{card.file}"

    def work(connection: Connection) -> None:
        put_card(connection, card)
        note(connection, now_ms, CLOCK, "assessment", about, "entered")

    await db.write(work)


def find_card(db: Connection, party: str, file: str) -> Card | None:
    """What the register has of one file."""
    row = db.execute(_CARD, {"party": party, "file": file}).fetchone()
    return _cards.decode(row[0]) if row else None


def all_cards(db: Connection) -> dict[tuple[str, str], Card]:
    """The register, by party and file."""
    found = [_cards.decode(row[0]) for row in db.execute(_CARDS)]
    return {(card.party, card.file): card for card in found}


def put_case(db: Connection, case: Case) -> None:
    """As it is now."""
    db.execute(_PUT_CASE, {"number": case.number, "held": msgspec.msgpack.encode(case)})


def next_case(db: Connection) -> int:
    """The number of the next case."""
    return int(db.execute(_NEXT_CASE).fetchone()[0])


def find_case(db: Connection, number: int) -> Case | None:
    """The case with this number."""
    row = db.execute(_ONE_CASE, {"number": number}).fetchone()
    return _cases.decode(row[0]) if row else None


def all_cases(db: Connection) -> list[Case]:
    """Oldest first."""
    return [_cases.decode(row[0]) for row in db.execute(_ALL_CASES)]


# --- counts -----------------------------------------------------------------------------------------------------

_PUT_SAID = sql(insert(_said).prefix_with("OR REPLACE"))
_SAID = sql(
    select(_said.c.statement, _said.c.over).where(
        _said.c.converter == bindparam("converter"), _said.c.day == bindparam("day")
    )
)
_SAID_ON = sql(select(_said.c.statement).where(_said.c.day == bindparam("day")).order_by(_said.c.converter))
_OVER = sql(
    select(func.max(_said.c.day)).where(_said.c.converter == bindparam("converter"), _said.c.over == 1)
)
_DAYS = sql(
    select(_said.c.day).where(_said.c.converter == bindparam("converter")).order_by(_said.c.day.desc())
)
_DROP_CELLS = sql(delete(_cell).where(_cell.c.day == bindparam("day")))
_ADD_CELL = sql(insert(_cell))
_CELLS = sql(select(*_cell.c).where(_cell.c.day >= bindparam("since")))
_LAST_USES = sql(
    select(_cell.c.row, func.max(_cell.c.day))
    .where(_cell.c.row != "", _cell.c.released > 0)
    .group_by(_cell.c.row)
)
_DROP_REFUSALS = sql(delete(_refusal).where(_refusal.c.day == bindparam("day")))
_ADD_REFUSAL = sql(insert(_refusal))
_REFUSALS = sql(
    select(_refusal.c.party, _refusal.c.code, func.sum(_refusal.c.times))
    .where(_refusal.c.day >= bindparam("since"))
    .group_by(_refusal.c.party, _refusal.c.code)
)
_REFUSAL_DAYS = sql(
    select(_refusal.c.day, _refusal.c.code, func.sum(_refusal.c.times))
    .where(_refusal.c.day >= bindparam("since"))
    .group_by(_refusal.c.day, _refusal.c.code)
)


def put_said(db: Connection, said: Uses, statement: bytes, signature: bytes, *, over: bool) -> Uses | None:
    """What a converter says of a day, and what it said before; a day that was over keeps what was said of it."""
    row = db.execute(_SAID, {"converter": said.converter, "day": said.day}).fetchone()
    before = decode(row[0], Uses) if row else None
    if row is None or not row[1]:
        values = {"converter": said.converter, "day": said.day, "over": int(over)}
        db.execute(_PUT_SAID, {**values, "statement": statement, "signature": signature})
    return before


def said_on(db: Connection, day: int) -> list[Uses]:
    """What all say of a day."""
    return [decode(row[0], Uses) for row in db.execute(_SAID_ON, {"day": day})]


def day_reached(db: Connection, converter: str) -> int | None:
    """The last day that is over and told."""
    found = db.execute(_OVER, {"converter": converter}).fetchone()[0]
    return None if found is None else int(found)


def first_day(db: Connection, converter: str) -> int | None:
    """The first of the days up to now that a converter told of without a gap."""
    first = None
    for (day,) in db.execute(_DAYS, {"converter": converter}):
        if first is not None and day != first - 1:
            break
        first = int(day)
    return first


def put_cells(db: Connection, day: int, cells: Iterable[Cell], refused: Iterable[Refused]) -> None:
    """The counts of a day, in place of those before."""
    db.execute(_DROP_CELLS, {"day": day})
    db.executemany(_ADD_CELL, [cell.__dict__ for cell in cells])
    db.execute(_DROP_REFUSALS, {"day": day})
    told = [{"day": day, "party": each.party, "code": each.code, "times": each.times} for each in refused]
    db.executemany(_ADD_REFUSAL, told)


def cells_since(db: Connection, day: int) -> list[Cell]:
    """From this day on."""
    return [Cell(*row) for row in db.execute(_CELLS, {"since": day})]


def last_uses(db: Connection) -> dict[str, int]:
    """By row the last day on which it was used."""
    return {row[0]: int(row[1]) for row in db.execute(_LAST_USES)}


def refusals_by_day(db: Connection, day: int) -> list[tuple[int, str, int]]:
    """(day, code, times) of all parties together, from this day on."""
    return [(int(row[0]), row[1], int(row[2])) for row in db.execute(_REFUSAL_DAYS, {"since": day})]


def refusals_since(db: Connection, day: int) -> list[tuple[str, str, int]]:
    """(party, code, times) from this day on."""
    return [(row[0], row[1], int(row[2])) for row in db.execute(_REFUSALS, {"since": day})]


_ADD_WITNESS = sql(insert(_witness).prefix_with("OR IGNORE"))
_COUNT_WITNESS = sql(
    update(_witness)
    .where(_witness.c.witness == bindparam("of"), _witness.c.day == bindparam("on"))
    .values(asked=_witness.c.asked + 1, signed=_witness.c.signed + bindparam("more"))
)
_WITNESSES = sql(
    select(_witness.c.witness, func.sum(_witness.c.asked), func.sum(_witness.c.signed))
    .where(_witness.c.day >= bindparam("since"))
    .group_by(_witness.c.witness)
)


def saw_witnesses(db: Connection, day: int, seen: Mapping[str, bool]) -> None:
    """Whether a head that was looked at had each witness's signature."""
    for witness, signed in seen.items():
        db.execute(_ADD_WITNESS, {"witness": witness, "day": day, "asked": 0, "signed": 0})
        db.execute(_COUNT_WITNESS, {"of": witness, "on": day, "more": int(signed)})


def witnesses_since(db: Connection, day: int) -> list[tuple[str, int, int]]:
    """(witness, heads looked at, heads it had signed) from this day on."""
    return [(row[0], int(row[1]), int(row[2])) for row in db.execute(_WITNESSES, {"since": day})]


_snapshot = _T["snapshot"]
_PUT_SNAPSHOT = sql(insert(_snapshot).prefix_with("OR REPLACE"))
_SNAPSHOT = sql(select(_snapshot.c.time_ms, _snapshot.c.data).where(_snapshot.c.name == bindparam("name")))


def put_snapshot(db: Connection, name: str, now_ms: int, data: bytes) -> None:
    """Figures as they were taken last."""
    db.execute(_PUT_SNAPSHOT, {"name": name, "time_ms": now_ms, "data": data})


def snapshot(db: Connection, name: str) -> tuple[int, bytes] | None:
    """(when, data) of figures."""
    row = db.execute(_SNAPSHOT, {"name": name}).fetchone()
    return (int(row[0]), row[1]) if row else None
