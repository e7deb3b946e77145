"""The shield (spec/shield.md): anybody's own visit raises it at once, only a counter's paper takes it down, and whoever
has found a card neither takes it down nor sees that it is up. While it is up nothing leads to where its person is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from attacks.test_consent import granted, problem, use
from attacks.test_web_portal import by_card as card_in_browser
from card_maker import Roots
from kakine.crypto.cards import CardCertificate, KeyFile
from kakine.parties.portal.acts import shield
from kakine.parties.portal.acts.store import State
from kakine.values.labels import PartyName
from kakine.values.problems import (
    ActImpossible,
    CounterNeeded,
    MandateNotInForce,
    StepUpNeeded,
    VisitUnknown,
)
from kakine.wire.decision import unpacked
from kakine.wire.mandate import Basis
from mandates import CARER, MOTHER, RESIDENT
from passkey_maker import SoftPasskey
from visitor import Visitor
from web.kit import Plain
from web.portal_site import ORIGIN, PortalLand

from land import ref

ALL = "openid address birthdate lives_in name"
PLACES = {"address", "lives_in"}


@dataclass
class At:
    """A portal; RESIDENT has `card`."""

    portal: PortalLand
    roots: Roots
    card: KeyFile

    @property
    def site(self) -> Any:
        return self.portal.site

    def visitor(self) -> Visitor:
        return Visitor(self.site, self.portal.visits, self.portal.visits.begin())

    def thief(self) -> Visitor:
        """Whoever has found the card and knows its PIN."""
        return self.visitor().by_card(self.card)

    def owner(self, j: int = RESIDENT) -> Visitor:
        """By a paper from the counter."""
        return self.visitor().by_paper(self.site.paper(j))

    def two_ways(self) -> Visitor:
        """Card and passkey, and no counter."""
        key = SoftPasskey(ORIGIN, "localhost", self.site.land.entropy(16))
        self.owner().asks_for(key)
        return self.thief().by_passkey(key)

    def raises(self, visitor: Visitor) -> None:
        self.site.run(visitor.acts.raise_shield(visitor.name))

    def lifts(self, visitor: Visitor) -> bytes:
        act: bytes = self.site.run(visitor.acts.lift_shield(visitor.name))
        return act

    def up(self, j: int = RESIDENT) -> bool:
        return shield.raised_ms(self.site.land.country.portal.db.read(), ref(j)) is not None

    def wait(self, days: float) -> None:
        self.site.land.clock.advance(days * 86_400)
        assert self.site.run(self.site.land.country.portal.acts.tick()) == []


@pytest.fixture
def at(tmp_path: Path) -> Iterator[At]:
    roots = Roots()
    with PortalLand.opened(tmp_path / "land", standing=roots, people=4) as portal:
        card = roots.card(portal.site.land.clock())
        portal.site.give_card(RESIDENT, CardCertificate(card.certificate).digest)
        yield At(portal, roots, card)


# --- raising and taking down ------------------------------------------------------------------------------------


def test_any_visit_raises_it_and_neither_a_card_nor_two_ways_take_it_down(at: At) -> None:
    thief, strong = at.thief(), at.two_ways()
    at.raises(thief)
    assert at.up()
    for visitor in (thief, strong):
        with pytest.raises(CounterNeeded):
            at.lifts(visitor)
    with pytest.raises(CounterNeeded):
        at.site.run(strong.acts.open_area(strong.name, shield.AREA))
    owner = at.owner()
    with pytest.raises(CounterNeeded):  # nor by the room of own data, even for whoever a clerk has seen
        at.site.run(owner.acts.open_area(owner.name, shield.AREA))
    for act in thief.acts.notices(thief.name):
        if act.kind == "own-area-closed":
            strong.undo(act.id)
    assert at.up()
    assert strong.acts.closed_areas(strong.name) == [shield.AREA]


def test_a_paper_from_a_counter_takes_it_down_after_three_days_in_sight_and_any_visit_stops_it(
    at: At,
) -> None:
    at.raises(at.thief())
    at.wait(1)
    act = at.lifts(at.owner())
    at.wait(2.9)
    assert at.up()
    at.thief().undo(act)
    at.wait(3)
    assert at.up()
    act = at.lifts(at.owner())
    at.wait(3.1)
    assert not at.up()
    assert at.two_ways().acts.closed_areas(at.two_ways().name) == []
    assert set(at.site.log_in(RESIDENT, scope=ALL).claims) >= PLACES
    at.thief().undo(act)
    assert at.up()
    assert not set(at.site.log_in(RESIDENT, scope=ALL).claims) & PLACES


def test_raising_it_again_stops_a_lifting_also_where_the_list_of_acts_is_full(at: At) -> None:
    at.raises(at.thief())
    at.wait(1)
    at.lifts(at.owner())
    at.owner().fill_the_list()
    at.wait(1)
    at.raises(at.thief())
    at.wait(3)
    assert at.up()


def test_a_full_list_of_acts_keeps_nobody_from_raising_it(at: At) -> None:
    at.owner().fill_the_list()
    at.raises(at.owner())
    assert at.up()
    strong = at.owner()
    assert "own-area-closed" in {act.kind for act in strong.acts.notices(strong.name)}
    assert shield.AREA in strong.acts.closed_areas(strong.name)


def test_an_opening_that_was_asked_for_before_does_not_open_what_it_closes(at: At) -> None:
    thief = at.thief()
    at.site.run(thief.acts.close_area(thief.name, shield.AREA))
    at.wait(1)
    owner = at.owner()
    at.site.run(owner.acts.open_area(owner.name, shield.AREA))
    at.wait(1)
    at.raises(at.thief())
    at.wait(3)
    owner = at.owner()
    assert at.up()
    assert owner.acts.closed_areas(owner.name) == [shield.AREA]


def test_nobody_raises_or_lifts_it_in_anothers_name(at: At) -> None:
    at.raises(at.owner(MOTHER))
    assert (at.up(MOTHER), at.up(RESIDENT)) == (True, False)
    at.wait(1)
    with pytest.raises(ActImpossible):
        at.lifts(at.owner(RESIDENT))
    for name in ("", "0" * 32):
        with pytest.raises(VisitUnknown):
            at.site.run(at.thief().acts.raise_shield(name))
    mine, theirs = at.portal.entered(RESIDENT), at.portal.entered(CARER)
    mine.get("/shield")
    theirs.get("/shield")
    refused = theirs.post("/shield", mine.forms["/shield"])
    assert (refused.status, "form-unfit" in refused.text) == (400, True)
    assert (at.up(RESIDENT), at.up(CARER)) == (False, False)
    assert theirs.send("/shield").status == 200
    assert (at.up(RESIDENT), at.up(CARER)) == (False, True)


# --- seeing -----------------------------------------------------------------------------------------------------


def page(at: At, plain: Plain, path: str) -> str:
    """Without what is new in every page."""
    text = re.sub(r"[0-9a-f]{32,}", "x", plain.get(path).text)
    return re.sub(r"<time.*?</time>", "x", text)


def by_card(at: At) -> Plain:
    at.portal.roots = at.roots  # type: ignore[attr-defined]
    return card_in_browser(at.portal, RESIDENT)


def test_a_found_card_does_not_see_that_it_is_up(at: At) -> None:
    thief, visitor = by_card(at), at.thief()
    with pytest.raises(CounterNeeded):  # as where it is up
        at.lifts(visitor)
    before = {path: page(at, thief, path) for path in ("/shield", "/data", f"/data/{shield.AREA}")}
    at.raises(at.owner())
    assert {path: page(at, thief, path) for path in before} == before
    with pytest.raises(StepUpNeeded):
        visitor.acts.shield_ms(visitor.name)
    owner = at.portal.entered(RESIDENT)
    assert "守っています" in owner.get("/shield").text
    assert "守っています" not in thief.get("/shield").text


def told(at: At, j: int) -> tuple[Any, ...]:
    """All that a history and the list of acts say: grounds, items, results, decisions but for ids and times."""
    read = at.site.own(j)
    lines = [(line.ground, line.items, line.result) for line in read.lines if line.ground != "OWN-HISTORY"]
    said = [unpacked(line.case) for line in read.lines if line.ground == "OWN-DECISION"]
    acts = at.site.land.country.portal.acts.of_account(ref(j))
    kept = [(act.kind, act.label, act.state) for act in acts]
    return lines, [(type(each), getattr(each, "kind", ""), getattr(each, "label", "")) for each in said], kept


def test_history_and_acts_say_of_raising_what_they_say_of_closing_the_area(at: At) -> None:
    """And of raising it again what they say of the first time."""
    raised, closed = at.owner(MOTHER), at.owner(CARER)
    at.raises(raised)
    at.raises(raised)
    for _ in range(2):
        at.site.run(closed.acts.close_area(closed.name, shield.AREA))
    assert told(at, MOTHER) == told(at, CARER)
    at.wait(1)
    at.lifts(at.owner(MOTHER))
    closed = at.owner(CARER)
    at.site.run(closed.acts.open_area(closed.name, shield.AREA))
    at.wait(3.1)
    assert told(at, MOTHER) == told(at, CARER)
    assert not at.up(MOTHER)


# --- what it does -----------------------------------------------------------------------------------------------


def test_no_place_reaches_a_relying_party_by_login_or_consent(at: At) -> None:
    party, grant = at.site.party(), granted(at.site, RESIDENT, "address", "name")
    assert "address" in use(party, grant).json["claims"]
    assert set(at.site.log_in(RESIDENT, scope=ALL).claims) >= PLACES
    at.raises(at.thief())
    assert set(use(party, grant).json["claims"]) == {"name", "name#ja-Kana-JP"}
    said = at.site.log_in(RESIDENT, scope=ALL)
    assert not set(said.claims) & PLACES
    assert set(said.scope.split()) == set(ALL.split()) - PLACES
    assert set(at.site.log_in(MOTHER, scope=ALL).claims) >= PLACES


def test_logins_under_way_show_no_place_any_more(at: At) -> None:
    party = at.site.party()
    code, other = at.site.code(RESIDENT, party, ALL), at.site.log_in(MOTHER, scope=ALL)
    before = at.site.log_in(RESIDENT, scope=ALL)
    assert set(party.userinfo(before.access).json) >= PLACES
    at.raises(at.thief())
    assert set(party.userinfo(before.access).json) & PLACES == set()
    assert "name" in party.userinfo(before.access).json
    assert set(at.site.told(party, code).claims) & PLACES == set()
    assert set(party.userinfo(other.access).json) >= PLACES


def test_the_history_has_the_items_that_were_asked_for_up_or_down(at: At) -> None:
    at.site.log_in(RESIDENT, scope=ALL)
    at.raises(at.thief())
    at.site.log_in(RESIDENT, scope=ALL)
    lines = [line for line in at.site.lines(RESIDENT) if line[0] in ("LOGIN", "LOGIN-ATTRIBUTES")]
    assert lines[:2] == lines[2:]


def test_no_delegate_acts_or_reads_while_it_is_up(at: At) -> None:
    number = at.site.appointed(RESIDENT, CARER)
    begun = at.site.acts(CARER, number)
    mandates = at.site.land.country.portal.mandates
    at.raises(at.thief())
    assert problem(at.site.party().userinfo(begun.access)) == MandateNotInForce.code
    with pytest.raises(MandateNotInForce):
        mandates.require_reader(ref(CARER), number)
    with pytest.raises(MandateNotInForce):
        at.site.own(CARER, number)
    back = at.site.acting(CARER, number).agree()
    assert "mandate-not-in-force" in back.text


def test_a_clerk_who_knows_of_it_may_clear_a_delegate_and_no_clerks_word_from_before_counts(at: At) -> None:
    early = at.site.appointed(RESIDENT, CARER, cleared=True)
    at.wait(0.001)
    at.raises(at.thief())
    with pytest.raises(MandateNotInForce):
        at.site.own(CARER, early)
    at.wait(0.001)
    late = at.site.appointed(RESIDENT, MOTHER, cleared=True, basis=Basis.COURT)
    assert at.site.own(MOTHER, late).lines


def test_it_is_up_before_anything_is_filed_and_outlasts_a_restart(at: At) -> None:
    strong, thief, country, away = at.owner(), at.thief(), at.site.land.country, PartyName("converter-2")
    app = country.apps.pop(away)
    at.raises(thief)
    assert at.up()
    assert strong.acts.closed_areas(strong.name) == [shield.AREA]
    country.apps[away] = app
    at.wait(0)
    assert {act.state for act in country.portal.acts.of_account(ref(RESIDENT))} == {State.DONE}
    at.site.land = at.site.land.reopened()
    assert at.up()
