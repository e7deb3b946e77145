"""People who act for one another, at a running login: a counter, two people, what a relying party hears.

with MandateSite.opened(tmp_path / "land") as site:
    number = site.appointed(RESIDENT, CARER, clients=(CHILDCARE,))
    site.acts(CARER, number).id_token["act"]
"""

from __future__ import annotations

from typing import Any

from kakine.country import LOGIN
from kakine.parties.gateway.mandating import Counter
from kakine.protocols.logins import paper_code
from kakine.protocols.mandates import DAY_MS
from kakine.wire.mandate import Basis, Terms
from login_site import CHILDCARE, NAMES, Answer, Browser, LoginSite, Told

MOTHER, CHILD, RESIDENT, CARER = range(4)


class MandateSite(LoginSite):
    """A login where people can be represented."""

    @property
    def counter(self) -> Counter:
        """The residents' desk of Yokohama."""
        gateway = self.land.yokohama
        return Counter(gateway.office, gateway.desk, LOGIN)

    def terms(self, basis: Basis = Basis.PROXY, days: float = 30, **changed: Any) -> Terms:
        """From now on, for the childcare site and the own history, unless told otherwise."""
        now_ms = self.land.clock()
        told: dict[str, Any] = {"clients": (CHILDCARE,), "history": True, "from_ms": now_ms}
        return Terms(basis, **{**told, "until_ms": now_ms + int(days * DAY_MS), **changed})

    def standing_by(self, j: int) -> str:
        """The code of person j, from the counter."""
        code: str = self.run(self.counter.stand_by(self.clerk(j), NAMES[j]))
        return code

    def appointed(self, principal: int, delegate: int, cleared: bool = False, **terms: Any) -> bytes:
        """The number of a mandate made at the counter."""
        made = self.counter.appoint(
            self.clerk(principal),
            NAMES[principal],
            self.standing_by(delegate),
            self.terms(**terms),
            cleared=cleared,
        )
        number: bytes = self.run(made)
        return number

    def choosing(
        self, delegate: int, number: bytes, client: str = CHILDCARE, scope: str = "openid represented"
    ) -> tuple[Browser, Answer]:
        """A browser in which the delegate is known and has chosen for whom; and the answer to the choice."""
        browser = self.known(delegate, self.party(client), scope)
        return browser, browser.form("/acting", ("number", paper_code(number)))

    def acts(
        self, delegate: int, number: bytes, client: str = CHILDCARE, scope: str = "openid represented"
    ) -> Told:
        """A whole login on behalf of another."""
        browser, chosen = self.choosing(delegate, number, client, scope)
        assert (chosen.status, chosen.location) == (303, "/consent"), chosen.text
        agreed = [each for each in scope.split() if each not in ("openid", "represented")]
        back = browser.agree(*agreed)
        assert "code" in back.said, back.text
        return self.told(self.party(client), back.said["code"])
