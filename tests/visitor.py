"""Somebody at the portal itself: comes in by the ways of the login, without a browser between.

with Doorstep.opened(tmp_path) as at:
    visitor = at.visitor().by_card(at.card)
    visitor.by_passkey(at.passkey(0))      # step-up
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from card_maker import PIN, Roots
from kakine.crypto.cards import CardCertificate, KeyFile
from kakine.parties.portal.acts.addresses import RELEASE
from kakine.parties.portal.acts.engine import MOST_OPEN
from kakine.parties.portal.acts.own import OwnActs
from kakine.parties.portal.login.http import application
from kakine.parties.portal.visits import Visit, Visits
from kakine.protocols.logins import challenge_digest
from kakine.values.problems import ActsTooMany
from login_site import ISSUER, LoginSite
from passkey_maker import SoftPasskey

from land import Clock


@dataclass
class Visitor:
    """One browser, with the name of its visit."""

    site: LoginSite
    visits: Visits
    name: str

    def by_paper(self, code: str) -> Visitor:
        self.name = self.site.run(self.visits.by_paper(self.name, code))
        return self

    def by_card(self, card: KeyFile) -> Visitor:
        signature = card.sign(challenge_digest(self.visits.card_challenge(self.name)), PIN)
        self.name = self.visits.by_card(self.name, card.certificate, signature)
        return self

    def by_passkey(self, passkey: SoftPasskey) -> Visitor:
        answer = passkey.used(self.visits.passkey_options(self.name))
        self.name = self.site.run(self.visits.by_passkey(self.name, answer))
        return self

    @property
    def visit(self) -> Visit:
        return self.visits.get(self.name)

    @property
    def acts(self) -> OwnActs:
        return self.site.land.country.portal.own_acts(self.visits)

    def asks_for(self, passkey: SoftPasskey) -> bytes:
        """The act of binding it."""
        answer = passkey.created(self.acts.new_passkey_options(self.name))
        act: bytes = self.site.run(self.acts.add_passkey(self.name, answer))
        return act

    def fill_the_list(self) -> None:
        """Ask for as many acts as an account may have."""
        with suppress(ActsTooMany):
            for number in range(MOST_OPEN + 1):
                self.site.run(self.acts.ask(self.name, RELEASE, number.to_bytes(16)))
            raise AssertionError("nobody counts them")

    def undo(self, act: bytes) -> None:
        self.site.run(self.acts.undo(self.name, act))

    def way(self, acr: str, place: int = 0) -> bytes:
        """The reference of one of the own ways in."""
        return [each.ref for each in self.acts.ways(self.name) if each.acr == acr][place]

    def remove(self, acr: str, place: int = 0) -> bytes:
        act: bytes = self.site.run(self.acts.remove(self.name, self.way(acr, place)))
        return act

    def states(self) -> dict[bytes, str]:
        """What is shown of acts at this visit."""
        return {act.id: act.state.value for act in self.acts.notices(self.name)}


@dataclass
class Doorstep:
    """A country with a login and visits; person 0 has `card`."""

    site: LoginSite
    roots: Roots
    visits: Visits
    card: KeyFile

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, people: int = 2, clock: Clock | None = None) -> Iterator[Doorstep]:
        roots = Roots()
        with LoginSite.opened(folder, roots, people, clock) as site:
            card = roots.card(site.land.clock())
            at = cls(site, roots, site.land.country.portal.visits(site.office), card)
            at.give(card)
            yield at

    def give(self, card: KeyFile, j: int = 0) -> None:
        self.site.give_card(j, CardCertificate(card.certificate).digest)

    def visitor(self) -> Visitor:
        return Visitor(self.site, self.visits, self.visits.begin())

    def by_paper(self, j: int = 0) -> Visitor:
        return self.visitor().by_paper(self.site.paper(j))

    def passkey(self, j: int = 0) -> SoftPasskey:
        """A passkey that person j has bound in a login with a paper from the counter."""
        made = self.device()
        browser = self.site.known(j, self.site.party())
        assert browser.post("/passkey", made.created(browser.post("/passkey/options").json)).status == 200
        return made

    def device(self) -> SoftPasskey:
        """A passkey that nobody knows yet."""
        return SoftPasskey(ISSUER, "localhost", self.site.land.entropy(16))

    def two_ways(self, key: SoftPasskey | None = None) -> Visitor:
        """Person 0, by card and passkey."""
        return self.visitor().by_card(self.card).by_passkey(key or self.passkey(0))

    def wait(self, days: float) -> None:
        """So long, and then the portal does what is due."""
        self.site.land.clock.advance(days * 86_400)
        assert self.site.run(self.site.land.country.portal.acts.tick()) == []

    def reopen(self) -> None:
        """The country stops and starts; visits are over."""
        self.site.land = self.site.land.reopened()
        country = self.site.land.country
        self.site.office = country.portal.login(ISSUER, self.roots)
        self.site.app = application(self.site.office)
        self.visits = country.portal.visits(self.site.office)
