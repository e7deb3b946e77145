"""A clerk who is curious, a colleague who is in a hurry, an agency that answers with more than it was asked for.

Each test is one claim of spec/desk.md. Pages are attacked in test_desk_site.py.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from desk_land import DAY, OTHER_UNIT, PASSPHRASE, SAPPORO, UNIT, DeskLand
from kakine.parties.gateway.desk import answers, case_store, cases, inquiries, people, ways
from kakine.parties.gateway.desk.answers import Word
from kakine.parties.gateway.desk.case_store import State, Step, Why
from kakine.parties.gateway.desk.office import CaseDesk, Rules
from kakine.parties.gateway.desk.people_store import Role, Use
from kakine.parties.gateway.desk.people_store import State as Standing
from kakine.runtime import codebook
from kakine.runtime.pack import pack_folder
from kakine.values.identifiers import IndividualNumber
from kakine.values.problems import (
    CaseNotOpen,
    CaseOnKin,
    CaseUnknown,
    DeskLoginUnknown,
    DeskQuotaExceeded,
    DeskRoleLacking,
    DeskStaffUnknown,
    FormUnfit,
    InquiryUnknown,
    PartyUnavailable,
    PersonNotKnown,
    Problem,
    ProviderNotEntitled,
    ReferenceUnfit,
    RowByHand,
    RowNotOfProcedure,
    SecondPersonNeeded,
    SessionUnknown,
)

from land import KOSEKI, RESIDENTS, TAX, Land, ref


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with DeskLand.founded(tmp_path_factory.mktemp("desk") / "land") as founded:
        yield founded.land


@pytest.fixture
def land(country: Land) -> DeskLand:
    """People of its own for each test, so that no quota and no case of another is in the way; data anew."""
    return _restaffed(country)


_TURN: list[int] = []


def _restaffed(country: Land, rules: Rules | None = None) -> DeskLand:
    """Other applications each time: one application opens one case."""
    _TURN.append(1)
    made = DeskLand.restaffed(country, f"B{len(_TURN)}", rules)
    for j in range(4):
        made.protect(j, on=False)
    return made


def receipts(land: DeskLand) -> int:
    db = land.desk.office.db.read()
    return len(codebook.receipts(db)) + len(codebook.unfinished(db))


# --- no case, no look-up --------------------------------------------------------------------------------------


def test_without_a_case_nothing_is_asked(land: DeskLand) -> None:
    before = receipts(land)
    for number in ("2026-999999", "", "../../2026-000001", "2026-000001' OR '1'='1"):
        with pytest.raises(CaseUnknown):
            land.ask(land.hana, number)
    assert receipts(land) == before


def test_a_colleagues_case_is_as_unknown_as_none(land: DeskLand) -> None:
    number = land.open(land.taro, 0).number
    before = receipts(land)
    with pytest.raises(CaseUnknown):
        land.ask(land.hana, number)
    with pytest.raises(CaseUnknown):
        land.run(cases.close(land.desk, land.hana, number))
    with pytest.raises(CaseUnknown):
        land.run(cases.add_person(land.desk, land.hana, number, "ref-1"))
    assert receipts(land) == before


def test_a_case_given_to_a_colleague_is_closed_to_whom_had_it(land: DeskLand) -> None:
    number = land.open(land.hana, 0).number
    asked = land.ask(land.hana, number)
    land.run(cases.assign(land.desk, land.chief, number, land.taro.official))
    with pytest.raises(CaseUnknown):
        land.ask(land.hana, number)
    with pytest.raises(CaseUnknown):
        land.run(inquiries.take_up(land.desk, land.hana, number, asked.id))


def test_a_case_of_another_desk_of_the_same_agency_is_unknown(land: DeskLand) -> None:
    """The residents' desk of the same town: the same store, the same person, the same number."""
    number = land.open(land.hana, 0).number
    elsewhere = replace(land.desk, domain=RESIDENTS)
    with pytest.raises(CaseUnknown):
        land.run(inquiries.ask(elsewhere, land.hana, number, 0, ("JO106.2",), TAX))


