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
from kakine.protocols.words import words_of
from login_site import LoginSite
from web.kit import Plain

from land import pack

ORIGIN = "http://localhost:8480"


@dataclass
class PortalLand:
    """`site` has the country and its people."""

    site: LoginSite
    app: ASGIApp
    origin: str

    @classmethod
    @contextmanager
    def opened(
        cls, folder: Path, origin: str = ORIGIN, standing: Standing | None = None, people: int = 2
    ) -> Iterator[PortalLand]:
        with LoginSite.opened(folder, standing, people) as site:
            portal = site.land.country.portal
            login = portal.login(origin, standing)
            site.office = login
            yield cls(site, portal.site(login, words_of(pack())), origin)

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
