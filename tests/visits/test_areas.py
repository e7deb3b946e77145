"""An area of own data is closed by any visit at once, and opened by step-up after a wait (spec/own-data.md 4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kakine.cli.own_history import own_history
from kakine.parties.gateway import store
from kakine.runtime.codebook import token_of
from kakine.values.labels import PartyName
from kakine.values.problems import ActImpossible, ActUnderWay, AreaUnknown, PartyUnavailable, StepUpNeeded
from kakine.wire.decision import ActAsked, unpacked
from own_area import known_at_tax, seen, taxed
from visitor import Doorstep, Visitor

from land import TAX, TAX_ITEM, ref

SAPPORO = PartyName("sapporo")


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Doorstep]:
    """Yokohama's tax office has a record of person 0, whose card it is."""
    with Doorstep.opened(tmp_path / "land") as made:
        known_at_tax(made.site, 0)
        taxed(made.site, 0)
        yield made


def shows(visitor: Visitor) -> bool:
    """Whether the tax record is shown."""
    found = seen(visitor)
    assert not any(items for domain, items in found.items() if domain != TAX)
    return [each.item for each in found[TAX]] == [TAX_ITEM]


def close(visitor: Visitor, area: str = "tax") -> bytes:
    act: bytes = visitor.site.run(visitor.acts.close_area(visitor.name, area))
    return act


def reopen(visitor: Visitor, area: str = "tax") -> bytes:
    act: bytes = visitor.site.run(visitor.acts.open_area(visitor.name, area))
    return act


def at_holder(at: Doorstep) -> bool:
    """Whether the tax office itself keeps the area closed."""
    db = at.site.land.yokohama.office.db.read()
    token = token_of(db, TAX, ref(0))
    assert token is not None
    return store.is_closed(db, TAX, token, "tax")


def test_any_visit_closes_an_area_at_once_and_its_holders_keep_it(at: Doorstep) -> None:
    visitor = at.visitor().by_card(at.card)
    assert shows(visitor)
    act = close(visitor)
    assert visitor.states()[act] == "done"
    assert at_holder(at)
    assert not shows(visitor)
    assert not shows(at.two_ways())
    assert not shows(at.by_paper())


def test_it_stands_in_the_own_history_as_a_decision(at: Doorstep) -> None:
    act = close(at.by_paper())
    read = at.site.run(own_history(at.site.land.country, ref(0)))
    told = [unpacked(line.case) for line in read.lines if line.ground == "OWN-DECISION"]
    (asked,) = [each for each in told if isinstance(each, ActAsked) and each.act == act]
    assert (asked.kind, asked.label) == ("own-area-closed", "")


def test_opening_takes_step_up_and_waits_in_sight_and_any_visit_undoes_it(at: Doorstep) -> None:
    card = at.visitor().by_card(at.card)
    close(card)
    with pytest.raises(StepUpNeeded):
        reopen(card)
    key = at.passkey()
    act = reopen(at.two_ways(key))
    at.wait(2.9)
    assert not shows(at.two_ways(key))
    at.visitor().by_card(at.card).undo(act)
    at.wait(3)
    assert not shows(at.two_ways(key))
    again = reopen(at.two_ways(key))
    at.wait(3.1)
    assert shows(at.two_ways(key))
    assert not at_holder(at)
    at.visitor().by_card(at.card).undo(again)
    assert not shows(at.two_ways(key))
    assert at_holder(at)


def test_a_found_card_does_not_undo_the_closing(at: Doorstep) -> None:
    act = close(at.by_paper())
    thief = at.visitor().by_card(at.card)
    with pytest.raises(StepUpNeeded):
        thief.undo(act)
    assert not shows(thief)
    owner = at.two_ways()
    owner.undo(act)
    assert shows(owner)


def test_who_has_no_step_up_is_not_told_which_areas_are_closed(at: Doorstep) -> None:
    """Nor by trying to close them: what is closed, and what is not, is closed alike."""
    close(at.by_paper())
    thief = at.visitor().by_card(at.card)
    with pytest.raises(StepUpNeeded):
        thief.acts.closed_areas(thief.name)
    assert {act.label for act in thief.acts.notices(thief.name)} == {""}
    for area in ("tax", "pension"):
        act = close(thief, area)
        assert thief.states()[act] == "done"
    owner = at.two_ways()
    assert owner.acts.closed_areas(owner.name) == ["pension", "tax"]


def test_undoing_a_second_closing_does_not_open_what_the_first_has_closed(at: Doorstep) -> None:
    owner = at.two_ways()
    first = close(owner)
    at.site.land.clock.advance(60)
    second = close(owner)
    owner.undo(second)
    assert not shows(owner)
    owner.undo(first)
    assert shows(owner)


def test_undoing_an_old_closing_does_not_open_what_was_closed_once_more(at: Doorstep) -> None:
    owner = at.two_ways()
    first = close(owner)
    at.site.land.clock.advance(60)
    close(owner)
    owner.undo(first)
    assert not shows(owner)


def test_a_closing_goes_before_an_opening_that_still_waits(at: Doorstep) -> None:
    close(at.by_paper())
    act = reopen(at.by_paper())
    at.site.land.clock.advance(60)
    close(at.by_paper())
    at.wait(3.1)
    owner = at.by_paper()
    assert owner.states()[act] == "undone"
    assert not shows(owner)


def test_one_opening_waits_at_a_time_and_only_of_what_is_closed(at: Doorstep) -> None:
    owner = at.by_paper()
    with pytest.raises(ActImpossible):
        reopen(owner)
    close(owner)
    reopen(owner)
    with pytest.raises(ActUnderWay):
        reopen(owner)
    for act in (close, reopen):
        with pytest.raises(AreaUnknown):
            act(owner, "horoscope")


def test_a_holder_that_is_away_hears_it_later_and_nothing_is_shown_meanwhile(at: Doorstep) -> None:
    country = at.site.land.country
    app = country.apps.pop(SAPPORO)
    with pytest.raises(PartyUnavailable):
        close(at.by_paper())
    country.apps[SAPPORO] = app
    owner = at.by_paper()
    assert "doing" in owner.states().values()
    assert not shows(owner)
    at.wait(0)
    assert set(at.by_paper().states().values()) == {"done"}


def test_a_closed_area_stays_closed_when_the_country_stops_and_starts(at: Doorstep) -> None:
    close(at.by_paper())
    at.reopen()
    assert not shows(at.by_paper())
    assert at_holder(at)


def test_a_holder_that_forgets_is_told_again_before_it_shows_anything(at: Doorstep) -> None:
    """As one that came into the order after the closing."""
    close(at.by_paper())
    office = at.site.land.yokohama.office
    token = token_of(office.db.read(), TAX, ref(0))
    assert token is not None
    at.site.run(office.db.write(lambda db: store.set_closed(db, TAX, token, "tax", closed=False)))
    assert not shows(at.by_paper())
    assert at_holder(at)


def test_who_becomes_known_to_a_holder_later_has_the_area_closed_there(at: Doorstep) -> None:
    """The holder kept it, of somebody it did not know."""
    close(at.by_paper(1))
    known_at_tax(at.site, 1)
    taxed(at.site, 1)
    country = at.site.land.country
    at.site.run(country.portal.db.write(lambda db: db.execute("DELETE FROM closed_area")))
    assert not any(seen(at.by_paper(1)).values())
