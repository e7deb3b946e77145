"""Remedies in Chromium: a line is objected to, the agency and the commission answer, the person reads both."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from e2e.chromium import require
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.contracts.registry import ACQUIRE, Acquire, ByNumber, Wanted
from kakine.country import COMMISSION, LEDGER, ORIGIN
from kakine.parties.commission import cases
from kakine.parties.gateway import claims, claims_store
from kakine.values.labels import PartyName
from kakine.wire import checkpoint as notes
from kakine.wire.canonical import decode
from kakine.wire.objection import Claim, Finding, Outcome
from login_site import BIRTHS
from web.kit import chromium, eyes, listening, socket_of
from web.portal_site import PortalLand

from land import CHILDREN, TAX, Land, ref

EVIL = '<img src=x onerror="document.title=1">\u202e"><script>document.title=2</script>'
NOTE = f"二重に数えています {EVIL}"
DAY = 86_400


@dataclass
class Served:
    origin: str
    browser: Browser
    papers: list[str]
    land: Land

    def soon(self, work: Coroutine[Any, Any, Any]) -> Any:
        """On the loop that serves."""
        return asyncio.run_coroutine_threadsafe(work, self.land.loop).result(240)

    def kept(self) -> claims_store.Kept:
        """The one claim at the city."""
        db = self.land.yokohama.office.db.read()
        (kept,) = (*claims_store.of_domain(db, TAX), *claims_store.of_domain(db, CHILDREN))
        return kept


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require()
    socket = socket_of()
    origin = f"http://localhost:{socket.getsockname()[1]}"
    with PortalLand.opened(tmp_path_factory.mktemp("objections") / "land", origin) as portal:
        land = portal.site.land
        known_at(portal, 0, BIRTHS[0])
        land.run(land.put_tax([0]))
        land.run(land.ask(0))
        papers = [portal.site.paper(0) for _ in range(3)]
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        with listening(portal.app, portal.site.run, socket), chromium() as browser:
            yield Served(origin, browser, papers, land)


def known_at(portal: PortalLand, j: int, birth: date) -> None:
    for domain in (CHILDREN, TAX):
        asked = Acquire(domain, [Wanted(ref(j), ByNumber(portal.site.numbers[j], birth))])
        got = portal.site.run(
            portal.site.land.country.peers("yokohama").ask(PartyName("registry"), ACQUIRE, asked)
        )
        assert got.outcomes == ["delivered"]


def log_in(page: Page, served: Served) -> None:
    page.fill("#code", served.papers.pop())
    page.click("#enter form button")
    page.wait_for_selector("#held")


def object_to(page: Page, served: Served, reason: str) -> None:
    log_in(page, served)
    object_here(page, served, reason)


def object_here(page: Page, served: Served, reason: str) -> None:
    page.goto(served.origin + "/history")
    page.wait_for_selector(".history-verdict")
    line = page.locator(".history-lines > li", has_text="JO106").last
    line.get_by_role("button", name="この記録に異議を申し立てる").click()
    page.check(f"input[value={reason}]")
    page.click("#objecting button")
    page.click("text=異議と答えを見る")
    page.wait_for_selector("#objections[data-done]")


def room(page: Page, served: Served) -> str:
    page.goto(served.origin + "/objections")
    page.wait_for_selector("#objections[data-done]")
    return page.inner_text("#objections")


def test_a_correction_is_asked_for_answered_and_read(served: Served) -> None:
    """And what the city writes stays letters."""
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        object_to(page, served, "data-wrong")
        page.wait_for_selector(".claim textarea")
        assert "まだ送っていません" in page.inner_text("#objections")
        watching.look(page, "portal-objections-unsent-ja")
        page.fill(".claim textarea", NOTE)
        page.click(".claim button")
        page.wait_for_selector("text=返事を待っています")
        claim = decode(served.kept().claim, Claim)
        assert (claim.note, claim.items) == (NOTE, ("TK-0002",))
        assert "あと30日" in room(page, served)
        office = served.land.yokohama.office
        served.soon(claims.reply(office, TAX, served.kept().xid, Outcome.CORRECTED, EVIL))
        told = room(page, served)
        assert "直しました" in told
        assert '<img src=x onerror="document.title=1">\\u{202e}' in told
        assert "変換は正しく行われていました" in told
        assert page.locator("#objections img, #objections script").count() == 0
        watching.look(page, "portal-objections-answered-ja")
        page.goto(served.origin + "/history")
        page.wait_for_selector(".history-verdict")
        assert page.locator(".history-lines a[href='/objections']").count() == 1
        watching.assert_own_origin_only()


def test_a_silent_agency_is_named_by_itself(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        object_to(page, served, "not-asked")
        page.wait_for_selector(".claim textarea")
        page.click(".claim button")
        page.wait_for_selector("text=返事を待っています")
        served.land.clock.advance(15 * DAY)
        served.soon(served.land.country.auditor.answer_objections())
        served.land.clock.ahead_ms = 0
        assert "yokohama は期限までに答えませんでした" in room(page, served)


def test_a_mix_up_is_answered_without_any_agency(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        object_to(page, served, "not-me")
        page.wait_for_selector("text=変換は正しく行われていました")
        assert page.locator(".claim").count() == 0
        assert "答えが出たので止まりました" in page.inner_text("#objections")


def test_markup_in_the_commissions_own_answer_is_letters(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It signs an answer in which party and fault are an attack on whoever reads it."""
    short = "<img src=x onerror=document.title=1>\u202e"

    async def settled(*_: object) -> tuple[Finding, str, str]:
        return Finding.FAULT, short, short

    monkeypatch.setattr(cases, "settle", settled)
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        object_to(page, served, "not-me")
        page.wait_for_selector("#objections[data-done]")
        told = page.inner_text("#objections")
        assert told.count("<img src=x onerror=document.title=1>\\u{202e}") == 2
        assert "\u202e" not in told
        assert page.locator("#objections img").count() == 0
        assert page.title() != "1"
        watching.assert_own_origin_only()