def test_a_closed_and_a_waiting_case_ask_nothing(land: DeskLand) -> None:
    closed = land.open(land.hana, 0).number
    land.run(cases.close(land.desk, land.hana, closed))
    waiting = land.open(land.hana, 1, application="no such").number
    before = receipts(land)
    for number in (closed, waiting):
        with pytest.raises(CaseNotOpen):
            land.ask(land.hana, number)
    assert receipts(land) == before


def test_a_case_closed_while_a_question_is_on_its_way_to_the_store_asks_nothing(land: DeskLand) -> None:
    """The look before and the write are two moments: the write looks again."""
    number = land.open(land.hana, 0).number
    before = receipts(land)

    async def race() -> None:
        asked = inquiries.ask(land.desk, land.hana, number, 0, ("JO106.2",), TAX)
        db = land.desk.office.db
        closed = db.write(
            lambda c: case_store.set_state(c, case_store.get(c, land.desk.domain, number), State.CLOSED)
        )
        results = await asyncio.gather(closed, asked, return_exceptions=True)
        assert isinstance(results[1], CaseNotOpen)

    land.run(race())
    assert receipts(land) == before


def test_only_the_people_of_the_case_are_asked_about(land: DeskLand) -> None:
    number = land.open(land.hana, 0).number
    for place in (1, -1, 99):
        with pytest.raises(FormUnfit):
            land.ask(land.hana, number, place)


def test_an_answer_of_another_case_is_unknown_in_mine(land: DeskLand) -> None:
    theirs = land.open(land.taro, 1).number
    asked = land.ask(land.taro, theirs)
    mine = land.open(land.hana, 0).number
    with pytest.raises(InquiryUnknown):
        land.run(inquiries.take_up(land.desk, land.hana, mine, asked.id))


# --- a neighbour ----------------------------------------------------------------------------------------------


def test_a_neighbour_does_not_come_in_under_somebody_elses_application(land: DeskLand) -> None:
    """The application is real and of the clerk's own unit; the reference is of a person who is not in it."""
    case = land.open(land.hana, 0, reference="ref-1")
    assert (case.state, case.why) == (State.WAITING, Why.NO_APPLICATION)


def test_an_application_with_another_date_or_procedure_is_none(land: DeskLand) -> None:
    assert land.open(land.hana, 0, day=DAY.replace(day=2)).why is Why.NO_APPLICATION
    assert land.open(land.hana, 1, procedure="JO81").why is Why.NO_APPLICATION


def test_one_application_opens_one_case(land: DeskLand) -> None:
    first = land.open(land.hana, 0)
    land.run(cases.close(land.desk, land.hana, first.number))
    again = land.open(land.hana, 0)
    assert (again.state, again.why) == (State.WAITING, Why.AGAIN)


def test_an_application_of_another_unit_waits_for_that_units_supervisor(land: DeskLand) -> None:
    case = land.open(land.other, 0)
    assert (case.state, case.why, case.unit) == (State.WAITING, Why.OTHER_UNIT, UNIT)
    with pytest.raises(SecondPersonNeeded):
        land.run(cases.decide(land.desk, land.other_chief, case.number, let=True))
    land.run(cases.decide(land.desk, land.chief, case.number, let=True))
    assert land.ask(land.other, case.number).result == "delivered"


def test_who_is_added_to_an_open_case_and_stands_in_no_application_stops_it(land: DeskLand) -> None:
    number = land.open(land.hana, 0).number
    land.run(cases.add_person(land.desk, land.hana, number, "ref-1"))
    with pytest.raises(CaseNotOpen):
        land.ask(land.hana, number, 1)


def test_nobody_works_on_a_relative_and_the_try_is_written_down(land: DeskLand) -> None:
    land.run(people.declare_kin(land.desk, land.admin, land.hana.official, [ref(1)]))
    with pytest.raises(CaseOnKin):
        land.open(land.hana, 1)
    number = land.open(land.hana, 0).number
    with pytest.raises(CaseOnKin):
        land.run(cases.add_person(land.desk, land.hana, number, "ref-1"))
    tried = [line for line in land.journal("kin-tried") if line.official == land.hana.official]
    assert len(tried) == 2
    theirs = land.open(land.taro, 1).number
    with pytest.raises(CaseOnKin):
        land.run(cases.assign(land.desk, land.chief, theirs, land.hana.official))


