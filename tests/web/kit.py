"""What tests of a site need: a browser without script, Chromium, axe-core, screenshots.

    plain = Plain(site.app(), ORIGIN, land.run)
    plain.get("/"); plain.send("/enter/paper", code=code)      # carries token and number of the page seen last

    with eyes(origin) as watching:
        page = watching.open("/en")
        watching.look(page, "portal-first")                    # axe, 320/768/1280, no side scroll, own origin only

Screenshots go to the folder named by KAKINE_ARTEFACTS, else `.artefacts/` of the project.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.types import ASGIApp

from e2e.chromium import PATIENCE_MS, PROGRAM, QUIET
from login_site import Answer, http

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = Path(os.environ.get("KAKINE_ARTEFACTS", ROOT / ".artefacts"))
WIDTHS = (320, 768, 1280)
MOVING = """() => [...document.querySelectorAll("*")].filter((each) =>
    parseFloat(getComputedStyle(each).transitionDuration) > 0
    || parseFloat(getComputedStyle(each).animationDuration) > 0).length"""
"""Elements that would move."""
PREFIXES = {"ja": "", "easy": "/easy", "en": "/en"}


def run_once(work: Any) -> Any:
    """For applications without a loop of their own."""
    return asyncio.run(work)


class _Fields(HTMLParser):
    """The hidden fields of each form, by where it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._to = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._to = found["action"]
            self.forms[self._to] = {}
        elif tag == "input" and found.get("type") == "hidden":
            self.forms[self._to][found["name"]] = found.get("value", "")


@dataclass
class Plain:
    """A browser without script: keeps one cookie, follows nothing by itself, sends forms of pages it has seen."""

    app: ASGIApp
    origin: str
    run: Callable[[Any], Any] = run_once
    cookie: str = ""
    forms: dict[str, dict[str, str]] = field(default_factory=dict)

    def _headers(self, **more: str) -> dict[str, str]:
        own = {"host": urlsplit(self.origin).netloc, "accept": "text/html"}
        return own | ({"cookie": self.cookie} if self.cookie else {}) | more

    def _kept(self, answer: Answer) -> Answer:
        for line in answer.headers.get("set-cookie", ()):
            pair = line.partition(";")[0]
            self.cookie = "" if "Max-Age=0" in line else pair
        if "text/html" in answer.headers.get("content-type", [""])[0]:
            seen = _Fields()
            seen.feed(answer.text)
            self.forms |= seen.forms
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        """A page."""
        return self._kept(self.run(http(self.app, "GET", path, self._headers(**headers))))

    def send(self, to: str, **fields: str) -> Answer:
        """A form of a page that was seen, with its token and its number."""
        return self.post(to, self.forms[to] | fields)

    def post(self, to: str, fields: Any, **headers: str) -> Answer:
        """Any form, with the headers of a browser unless told otherwise; "" leaves one out."""
        told = {"origin": self.origin, "content-type": "application/x-www-form-urlencoded"} | headers
        sent = self._headers(**{name: value for name, value in told.items() if value})
        return self._kept(self.run(http(self.app, "POST", to, sent, urlencode(fields).encode())))

    def call(self, to: str, body: bytes, token: str, **headers: str) -> Answer:
        """What a script of ours sends."""
        told = {"origin": self.origin, "x-kakine-token": token} | headers
        return self._kept(self.run(http(self.app, "POST", to, self._headers(**told), body)))

    @property
    def token(self) -> str:
        """The token of the session, from a page that was seen."""
        return next(form["token"] for form in reversed(self.forms.values()) if "token" in form)


def socket_of(port: int = 0) -> Any:
    """A bound socket on the loopback address; its port is `getsockname()[1]`."""
    return uvicorn.Config("", port=port, log_level="warning").bind_socket()


