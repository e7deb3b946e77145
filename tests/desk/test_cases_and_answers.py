"""A case from its opening to its end: what is offered, asked, answered, replaced on paper, and forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from desk_land import INCOME, PEOPLE, SAPPORO, TAX, DeskLand
from kakine.parties.gateway.desk import answers, case_store, cases, inquiries, journal, papers
from kakine.parties.gateway.desk.answers import Word
from kakine.parties.gateway.desk.case_store import Review, State, Step, Why
from kakine.parties.gateway.desk.office import Rules
from kakine.parties.gateway.desk.unexplained import unexplained
from kakine.values.problems import CaseNotOpen, DeskJournalBroken

from land import KOSEKI


@pytest.fixture
def land(tmp_path: Path) -> Iterator[DeskLand]:
    with DeskLand.founded(tmp_path / "land") as founded:
        yield founded


def test_an_answer_has_its_source_its_version_and_its_age(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    assert (case.state, case.why) == (State.OPEN, Why.NOTHING)
    asked = land.ask(land.hana, case.number)
    assert (asked.step, asked.result) == (Step.ANSWERED, "delivered")
    reading = answers.read(land.desk, asked, protected=False)
    (sheet,) = reading.sheets
    assert reading.word is Word.DELIVERED
    assert sheet.source is not None
    assert sheet.file is not None
    assert (sheet.source.ja, sheet.file.en, sheet.version, sheet.age_days) == ("横浜市", "Local taxes", 7, 20)
    shown = {value.label.ja: value.text.ja for value in sheet.values}
    assert shown["合計所得金額"] == f"{INCOME:,}円"
    assert (shown["課税区分"], shown["課税団体"]) == ("課税", "141003")
    assert sheet.hidden == 0


def test_rows_are_offered_with_what_the_law_says_of_them(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    offered = inquiries.offers(land.desk, case)
    assert [each.row.id for each in offered] == ["JO106.1", "JO106.2", "JO106.3", "JO106.4"]
    by_row = {each.row.id: each for each in offered}
    assert by_row["JO106.1"].providers == (KOSEKI,)
    assert not by_row["JO106.1"].choice
    assert set(by_row["JO106.2"].providers) >= {TAX, SAPPORO}
    assert by_row["JO106.2"].item.ja == "地方税関係情報"
    assert inquiries.procedure_of(land.desk.law, case).article == "第2条表106の項・第108条"


def test_only_a_whole_answer_replaces_a_paper(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    land.ask(land.hana, case.number)
    land.ask(land.hana, case.number, rows=("JO106.1",), provider=KOSEKI)
    asked = case_store.inquiries(land.desk.office.db.read(), case.domain, case.number)
    assert [each.result for each in asked] == ["delivered", "not-known-here"]
    listed = {each.row: each for each in papers.papers(inquiries.offers(land.desk, case), 1, asked)}
    assert (listed["JO106.2"].replaced, listed["JO106.2"].remains) == ((0,), ())
    assert listed["JO106.2"].document.ja == "課税(非課税)証明書"
    assert (listed["JO106.1"].replaced, listed["JO106.1"].remains) == ((), (0,))


def test_every_document_is_of_an_item_of_the_law(land: DeskLand) -> None:
    assert set(papers.documents()) <= {item.id for item in land.desk.law.gazette.items}


def test_a_closed_case_holds_nobody_and_nothing_that_was_answered(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    asked = land.ask(land.hana, case.number)
    assert asked.data
    land.run(cases.close(land.desk, land.hana, case.number))
    db = land.desk.office.db.read()
    assert case_store.people(db, case.domain, case.number) == []
    (kept,) = case_store.inquiries(db, case.domain, case.number)
    assert (kept.result, kept.data) == ("delivered", b"")
    assert answers.read(land.desk, kept, protected=False).word is Word.OVER
    with pytest.raises(CaseNotOpen):
        land.ask(land.hana, case.number)


def test_an_answer_is_readable_for_thirty_days(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    asked = land.ask(land.hana, case.number)
    land.land.clock.advance(29 * 86_400)
    land.shift_of(land.taro)
    db = land.desk.office.db.read()
    assert case_store.inquiry(db, case.domain, case.number, asked.id).data
    land.land.clock.advance(2 * 86_400)
    land.shift_of(land.taro)
    assert not case_store.inquiry(db, case.domain, case.number, asked.id).data


def test_somebody_of_the_application_joins_at_once_and_anybody_else_waits(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    joined = land.run(cases.add_person(land.desk, land.hana, case.number, "ref-1"))
    assert (joined.state, joined.why) == (State.WAITING, Why.NO_APPLICATION)
    with pytest.raises(CaseNotOpen):
        land.ask(land.hana, case.number)
    land.run(cases.decide(land.desk, land.chief, case.number, let=True))
    assert land.ask(land.hana, case.number, 1).result == "delivered"


def test_a_case_goes_to_another_clerk_of_the_unit(land: DeskLand) -> None:
    case = land.open(land.hana, 0)
    land.run(cases.assign(land.desk, land.chief, case.number, land.taro.official))
    assert land.ask(land.taro, case.number).result == "delivered"


def test_drawn_cases_are_looked_at_and_one_that_is_not_fine_ends(tmp_path: Path) -> None:
    with DeskLand.founded(tmp_path / "land", Rules(review_one_in=1)) as land:
        numbers = [land.open(land.hana, j).number for j in (0, 1)]
        db = land.desk.office.db.read()
        due = case_store.due_for_review(db, land.desk.domain, land.chief.unit)
        assert [case.number for case in due] == numbers
        land.run(cases.review(land.desk, land.chief, numbers[0], fine=True))
        land.run(cases.review(land.desk, land.chief, numbers[1], fine=False))
        looked_at = [case_store.get(db, land.desk.domain, number) for number in numbers]
        assert [case.review for case in looked_at] == [Review.FINE, Review.STOPPED]
        assert [case.state for case in looked_at] == [State.OPEN, State.CLOSED]


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"expires_ms": 1}, Word.EXPIRED),
        ({"as_of_ms": 1}, Word.STALE),
        ({"layout": 0}, Word.UNREADABLE),
        ({"layout": 9}, Word.UNREADABLE),
    ],
)
def test_what_came_of_a_question_is_a_word(land: DeskLand, changed: dict[str, int], word: Word) -> None:
    land.tax(0, {}, source_version=8, **changed)
    case = land.open(land.hana, 0)
    asked = land.ask(land.hana, case.number)
    assert answers.read(land.desk, asked, protected=False).word is word


def test_a_refusal_stands_in_the_answer(land: DeskLand) -> None:
    """The person's code is retired: the record keepers refuse."""
    case = land.open(land.hana, 0)
    land.run(land.land.country.registry.codes.retire([b"person-%09d" % 0]))
    asked = land.ask(land.hana, case.number)
    assert (asked.step, asked.problem) == (Step.REFUSED, "record-refused")
    assert answers.read(land.desk, asked, protected=False).word is Word.REFUSED