def test_guessing_references_ends_after_a_few(land: DeskLand) -> None:
    """Also for the right one, until tomorrow; also where they are added to a case."""
    number = land.open(land.hana, 0).number
    for j in range(land.desk.rules.unknown_a_day):
        with pytest.raises(PersonNotKnown):
            land.run(cases.add_person(land.desk, land.hana, number, f"guess-{j}"))
    with pytest.raises(DeskQuotaExceeded):
        land.open(land.hana, 1)
    with pytest.raises(DeskQuotaExceeded):
        land.run(cases.add_person(land.desk, land.hana, number, "ref-1"))
    assert len([x for x in land.journal("reference-unknown") if x.official == land.hana.official]) == 5


def test_guesses_made_at_the_same_time_are_counted_one_by_one(land: DeskLand) -> None:
    async def many() -> list[BaseException | Any]:
        tries = [cases.open_case(land.desk, land.hana, "JO106", "x", DAY, f"guess-{j}") for j in range(20)]
        return await asyncio.gather(*tries, return_exceptions=True)

    told = land.run(many())
    assert sum(isinstance(each, PersonNotKnown) for each in told) == land.desk.rules.unknown_a_day


def test_an_individual_number_is_never_taken_for_a_reference(land: DeskLand) -> None:
    number = IndividualNumber.draw(land.land.entropy).digits
    spaced = f"{number[:4]} {number[4:8]} {number[8:]}"
    for typed in (number, spaced, spaced.replace(" ", "-"), f" {number} ", f"no.{number}"):
        with pytest.raises(ReferenceUnfit):
            land.open(land.hana, 0, reference=typed)
    assert number not in repr(list(land.desk.office.db.read().iterdump()))


def test_cases_and_questions_have_a_daily_and_a_case_limit(country: Land) -> None:
    land = _restaffed(country, Rules(cases_a_day=1, questions_a_case=1))
    number = land.open(land.hana, 0).number
    with pytest.raises(DeskQuotaExceeded):
        land.open(land.hana, 1)
    land.ask(land.hana, number)
    with pytest.raises(DeskQuotaExceeded):
        land.ask(land.hana, number)


# --- the law --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "provider", "problem"),
    [
        (("JO81.7",), TAX, RowNotOfProcedure),
        (("JO106.2", "JO81.7"), TAX, RowNotOfProcedure),
        (("JO106.2",), KOSEKI, ProviderNotEntitled),
    ],
)
def test_a_row_outside_the_procedure_is_not_asked_nor_written_down_as_asked(
    land: DeskLand, rows: tuple[str, ...], provider: str, problem: type[Problem]
) -> None:
    number = land.open(land.hana, 0).number
    with pytest.raises(problem):
        land.ask(land.hana, number, rows=rows, provider=provider)
    assert case_store.inquiries(land.desk.office.db.read(), land.desk.domain, number) == []


def test_the_question_is_in_the_journal_before_it_leaves(land: DeskLand) -> None:
    number = land.open(land.hana, 0).number
    ask = land.desk.asking.ask
    seen: list[int] = []

    async def watched(question: Any) -> Any:
        seen.append(len([line for line in land.journal("asked") if line.case == number]))
        raise PartyUnavailable(party="yokohama")

    land.desk.asking.ask = watched  # type: ignore[method-assign]
    try:
        land.ask(land.hana, number)
    finally:
        land.desk.asking.ask = ask  # type: ignore[method-assign]
    assert seen == [1]


def test_the_record_and_the_journal_name_the_same_official_and_the_same_case(land: DeskLand) -> None:
    """Not the name, and a case that only the agency finds again."""
    number = land.open(land.hana, 0).number
    ask, carried = land.desk.asking.ask, []

    async def watched(question: Any) -> Any:
        carried.append(question)
        return await ask(question)

    land.desk.asking.ask = watched  # type: ignore[method-assign]
    try:
        land.ask(land.hana, number)
    finally:
        land.desk.asking.ask = ask  # type: ignore[method-assign]
    (question,) = carried
    assert question.official == land.hana.official == land.journal("asked")[-1].official
    assert question.case == land.desk.mark("case", number.encode())
    assert land.hana.name not in repr(question)


