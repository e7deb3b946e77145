"""Numbers are unique for ever, drawn and not derived, and stored in one place."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from kakine.contracts.call import Role
from kakine.contracts.registry import (
    BIRTH,
    ENTER,
    REPORT,
    Died,
    Enter,
    NumberChanged,
    NumberReason,
    RecordCodeChanged,
    Report,
    Subject,
)
from kakine.institutions.people import Household, households
from kakine.parties.registry import residents, store
from kakine.parties.registry.numbering import Desk, check_numbers
from kakine.parties.registry.residents import Done
from kakine.protocols.matching import Items
from kakine.runtime.database import Database
from kakine.values.identifiers import IndividualNumber
from kakine.values.problems import NoFreeNumber, NumberRetired, NumbersInconsistent
from registry_office import HANAKO, NOW_MS, TODAY, YOKOHAMA, Office, raw, run

LEAK = NumberChanged(NumberReason.EX_OFFICIO)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "registry.sqlite")
    yield opened
    opened.close()


def others(count: int) -> list[object]:
    return [replace(HANAKO, birth=HANAKO.birth + timedelta(days=n)) for n in range(1, count + 1)]


def test_after_a_leak_one_step_gives_a_new_number_and_the_old_one_is_nobodys(office):
    done = office.enter()
    changed = office.report(done.number, LEAK)
    assert changed.number != done.number
    db = office.desk.db.read()
    assert residents.find_by_number(db, IndividualNumber(changed.number), HANAKO.birth) == done.person
    with pytest.raises(NumberRetired):
        residents.find_by_number(db, IndividualNumber(done.number), HANAKO.birth)
    old = residents.find_by_number(db, IndividualNumber(done.number), HANAKO.birth, past=True)
    assert old == done.person
    with pytest.raises(NumberRetired):
        office.report(done.number, Died())


def test_a_number_drawn_twice_is_never_given_twice_not_even_after_death(tmp_path):
    class Repeating:
        """Every draw comes three times."""

        def __init__(self) -> None:
            self.rng, self.left, self.drawn = random.Random(7), 0, b""

        def __call__(self, count: int) -> bytes:
            if count != 16:
                return random.Random(self.rng.random()).randbytes(count)
            if not self.left:
                self.left, self.drawn = 3, self.rng.randbytes(16)
            self.left -= 1
            return self.drawn

    office = Office(tmp_path / "registry.sqlite")
    office.desk = Desk(office.desk.db, Repeating(), bytes(32))
    first = office.enter()
    office.report(first.number, Died())
    given = [first.number] + [office.enter(items).number for items in others(30)]
    assert len(set(given)) == 31
    office.close()


def test_a_dead_source_of_randomness_is_noticed_and_writes_nothing(office):
    office.enter()
    office.desk = Desk(office.desk.db, bytes, bytes(32))
    office.enter(others(1)[0])
    before = office.snapshot()
    with pytest.raises(NoFreeNumber):
        run(
            residents.enter(
                office.desk, YOKOHAMA, [office.entry(items) for items in others(3)[1:]], NOW_MS + 1
            )
        )
    assert office.snapshot() == before


def test_numbers_change_together_without_one_being_lost_or_shared(office):
    entered = office.outcomes(*(office.entry(items) for items in others(40)))
    births = [items.birth for items in others(40)]

    async def all_at_once() -> list[Done]:
        reports = [
            Report(office.key(), Subject(done.number, birth), TODAY, LEAK)
            for done, birth in zip(entered, births, strict=True)
        ]
        return await asyncio.gather(
            *(residents.report(office.desk, YOKOHAMA, asked, NOW_MS) for asked in reports)
        )

    changed = run(all_at_once())
    assert len({done.number for done in [*entered, *changed]}) == 80
    assert run(check_numbers(office.desk.db)) == 40


def test_a_new_record_code_leaves_the_number_alone(office):
    done = office.enter()
    changed = office.report(done.number, RecordCodeChanged())
    assert changed.record_code not in ("", done.record_code)
    assert changed.number == ""
    assert office.rows("SELECT number, state FROM number") == [(done.number, "active")]
    assert sorted(office.rows("SELECT code, state FROM record_code")) == sorted(
        [(done.record_code, "retired"), (changed.record_code, "active")]
    )


def test_a_number_is_in_the_number_table_and_nowhere_else(office):
    done = office.enter()
    changed = office.report(done.number, LEAK)
    db = office.desk.db.read()
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in set(tables) - {"number"}:
        stored = repr(db.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608
        assert done.number not in stored
        assert changed.number not in stored
    assert {row[0] for row in office.rows("SELECT number FROM number")} == {done.number, changed.number}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE number SET state = 'retired'",
        "UPDATE person SET state = 'deceased'",
    ],
)
def test_the_nightly_check_finds_living_without_and_dead_with_a_number(tmp_path, damage):
    office = Office(tmp_path / "registry.sqlite")
    office.enter()
    assert run(check_numbers(office.desk.db)) == 1
    office.close()
    with raw(office.path) as db:
        db.execute(damage)
    db.close()
    opened = Database.open(office.path, store.metadata)
    with pytest.raises(NumbersInconsistent):
        run(check_numbers(opened))
    opened.close()


def test_the_store_itself_refuses_a_second_number_in_force(tmp_path):
    office = Office(tmp_path / "registry.sqlite")
    done = office.enter()
    office.close()
    db = raw(office.path)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO number VALUES ('000000000000', ?, 'active', 2, 0)", (done.person,))
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO number VALUES (?, ?, 'retired', 2, 0)", (done.number, done.person))
    db.close()


def test_a_synthetic_country_is_entered_and_numbered_without_a_gap(office):
    country = list(households(1500, random.Random(3)))
    numbered: list[Done] = []
    for town in {household.town for household in country}:
        entries = [entry for h in country if h.town == town for entry in _entries(office, h)]
        numbered += office.outcomes(*entries, town=town)
    assert all(isinstance(done, Done) for done in numbered)
    assert len({done.number for done in numbered}) == len(numbered) == run(check_numbers(office.desk.db))


def _entries(office: Office, household: Household) -> list[object]:
    key = office.key()
    return [
        office.entry(
            Items(one.name, one.kana, one.birth, one.sex, household.address), household=key, day=one.birth
        )
        for one in household.residents
        if one.name
    ]


def test_only_gateways_may_report_and_answers_carry_no_key_of_the_registry():
    for call in (ENTER, BIRTH, REPORT):
        assert call.callers == frozenset({Role.GATEWAY})
    fields = {field for call in (ENTER, BIRTH, REPORT) for field in call.gives.__struct_fields__}
    assert fields == {"outcomes", "number", "record_code"}


def test_messages_survive_the_wire(office):
    asked = Enter([office.entry()])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(asked), type=Enter) == asked
    event = Report(office.key(), Subject("1" * 12, date(2000, 1, 1)), TODAY, LEAK)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=Report) == event


def test_a_message_with_a_short_key_is_refused(office):
    bad = msgspec.structs.replace(office.entry(), key=b"short")
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(Enter([bad])), type=Enter)
