"""The pages of a login for another service stand on the same ground: axe-core, narrow screens, own origin only, one
language at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from e2e.chromium import require
from kakine.parties.portal.login.http import application
from login.test_chromium import pushed
from login_site import LoginSite
from web.kit import PREFIXES, chromium, eyes, listening, socket_of

OWN = {"ja": "日本語", "easy": "やさしい日本語", "en": "English"}
HEADINGS = {
    "ja": ("ログイン", "伝えることの確認", "ログインできません"),
    "easy": ("ログイン", "何を 伝えるか", "ログインできません"),
    "en": ("Log in", "What will be told", "Not logged in"),
}


@dataclass
class Served:
    origin: str
    browser: Browser
    logins: dict[str, tuple[str, str]]
    """Address that a relying party sends to, and a paper code, for each language."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require()
    socket = socket_of()
    origin = f"http://localhost:{socket.getsockname()[1]}"
    with LoginSite.opened(tmp_path_factory.mktemp("login") / "land", people=1) as site:
        site.office = site.land.country.portal.login(origin)
        logins = {language: (pushed(site), site.paper(0)) for language in PREFIXES}
        serving = listening(application(site.office), site.run, socket)
        with serving, chromium() as browser:
            yield Served(origin, browser, logins)


@pytest.mark.parametrize("language", PREFIXES)
def test_the_pages_of_a_login_are_accessible_and_fit_a_phone(served: Served, language: str) -> None:
    """Who came in Japanese changes the language on the way, and the login goes on in it."""
    prefix, (first, second, third) = PREFIXES[language], HEADINGS[language]
    address, code = served.logins[language]
    with eyes(served.origin, served.browser) as watching:
        page = watching.open(address.removeprefix(served.origin))
        if prefix:
            page.click(f".languages a:text-is('{OWN[language]}')")
            page.wait_for_url(f"**{prefix}/login")
        assert page.inner_text("h1") == first
        watching.look(page, f"login-ways-{language}")
        page.fill("#code", code)
        page.click("form button")
        page.wait_for_url(f"**{prefix}/consent")
        assert page.inner_text("h1") == second
        watching.look(page, f"login-consent-{language}")
        page.goto(f"{served.origin}/authorize?client_id=x")
        if prefix:
            page.click(f".languages a:text-is('{OWN[language]}')")
        assert page.inner_text("h1") == third
        assert page.inner_text("#problem") == "request-uri-unknown"
        watching.look(page, f"login-refused-{language}")
        assert {url for url in watching.asked if not url.startswith(served.origin + "/")} == set()