# --- roles ----------------------------------------------------------------------------------------------------


def test_a_clerk_does_nothing_of_a_supervisor_or_administrator(land: DeskLand) -> None:
    waiting = land.open(land.hana, 0, application="none").number
    acts = [
        cases.decide(land.desk, land.hana, waiting, let=True),
        cases.assign(land.desk, land.hana, waiting, land.hana.official),
        cases.review(land.desk, land.hana, waiting, fine=True),
        people.add(land.desk, land.hana, "x", UNIT, Role.ADMINISTRATOR),
        people.print_code(land.desk, land.hana, land.chief.official, Use.ENROL),
        people.set_state(land.desk, land.hana, land.chief.official, Standing.REMOVED),
        people.declare_kin(land.desk, land.hana, land.taro.official, [ref(0)]),
    ]
    for act in acts:
        with pytest.raises(DeskRoleLacking):
            land.run(act)
    with pytest.raises(DeskRoleLacking):
        people.all_of(land.desk, land.hana)


def test_supervisor_and_administrator_open_no_case_and_ask_nothing(land: DeskLand) -> None:
    number = land.open(land.hana, 0).number
    for person in (land.chief, land.admin):
        with pytest.raises(DeskRoleLacking):
            land.open(person, 1)
        with pytest.raises(DeskRoleLacking):
            land.ask(person, number)


def test_a_supervisor_decides_about_the_own_unit_only(land: DeskLand) -> None:
    number = land.open(land.hana, 0, application="none").number
    for act in (
        cases.decide(land.desk, land.other_chief, number, let=True),
        cases.assign(land.desk, land.other_chief, number, land.other.official),
        cases.review(land.desk, land.other_chief, number, fine=True),
        cases.decide(land.desk, land.chief, "2026-999999", let=True),
    ):
        with pytest.raises(SecondPersonNeeded):
            land.run(act)
    with pytest.raises(DeskStaffUnknown):
        land.run(cases.assign(land.desk, land.chief, number, land.other.official))
    assert {each.unit for each in people.all_of(land.desk, land.other_chief)} == {OTHER_UNIT}


# --- ways in --------------------------------------------------------------------------------------------------


def test_a_one_time_code_is_used_once(land: DeskLand) -> None:
    code = land.run(people.print_code(land.desk, None, land.hana.official, Use.ENROL))
    name = land.run(ways.enrol(land.desk, code))
    with pytest.raises(DeskLoginUnknown):
        land.run(ways.enrol(land.desk, code))
    land.run(ways.choose_passphrase(land.desk, name, PASSPHRASE, PASSPHRASE))
    shift = land.run(people.print_code(land.desk, None, land.hana.official, Use.SHIFT))
    land.run(ways.by_code(land.desk, shift, PASSPHRASE))
    with pytest.raises(DeskLoginUnknown):
        land.run(ways.by_code(land.desk, shift, PASSPHRASE))


def test_a_code_used_twice_at_the_same_time_opens_one_shift(land: DeskLand) -> None:
    land.shift_of(land.hana)
    code = land.run(people.print_code(land.desk, None, land.hana.official, Use.SHIFT))

    async def both() -> list[Any]:
        tries = [ways.by_code(land.desk, code, PASSPHRASE) for _ in range(2)]
        return await asyncio.gather(*tries, return_exceptions=True)

    told = land.run(both())
    assert sorted(type(each).__name__ for each in told) == ["DeskLoginUnknown", "Shift"]


def test_a_code_without_the_passphrase_opens_nothing_and_is_void_after_three_tries(land: DeskLand) -> None:
    land.shift_of(land.hana)
    code = land.run(people.print_code(land.desk, None, land.hana.official, Use.SHIFT))
    for passphrase in ("", "a wrong passphrase", PASSPHRASE[:-1]):
        with pytest.raises(DeskLoginUnknown):
            land.run(ways.by_code(land.desk, code, passphrase))
    with pytest.raises(DeskLoginUnknown):
        land.run(ways.by_code(land.desk, code, PASSPHRASE))


