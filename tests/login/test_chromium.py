"""The login's pages in Chromium: a passkey of a virtual authenticator, and a card from the counter by the helper on the
same machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.sync_api import BrowserContext, Page, sync_playwright
from starlette.types import ASGIApp

from e2e.chromium import PATIENCE_MS, PROGRAM, QUIET, require
from issued_cards import Issued, IssuedCards
from kakine.clients.card_helper import Helper
from kakine.parties.portal.login import requests
from kakine.parties.portal.login.http import application
from kakine.parties.portal.login.office import Pushed
from kakine.protocols.logins import CARD, COUNTER, PASSKEY
from kakine.wire.login import Challenge
from login_site import CHILDCARE, LoginSite

BACK = "http://127.0.0.1:8490/callback"


@contextmanager
def listening(app: ASGIApp, run: Callable[[Any], Any], socket: Any) -> Iterator[None]:
    """An application on a bound socket, in a thread of its own."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    thread = threading.Thread(target=lambda: run(server.serve(sockets=[socket])))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Desk:
    """A served login: where a new pushed request opens, papers of person 0, what the helper has shown."""

    origin: str
    address: Callable[[], str]
    papers: list[str]
    helper: str
    card: Issued
    shown: list[Challenge] = field(default_factory=list)
    typed: str = ""
    """What the holder types instead of the PIN, once."""

    def ask(self, challenge: Challenge) -> str:
        """The holder types the PIN."""
        self.shown.append(challenge)
        typed, self.typed = self.typed, ""
        return typed or self.card.pin


def pushed(site: LoginSite) -> str:
    """The address of a request as `requests.push` keeps it. The relying party's side is tested elsewhere."""
    ways = frozenset({CARD, COUNTER, PASSKEY})
    wish = Pushed(CHILDCARE, BACK, "state-0123", "nonce-0123", "A" * 43, ("name",), ways, "", b"")
    query = {"client_id": CHILDCARE, "request_uri": requests.URN + site.office.requests.put(wish)}
    return f"{site.office.issuer}/authorize?{urlencode(query)}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    require()
    sockets = [uvicorn.Config("", port=0, log_level="warning").bind_socket() for _ in range(2)]
    ports = [socket.getsockname()[1] for socket in sockets]
    with IssuedCards.opened(tmp_path_factory.mktemp("desk"), 1) as cards:
        site, card = cards.site, cards.issue(0)
        origin = f"http://localhost:{ports[0]}"
        site.office = site.land.country.login(origin)
        site.office.helper = f"http://127.0.0.1:{ports[1]}"
        made = Desk(origin, partial(pushed, site), [site.paper(0)], site.office.helper, card)
        helper = Helper(origin, ports[1], card.signer, made.ask, site.land.clock)
        serving = listening(application(site.office), site.run, sockets[0])
        with serving, listening(helper.app, asyncio.run, sockets[1]):
            yield made


@pytest.fixture
def browser() -> Iterator[BrowserContext]:
    """A fresh profile. Whoever is sent back to the relying party arrives at a page of the test."""
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(
            executable_path=PROGRAM, args=list(QUIET), chromium_sandbox=False, timeout=PATIENCE_MS
        )
        with program.new_context() as context:
            context.set_default_timeout(PATIENCE_MS)
            context.route(f"{BACK}*", lambda route: route.fulfill(body="back"))
            yield context
        program.close()


def opened(browser: BrowserContext, address: str, faults: list[str]) -> Page:
    page = browser.new_page()
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(error.message))
    page.goto(address)
    return page


def virtual_authenticator(browser: BrowserContext, page: Page, verified: bool = True) -> Any:
    """A device that keeps passkeys and verifies its user (Chrome DevTools, domain WebAuthn)."""
    session = browser.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def agree(page: Page) -> str:
    page.click("button[value=yes]")
    page.wait_for_url(f"{BACK}*")
    return str(page.url)


def test_a_passkey_is_registered_after_a_paper_login_and_used_for_the_next(
    desk: Desk, browser: BrowserContext
) -> None:
    faults: list[str] = []
    page = opened(browser, desk.address(), faults)
    session, authenticator = virtual_authenticator(browser, page)
    page.fill("#code", desk.papers.pop())
    page.click("form button")
    page.wait_for_url("**/consent")
    assert "氏名とふりがな" in page.inner_text("fieldset")
    page.click("#bind")
    page.wait_for_selector("#bound:not(:empty)")
    assert "code=" in agree(page)

    page.goto(desk.address())
    page.click("#passkey")
    page.wait_for_url("**/consent")
    assert page.query_selector("#bind") is None
    assert "iss=http" in agree(page)

    page.goto(desk.address())
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    page.click("#passkey")
    page.wait_for_selector("#refused:not(:empty)")
    assert page.url.startswith(f"{desk.origin}/authorize")
    assert faults == []


def test_a_card_logs_in_through_the_helper_which_shows_who_asks(desk: Desk, browser: BrowserContext) -> None:
    faults: list[str] = []
    page = opened(browser, desk.address(), faults)
    desk.typed = "000000"
    page.click("#card")
    page.wait_for_selector("#refused:not(:empty)")
    assert "pin-refused" in page.inner_text("#refused")
    assert desk.card.signer.tries == 4
    page.click("#card")
    page.wait_for_url("**/consent")
    assert "code=" in agree(page)
    assert [(each.origin, each.client) for each in desk.shown] == 2 * [(desk.origin, CHILDCARE)]
    assert desk.card.signer.tries == 5
    assert [each for each in faults if "403" not in each] == []


def test_a_page_of_another_origin_gets_no_signature(desk: Desk, browser: BrowserContext) -> None:
    """The browser does not let it read, and the helper asks nobody."""
    before = len(desk.shown)
    page = browser.new_page()
    browser.route(
        "http://evil.example/*", lambda route: route.fulfill(body="<p>evil", content_type="text/html")
    )
    page.goto("http://evil.example/")
    refused = page.evaluate(
        """(helper) => fetch(`${helper}/sign`, { method: "POST", headers: { "content-type": "application/json" },
            body: JSON.stringify({ challenge: "AAAA" }) }).then(() => "read", (fault) => fault.name)""",
        desk.helper,
    )
    assert refused == "TypeError"
    assert len(desk.shown) == before
