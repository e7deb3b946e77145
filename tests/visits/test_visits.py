"""A visit at the portal itself: who comes in and how, how long it lasts, what it opens (spec/visits.md section 1)."""

from __future__ import annotations

import pytest

from kakine.crypto.sealing import OpenKey
from kakine.parties.portal import visits as rules
from kakine.parties.portal.visits import MOST_EACH, require_step_up
from kakine.protocols.logins import CARD, COUNTER, PASSKEY
from kakine.values.problems import AssuranceNotMet, LoginNotKnown, StepUpNeeded, VisitUnknown
from login_site import LoginSite
from visitor import Doorstep, Visitor

from land import ref


@pytest.mark.parametrize("way", ["paper", "card", "passkey"])
def test_every_way_in_of_the_login_opens_a_visit(at: Doorstep, way: str) -> None:
    comes = {
        "paper": (lambda one: one.by_paper(at.site.paper(0)), COUNTER),
        "card": (lambda one: one.by_card(at.card), CARD),
        "passkey": (lambda one: one.by_passkey(at.passkey(0)), PASSKEY),
    }
    enter, acr = comes[way]
    visit = enter(at.visitor()).visit
    assert (visit.whose, visit.acr) == (ref(0), acr)


def test_a_card_is_shown_what_it_opens(at: Doorstep) -> None:
    visitor = at.visitor()
    challenge = at.visits.card_challenge(visitor.name)
    assert challenge.purpose == "ポータルに入る / open the portal"
    assert challenge.origin == at.site.office.issuer
    visitor.by_paper(at.site.paper(0))
    assert "for an act" in at.visits.card_challenge(visitor.name).purpose


def test_the_own_history_is_read_by_the_name_of_a_visit(at: Doorstep) -> None:
    session, visitor = OpenKey(bytes(range(32))), at.by_paper()
    sealed = at.site.run(at.visits.read_history(visitor.name, session.public))
    assert len(sealed.histories) == 2
    with pytest.raises(VisitUnknown):
        at.site.run(at.visits.read_history(at.visitor().name, session.public))


def test_a_visit_ends_when_nothing_happens_and_at_its_hour(at: Doorstep) -> None:
    clock, idle, busy = at.site.land.clock, at.by_paper(), at.by_paper(1)
    for _ in range(6):
        clock.advance(rules.IDLE_MS / 1000 - 40)
        assert busy.visit
    with pytest.raises(VisitUnknown):
        at.visits.get(idle.name)
    clock.advance(rules.VISIT_MS / 1000 - 6 * (rules.IDLE_MS / 1000 - 40) - 20)
    assert busy.visit
    clock.advance(20)
    with pytest.raises(VisitUnknown):
        at.visits.get(busy.name)
    assert len(at.visits) == 0


def test_who_leaves_is_gone(at: Doorstep) -> None:
    visitor = at.by_paper()
    at.visits.leave(visitor.name)
    with pytest.raises(VisitUnknown):
        at.visits.get(visitor.name)
    with pytest.raises(VisitUnknown):
        at.visits.leave(visitor.name)


def test_of_many_visits_of_one_account_the_oldest_gives_way(at: Doorstep) -> None:
    another = at.by_paper(1)
    visitors = [at.visitor().by_card(at.card) for _ in range(MOST_EACH)]
    assert all(each.visit for each in visitors)
    newest = at.visitor().by_card(at.card)
    with pytest.raises(VisitUnknown):
        at.visits.get(visitors[0].name)
    assert all(each.visit for each in (*visitors[1:], newest, another))


@pytest.mark.parametrize("ways", [("card",), ("passkey",), ("card", "card"), ("passkey", "passkey")])
def test_one_kind_of_way_is_no_step_up(at: Doorstep, ways: tuple[str, ...]) -> None:
    visitor = shown(at, *ways)
    with pytest.raises(StepUpNeeded):
        at.visits.strong(visitor.name)


@pytest.mark.parametrize("ways", [("paper",), ("card", "passkey"), ("passkey", "card"), ("card", "paper")])
def test_two_kinds_or_a_paper_are_step_up(at: Doorstep, ways: tuple[str, ...]) -> None:
    assert at.visits.strong(shown(at, *ways).name).whose == ref(0)


def test_step_up_is_of_now(at: Doorstep) -> None:
    """A second way that was shown ten minutes ago counts no more; showing either again does."""
    key = at.passkey(0)
    visitor = at.visitor().by_card(at.card).by_passkey(key)
    visit, clock = visitor.visit, at.site.land.clock
    clock.advance(rules.STEP_UP_MS / 1000 - 60)
    require_step_up(visitor.visit, clock())
    clock.advance(60)
    with pytest.raises(StepUpNeeded):
        require_step_up(visit, clock())
    visitor.by_passkey(key)
    assert at.visits.strong(visitor.name) is visit


def test_a_further_way_must_be_of_the_same_account(at: Doorstep) -> None:
    """And a paper of somebody else is not used up by that."""
    theirs, paper = at.passkey(1), at.site.paper(1)
    visitor = at.visitor().by_card(at.card)
    with pytest.raises(LoginNotKnown):
        visitor.by_passkey(theirs)
    with pytest.raises(LoginNotKnown):
        visitor.by_paper(paper)
    assert visitor.visit.whose == ref(0)
    assert list(visitor.visit.shown) == [CARD]
    assert at.visitor().by_paper(paper).visit.whose == ref(1)


def test_without_an_authority_no_card_opens_a_visit(own_site: LoginSite) -> None:
    visits = own_site.land.country.portal.visits(own_site.office)
    with pytest.raises(AssuranceNotMet):
        visits.card_challenge(visits.begin())


def shown(at: Doorstep, *ways: str) -> Visitor:
    visitor, key = at.visitor(), at.passkey(0)
    for way in ways:
        if way == "paper":
            visitor.by_paper(at.site.paper(0))
        elif way == "card":
            visitor.by_card(at.card)
        else:
            visitor.by_passkey(key)
    return visitor
