"""The resident's site in Chromium: paper, passkey, card; the history opened and verified; an objection; leaving."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from card_maker import PIN, Roots
from e2e.chromium import require
from kakine.clients.card_helper import Helper
from kakine.contracts.login import Signer
from kakine.crypto.cards import CardCertificate
from own_area import known_at_tax, written
from web.kit import PREFIXES, chromium, eyes, listening, socket_of
from web.portal_site import PortalLand

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
ROOMS = {"first": "/", "history": "/history", "decisions": "/decisions", "ways": "/ways", "letters": "/letters",
         "paper": "/paper", "held": "/held", "coverage": "/coverage", "help": "/help", "again": "/again",
         "data": "/data", "area": "/data/tax", "sensitive": "/data/health", "consents": "/consents",
         "mandates": "/mandates", "account": "/account", "tour": "/tour", "responsibility": "/responsibility",
         "objections": "/objections", "shield": "/shield", "number": "/number"}  # fmt: skip


@dataclass
class Served:
    """A served portal with papers of persons 0 and 1; the card of the helper is person 0's."""

    origin: str
    browser: Browser
    papers: list[list[str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require()
    roots = Roots()
    sockets = [socket_of() for _ in range(2)]
    ports = [socket.getsockname()[1] for socket in sockets]
    origin = f"http://localhost:{ports[0]}"
    folder = tmp_path_factory.mktemp("portal") / "land"
    with PortalLand.opened(folder, origin, roots, helper=f"http://127.0.0.1:{ports[1]}") as portal:
        land = portal.site.land
        card: Signer = roots.card(land.clock())
        portal.site.give_card(0, CardCertificate(card.certificate).digest)
        papers = [[portal.site.paper(j) for _ in range(10)] for j in range(2)]
        known_at_tax(portal.site, 0)
        sheet = {"fiscal_year": 2026, "taxed": "exempt", "municipality": EVIL, "total_income": 7_654_321}
        written(portal.site, 0, json.dumps(sheet).encode())
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        helper = Helper(origin, ports[1], card, lambda _: PIN, land.clock)
        serving = listening(portal.app, portal.site.run, sockets[0])
        with serving, listening(helper.app, asyncio.run, sockets[1]), chromium() as browser:
            yield Served(origin, browser, papers)


def come_in(page: Page, code: str, prefix: str = "") -> None:
    page.fill("#code", code)
    page.click("#enter form button")
    page.wait_for_selector("#held")
    assert page.url.endswith(prefix or "/")


def authenticator(context: BrowserContext, page: Page) -> None:
    """A device that keeps passkeys and verifies its user (Chrome DevTools, domain WebAuthn)."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options: dict[str, Any] = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.mark.parametrize("language", PREFIXES)
def test_every_room_is_accessible_and_fits_a_phone(served: Served, language: str) -> None:
    prefix = PREFIXES[language]
    with eyes(served.origin, served.browser) as watching:
        page = watching.open(prefix or "/")
        watching.look(page, f"portal-enter-{language}")
        come_in(page, served.papers[0].pop(), prefix)
        for name, path in ROOMS.items():
            page.goto(served.origin + ((prefix or "/") if path == "/" else prefix + path))
            if name in ("history", "consents"):
                page.wait_for_selector(".history-verdict")
            if name == "area":
                page.click("#pull")
                page.wait_for_selector(".own-holder")
            if name == "objections":
                page.wait_for_selector("#objections > *:not([role])")
            watching.look(page, f"portal-{name}-{language}")
        watching.assert_own_origin_only()


def test_a_newcomer_reaches_a_verified_history_in_three_clicks(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        page.fill("#code", served.papers[1].pop())
        page.click("#enter form button")
        page.click("text=履歴を読む")
        page.wait_for_selector(".history-verdict")
        assert page.locator(".history-lines > li").count() > 0
        assert page.locator(".history-verdict.bad").count() == 0


def test_a_line_of_the_history_is_objected_to_and_the_clock_runs(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        come_in(page, served.papers[1].pop())
        page.goto(served.origin + "/history")
        page.wait_for_selector(".history-verdict")
        line = page.locator(".history-lines > li", has_text="窓口で本人を確認し").last
        line.get_by_role("button", name="この記録に異議を申し立てる").click()
        assert page.locator("#objecting").is_visible()
        page.check("input[value=not-asked]")
        page.click("#objecting button")
        page.wait_for_selector("text=公開の時計が動き始めました")
        assert "この手続きを頼んでいない" in page.inner_text("main")
        watching.look(page, "portal-objected-ja")
        watching.assert_own_origin_only()


def test_a_passkey_is_bound_after_a_paper_and_opens_the_portal(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        authenticator(watching.context, page)
        come_in(page, served.papers[1].pop())
        page.goto(served.origin + "/ways")
        page.click("#create")
        page.wait_for_url("**/decisions")
        assert "パスキーの登録" in page.inner_text("main")
        watching.look(page, "portal-acts-ja")
        page.click("text=ログアウト")
        page.wait_for_selector("#passkey")
        page.click("#passkey")
        page.wait_for_selector("#held")
        page.goto(served.origin + "/ways")
        assert page.locator("#create").count() == 0
        watching.look(page, "portal-ways-passkey-ja")
        watching.assert_own_origin_only()


def test_a_card_comes_in_by_the_helper_and_changes_nothing_that_matters(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        page.click("#card")
        page.wait_for_selector("#held")
        page.goto(served.origin + "/ways")
        assert page.locator("#create").count() == 0
        assert page.locator("form[action='/ways/remove']").count() == 0
        assert page.locator("text=もう一つの方法で確かめる").count() > 0
        page.goto(served.origin + "/history")
        page.wait_for_selector(".history-verdict")
        told = page.inner_text(".history-verdict")
        assert "入り方が一つで足りる種類" in told
        assert "完全です" not in told
        assert "件中" not in told
        watching.look(page, "portal-history-folded-ja")


def test_own_data_is_pulled_by_a_button_and_text_of_an_agency_stays_text(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        come_in(page, served.papers[0].pop())
        page.click("text=自己情報を見る")
        page.click("main >> text=税")
        assert page.locator(".own-holder").count() == 0
        page.click("#pull")
        page.wait_for_selector(".own-holder")
        told = page.inner_text("#own")
        assert EVIL in told
        assert page.locator("#own script, #own img").count() == 0
        for value in ("7654321", "合計所得金額", "非課税", "yokohama/tax", "TK-0002", "様式 第1版", "現在"):
            assert value in told, value
        assert page.locator(".own-holder").count() == 3
        assert told.count("なし") == 2
        assert "履歴に残りました" in told
        watching.look(page, "portal-own-ja")
        page.reload()
        assert page.locator(".own-holder").count() == 0
        watching.assert_own_origin_only()


def test_a_sensitive_area_leads_to_the_second_way_and_back(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        page.click("#card")
        page.wait_for_selector("#held")
        page.goto(served.origin + "/data/health")
        assert page.locator("#pull").count() == 0
        page.click("main >> text=もう一つの方法で確かめる")
        page.fill("#code", served.papers[0].pop())
        page.click("#enter form button")
        page.wait_for_selector("#pull")
        assert page.url == served.origin + "/data/health"
        page.click("#pull")
        page.wait_for_selector(".own-holder")
        assert "なし" in page.inner_text("#own")


def test_a_line_of_the_history_leads_to_the_same_data(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        come_in(page, served.papers[0].pop())
        page.goto(served.origin + "/data/tax")
        page.click("#pull")
        page.wait_for_selector(".own-holder")
        page.goto(served.origin + "/history")
        page.wait_for_selector(".history-verdict")
        page.locator(".history-lines > li", has_text="同じ情報を自分で見る（税）").first.get_by_role(
            "link"
        ).first.click()
        page.wait_for_selector("#pull")
        assert page.url == served.origin + "/data/tax"


def test_an_area_is_closed_and_opened_on_its_page(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        come_in(page, served.papers[1].pop())
        page.goto(served.origin + "/data/child")
        page.click("text=この種類を閉じる")
        page.wait_for_url("**/decisions")
        assert "自己情報の一つの分野を閉じること" in page.inner_text("main")
        page.goto(served.origin + "/data/child")
        assert "閉じています" in page.inner_text("main")
        watching.look(page, "portal-closed-ja")
        page.click("text=この種類をまた開ける")
        page.wait_for_url("**/decisions")
        assert "閉じた自己情報をまた開けること" in page.inner_text("main")


def test_a_quick_exit_of_the_history_leaves_nothing_to_go_back_to(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        come_in(page, served.papers[1].pop())
        page.goto(served.origin + "/history")
        page.wait_for_selector(".history-verdict")
        for _ in range(3):
            page.keyboard.press("Escape")
        page.wait_for_url("**/memo")
        page.go_back(wait_until="load")
        assert page.locator(".history-lines").count() == 0
        page.goto(served.origin + "/history")
        assert page.url == served.origin + "/"


def test_it_works_without_script_but_for_the_history_which_says_so(served: Served) -> None:
    with eyes(served.origin, served.browser, script=False) as watching:
        page = watching.open("/")
        come_in(page, served.papers[1].pop())
        for path in ROOMS.values():
            page.goto(served.origin + path)
            assert page.locator("h1").count() == 1
        for path in ("/history", "/data/tax"):
            page.goto(served.origin + path)
            assert "JavaScript" in page.inner_text("main")
            assert "窓口" in page.inner_text("main")
        assert not page.locator("#pull").is_visible()


def test_a_first_visit_is_light(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        assert 5_000 < watching.weigh("/") < 100_000


def test_a_room_is_readable_in_large_letters_with_other_colours_and_on_paper(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        come_in(page, served.papers[1].pop())
        for path in ("/decisions", "/coverage"):
            page.goto(served.origin + path)
            watching.look_large(page, f"portal{path.replace('/', '-')}")
            watching.look_printed(page, path)


def test_one_button_raises_the_shield_and_says_what_it_does_not_do(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        come_in(page, served.papers[1].pop())
        page.goto(served.origin + "/shield")
        assert "ここでは止まらないこと" in page.inner_text("main")
        page.get_by_role("button", name="今すぐ守る").click()
        page.wait_for_selector("text=支援措置を申し出てください")
        watching.look(page, "portal-shielded-ja")
        page.goto(served.origin + "/shield")
        assert page.get_by_role("button", name="守るのをやめる").is_visible()
        watching.look(page, "portal-shield-up-ja")
