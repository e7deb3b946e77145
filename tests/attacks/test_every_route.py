"""Every route of the three sites: no form of another page, no frame around any page, no cookie from before a login."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.routing import Route

from console_land import People
from desk_land import DeskLand
from desk_pages import Terminal
from e2e.chromium import require
from kakine.parties.portal.login.http import COOKIE
from web.kit import Plain, chromium
from web.portal_site import ORIGIN, PortalLand

from land import Land

CONSOLE = "http://localhost:8483"
NEEDS_NO_TOKEN = {"/away"}
"""Whose session is over must get away too; it ends a session and nothing more."""
NOT_BY_COOKIE = {"/par", "/token", "/latest", "/userinfo"}
"""Of the login for services: who calls proves a key of the own with each call (spec/login.md), and no cookie counts."""


READ = {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks", "/authorize",
        "/login.js", "/login.css"}  # fmt: skip
"""Of the same login: they change nothing for a POST, which is refused."""


@dataclass
class Site:
    """One site, with two browsers logged in as two people, and one that is not."""

    name: str
    app: Any
    origin: str
    own: Plain
    other: Plain
    stranger: Plain

    def paths(self, method: str) -> list[str]:
        """Every path of the application for this method, in Japanese, with parts filled in."""
        routes = [each for each in self.app._app.routes if isinstance(each, Route)]
        found = [each.path for each in routes if each.methods is None or method in each.methods]
        plain = [each for each in found if not each.startswith(("/easy", "/en/", "/{rest", "/static"))]
        return [re.sub(r"\{[^}]*\}", "0" * 32, each) for each in dict.fromkeys(plain) if each != "/en"]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    with ExitStack() as open_:
        folder = tmp_path_factory.mktemp("routes")
        portal = open_.enter_context(PortalLand.opened(folder / "portal"))
        desk = Terminal(open_.enter_context(DeskLand.founded(folder / "desk")))
        yield {
            "portal": Site(
                "portal", portal.app, ORIGIN, portal.entered(0), portal.entered(1), portal.browser()
            ),
            "desk": _desk(desk),
            "console": _console(portal.site.land),
        }


def _desk(desk: Terminal) -> Site:
    own, other = desk.logged_in(desk.land.hana), desk.logged_in(desk.land.taro)
    return Site("desk", desk.app, own.origin, own, other, desk.browser())


def _console(land: Land) -> Site:
    people = People.of(land)
    app = land.country.console_site(CONSOLE)
    own, other, stranger = (Plain(app, CONSOLE, land.run) for _ in range(3))
    for plain, member in ((own, people.officer), (other, people.inspector)):
        plain.get("/")
        assert plain.send("/enter", code=people.code(member)).location == "/overview"
    return Site("console", app, CONSOLE, own, other, stranger)


NAMES = ("portal", "desk", "console")


@pytest.mark.parametrize("name", NAMES)
def test_no_form_or_call_of_another_page_is_taken_by_any_route(sites: dict[str, Site], name: str) -> None:
    """From another origin, from none, from another site by the browser's own word, without a token, with that of
    somebody else who is logged in too, and with that of a stranger's session."""
    site = sites[name]
    for plain in (site.own, site.other, site.stranger):
        plain.get({"portal": "/help", "desk": "/", "console": "/public"}[name])
    site.own.get({"portal": "/ways", "desk": "/journal", "console": "/overview"}[name])
    site.other.get({"portal": "/ways", "desk": "/journal", "console": "/overview"}[name])
    own = {"token": site.own.token, "once": "1" * 32}
    login = {each for each in site.paths("POST") if each in _of_the_login(site)}
    checked = 0
    for path in site.paths("POST"):
        if path in NOT_BY_COOKIE | READ:
            continue
        if site.own.post(path, own, origin="https://evil.example").status == 405:
            continue  # of the login, whose routes tell of no method: only to be read
        for headers in ({"origin": "https://evil.example"}, {"origin": ""}, {"origin": "null"}):
            answer = site.own.post(path, own, **headers, **{"x-kakine-token": own["token"]})
            assert (answer.status, "origin-refused" in answer.text) == (403, True), (path, headers)
        if path in login:
            continue
        told = {"sec-fetch-site": "cross-site", "x-kakine-token": own["token"]}
        assert site.own.post(path, own, **told).status == 403, path
        if path in NEEDS_NO_TOKEN:
            continue
        for token in ("", site.other.token, "0" * len(own["token"])):
            answer = site.own.post(path, {**own, "token": token}, **{"x-kakine-token": token})
            if (
                answer.status == 413
            ):  # a call of a script, with a body shorter than a form: its token is the header
                answer = site.own.post(path, {}, **{"x-kakine-token": token})
            assert (answer.status, "form-unfit" in answer.text) == (400, True), (path, token)
        checked += 1
    assert checked >= {"portal": 12, "desk": 12, "console": 5}[name]


