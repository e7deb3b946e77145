"""A counter reports cards lost or found to the portal: by the person, who is named to nobody on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kakine.cli.own_history import own_history
from kakine.country import LOGIN
from kakine.parties.gateway.vouching import report_cards
from kakine.protocols.logins import CARD
from kakine.values.problems import LoginNotKnown, PersonNotKnown, VisitUnknown
from visitor import Doorstep

from land import ref


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Doorstep]:
    with Doorstep.opened(tmp_path / "land") as opened:
        yield opened


def report(at: Doorstep, j: int = 0, *, lost: bool) -> None:
    gateway = at.site.land.yokohama
    at.site.run(report_cards(gateway.office, gateway.desk, at.site.clerk(j), LOGIN, lost=lost))


def items(at: Doorstep, j: int = 0) -> list[str]:
    """What the counter has vouched for, as person j reads it."""
    read = at.site.run(own_history(at.site.land.country, ref(j)))
    return [item for line in read.lines if line.ground == "LOGIN-VOUCHER" for item in line.items]


def test_cards_reported_at_a_counter_open_nothing_at_once_and_their_visits_end(at: Doorstep) -> None:
    thief, paper, another = at.visitor().by_card(at.card), at.by_paper(), at.by_paper(1)
    report(at, lost=True)
    with pytest.raises(VisitUnknown):
        at.visits.get(thief.name)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_card(at.card)
    assert paper.visit
    assert another.visit
    (card,) = [each for each in paper.acts.ways(paper.name) if each.acr == CARD]
    assert card.lost_ms
    assert items(at)[-1] == "card-lost"


def test_what_a_thief_has_asked_for_is_named_after_a_report_at_the_counter_too(at: Doorstep) -> None:
    waits = at.two_ways().asks_for(at.device())
    report(at, lost=True)
    person = at.by_paper()
    assert [act.id for act in person.acts.suspects(person.name)] == [waits]


def test_cards_that_were_found_open_again(at: Doorstep) -> None:
    report(at, lost=True)
    report(at, lost=False)
    assert at.visitor().by_card(at.card).visit.whose == ref(0)
    assert items(at)[-2:] == ["card-lost", "card-found"]


def test_cards_of_others_stay_as_they_are(at: Doorstep) -> None:
    report(at, 1, lost=True)
    assert at.visitor().by_card(at.card).visit.whose == ref(0)
    report(at, lost=True)
    report(at, 1, lost=False)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_card(at.card)


def test_of_whom_the_portal_has_no_account_it_says_so(at: Doorstep) -> None:
    with pytest.raises(PersonNotKnown):
        report(at, 7, lost=True)


def test_a_new_card_of_the_counter_opens_while_the_lost_one_does_not(at: Doorstep) -> None:
    report(at, lost=True)
    new = at.roots.card(at.site.land.clock())
    at.give(new)
    assert at.visitor().by_card(new).visit.whose == ref(0)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_card(at.card)
    at.give(at.card)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_card(at.card)