# --- with one way in ----------------------------------------------------------------------------------------------


def with_one_way_in(page: Page, quiet: str) -> None:
    """The room as the portal gives it to a visit without step-up (tests/attacks/test_hostile_people.py has that it
    does), in a country where this domain alone is sensitive."""

    def weak(route: Route) -> None:
        given = route.fetch()
        body = given.text().replace('<div id="objections"', '<div id="objections" data-again="/again"')
        route.fulfill(response=given, body=body)

    def names(route: Route) -> None:
        given = route.fetch()
        found = given.json()
        found["quiet"] = {"items": [], "domains": [quiet]}
        route.fulfill(response=given, json=found)

    page.route(re.compile("/objections$"), weak)
    page.route(re.compile("/names[^/]*json"), names)


def test_with_one_way_in_no_objection_about_a_sensitive_provider_is_shown(served: Served) -> None:
    """And the room says the same as where nothing is left out. Nor is the commission asked, whose server would see that
    somebody asks."""
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        log_in(page, served)
        with_one_way_in(page, "yokohama/tax")
        page.goto(served.origin + "/objections")
        page.wait_for_selector("#objections a[href='/again']")
        nothing = page.inner_text("main")
        page.unroute_all()
        object_here(page, served, "data-wrong")
        page.wait_for_selector(".claim textarea")
        page.click(".claim button")
        page.wait_for_selector("text=返事を待っています")
        with_one_way_in(page, "yokohama/tax")
        asked: list[str] = []
        page.on("request", lambda each: asked.append(each.url))
        page.goto(served.origin + "/objections")
        page.wait_for_selector("#objections a[href='/again']")
        assert page.inner_text("main") == nothing
        assert page.locator("#objections section").count() == 0
        assert not [each for each in asked if each.endswith("/objections/told")]
        page.unroute_all()
        with_one_way_in(page, "nobody/nothing")
        page.goto(served.origin + "/objections")
        page.wait_for_selector("#objections[data-done]")
        assert "あと30日" in page.inner_text("#objections")
        watching.look(page, "portal-objections-one-way-in-ja")


def forked(served: Served) -> bytes:
    """A head that the log's signer has signed for somebody else, of the size that this browser has seen."""
    country = served.land.country
    asked = country.peers(COMMISSION).ask(LEDGER, CHECKPOINT, Nothing())
    size = int(served.soon(asked).checkpoint.split(b"\n")[1])
    return notes.make(ORIGIN, size, b"R" * 32, country.identities[f"{LEDGER}-signer"].signing)


def accused(page: Page, served: Served) -> None:
    """Come in, read once, then read again with another head in the browser's memory than the log shows now."""
    page.fill("#code", served.papers.pop())
    page.click("#enter form button")
    page.wait_for_selector("#held")
    page.goto(served.origin + "/history")
    page.wait_for_selector(".history-verdict")
    other = b64encode(forked(served)).decode()
    page.evaluate(
        """([origin, note]) => {
            const kept = JSON.parse(localStorage.getItem("kakine-history/v1"));
            kept.heads[origin] = note;
            localStorage.setItem("kakine-history/v1", JSON.stringify(kept));
        }""",
        [ORIGIN, other],
    )
    page.reload()
    page.wait_for_selector(".history-verdict.bad")


def test_evidence_goes_to_the_commission_by_one_button(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        accused(page, served)
        page.get_by_role("button", name="証拠を委員会に送る").click()
        page.wait_for_selector("text=委員会が受け取り、署名しました")
        (folder,) = (served.land.folder / "findings").glob("browser-*")
        assert (folder / "manifest.json").is_file()
        watching.look(page, "portal-evidence-ja")
        watching.assert_own_origin_only()


def test_a_portal_that_swallows_the_evidence_is_not_believed(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        accused(page, served)
        body = bytes(64)
        page.route(
            "**/history/evidence",
            lambda route: route.fulfill(status=200, body=body, content_type="application/octet-stream"),
        )
        page.get_by_role("button", name="証拠を委員会に送る").click()
        page.wait_for_selector("text=この窓口を通さずに渡してください")
        assert list((served.land.folder / "findings").glob("browser-*")) == []
