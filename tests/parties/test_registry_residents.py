"""The registry follows each life as municipalities report it, and bad reports leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from kakine.contracts.registry import (
    Born,
    Cause,
    Died,
    Distinct,
    Moved,
    MovedOut,
    NumberChanged,
    NumberReason,
    RecordCodeChanged,
    Renamed,
    ShieldSet,
    Subject,
    WentAbroad,
)
from kakine.parties.registry import residents
from kakine.parties.registry.residents import Done
from kakine.parties.registry.store import State
from kakine.protocols.matching import Sex
from kakine.protocols.validity import LEAVE_DAYS
from kakine.values.identifiers import IndividualNumber, ResidentRecordCode
from kakine.values.problems import (
    CheckDigitWrong,
    DateOutside,
    IdentifierMalformed,
    ItemMalformed,
    ItemsIncomplete,
    KeyReused,
    MatchMany,
    MatchNone,
    NobodyToDistinguish,
    NothingChanged,
    NotMovedOut,
    NotTheirMunicipality,
    PersonDeceased,
    PersonExists,
    PersonUnknown,
    Problem,
)
from registry_office import HANAKO, NOW_MS, TODAY, TOYONAKA, YOKOHAMA, Office, run

NEW_HOME = Moved("大阪府豊中市本町3丁目1番16号", bytes(15) + b"2")
LEAVES = MovedOut(str(TOYONAKA))
TWIN = replace(HANAKO, address="神奈川県横浜市西区老松町9番地9")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "registry.sqlite")
    yield opened
    opened.close()


def found(office: Office, number: str, birth: date = HANAKO.birth) -> bytes:
    return residents.find_by_number(office.desk.db.read(), IndividualNumber(number), birth)


def test_an_entry_is_numbered_and_found_by_number_and_by_items(office):
    done = office.enter()
    assert IndividualNumber(done.number).digits == done.number
    assert ResidentRecordCode(done.record_code).digits == done.record_code
    assert found(office, done.number) == done.person == residents.find_by_items(office.desk.db.read(), HANAKO)


def test_the_birth_date_must_fit_the_number(office):
    done = office.enter()
    with pytest.raises(PersonUnknown):
        found(office, done.number, date(1990, 3, 2))


def test_somebody_without_an_address_is_entered_and_numbered(office):
    done = office.enter(replace(HANAKO, address=None), cause=Cause.FOUND)
    assert done.number
    assert residents.find_by_items(office.desk.db.read(), replace(HANAKO, address=None)) == done.person


def test_the_same_person_is_not_entered_twice_however_the_entry_is_encoded(office):
    office.enter()
    before = office.snapshot()
    again = replace(HANAKO, kana="ﾜﾀﾅﾍﾞ ﾊﾅｺ", name="渡邉 花子", address="神奈川県横浜市西区老松町１番地２")
    with pytest.raises(PersonExists):
        office.enter(again, town=TOYONAKA)
    assert office.snapshot() == before


def test_a_distinct_person_at_the_same_address_is_entered_for_a_reason(office):
    first = office.enter()
    second = office.enter(distinct=Distinct.SAME_NAME_AND_BIRTH)
    assert first.number != second.number
    assert first.person != second.person
    with pytest.raises(MatchMany):
        residents.find_by_items(office.desk.db.read(), HANAKO)


def test_distinctness_cannot_be_claimed_in_advance(office):
    with pytest.raises(NobodyToDistinguish):
        office.enter(distinct=Distinct.SAME_NAME_AND_BIRTH)


def test_same_name_same_birth_people_in_one_town_are_told_apart_by_address(office):
    first, second = office.enter(), office.enter(TWIN)
    assert residents.find_by_items(office.desk.db.read(), TWIN) == second.person != first.person


@pytest.mark.parametrize("other", [{"name": "渡辺　花子"}, {"kana": "ワタナベ　ハコナ"}, {"address": None}])
def test_a_look_up_that_differs_in_one_item_is_refused(office, other):
    office.enter()
    with pytest.raises(MatchNone):
        residents.find_by_items(office.desk.db.read(), replace(HANAKO, **other))


def test_a_child_shares_household_address_and_protection_of_its_parent(office):
    mother = office.enter(household=b"h" * 16)
    office.report(mother.number, ShieldSet(True, True))
    child = office.birth(Born(office.key(), Subject(mother.number, HANAKO.birth), TODAY, Sex.FEMALE))
    born, parent = office.person(child), office.person(mother)
    assert (born.household, born.address, born.municipality) == (b"h" * 16, HANAKO.address, YOKOHAMA)
    assert born.undisclosed
    assert born.own_view_stopped
    assert born.name == ""
    assert parent.version == 2


def test_a_newborn_without_name_is_numbered_named_later_and_never_found_by_blanks(office):
    mother = office.enter()
    child = office.birth(Born(office.key(), Subject(mother.number, HANAKO.birth), TODAY, Sex.MALE))
    with pytest.raises(ItemsIncomplete):
        residents.find_by_items(office.desk.db.read(), office.person(child).items)
    office.report(child.number, Renamed("渡邉　湊", "ワタナベ　ミナト"), birth=TODAY)
    assert residents.find_by_items(office.desk.db.read(), office.person(child).items) == child.person


def test_unnamed_twins_are_entered_when_the_second_is_confirmed(office):
    parent = Subject(office.enter().number, HANAKO.birth)
    first = office.birth(Born(office.key(), parent, TODAY, Sex.MALE))
    with pytest.raises(PersonExists):
        office.birth(Born(office.key(), parent, TODAY, Sex.MALE))
    second = office.birth(Born(office.key(), parent, TODAY, Sex.MALE, distinct=Distinct.UNNAMED_TWIN))
    assert first.number != second.number


def test_a_move_keeps_number_and_protection_and_the_old_place_goes_to_the_history(office):
    done = office.enter()
    office.report(done.number, ShieldSet(True, False))
    office.report(done.number, LEAVES)
    moved = office.report(done.number, NEW_HOME, town=TOYONAKA)
    person = office.person(done)
    assert (person.municipality, person.address, person.undisclosed) == (TOYONAKA, NEW_HOME.address, True)
    assert moved.number == ""
    assert found(office, done.number) == done.person
    assert office.rows("SELECT municipality, address, until_version FROM former_items") == [
        (YOKOHAMA, HANAKO.address, 4)
    ]


def test_somebody_loses_an_address_goes_abroad_and_comes_back_with_the_same_number(office):
    done = office.enter()
    office.report(done.number, Moved(None, bytes(16)))
    assert office.person(done).state is State.RESIDENT
    office.report(done.number, WentAbroad())
    assert (office.person(done).state, office.person(done).address) == (State.ABROAD, None)
    office.report(done.number, LEAVES)
    office.report(done.number, NEW_HOME, town=TOYONAKA)
    assert office.person(done).state is State.RESIDENT
    assert found(office, done.number) == done.person


@pytest.mark.parametrize("days", [0, LEAVE_DAYS])
def test_whoever_was_let_go_is_taken_over_within_the_time_and_once(office, days):
    done = office.enter()
    office.report(done.number, LEAVES)
    assert office.person(done).municipality == YOKOHAMA
    later = NOW_MS + days * 86_400_000
    office.report(done.number, NEW_HOME, town=TOYONAKA, now_ms=later)
    assert (office.person(done).municipality, office.person(done).leaving) == (TOYONAKA, None)
    with pytest.raises(NotMovedOut):
        office.report(done.number, Moved(HANAKO.address, bytes(16)), now_ms=later)


def test_a_departure_names_a_municipality(office):
    done = office.enter()
    before = office.snapshot()
    with pytest.raises(CheckDigitWrong):
        office.report(done.number, MovedOut("272034"))
    assert office.snapshot() == before


def test_a_child_that_is_born_to_somebody_who_leaves_leaves_too(office):
    mother = office.enter()
    office.report(mother.number, LEAVES)
    child = office.birth(Born(office.key(), Subject(mother.number, HANAKO.birth), TODAY, Sex.MALE))
    office.report(child.number, NEW_HOME, birth=TODAY, town=TOYONAKA)
    assert office.person(child).municipality == TOYONAKA


def test_a_new_name_is_found_and_the_old_one_kept_as_history(office):
    done = office.enter()
    office.report(done.number, Renamed("髙橋　花子", "タカハシ　ハナコ"))
    now = replace(HANAKO, name="髙橋　花子", kana="タカハシ　ハナコ")
    assert residents.find_by_items(office.desk.db.read(), now) == done.person
    with pytest.raises(MatchNone):
        residents.find_by_items(office.desk.db.read(), HANAKO)
    assert office.rows("SELECT name FROM former_items") == [(HANAKO.name,)]


def test_the_dead_take_no_more_events_and_are_still_found_by_those_who_must(office):
    done = office.enter()
    office.report(done.number, Died(), day=TODAY - timedelta(days=3))
    assert office.person(done).died == TODAY - timedelta(days=3)
    for change in (NEW_HOME, Renamed("甲", "コウ"), NumberChanged(NumberReason.ASKED), Died()):
        with pytest.raises(PersonDeceased):
            office.report(done.number, change)
    number = IndividualNumber(done.number)
    assert residents.find_by_number(office.desk.db.read(), number, HANAKO.birth, past=True) == done.person
    with pytest.raises(PersonExists):
        office.enter()


def test_protection_is_set_and_ended(office):
    done = office.enter()
    office.report(done.number, ShieldSet(True, True))
    assert office.person(done).undisclosed
    office.report(done.number, ShieldSet(False, False))
    assert not office.person(done).undisclosed
    assert not office.person(done).own_view_stopped


def test_every_change_is_a_life_event(office):
    done = office.enter()
    changes = [
        ShieldSet(True, False),
        Renamed("甲", "コウ"),
        RecordCodeChanged(),
        WentAbroad(),
        Moved(None, bytes(16)),
    ]
    for change in changes:
        office.report(done.number, change)
    office.report(done.number, NumberChanged(NumberReason.EX_OFFICIO))
    rows = office.rows("SELECT version, kind, reason, reporter FROM life_event ORDER BY version")
    kinds = [
        "first-entry", "shield-set", "renamed", "record-code-changed", "went-abroad", "moved",
        "number-changed",
    ]  # fmt: skip
    assert [row[:2] for row in rows] == list(enumerate(kinds, 1))
    assert rows[-1][2:] == ("ex-officio", YOKOHAMA)
    assert office.person(done).version == 7


@pytest.mark.parametrize(
    "change", [LEAVES, WentAbroad(), Renamed("甲", "コウ"), Died(), ShieldSet(True, True), ShieldSet(False, False),
               NumberChanged(NumberReason.ASKED), RecordCodeChanged()]
)  # fmt: skip
def test_only_the_municipality_of_record_reports_anything_but_a_move(office, change):
    done = office.enter()
    before = office.snapshot()
    with pytest.raises(NotTheirMunicipality):
        office.report(done.number, change, town=TOYONAKA)
    assert office.snapshot() == before


def test_another_town_cannot_enter_a_birth_into_a_household(office):
    mother = office.enter()
    with pytest.raises(NotTheirMunicipality):
        office.birth(Born(office.key(), Subject(mother.number, HANAKO.birth), TODAY, Sex.MALE), TOYONAKA)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (Moved(HANAKO.address, bytes(16)), NothingChanged),
        (Moved("", bytes(16)), ItemMalformed),
        (Moved("町" * 241, bytes(16)), ItemMalformed),
        (MovedOut("27203"), IdentifierMalformed),
        (Renamed(HANAKO.name, HANAKO.kana), NothingChanged),
        (Renamed("", "コウ"), ItemMalformed),
        (Renamed("甲", "　"), ItemMalformed),
        (Renamed("甲\n乙", "コウ"), ItemMalformed),
        (Renamed("\ue000田", "コウダ"), ItemMalformed),
        (ShieldSet(False, False), NothingChanged),
    ],
)
def test_a_bad_report_is_refused_and_leaves_everything_as_it_was(office, change, problem):
    done = office.enter()
    before = office.snapshot()
    with pytest.raises(problem):
        office.report(done.number, change)
    assert office.snapshot() == before


@pytest.mark.parametrize("day", [TODAY + timedelta(days=1), HANAKO.birth - timedelta(days=1)])
def test_events_are_between_birth_and_today(office, day):
    done = office.enter()
    with pytest.raises(DateOutside):
        office.report(done.number, Died(), day=day)
    with pytest.raises(DateOutside):
        office.enter(TWIN, day=day)


def test_the_day_is_the_one_in_japan(office):
    just_after_midnight = NOW_MS + 12 * 3_600_000
    entry = office.entry(day=TODAY + timedelta(days=1))
    (outcome,) = run(residents.enter(office.desk, YOKOHAMA, [entry], just_after_midnight))
    assert isinstance(outcome, Done)


def test_a_mistyped_number_is_refused_before_anybody_is_looked_for(office):
    done = office.enter()
    wrong = done.number[:-1] + str((int(done.number[-1]) + 1) % 10)
    with pytest.raises(CheckDigitWrong):
        office.report(wrong, Died())


def test_a_report_sent_again_is_answered_alike_and_done_once(office):
    entry = office.entry()
    (first,), (again,) = office.outcomes(entry), office.outcomes(entry)
    key = office.key()
    change = NumberChanged(NumberReason.ASKED)
    changed = office.report(first.number, change, key=key)
    repeated = office.report(first.number, change, key=key)
    assert (again.number, again.record_code, again.again) == (first.number, first.record_code, True)
    assert (repeated.number, repeated.again, changed.again) == (changed.number, True, False)
    assert office.rows("SELECT count(*) FROM number") == [(2,)]


def test_a_key_does_not_serve_for_another_report_or_town(office):
    key = office.key()
    first = office.enter(key=key)
    for town, items in ((YOKOHAMA, TWIN), (TOYONAKA, HANAKO)):
        with pytest.raises(KeyReused):
            office.enter(items, town=town, key=key)
    with pytest.raises(KeyReused):
        office.report(first.number, Died(), key=key)


def test_a_load_takes_the_good_entries_and_names_the_problem_of_each_other(office):
    entries = [
        office.entry(),
        office.entry(replace(HANAKO, name="")),
        office.entry(),
        office.entry(replace(TWIN, birth=TODAY + timedelta(days=1))),
        office.entry(TWIN),
    ]
    outcomes = office.outcomes(*entries)
    assert [type(outcome) for outcome in outcomes] == [Done, ItemMalformed, PersonExists, DateOutside, Done]
    assert office.rows("SELECT count(*) FROM person") == [(2,)]


def test_an_interrupted_load_is_resumed_by_sending_all_of_it(office):
    entries = [office.entry(replace(HANAKO, birth=HANAKO.birth + timedelta(days=n))) for n in range(50)]
    part = office.outcomes(*entries[:20])
    office.reopen()
    whole = office.outcomes(*entries)
    assert [done.number for done in whole[:20]] == [done.number for done in part]
    assert [done.again for done in whole] == [True] * 20 + [False] * 30
    assert office.rows("SELECT count(*) FROM person") == [(50,)]


def test_no_refusal_shows_anything_of_a_person(office):
    done = office.enter()
    told = []
    for change in (Renamed("", "カクシ"), Moved(HANAKO.address, bytes(16)), ShieldSet(False, False)):
        with pytest.raises(Problem) as caught:
            office.report(done.number, change)
        told.append(str(caught.value) + repr(caught.value))
    with pytest.raises(PersonExists) as caught:
        office.enter()
    told.append(str(caught.value) + repr(office.person(done)) + repr(done))
    for text in told:
        assert not any(
            part in text for part in (done.number, done.record_code, "渡邉", "ハナコ", "1990", "老松")
        )