def _of_the_login(site: Site) -> set[str]:
    """Routes of the login for services: the name of a login stands in a cookie that no other site's form carries."""
    return {"/login/paper", "/login/card/challenge", "/login/card", "/login/passkey/options", "/login/passkey",
            "/passkey/options", "/passkey", "/consent", "/acting"} if site.name == "portal" else set()  # fmt: skip


def test_the_calls_of_services_take_no_cookie_for_who_calls(sites: dict[str, Site]) -> None:
    """What has no check of its origin has nothing to win by one."""
    site = sites["portal"]
    assert set(site.paths("POST")) >= NOT_BY_COOKIE
    cookie = f"{site.own.cookie}; {COOKIE}=" + "a" * 32
    for path in sorted(READ):
        assert site.own.post(path, {"token": site.own.token}).status == 405, path
    for path in sorted(NOT_BY_COOKIE):
        answer = site.own.post(path, {"token": site.own.token}, cookie=cookie)
        assert answer.status in (400, 401, 403), path


@pytest.mark.parametrize("name", NAMES)
def test_no_page_of_any_site_lets_itself_be_framed_or_kept(sites: dict[str, Site], name: str) -> None:
    """Pages, files, refusals, redirects: the headers stand on every answer."""
    site = sites[name]
    for path in [*site.paths("GET"), "/none", "/static/none.js"]:
        told = site.own.get(path).headers
        assert told["x-frame-options"] == ["DENY"], path
        assert "frame-ancestors 'none'" in told["content-security-policy"][0], path
        assert told["x-content-type-options"] == ["nosniff"], path
        assert told["cross-origin-opener-policy"] == ["same-origin"], path
        if path != "/public.json" and path != "/public":
            assert "no-store" in told["cache-control"][0], path


@pytest.mark.parametrize("name", NAMES)
def test_a_cookie_planted_before_a_login_opens_nothing_after_it(sites: dict[str, Site], name: str) -> None:
    """Session fixation. Each login of the fixture began with a session of its own; a planted name is not taken."""
    site = sites[name]
    kind = site.own.cookie.partition("=")[0]
    planted = Plain(site.app, site.origin, site.own.run, f"{kind}={'a' * 64}")
    planted.get("/")
    assert planted.cookie != f"{kind}={'a' * 64}"
    inside = {"portal": "/history", "desk": "/cases", "console": "/journal"}[name]
    assert site.own.get(inside).status == 200
    assert Plain(site.app, site.origin, site.own.run, f"{kind}={'a' * 64}").get(inside).status == 303
    assert site.own.cookie.partition("=")[2] != site.other.cookie.partition("=")[2]


FRAMES = """async (addresses) => {
    const found = [];
    for (const address of addresses) {
        const frame = document.createElement("iframe");
        const done = new Promise((next) => frame.addEventListener("load", next, { once: true }));
        frame.src = address;
        document.body.append(frame);
        await done;
        let seen = "elsewhere";
        try { seen = frame.contentDocument === null ? "elsewhere" : frame.contentDocument.body.innerText; } catch {}
        found.push(seen);
    }
    return found.length;
}"""


def test_a_page_in_a_frame_of_another_site_is_not_shown(sites: dict[str, Site]) -> None:
    """In Chromium: the button of a page of ours, laid under a page of somebody else's, is not there to be clicked."""
    require()
    kept = {site.origin: (site.own.get(_first(site)), _first(site)) for site in sites.values()}
    with chromium() as browser, browser.new_context() as context:
        page = context.new_page()
        for origin, (answer, path) in kept.items():
            headers = {key: values[0] for key, values in answer.headers.items()}
            page.route(origin + path, _given(answer.status, headers, answer.body))
            page.route(origin + "/static/**", lambda route: route.fulfill(body=""))
        page.route(
            "http://localhost:9999/",
            lambda route: route.fulfill(content_type="text/html", body="<!doctype html><body>win"),
        )
        for origin, (_, path) in kept.items():
            page.goto(origin + path)
            assert page.locator("h1").count() == 1, "the control: outside of a frame it is shown"
        page.goto("http://localhost:9999/")
        assert page.evaluate(FRAMES, [origin + path for origin, (_, path) in kept.items()]) == 3
        framed = [each for each in page.frames if each.parent_frame is not None]
        assert [each.url for each in framed] == ["chrome-error://chromewebdata/"] * 3


def _given(status: int, headers: dict[str, str], body: bytes) -> Any:
    return lambda route: route.fulfill(status=status, headers=headers, body=body)


def _first(site: Site) -> str:
    return {"portal": "/ways", "desk": "/journal", "console": "/overview"}[site.name]