def test_a_code_to_enrol_is_none_for_a_shift(land: DeskLand) -> None:
    land.shift_of(land.hana)
    shift = land.run(people.print_code(land.desk, None, land.hana.official, Use.SHIFT))
    with pytest.raises(DeskLoginUnknown):
        land.run(ways.enrol(land.desk, shift))


def test_who_only_enrols_is_not_in(land: DeskLand) -> None:
    code = land.run(people.print_code(land.desk, None, land.hana.official, Use.ENROL))
    name = land.run(ways.enrol(land.desk, code))
    with pytest.raises(SessionUnknown):
        land.desk.stands(name)


@pytest.mark.parametrize("state", [Standing.LOCKED, Standing.REMOVED])
def test_who_is_locked_or_removed_is_out_at_the_next_click(land: DeskLand, state: Standing) -> None:
    name = land.shift_of(land.hana)
    left = land.run(people.print_code(land.desk, None, land.hana.official, Use.SHIFT))
    land.desk.stands(name)
    land.run(people.set_state(land.desk, land.admin, land.hana.official, state))
    with pytest.raises(SessionUnknown):
        land.desk.stands(name)
    with pytest.raises(DeskLoginUnknown):
        land.run(ways.by_code(land.desk, left, PASSPHRASE))
    with pytest.raises(DeskStaffUnknown):
        land.run(people.print_code(land.desk, None, land.hana.official, Use.SHIFT))


def test_one_person_is_at_one_terminal(land: DeskLand) -> None:
    first = land.shift_of(land.hana)
    second = land.shift_of(land.hana)
    land.desk.stands(second)
    with pytest.raises(SessionUnknown):
        land.desk.stands(first)


def test_a_shift_of_one_desk_is_none_of_another(land: DeskLand) -> None:
    name = land.shift_of(land.hana)
    elsewhere = CaseDesk(RESIDENTS, land.desk.office, land.desk.asking, land.desk.layouts, {}, land.desk.site)
    elsewhere._shifts[land.hana.id] = name
    with pytest.raises(SessionUnknown):
        elsewhere.stands(name)


# --- a person under protection --------------------------------------------------------------------------------

HIDDEN_PLACE = "札幌市豊平区平岸三条9丁目"


def shown(land: DeskLand, inquiry: Any, *, protected: bool) -> str:
    reading = answers.read(land.desk, inquiry, protected=protected)
    return msgspec.json.encode(reading).decode()


def test_of_somebody_protected_later_no_place_and_no_source_is_shown(land: DeskLand) -> None:
    """The answer is there already when the flag is set: it is decided at every look."""
    number = land.open(land.hana, 3).number
    asked = land.ask(land.hana, number, provider=SAPPORO)
    assert "札幌市" in shown(land, asked, protected=cases.protected(land.desk, ref(3)))
    land.protect(3)
    told = shown(land, asked, protected=cases.protected(land.desk, ref(3)))
    for place in ("札幌", "Sapporo", "sapporo", "011002"):
        assert place not in told
    assert "total" in told.lower()