@contextmanager
def listening(app: ASGIApp, run: Callable[[Any], Any], socket: Any) -> Iterator[None]:
    """An application on a bound socket, in a thread of its own; it takes connections from here on."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    thread = threading.Thread(target=lambda: run(server.serve(sockets=[socket])))
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server has ended before it began"
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Eyes:
    """Chromium before one site."""

    context: BrowserContext
    origin: str
    asked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)

    def page(self) -> Page:
        """An empty page whose requests and faults are noted."""
        page = self.context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(error.message))
        page.set_default_timeout(PATIENCE_MS)
        return page

    def open(self, path: str) -> Page:
        """A page of the site."""
        page = self.page()
        page.goto(self.origin + path)
        return page

    def weigh(self, path: str) -> int:
        """Bytes over the wire, headers included, until the page is there, by a browser that has nothing of it yet."""
        page, answers = self.page(), list[Any]()

        def finished(request: Any) -> None:
            answers.append(request)

        page.on("requestfinished", finished)
        page.goto(self.origin + path, wait_until="networkidle")
        sizes = [each.sizes() for each in answers]
        page.close()
        return sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)

    def look(self, page: Page, name: str) -> None:
        """Axe-core finds nothing, no width scrolls sideways, a screenshot of each is kept."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name}: {wide} at {width}"
            page.screenshot(path=ARTEFACTS / f"{name}-{width}.png", full_page=True)
            if width != 768:
                assert_accessible(page, name)

    def look_large(self, page: Page, name: str) -> None:
        """Twice the letters, more contrast, forced colours, less motion: nothing scrolls sideways, axe-core finds
        nothing, nothing moves, and what has the focus is seen."""
        page.set_viewport_size({"width": 640, "height": 800})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, name
        assert_accessible(page, f"{name} in large letters")
        page.screenshot(path=ARTEFACTS / f"{name}-large.png", full_page=True)
        page.evaluate("document.documentElement.style.fontSize = ''")
        page.emulate_media(contrast="more", forced_colors="none", reduced_motion="reduce")
        assert_accessible(page, f"{name} with more contrast")
        grey = "getComputedStyle(document.documentElement).getPropertyValue('--gray-700').trim()"
        assert page.evaluate(grey) == "#000000", name
        assert page.evaluate(MOVING) == 0, name
        page.emulate_media(contrast="no-preference", forced_colors="active", reduced_motion="reduce")
        assert_accessible(page, f"{name} in forced colours")
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", name
        page.screenshot(path=ARTEFACTS / f"{name}-forced.png", full_page=True)
        page.emulate_media(contrast=None, forced_colors=None, reduced_motion=None)

    def look_printed(self, page: Page, name: str) -> None:
        """On paper there is nothing to press, and the content is there."""
        page.emulate_media(media="print")
        for hidden in ("nav", "main form", "header form", "footer"):
            for each in page.locator(hidden).all():
                assert not each.is_visible(), (name, hidden)
        assert page.locator("h1").is_visible(), name
        pages = page.pdf(prefer_css_page_size=True)
        assert pages.startswith(b"%PDF"), name
        page.emulate_media(media="screen")

    def assert_own_origin_only(self) -> None:
        """Nothing was asked of anybody else, and the console has nothing to say."""
        assert {url for url in self.asked if not url.startswith(self.origin + "/")} == set()
        assert self.faults == []


def assert_accessible(page: Page, name: str) -> None:
    """All rules of axe-core, best practices too."""
    found = Axe().run(page)
    told = [
        f"{each['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
    assert told == [], f"{name}:\n" + "\n".join(told)


@contextmanager
def eyes(origin: str, browser: Browser, *, script: bool = True) -> Iterator[Eyes]:
    """A fresh profile."""
    with browser.new_context(java_script_enabled=script, locale="ja-JP", timezone_id="Asia/Tokyo") as context:
        yield Eyes(context, origin)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that reaches the loopback address and nothing else: for all else its proxy is a closed port."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=PROGRAM,
            args=list(QUIET),
            chromium_sandbox=False,
            timeout=PATIENCE_MS,
            proxy={"server": "http://127.0.0.1:9", "bypass": "127.0.0.1,localhost"},
        )
        yield browser
        browser.close()


def text_of(page: str) -> str:
    """What stands on a page, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
