"""The pages of a login for another service stand on the same ground: axe-core, narrow screens, own origin only."""

from __future__ import annotations

from pathlib import Path

from e2e.chromium import require
from kakine.parties.portal.login.http import application
from login.test_chromium import pushed
from login_site import LoginSite
from web.kit import chromium, eyes, listening, socket_of


def test_the_pages_of_a_login_are_accessible_and_fit_a_phone(tmp_path: Path) -> None:
    require()
    socket = socket_of()
    origin = f"http://localhost:{socket.getsockname()[1]}"
    with LoginSite.opened(tmp_path / "land", people=1) as site:
        site.office = site.land.country.portal.login(origin)
        address, code = pushed(site), site.paper(0)
        serving = listening(application(site.office), site.run, socket)
        with serving, chromium() as browser, eyes(origin, browser) as watching:
            page = watching.open(address.removeprefix(origin))
            watching.look(page, "login-ways")
            page.fill("#code", code)
            page.click("form button")
            page.wait_for_url("**/consent")
            watching.look(page, "login-consent")
            page.goto(f"{origin}/authorize?client_id=x")
            watching.look(page, "login-refused")
            assert {url for url in watching.asked if not url.startswith(origin + "/")} == set()
