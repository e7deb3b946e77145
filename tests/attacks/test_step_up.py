"""Whoever has a card with its PIN, or has shared a telephone, gets little, in sight, and not for long (spec/visits.md).

A found card opens logins at relying parties, each with its own consent and its own line, and reads the history. It
binds nothing, releases nothing, turns nothing. Card and telephone together, as a former partner may have them, can ask;
then it waits, is told, and any visit of the person undoes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.test_login_leaves_no_diary import by_card
from kakine.parties.portal.acts.addresses import RELEASE, released
from kakine.parties.portal.acts.engine import MOST_OPEN
from kakine.protocols.logins import CARD, COUNTER, PASSKEY
from kakine.values.problems import (
    ActUnknown,
    LastWayIn,
    LoginNotKnown,
    StepUpNeeded,
    VisitUnknown,
    VoucherUnfit,
    WayInUnknown,
)
from login_site import CHILDCARE
from visitor import Doorstep

from land import ref

NUMBER = b"n" * 16


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Doorstep]:
    with Doorstep.opened(tmp_path / "land") as opened:
        yield opened


def test_a_found_card_with_its_pin_opens_a_login_and_nothing_that_weighs(at: Doorstep) -> None:
    assert by_card(at.site, at.card, CHILDCARE).id_token["acr"] == CARD
    thief, key = at.visitor().by_card(at.card), at.passkey(0)
    with pytest.raises(StepUpNeeded):
        thief.asks_for(at.device())
    for kind in (RELEASE, "passkey-bound", "way-in-removed"):
        with pytest.raises(StepUpNeeded):
            at.site.run(thief.acts.ask(thief.name, kind, NUMBER))
    for acr in (CARD, PASSKEY):
        with pytest.raises(StepUpNeeded):
            thief.remove(acr)
    assert list(thief.states().values()) == ["done"]
    assert at.visitor().by_passkey(key).visit.whose == ref(0)


def test_a_found_card_does_not_come_to_a_second_way_by_itself(at: Doorstep) -> None:
    """Not by showing it twice, not by a passkey or a paper of the thief's own account, not through a login."""
    own = at.passkey(1)
    thief = at.visitor().by_card(at.card).by_card(at.card)
    for show in (lambda: thief.by_passkey(own), lambda: thief.by_paper(at.site.paper(1))):
        with pytest.raises(LoginNotKnown):
            show()
    with pytest.raises(StepUpNeeded):
        at.visits.strong(thief.name)
    with pytest.raises(VoucherUnfit):
        at.give(at.card, 1)


def test_a_former_partner_with_card_and_telephone_is_seen_and_undone(at: Doorstep) -> None:
    """The act waits; it stands in the history at once; the person undoes it by whatever way is left."""
    telephone = at.passkey(0)
    partner, device = at.two_ways(telephone), at.device()
    bound = partner.asks_for(device)
    let_know = at.site.run(partner.acts.ask(partner.name, RELEASE, NUMBER))
    at.wait(2)
    person = at.by_paper()
    assert person.states()[bound] == person.states()[let_know] == "waiting"
    person.undo(bound)
    person.undo(let_know)
    at.wait(3)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_passkey(device)
    assert not released(at.site.office.db.read(), ref(0), NUMBER)


def test_any_way_in_undoes_and_one_way_is_enough(at: Doorstep) -> None:
    telephone = at.passkey(0)
    for weak in (lambda: at.visitor().by_card(at.card), lambda: at.visitor().by_passkey(telephone)):
        act = at.two_ways(telephone).asks_for(at.device())
        visitor = weak()
        visitor.undo(act)
        assert visitor.states()[act] == "undone"


def test_what_was_done_unseen_is_taken_back_for_thirty_days(at: Doorstep) -> None:
    telephone, device = at.passkey(0), at.device()
    act = at.two_ways(telephone).asks_for(device)
    at.wait(3.1)
    partner = at.visitor().by_passkey(device)
    at.wait(0)
    at.by_paper().undo(act)
    with pytest.raises(VisitUnknown):
        at.visits.get(partner.name)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_passkey(device)


def test_an_address_is_released_after_its_wait_and_for_its_own_account(at: Doorstep) -> None:
    visitor = at.two_ways()
    at.site.run(visitor.acts.ask(visitor.name, RELEASE, NUMBER))
    db = at.site.office.db.read()
    assert not released(db, ref(0), NUMBER)
    at.wait(3.1)
    assert released(db, ref(0), NUMBER)
    assert not released(db, ref(1), NUMBER)


def test_the_person_cannot_be_locked_out_by_who_has_both(at: Doorstep) -> None:
    """The partner removes the tablet of the person: it is told, undone with a paper, and good again. The last card
    cannot be removed by anybody but at a counter."""
    telephone, tablet = at.passkey(0), at.passkey(0)
    partner = at.two_ways(telephone)
    act = partner.remove(PASSKEY, 1)
    with pytest.raises(LastWayIn):
        partner.remove(CARD)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_passkey(tablet)
    at.by_paper().undo(act)
    assert at.visitor().by_passkey(tablet).visit.whose == ref(0)


