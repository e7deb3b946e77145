"""Cases of a breach: what is serious, when reports are due, and when a case may be closed."""

from __future__ import annotations

import msgspec
import pytest

from kakine.protocols import breach
from kakine.protocols.breach import DAY_MS, Case, Item, Kind, Told
from kakine.values import problems

NOW = 1_790_000_000_000


def case(*kinds: Kind, persons: int = 1, **more: object) -> Case:
    return breach.opened(Case(1, "sapporo", NOW, NOW + 1, kinds, persons, **more))  # type: ignore[arg-type]


def test_one_person_in_the_network_is_enough_and_a_hundred_and_one_anywhere() -> None:
    assert breach.reportable(case(Kind.NETWORK))
    assert not breach.reportable(case(persons=100))
    assert case(persons=101).kinds == (Kind.MANY,)
    assert case(Kind.MANY, persons=100).kinds == ()
    assert breach.counted(case(persons=100), 101).kinds == (Kind.MANY,)


@pytest.mark.parametrize("exempt", ["encrypted", "contained"])
def test_what_was_encrypted_or_never_left_is_not_reported(exempt: str) -> None:
    assert not breach.reportable(case(Kind.INTENT, persons=500, **{exempt: True}))


def test_reports_are_due_after_five_and_thirty_days_or_sixty() -> None:
    plain, intent = case(Kind.NETWORK), case(Kind.INTENT)
    assert breach.timers(plain, NOW).first_ms == NOW + 5 * DAY_MS
    assert breach.timers(plain, NOW).final_ms == NOW + 30 * DAY_MS
    assert breach.timers(intent, NOW).final_ms == NOW + 60 * DAY_MS
    assert not breach.warned(plain, NOW + 3 * DAY_MS)
    assert breach.warned(plain, NOW + 3 * DAY_MS + 1)
    assert breach.timers(plain, NOW + 5 * DAY_MS).late == ()
    assert breach.timers(plain, NOW + 5 * DAY_MS + 1).late == ("first",)
    assert breach.timers(plain, NOW + 31 * DAY_MS).late == ("first", "final", "told")


def test_persons_are_told_whatever_the_size() -> None:
    assert breach.timers(case(persons=1), NOW + 31 * DAY_MS).late == ("told",)


def test_a_case_is_closed_when_all_nine_items_are_there_and_everybody_was_told() -> None:
    made = case(Kind.NETWORK)
    with pytest.raises(problems.BreachMalformed):
        breach.final_report(made, tuple(Item), NOW)
    made = breach.first_report(made, NOW + DAY_MS)
    some = breach.final_report(made, tuple(Item)[:8], NOW + 2 * DAY_MS)
    assert some.final_ms == 0
    for open_ in (made, some, breach.final_report(some, (Item.OTHER,), NOW + 3 * DAY_MS)):
        with pytest.raises(problems.BreachMalformed):
            breach.closed(open_, NOW + 4 * DAY_MS)
    whole = breach.final_report(some, (Item.OVERVIEW, Item.OTHER), NOW + 3 * DAY_MS)
    told = breach.tell(breach.tell(whole, Told.SOME, NOW), Told.ALL, NOW + 4 * DAY_MS)
    with pytest.raises(problems.BreachMalformed):
        breach.tell(told, Told.SOME, NOW)
    done = breach.closed(told, NOW + 5 * DAY_MS)
    assert breach.timers(done, NOW + 99 * DAY_MS).late == ()
    with pytest.raises(problems.BreachMalformed):
        breach.closed(done, NOW)


@pytest.mark.parametrize("wrong", [{"persons": 0}, {"found_ms": NOW + 2}, {"party": ""}, {"found_ms": 0}])
def test_a_case_that_lacks_something_is_not_opened(wrong: dict[str, object]) -> None:
    with pytest.raises(problems.BreachMalformed):
        breach.opened(msgspec.structs.replace(Case(1, "sapporo", NOW, NOW + 1, (), 1), **wrong))


def test_a_case_has_no_place_for_a_name() -> None:
    """Every field is a code, a count, a time or a party of the law."""
    types = {field.name: field.type for field in msgspec.structs.fields(Case)}
    texts = {name for name, kind in types.items() if kind is str}
    assert texts == {"party"}
