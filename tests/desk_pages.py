"""Browsers at the desk of a `DeskLand`, without script."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from desk_land import ORIGIN, PASSPHRASE, DeskLand
from kakine.parties.gateway.desk.people_store import Staff, Use, staff
from kakine.parties.gateway.desk_site import site
from login_site import Answer
from web.kit import Plain

from land import TAX


@dataclass
class Terminal:
    """The pages of one desk. Every browser of it has a cookie of its own, or none."""

    land: DeskLand
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        self.site = site(self.land.desk)
        self.app = self.site.app()

    def browser(self) -> Plain:
        """An empty one."""
        return Plain(self.app, ORIGIN, self.land.run)

    def logged_in(self, person: Staff, browser: Plain | None = None) -> Plain:
        """This person, by code and passphrase; enrolled first where that is to be done."""
        found = browser or self.browser()
        if not staff(self.land.desk.office.db.read(), person.id).passphrase:
            found.get("/enrol")
            sent = found.send("/enrol", code=self.land.paper(person, Use.ENROL))
            assert sent.location == "/enrol/way", sent.text
            found.get("/enrol/way")
            found.send("/enrol/passphrase", first=PASSPHRASE, second=PASSPHRASE)
            found.get("/")
            found.cookie = ""
        found.get("/")
        sent = found.send("/login/code", code=self.land.paper(person, Use.SHIFT), passphrase=PASSPHRASE)
        assert sent.status == 303, sent.text
        return found

    def open(self, browser: Plain, j: int, **changed: str) -> str:
        """A case of person j; its number."""
        browser.get("/cases")
        plain = {
            "procedure": "JO106",
            "application": f"{self.land.prefix}-{j}",
            "day": "2026-04-01",
            "reference": f"ref-{j}",
        }
        sent = browser.send("/cases", **{**plain, **changed})
        assert sent.status == 303, sent.text
        return sent.location.removeprefix("/cases/")

    def ask(self, browser: Plain, number: str, row: str = "JO106.2", provider: str = str(TAX)) -> Answer:
        """A question about the applicant, and the page with what came of it."""
        browser.get(f"/cases/{number}")
        to = f"/cases/{number}/ask"
        sent = browser.send(to, row=row, person="0", provider=provider)
        assert sent.status == 303, sent.text
        return browser.get(sent.location)


def words(answer: Answer) -> str:
    """What stands on a page, without tags."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))