def test_who_is_removed_does_not_undo_it(at: Doorstep) -> None:
    """A visit by the way that is being removed is over, and it opens no other."""
    telephone, tablet = at.passkey(0), at.passkey(0)
    partner = at.visitor().by_passkey(telephone)
    act = at.two_ways(tablet).remove(PASSKEY, 0)
    with pytest.raises(VisitUnknown):
        partner.undo(act)
    at.wait(7.1)
    with pytest.raises(LoginNotKnown):
        at.visitor().by_passkey(telephone)


def test_a_visit_of_one_cannot_touch_acts_of_another(at: Doorstep) -> None:
    act = at.two_ways().asks_for(at.device())
    for stranger in (at.by_paper(1), at.visitor().by_passkey(at.passkey(1))):
        with pytest.raises(ActUnknown):
            stranger.undo(act)
        assert act not in stranger.states()
    assert at.by_paper().states()[act] == "waiting"


def test_step_up_that_was_begun_before_does_not_serve_a_later_act(at: Doorstep) -> None:
    """The person leaves the desk; ten minutes later somebody else sits at it."""
    telephone = at.passkey(0)
    visitor = at.two_ways(telephone)
    at.site.land.clock.advance(300)
    assert visitor.visit
    at.site.land.clock.advance(301)
    with pytest.raises(StepUpNeeded):
        visitor.asks_for(at.device())


def test_what_a_thief_has_asked_for_with_a_lost_card_is_named_and_undone_in_one_step(at: Doorstep) -> None:
    telephone, device, own = at.passkey(0), at.device(), at.device()
    thief = at.two_ways(telephone)
    done, waits = thief.asks_for(device), b""
    at.wait(3.1)
    thief = at.two_ways(telephone)
    waits = thief.asks_for(at.device())
    mine = at.by_paper().asks_for(own)
    person = at.by_paper()
    assert person.acts.suspects(person.name) == []
    at.site.run(person.acts.card_lost(person.name, person.way(CARD)))
    assert {act.id for act in person.acts.suspects(person.name)} == {done, waits}
    assert at.site.run(person.acts.undo_suspects(person.name)) == []
    assert {person.states()[act] for act in (done, waits)} == {"undone"}
    with pytest.raises(LoginNotKnown):
        at.visitor().by_passkey(device)
    assert at.visitor().by_passkey(own).states()[mine] == "done"
    assert person.acts.suspects(person.name) == []


def test_a_full_list_of_acts_keeps_nobody_from_reporting_a_card_lost(at: Doorstep) -> None:
    telephone = at.passkey(0)
    at.two_ways(telephone).fill_the_list()
    person = at.visitor().by_passkey(telephone)
    at.site.run(person.acts.close_area(person.name, "tax"))
    at.site.run(person.acts.card_lost(person.name, person.way(CARD)))
    with pytest.raises(LoginNotKnown):
        at.visitor().by_card(at.card)


def test_closings_by_a_thief_leave_room_for_acts_of_the_person(at: Doorstep) -> None:
    thief = at.visitor().by_card(at.card)
    for _ in range(MOST_OPEN):
        at.site.run(thief.acts.close_area(thief.name, "tax"))
    person = at.by_paper()
    bound = person.asks_for(at.device())
    assert person.states()[bound] == "done"


def test_a_closing_among_them_stops_no_undoing_in_a_weak_visit(at: Doorstep) -> None:
    """The thief closes an area first, with card and shared telephone; to open it again takes step-up."""
    telephone = at.passkey(0)
    thief = at.two_ways(telephone)
    closing = at.site.run(thief.acts.close_area(thief.name, "tax"))
    bound = thief.asks_for(at.device())
    person = at.visitor().by_passkey(telephone)
    at.site.run(person.acts.card_lost(person.name, person.way(CARD)))
    assert at.site.run(person.acts.undo_suspects(person.name)) == [closing]
    assert (person.states()[bound], person.states()[closing]) == ("undone", "done")
    person = at.by_paper()
    assert at.site.run(person.acts.undo_suspects(person.name)) == []
    assert person.states()[closing] == "undone"


def test_a_thief_does_not_lift_the_report_of_a_loss(at: Doorstep) -> None:
    """Neither with the card, which opens nothing, nor with the shared telephone, which is one way in."""
    telephone = at.passkey(0)
    person = at.by_paper()
    assert person.visit.acr == COUNTER
    act = at.site.run(person.acts.card_lost(person.name, person.way(CARD)))
    with pytest.raises(LoginNotKnown):
        at.visitor().by_card(at.card)
    thief = at.visitor().by_passkey(telephone)
    with pytest.raises(StepUpNeeded):
        thief.undo(act)
    with pytest.raises(WayInUnknown):
        at.site.run(thief.acts.card_lost(thief.name, thief.way(CARD)))
    assert at.by_paper().states()[act] == "done"
