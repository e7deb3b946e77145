"""Nobody reads or objects for an account but in a visit that its own way in has opened, and that still stands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from card_maker import PIN
from exchange_state import snapshot
from kakine.crypto.sealing import OpenKey
from kakine.parties.portal.login import http
from kakine.parties.portal.visits import Visits
from kakine.protocols.logins import challenge_digest
from kakine.values.problems import CardProofInvalid, InteractionUnknown, PasskeyInvalid, Problem, VisitUnknown
from login_site import CHILDCARE
from visitor import Doorstep

from land import ref


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorstep]:
    with Doorstep.opened(tmp_path_factory.mktemp("visits") / "land") as opened:
        yield opened


def test_a_name_that_was_set_before_the_visit_opens_nothing_after_it(at: Doorstep) -> None:
    """Session fixation: the attacker puts a name of theirs into the victim's browser and waits."""
    victim = at.visitor()
    planted = victim.name
    victim.by_card(at.card)
    with pytest.raises(VisitUnknown):
        at.visits.get(planted)
    weak = victim.name
    victim.by_passkey(at.passkey(0))
    with pytest.raises(VisitUnknown):
        at.visits.get(weak)
    assert at.visits.strong(victim.name).whose == ref(0)


def test_a_visit_ends_with_the_card_that_opened_it(at: Doorstep) -> None:
    """The published status list of the authority says so; no message to the portal is needed."""
    card = at.roots.card(at.site.land.clock())
    at.give(card)
    thief, holder = at.visitor().by_card(card), at.by_paper()
    also = at.visitor().by_passkey(at.passkey(0)).by_card(card)
    at.roots.revoke(card)
    for visitor in (thief, also):
        with pytest.raises(VisitUnknown):
            at.visits.get(visitor.name)
        with pytest.raises(VisitUnknown):
            at.visits.leave(visitor.name)
    assert holder.visit


def test_a_login_to_a_relying_party_is_no_visit_and_a_visit_no_login(at: Doorstep) -> None:
    browser = at.site.known(0, at.site.party())
    assert browser.cookie is not None
    with pytest.raises(VisitUnknown):
        at.visits.get(browser.cookie)
    visitor = at.by_paper()
    with pytest.raises(InteractionUnknown):
        at.site.office.interactions.get(visitor.name)


def test_a_proof_for_a_relying_party_opens_no_visit_and_none_for_a_visit_a_login(at: Doorstep) -> None:
    """A relying party that the holder trusts little passes the signature, or the passkey's answer, on."""
    site, browser, visitor, key = at.site, at.site.browser(), at.visitor(), at.passkey(0)
    browser.authorize(CHILDCARE, site.party().pushed())
    assert browser.cookie is not None
    office, there = site.office, site.office.interactions
    challenge = http.ways.card_challenge(office, there, browser.cookie)
    at.visits.card_challenge(visitor.name)
    signature = at.card.sign(challenge_digest(challenge), PIN)
    with pytest.raises(CardProofInvalid):
        at.visits.by_card(visitor.name, at.card.certificate, signature)
    mine = at.visits.card_challenge(visitor.name)
    signature = at.card.sign(challenge_digest(mine), PIN)
    with pytest.raises(CardProofInvalid):
        http.ways.by_card(office, there, browser.cookie, at.card.certificate, signature)
    answer = key.used(http.ways.passkey_options(office, there, browser.cookie))
    at.visits.passkey_options(visitor.name)
    with pytest.raises(PasskeyInvalid):
        site.run(at.visits.by_passkey(visitor.name, answer))


def test_whoever_comes_from_outside_can_name_a_visit_and_no_account() -> None:
    """Every public method of `Visits` that does something takes the name of a visit first; none takes an account but
    `end`, which only ends."""
    for name, method in inspect.getmembers(Visits, inspect.isfunction):
        parameters = list(inspect.signature(method).parameters)[1:]
        if name.startswith("_") or name in ("begin", "end"):
            continue
        assert parameters[0] == "name", name
        assert "account" not in parameters, name


def test_visits_are_on_no_disk(at: Doorstep) -> None:
    card = at.card
    before = snapshot(at.site.land.folder, "portal")
    visitor = at.visitor().by_card(card)
    at.visits.leave(visitor.name)
    at.visitor().by_card(card)
    assert snapshot(at.site.land.folder, "portal") == before
    disk = b"".join(path.read_bytes() for path in Path(at.site.land.folder).glob("portal.sqlite*"))
    assert visitor.name.encode() not in disk


def test_the_history_of_somebody_else_is_out_of_reach(at: Doorstep) -> None:
    """The same call with every name that the attacker can have: none, a door's, an old one, a made-up one."""
    session = OpenKey(bytes(range(32))).public
    over = at.by_paper(1)
    at.visits.leave(over.name)
    for name in ("", at.visits.begin(), over.name, ref(0).decode(), "0" * 64):
        with pytest.raises(Problem) as refused:
            at.site.run(at.visits.read_history(name, session))
        assert isinstance(refused.value, VisitUnknown)
