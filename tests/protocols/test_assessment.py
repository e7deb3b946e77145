"""The thresholds and steps of impact assessments, and the gate for what a version would newly allow."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from gazette_country import NOW, altered, first
from kakine.protocols.assessment import (
    BANDS,
    Card,
    Level,
    Outside,
    Step,
    activated,
    check_widening,
    lacking,
    needed,
    stepped,
    timers,
    years_after,
)
from kakine.values import problems
from kakine.values.calendar import day_in_japan
from kakine.wire.gazette import Assessment, Subject, Suspension

TODAY = day_in_japan(NOW)


def days(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()


def card(people: int = 300_000, **more: object) -> Card:
    return Card("sapporo", "local-tax", people, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("people", "few", "many"),
    list(
        zip(
            BANDS,
            [Level.EXEMPT, Level.BASIC, Level.BASIC, Level.FOCUSED, Level.FULL],
            [Level.EXEMPT, Level.BASIC, Level.FOCUSED, Level.FULL, Level.FULL],
            strict=True,
        )
    ),
)
def test_the_level_follows_from_people_staff_and_accidents(people: int, few: Level, many: Level) -> None:
    assert needed(card(people), TODAY) is few
    assert needed(card(people, many_staff=True), TODAY) is many
    assert needed(card(people, accident=TODAY - 364), TODAY) is many
    assert needed(card(people, accident=TODAY - 367), TODAY) is few


@pytest.mark.parametrize("outside", [Outside.STAFF, Outside.SOCIETY, Outside.AUDIT])
def test_files_that_are_not_subject_need_nothing(outside: Outside) -> None:
    assert needed(card(outside=outside), TODAY) is Level.EXEMPT


def test_a_number_that_is_no_band_is_refused() -> None:
    with pytest.raises(problems.AssessmentMalformed):
        needed(card(1234), TODAY)


def full(day: int = TODAY) -> Card:
    made = stepped(card(), Step.DRAFT, day - 40)
    made = stepped(made, Step.COMMENT, day - 35)
    made = stepped(made, Step.COMMENT_END, day - 5)
    made = stepped(made, Step.CHECK, day - 1)
    return stepped(made, Step.PUBLISH, day)


def test_a_full_assessment_takes_every_step_in_order() -> None:
    made = card()
    assert lacking(made, TODAY) == [Step.DRAFT, Step.COMMENT, Step.COMMENT_END, Step.CHECK]
    for early in (Step.COMMENT, Step.COMMENT_END, Step.CHECK, Step.PUBLISH, Step.REVIEW):
        with pytest.raises(problems.AssessmentMalformed):
            stepped(made, early, TODAY)
    done = full()
    assert (done.level, done.published, lacking(done, TODAY)[0]) == (Level.FULL, TODAY, Step.DRAFT)


def test_a_public_comment_lasts_thirty_days() -> None:
    made = stepped(stepped(card(), Step.DRAFT, TODAY), Step.COMMENT, TODAY)
    with pytest.raises(problems.AssessmentMalformed):
        stepped(made, Step.COMMENT_END, TODAY + 29)
    assert stepped(made, Step.COMMENT_END, TODAY + 30).comment_until == TODAY + 30


def test_a_smaller_file_is_published_after_its_draft() -> None:
    made = stepped(stepped(card(10_000), Step.DRAFT, TODAY), Step.PUBLISH, TODAY + 1)
    assert made.level is Level.BASIC


def test_review_is_due_each_year_and_a_new_one_after_five() -> None:
    done = full()
    assert timers(done, TODAY).late == ()
    year = years_after(TODAY, 1)
    assert timers(done, year + 1).late == (Step.REVIEW,)
    assert timers(stepped(done, Step.REVIEW, year), year + 1).late == ()
    assert timers(done, years_after(TODAY, 5) + 1).late == (Step.REVIEW, Step.DRAFT)
    assert years_after(days(2028, 2, 29), 1) == days(2029, 2, 28)


# --- the gate ---------------------------------------------------------------------------------------------------


def entry(**changed: object) -> Assessment:
    plain = Assessment(
        "PIA-new", "sapporo", "pension-x", "full", TODAY, years_after(TODAY, 5), withdrawn=False
    )
    return msgspec.structs.replace(plain, **changed)


def with_entry(made: Assessment) -> object:
    law = first()
    return msgspec.structs.replace(
        law, assessments=tuple(sorted((*law.assessments, made), key=lambda e: e.id))
    )


def test_no_assessment_enters_the_law_that_the_register_does_not_have() -> None:
    kept = {("sapporo", "pension-x"): msgspec.structs.replace(full(), file="pension-x")}
    check_widening(first(), with_entry(entry()), kept, TODAY)  # type: ignore[arg-type]
    wrong = [
        ({}, entry()),
        ({("sapporo", "pension-x"): card()}, entry()),
        (kept, entry(level="basic")),
        (kept, entry(review=years_after(TODAY, 5) + 1)),
        (kept, entry(published=TODAY - 1)),
        ({k: msgspec.structs.replace(v, level=Level.BASIC) for k, v in kept.items()}, entry(level="basic")),
    ]
    for cards, made in wrong:
        with pytest.raises(problems.AssessmentIncomplete):
            check_widening(first(), with_entry(made), cards, TODAY)  # type: ignore[arg-type]


def test_an_emergency_stands_for_thirty_days_and_ends_by_itself() -> None:
    urgent = {("sapporo", "pension-x"): stepped(card(), Step.EMERGENCY, TODAY)}
    check_widening(first(), with_entry(entry(review=TODAY + 30)), urgent, TODAY)  # type: ignore[arg-type]
    with pytest.raises(problems.AssessmentIncomplete):
        check_widening(first(), with_entry(entry(review=TODAY + 31)), urgent, TODAY)  # type: ignore[arg-type]


def test_a_longer_review_of_a_known_assessment_is_checked_too() -> None:
    longer = altered(first(), "assessments", "PIA-sapporo-local-tax", review=30_000)
    with pytest.raises(problems.AssessmentIncomplete):
        check_widening(first(), longer, {}, TODAY)
    check_widening(first(), altered(first(), "assessments", "PIA-sapporo-local-tax", review=TODAY), {}, TODAY)


def test_nothing_new_is_allowed_on_a_file_that_is_not_assessed() -> None:
    """A new row, a lifted suspension, a new procedure of a domain: each needs both sides' assessments."""
    law = first()
    stopped = msgspec.structs.replace(law, suspensions=(Suspension(Subject.ROW, "JO106.2", "why"),))
    assert {row for _, _, row in activated(stopped, law, TODAY)} == {"JO106.2"}
    check_widening(stopped, law, {}, TODAY)
    gone = altered(law, "assessments", "PIA-sapporo-local-tax", withdrawn=True)
    over = altered(law, "assessments", "PIA-sapporo-local-tax", review=TODAY - 1)
    for worse in (gone, over):
        still = msgspec.structs.replace(worse, suspensions=stopped.suspensions)
        with pytest.raises(problems.AssessmentIncomplete) as caught:
            check_widening(still, worse, {}, TODAY)
        assert caught.value.facts["file"] == "local-tax"
    old = {("sapporo", "local-tax"): msgspec.structs.replace(full(), published=years_after(TODAY, -6))}
    with pytest.raises(problems.AssessmentIncomplete):
        check_widening(stopped, law, old, TODAY)


def test_an_earlier_start_is_a_new_use_and_a_later_one_is_none() -> None:
    law = first()
    row = next(row for row in law.rows if row.id == "JO106.2")
    later = altered(law, "rows", "JO106.2", start=row.start + 1)
    assert activated(law, later, TODAY) == set()
    assert activated(later, law, TODAY)
