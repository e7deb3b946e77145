"""What the registry keeps: people, their numbers, their record codes, what they were before, what happened
to them.

A number is in the table `number` and nowhere else. Numbers and record codes stay for ever, so that none is
given twice. There is no statement here that returns more than one person to a caller: `namesakes` feeds the
matching rule only. Dates are ISO texts, times milliseconds since 1970 UTC, ids 16 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.sql import ColumnElement

from kakine.protocols.characters import normal
from kakine.protocols.matching import Items, Sex
from kakine.runtime.database import Connection, sql
from kakine.values.identifiers import MunicipalityCode

SHIELDED, BORN = "shield-set", "born"
"""Kinds of life events by which protection begins: set, or shared by a child with its parent."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """For which municipality somebody is reported as leaving, and the last day on which it may take them over."""

    to: MunicipalityCode
    until: date


class State(StrEnum):
    """Of a person."""

    RESIDENT = "resident"
    ABROAD = "abroad"
    DECEASED = "deceased"


metadata = MetaData(info={"store": "registry"})

person = Table(
    "person",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("name", String, nullable=False),
    Column("kana", String, nullable=False),
    Column("birth", String, nullable=False),
    Column("sex", String, nullable=False),
    Column("municipality", String, nullable=False),
    Column("address", String),
    Column("household", LargeBinary, nullable=False),
    Column("undisclosed", Integer, nullable=False),
    Column("own_view_stopped", Integer, nullable=False),
    Column("died", String),
    Column("kana_key", String, nullable=False),
    Column("leaving_to", String),
    Column("leaving_until", String),
    Index("person_birth_kana", "birth", "kana_key"),
    Index("person_household", "household"),
)


def _given(name: str, column: str) -> Table:
    """Numbers or record codes: each text once for ever, at most one in force for a person."""
    table = Table(
        name,
        metadata,
        Column(column, String, primary_key=True),
        Column("person", LargeBinary, ForeignKey("person.id"), nullable=False),
        Column("state", String, nullable=False),
        Column("version", Integer, nullable=False),
        Column("since_ms", Integer, nullable=False),
        Index(f"{name}_of_person", "person", "version"),
    )
    in_force = table.c.state == "active"
    Index(f"{name}_in_force", table.c.person, unique=True, sqlite_where=in_force, postgresql_where=in_force)
    return table


number = _given("number", "number")
record_code = _given("record_code", "code")

former = Table(
    "former_items",
    metadata,
    Column("person", LargeBinary, ForeignKey("person.id"), nullable=False),
    Column("until_version", Integer, nullable=False),
    Column("until_ms", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("kana", String, nullable=False),
    Column("municipality", String, nullable=False),
    Column("address", String),
    PrimaryKeyConstraint("person", "until_version"),
)

event = Table(
    "life_event",
    metadata,
    Column("person", LargeBinary, ForeignKey("person.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("day", String, nullable=False),
    Column("recorded_ms", Integer, nullable=False),
    Column("reporter", String, nullable=False),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("person", "version"),
)


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """One row of `person`. `version` counts the events of this life; `repr` shows nothing."""

    id: bytes
    version: int
    state: State
    name: str
    kana: str
    birth: date
    sex: Sex
    municipality: MunicipalityCode
    address: str | None
    household: bytes
    undisclosed: bool = False
    own_view_stopped: bool = False
    died: date | None = None
    leaving: Leaving | None = None

    def __repr__(self) -> str:
        return "<Person>"

    @property
    def items(self) -> Items:
        """The five items of the matching rule."""
        return Items(self.name, self.kana, self.birth, self.sex, self.address)


@dataclass(frozen=True, slots=True)
class Event:
    """One row of `life_event`."""

    person: bytes
    version: int
    kind: str
    reason: str
    day: date
    recorded_ms: int
    reporter: str
    key: bytes
    digest: bytes


_PERSON = tuple(column for column in person.c if column.name != "kana_key")
_SINGLE: ColumnElement[bool] = person.c.id == bindparam("id")
_ADD_PERSON = sql(insert(person))
_SET_PERSON = sql(
    update(person)
    .where(person.c.id == bindparam("which"))
    .values({column: bindparam(f"new_{column.name}") for column in person.c if column.name != "id"})
)
_BY_ID = sql(select(*_PERSON).where(_SINGLE))
_NAMESAKES = sql(
    select(*_PERSON)
    .where(person.c.birth == bindparam("birth"), person.c.kana_key == bindparam("kana_key"))
    .order_by(person.c.id)
)
_BY_NUMBER = sql(
    select(number.c.state, *_PERSON)
    .join_from(number, person, number.c.person == person.c.id)
    .where(number.c.number == bindparam("number"))
)
_SHIELD = sql(
    select(func.count(person.c.id.distinct()), func.max(event.c.recorded_ms))
    .select_from(person)
    .outerjoin(
        event,
        (event.c.person == person.c.id) & ((event.c.kind == SHIELDED) | (event.c.kind == BORN)),
    )
    .where(
        person.c.household == bindparam("household"),
        person.c.state == State.RESIDENT.value,
        (person.c.undisclosed != 0) | (person.c.own_view_stopped != 0),
    )
)
_ADD_FORMER = sql(insert(former))
_ADD_EVENT = sql(insert(event))
_BY_KEY = sql(select(*event.c).where(event.c.key == bindparam("key")))
_ADD = {table.name: sql(insert(table)) for table in (number, record_code)}
_TAKEN = {
    table.name: sql(select(table.c.state).where(column == bindparam("text")))
    for table, column in ((number, number.c.number), (record_code, record_code.c.code))
}
_GIVEN_AT = {
    table.name: sql(
        select(column).where(table.c.person == bindparam("person"), table.c.version == bindparam("version"))
    )
    for table, column in ((number, number.c.number), (record_code, record_code.c.code))
}
_RETIRE = {
    table.name: sql(
        update(table)
        .where(table.c.person == bindparam("which"), table.c.state == "active")
        .values(state=bindparam("new_state"))
    )
    for table in (number, record_code)
}


def _in_force() -> ColumnElement[bool]:
    return exists().where(number.c.person == person.c.id, number.c.state == "active")


_PEOPLE = sql(select(func.count()).select_from(person))
_UNNUMBERED = sql(
    select(func.count()).select_from(person).where(person.c.state != State.DECEASED.value, ~_in_force())
)
_NUMBERED_DEAD = sql(
    select(func.count()).select_from(person).where(person.c.state == State.DECEASED.value, _in_force())
)


def _person(row: tuple[Any, ...]) -> Person:
    return Person(
        id=row[0],
        version=row[1],
        state=State(row[2]),
        name=row[3],
        kana=row[4],
        birth=date.fromisoformat(row[5]),
        sex=Sex(row[6]),
        municipality=MunicipalityCode(row[7]),
        address=row[8],
        household=row[9],
        undisclosed=bool(row[10]),
        own_view_stopped=bool(row[11]),
        died=None if row[12] is None else date.fromisoformat(row[12]),
        leaving=None if row[13] is None else Leaving(MunicipalityCode(row[13]), date.fromisoformat(row[14])),
    )


def _row(of: Person) -> dict[str, Any]:
    return {
        "id": of.id,
        "version": of.version,
        "state": of.state.value,
        "name": of.name,
        "kana": of.kana,
        "birth": of.birth.isoformat(),
        "sex": of.sex.value,
        "municipality": str(of.municipality),
        "address": of.address,
        "household": of.household,
        "undisclosed": int(of.undisclosed),
        "own_view_stopped": int(of.own_view_stopped),
        "died": None if of.died is None else of.died.isoformat(),
        "kana_key": normal(of.kana),
        "leaving_to": None if of.leaving is None else str(of.leaving.to),
        "leaving_until": None if of.leaving is None else of.leaving.until.isoformat(),
    }


def find_person(db: Connection, id_: bytes) -> Person | None:
    """The person with this internal id."""
    row = db.execute(_BY_ID, {"id": id_}).fetchone()
    return _person(row) if row else None


def find_by_number(db: Connection, digits: str) -> tuple[Person, bool] | None:
    """The person who has or had this number, and whether it is in force."""
    row = db.execute(_BY_NUMBER, {"number": digits}).fetchone()
    return (_person(row[1:]), row[0] == "active") if row else None


def namesakes(db: Connection, items: Items) -> list[tuple[bytes, Items]]:
    """Everybody, alive or not, with this kana and birth date: candidates for the matching rule, nothing
    else."""
    rows = db.execute(_NAMESAKES, {"birth": items.birth.isoformat(), "kana_key": normal(items.kana)})
    return [(found.id, found.items) for found in map(_person, rows)]


def shielded_ms(db: Connection, of: Person) -> int | None:
    """Since when (ms) the person, or anybody in the same household, is under protection, by the latest change of it;
    None where nobody is."""
    people, latest = db.execute(_SHIELD, {"household": of.household}).fetchone()
    return (latest or 0) if people else None


def add_person(db: Connection, new: Person) -> None:
    """Somebody new. Raises `IntegrityError` where the id is taken."""
    db.execute(_ADD_PERSON, _row(new))


def set_person(db: Connection, before: Person, after: Person, now_ms: int) -> None:
    """The next version of a person; name, kana and place that no longer hold go to the history."""
    kept = ("name", "kana", "municipality", "address")
    if any(getattr(before, item) != getattr(after, item) for item in kept):
        old = {item: _row(before)[item] for item in kept}
        db.execute(
            _ADD_FORMER,
            {**old, "person": before.id, "until_version": after.version, "until_ms": now_ms},
        )
    row = {f"new_{name}": value for name, value in _row(after).items() if name != "id"}
    db.execute(_SET_PERSON, {**row, "which": before.id})


def add_event(db: Connection, new: Event) -> None:
    """What happened. Raises `IntegrityError` where the key or the version of the person is taken."""
    db.execute(
        _ADD_EVENT,
        {
            "person": new.person,
            "version": new.version,
            "kind": new.kind,
            "reason": new.reason,
            "day": new.day.isoformat(),
            "recorded_ms": new.recorded_ms,
            "reporter": new.reporter,
            "key": new.key,
            "digest": new.digest,
        },
    )


def find_event(db: Connection, key: bytes) -> Event | None:
    """The event that was reported under this key."""
    row = db.execute(_BY_KEY, {"key": key}).fetchone()
    if row is None:
        return None
    of, version, kind, reason, day, recorded_ms, reporter, key, mark = row
    return Event(of, version, kind, reason, date.fromisoformat(day), recorded_ms, reporter, key, mark)


def taken(db: Connection, table: Table, text: str) -> bool:
    """Whether this number or record code is or ever was somebody's."""
    return db.execute(_TAKEN[table.name], {"text": text}).fetchone() is not None


def give(db: Connection, table: Table, text: str, to: Person, now_ms: int) -> None:
    """A number or record code for a person's present version.

    Raises `IntegrityError` where it is taken or the person has one in force.
    """
    column = table.primary_key.columns[0].name
    db.execute(
        _ADD[table.name],
        {column: text, "person": to.id, "state": "active", "version": to.version, "since_ms": now_ms},
    )


def retire(db: Connection, table: Table, of: Person) -> None:
    """What the person has in force is nobody's from now on."""
    db.execute(_RETIRE[table.name], {"which": of.id, "new_state": "retired"})


def given_at(db: Connection, table: Table, id_: bytes, version: int) -> str:
    """The number or record code given at this version of a person; empty if none was."""
    row = db.execute(_GIVEN_AT[table.name], {"person": id_, "version": version}).fetchone()
    return str(row[0]) if row else ""


def count_people(db: Connection) -> tuple[int, int, int]:
    """(everybody, the living without a number in force, the dead with one)."""
    people, without, dead = (
        db.execute(text).fetchone()[0] for text in (_PEOPLE, _UNNUMBERED, _NUMBERED_DEAD)
    )
    return people, without, dead
