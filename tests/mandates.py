"""People who act for one another, at a running login: a counter, several people, what a relying party hears.

with MandateSite.opened(tmp_path / "land", people=4) as site:
    number = site.appointed(RESIDENT, CARER)
    site.acts(CARER, number).id_token["act"]
"""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any

from kakine.cli.own_history import Read, own_history
from kakine.contracts.registry import (
    ACQUIRE,
    BIRTH,
    REPORT,
    Acquire,
    Born,
    ByNumber,
    Report,
    ShieldSet,
    Subject,
    Wanted,
)
from kakine.country import LOGIN
from kakine.parties.gateway.mandating import Counter
from kakine.parties.portal.mandates.book import Mandates
from kakine.parties.portal.mandates.visiting import OwnMandates
from kakine.parties.portal.visits import Visits
from kakine.protocols.logins import paper_code
from kakine.protocols.mandates import DAY_MS
from kakine.protocols.matching import Sex
from kakine.values.labels import PartyName
from kakine.wire.mandate import Basis, Terms
from login_site import BIRTHS, CHILDCARE, NAMES, Answer, Browser, LoginSite, Told

from land import RESIDENTS, ref

MOTHER, FATHER, RESIDENT, CARER = range(4)
CHILD = 4
BORN, CHILD_NAME = date(2024, 5, 5), "渡邉　小花"
TAKES = "openid represented"
"""Scope of a relying party that takes people who act for others."""


class MandateSite(LoginSite):
    """A login where people can be represented."""

    @property
    def counter(self) -> Counter:
        """The residents' desk of Yokohama."""
        gateway = self.land.yokohama
        return Counter(gateway.office, gateway.desk, LOGIN)

    @property
    def mandates(self) -> Mandates:
        """The portal's."""
        found: Mandates = self.land.country.portal.mandates
        return found

    def born(self) -> None:
        """CHILD, into the household of MOTHER, known at the desk and the portal."""
        country, registry = self.land.country, PartyName("registry")
        parent = Subject(self.numbers[MOTHER], BIRTHS[MOTHER])
        asked = Born(b"birth-of-a-child", parent, BORN, Sex.FEMALE, CHILD_NAME, "ワタナベ　コハナ")
        self.numbers.append(self.run(country.peers("yokohama").ask(registry, BIRTH, asked)).number)
        for domain in (LOGIN, RESIDENTS):
            wanted = [Wanted(ref(CHILD), ByNumber(self.numbers[CHILD], BORN))]
            got = self.run(country.peers(domain.party).ask(registry, ACQUIRE, Acquire(domain, wanted)))
            assert got.outcomes == ["delivered"]

    def report(self, j: int, change: Any) -> None:
        """A life event of person j, reported by Yokohama today."""
        birth = BORN if j == CHILD else BIRTHS[j]
        asked = Report(self.land.entropy(16), Subject(self.numbers[j], birth), date(2026, 1, 1), change)
        self.run(self.land.country.peers("yokohama").ask(PartyName("registry"), REPORT, asked))

    def shield(self, j: int, own_view_stopped: bool = False) -> None:
        """Protection (支援措置) of person j begins, or is set anew."""
        self.report(j, ShieldSet(undisclosed=True, own_view_stopped=own_view_stopped))

    def terms(self, basis: Basis = Basis.PROXY, days: float = 30, **changed: Any) -> Terms:
        """From now on, for the childcare site and the own history, unless told otherwise."""
        now_ms = self.land.clock()
        told: dict[str, Any] = {"clients": (CHILDCARE,), "history": True, "from_ms": now_ms}
        told = {**told, "until_ms": now_ms + int(days * DAY_MS), **changed}
        return Terms(basis, **{**told, "clients": tuple(sorted(told["clients"]))})

    def standing_by(self, j: int) -> str:
        """The code of person j, from the counter."""
        code: str = self.run(self.counter.stand_by(self.clerk(j), NAMES[j]))
        return code

    def appointed(self, principal: int, delegate: int, cleared: bool = False, **terms: Any) -> bytes:
        """The number of a mandate made at the counter."""
        name, code = (*NAMES, CHILD_NAME)[principal], self.standing_by(delegate)
        made = self.counter.appoint(self.clerk(principal), name, code, self.terms(**terms), cleared=cleared)
        number: bytes = self.run(made)
        return number

    @cached_property
    def visits(self) -> Visits:
        """At the portal."""
        found: Visits = self.land.country.portal.visits(self.office)
        return found

    @property
    def at_portal(self) -> OwnMandates:
        """What visitors may do."""
        found: OwnMandates = self.land.country.portal.own_mandates(self.visits)
        return found

    def visitor(self, j: int) -> str:
        """The name of a visit of person j, with a paper from the counter."""
        name: str = self.run(self.visits.by_paper(self.visits.begin(), self.paper(j)))
        return name

    def given(self, principal: int, delegate: int, **terms: Any) -> bytes:
        """The number of one that the principal gives in a visit, to a code the delegate has drawn in another."""
        code = self.run(self.at_portal.stand_by(self.visitor(delegate)))
        name, asked = self.visitor(principal), self.terms(**terms)
        number: bytes = self.run(self.at_portal.give(name, code, asked))
        return number

    def choosing(
        self, delegate: int, number: bytes, client: str = CHILDCARE, scope: str = TAKES
    ) -> tuple[Browser, Answer]:
        """A browser in which the delegate is known and has chosen for whom; and the answer to the choice."""
        browser = self.known(delegate, self.party(client), scope)
        return browser, browser.form("/acting", ("number", paper_code(number)))

    def acting(self, delegate: int, number: bytes, client: str = CHILDCARE, scope: str = TAKES) -> Browser:
        """The browser of a delegate who has chosen, and may go on to consent."""
        browser, chosen = self.choosing(delegate, number, client, scope)
        assert (chosen.status, chosen.location) == (303, "/consent"), chosen.text
        return browser

    def acts(self, delegate: int, number: bytes, client: str = CHILDCARE, scope: str = TAKES) -> Told:
        """A whole login on behalf of another."""
        agreed = [each for each in scope.split() if each not in ("openid", "represented")]
        back = self.acting(delegate, number, client, scope).agree(*agreed)
        assert back.status == 303, back.text
        return self.told(self.party(client), back.said["code"])

    def own(self, j: int, mandate: bytes = b"") -> Read:
        """The history of person j, or by j of whoever has given the mandate."""
        self.run(self.land.country.index())
        return self.run(own_history(self.land.country, ref(j), mandate=mandate))

    def lines(self, j: int) -> list[tuple[str, tuple[str, ...], str]]:
        """(ground, items, result) of each line of a person's history, oldest first."""
        return [(line.ground, line.items, line.result) for line in self.own(j).lines]