def test_look_ups_without_a_case_are_found(land: DeskLand) -> None:
    """A question past the desk, as a batch job or an insider's program asks it, beside one of a case."""
    case = land.open(land.hana, 0)
    land.ask(land.hana, case.number)
    assert unexplained(land.desk, 0) == []
    land.run(land.land.ask(1))
    (found,) = unexplained(land.desk, 0)
    assert (found.procedure, found.rows, found.people, found.in_cases) == ("JO106", ("JO106.2",), 1, 0)
    assert unexplained(land.desk, land.desk.now_ms + 1) == []


def test_the_journal_tells_of_every_step_without_naming_a_resident(land: DeskLand) -> None:
    case = land.open(land.hana, PEOPLE - 1)
    land.ask(land.hana, case.number, provider=SAPPORO)
    land.run(cases.close(land.desk, land.hana, case.number))
    told = [land.journal(what)[0] for what in ("case-opened", "asked", "answered", "case-closed")]
    assert {line.case for line in told} == {case.number}
    assert told[1].official == land.hana.official
    assert "ref-" not in repr(told)
    assert "sapporo" not in repr(told)
    assert land.hana.name not in repr(told)


def test_a_changed_line_of_the_journal_shows(land: DeskLand) -> None:
    land.open(land.hana, 0)
    db = land.desk.office.db
    lines, _ = journal.check(db.read())
    assert lines > 6
    land.run(
        db.write(lambda c: c.execute("UPDATE desk_journal SET official = 'x' WHERE number = 3") and None)
    )
    with pytest.raises(DeskJournalBroken) as told:
        journal.check(db.read())
    assert told.value.facts == {"number": 3}
