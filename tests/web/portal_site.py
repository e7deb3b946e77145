"""The resident's site over a running country, with people who can come in by paper, passkey and card.

with PortalLand.opened(tmp_path) as portal:
    plain = portal.entered(0)
    plain.get("/history")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from kakine.contracts.login import Standing
from kakine.parties.portal.site import site as pages
from kakine.parties.portal.visits import Visits
from kakine.protocols.words import words_of
from kakine.web.site import Settings
from mandates import MandateSite
from web.kit import Plain

from land import pack

ORIGIN = "http://localhost:8480"


@dataclass
class PortalLand:
    """`site` has the country and its people."""

    site: MandateSite
    app: ASGIApp
    origin: str
    visits: Visits

    @classmethod
    @contextmanager
    def opened(
        cls,
        folder: Path,
        origin: str = ORIGIN,
        standing: Standing | None = None,
        people: int = 2,
        helper: str = "http://127.0.0.1:8471",
    ) -> Iterator[PortalLand]:
        with MandateSite.opened(folder, standing, people) as site:
            portal = site.land.country.portal
            login = portal.login(origin, standing)
            login.helper = helper
            site.office = login
            house = portal.house(login)
            settings = Settings(origin, "kakine-portal", site.land.clock, site.land.entropy)
            yield cls(site, pages(house, settings, words_of(pack())), origin, house.visits)

    def browser(self) -> Plain:
        """Somebody without script, at the first page."""
        plain = Plain(self.app, self.origin, self.site.run)
        plain.get("/")
        return plain

    def entered(self, j: int, prefix: str = "") -> Plain:
        """Person j, by paper."""
        plain = Plain(self.app, self.origin, self.site.run)
        plain.get(prefix or "/")
        answer = plain.send(f"{prefix}/enter/paper", code=self.site.paper(j))
        assert (answer.status, answer.location) == (303, prefix or "/"), answer.text
        return plain