def test_a_place_does_not_hide_in_a_field_that_should_hold_a_day(land: DeskLand) -> None:
    """Layouts say `format: date`, which their validator does not enforce."""
    field = {"title": "日", "type": "string", "format": "date"}
    assert answers._text(field, "2026-04-01", protected=True) is not None
    for place in (HIDDEN_PLACE, "2026-04-01 " + HIDDEN_PLACE, "20260401"):
        assert answers._text(field, place, protected=True) is None
    month = {"title": "月", "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
    assert answers._text(month, "2026-04\n", protected=True) is None


def test_no_layout_of_the_law_shows_text_of_somebody_protected() -> None:
    """Every field of every layout, filled with a place where it takes text."""
    filled = 0

    def walk(field: dict[str, Any]) -> None:
        nonlocal filled
        for each in field.get("properties", {}).values():
            if each["type"] == "array":
                walk(each["items"])
            elif each["type"] == "string" and "enum" not in each:
                filled += 1
                assert answers._value(each, HIDDEN_PLACE, protected=True) is None

    for path in (pack_folder() / "layouts").rglob("*.json"):
        walk(json.loads(path.read_text()))
    assert filled > 30


def test_who_of_many_offices_knows_somebody_protected_is_not_found_by_asking(land: DeskLand) -> None:
    number = land.open(land.hana, 0).number
    land.protect(0)
    for provider in (TAX, SAPPORO):
        with pytest.raises(RowByHand):
            land.ask(land.hana, number, provider=provider)
    assert land.ask(land.hana, number, rows=("JO106.1",), provider=KOSEKI).step is Step.ANSWERED


def test_protected_elsewhere_and_unknown_look_alike_where_there_was_a_choice(land: DeskLand) -> None:
    """The clerk's own agency does not know of the protection: else trying every town would find the place."""
    number = land.open(land.hana, 3).number
    land.protect(3, SAPPORO)
    answer = land.ask(land.hana, number, provider=SAPPORO)
    land.protect(3, SAPPORO, on=False)
    here = land.ask(land.hana, number, provider=TAX)
    assert [answer.result, here.result] == ["not-known-here", "not-known-here"]
    there = replace(answer, result="non-disclosed")  # a provider that does not keep to it
    assert shown(land, there, protected=False) == shown(land, here, protected=False)
    assert answers.word_of(land.desk, there) is Word.NO_ANSWER


# --- an agency that answers what it likes ---------------------------------------------------------------------


def given(**changed: Any) -> bytes:
    plain = {
        "layout": 1,
        "source": str(TAX),
        "source_version": 1,
        "as_of_ms": 0,
        "expires_ms": 1 << 46,
        "data": {"fiscal_year": 2026, "taxed": "taxed"},
    }
    return msgspec.json.encode({"TK-0002": {**plain, **changed}})


@pytest.fixture
def answered(land: DeskLand) -> Any:
    return land.ask(land.hana, land.open(land.hana, 0).number)


def test_a_proper_answer_of_this_kind_is_shown(land: DeskLand, answered: Any) -> None:
    """The control: what is refused below is refused for its fault."""
    reading = answers.read(land.desk, replace(answered, data=given()), protected=False)
    assert reading.word is Word.DELIVERED


@pytest.mark.parametrize(
    "data",
    [
        given(data={"fiscal_year": 2026, "taxed": "<script>"}),
        given(data={"fiscal_year": 2026, "taxed": "taxed", "note": "<b>"}),
        given(source="sapporo/tax"),
        given(layout=2),
        given(data={"municipality": "141003", "state": "resident"}).replace(b"TK-0002", b"TK-0003"),
        given(more="x"),
        b"[]",
        b"\xff",
        b"{",
    ],
)
def test_an_answer_in_another_form_than_agreed_is_not_shown(
    land: DeskLand, answered: Any, data: bytes
) -> None:
    reading = answers.read(land.desk, replace(answered, data=data), protected=False)
    assert (reading.word, reading.sheets) == (Word.UNREADABLE, ())


def test_a_result_that_nobody_knows_is_not_shown(land: DeskLand, answered: Any) -> None:
    assert answers.word_of(land.desk, replace(answered, result="<script>")) is Word.UNREADABLE


def test_an_individual_number_in_an_answer_is_dotted() -> None:
    number = IndividualNumber.draw(lambda n: b"\x07" * n).digits
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in number)
    for text in (number, f"備考 {number[:4]}-{number[4:8]}-{number[8:]}", wide, f"x{number}y"):
        told = answers.plain_text(text)
        assert "●" in told
        assert number[:4] not in told
        assert wide[:4] not in told
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert answers.plain_text(other) == other


def test_signs_that_cannot_be_seen_are_seen() -> None:
    assert answers.plain_text("a\u202eb\u200bc\x00") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩"
    assert answers.plain_text("𠮷田　齊") == "𠮷田　齊"
