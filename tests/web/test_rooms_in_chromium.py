"""The rooms of consents, mandates and the account in Chromium, and the tour on a first visit."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from card_maker import PIN, Roots
from e2e.chromium import require
from kakine.clients.card_helper import Helper
from kakine.contracts.login import Signer
from kakine.crypto.cards import CardCertificate
from kakine.values.calendar import in_japan
from kakine.wire.decision import LatestAllowed, LinkAllowed
from login_site import CHILDCARE, NAMES
from web.kit import Eyes, chromium, eyes, listening, socket_of
from web.portal_site import PortalLand
from web.test_portal_in_chromium import authenticator, come_in

from land import ref

RUN = "<img src=x onerror=window.ran=1>"
OWN = """() => new Promise((heard) => {
    const own = new Image();
    own.onerror = () => heard();
    own.src = "x";
})"""
"""What `RUN` would have asked for, asked for by the test: once that has failed, an earlier one has as well."""
GRANT = b"k" * 16
FAR_MS = 1_900_000_000_000


@dataclass
class Served:
    """A served portal with papers of persons 0 and 1; the card of the helper is person 0's."""

    portal: PortalLand
    origin: str
    browser: Browser
    papers: list[list[str]]

    @contextmanager
    def inside(self, j: int, prefix: str = "") -> Iterator[tuple[Eyes, Page]]:
        """A browser of its own in which person j has come in by paper."""
        with eyes(self.origin, self.browser) as watching:
            page = watching.open(prefix or "/")
            come_in(page, self.papers[j].pop(), prefix)
            yield watching, page


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require()
    roots = Roots()
    sockets = [socket_of() for _ in range(2)]
    ports = [socket.getsockname()[1] for socket in sockets]
    origin = f"http://localhost:{ports[0]}"
    folder = tmp_path_factory.mktemp("rooms") / "land"
    with PortalLand.opened(folder, origin, roots, helper=f"http://127.0.0.1:{ports[1]}") as portal:
        land = portal.site.land
        card: Signer = roots.card(land.clock())
        portal.site.give_card(0, CardCertificate(card.certificate).digest)
        papers = [[portal.site.paper(j) for _ in range(8)] for j in range(2)]
        decided = (
            (0, LatestAllowed(GRANT, CHILDCARE, ("address", "name"), "転居のお知らせ", FAR_MS)),
            (0, LatestAllowed(b"o" * 16, "insurer-members", ("name",), "古い同意", 1_000_000_000_000)),
            (0, LinkAllowed(CHILDCARE)),
            (1, LatestAllowed(b"x" * 16, RUN, (RUN[:20],), RUN, FAR_MS)),
            (1, LinkAllowed(RUN)),
        )
        for j, decision in decided:
            land.run(land.country.portal.decide_unkept(ref(j), decision))
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        helper = Helper(origin, ports[1], card, lambda _: PIN, land.clock)
        serving = listening(portal.app, portal.site.run, sockets[0])
        with serving, listening(helper.app, asyncio.run, sockets[1]), chromium() as browser:
            yield Served(portal, origin, browser, papers)


# --- consents -------------------------------------------------------------------------------------------------------


def test_a_consent_is_seen_and_withdrawn(served: Served) -> None:
    with served.inside(0) as (watching, page):
        page.goto(served.origin + "/consents")
        cards = page.locator("#consents .card")
        expect(cards).to_have_count(2)
        standing = cards.filter(has_text="横浜市 子育て申請")
        expect(standing).to_contain_text("有効です")
        expect(standing).to_contain_text("住所、氏名とふりがな")
        expect(cards.filter(has_text="古い同意")).to_contain_text("期限が過ぎました")
        expect(cards.filter(has_text="古い同意").locator("button")).to_have_count(0)
        expect(page.locator("#consents ul li", has_text="横浜市 子育て申請")).to_have_count(1)
        standing.locator("button").click()
        expect(page.locator("#withdrawing-what")).to_contain_text("横浜市 子育て申請")
        assert page.input_value("#grant") == GRANT.hex()
        page.click("#withdrawing form button")
        page.wait_for_selector("text=これからは何も伝わりません")
        watching.look(page, "portal-withdrawn-ja")
        page.click("text=同意の一覧へ戻る")
        expect(page.locator("#consents .card", has_text="子育て申請")).to_contain_text("取り消しました")
        page.goto(served.origin + "/history")
        expect(page.locator(".decision", has_text="同意を撤回")).to_have_count(1)
        watching.assert_own_origin_only()


def test_the_room_of_consents_speaks_english(served: Served) -> None:
    with served.inside(0, "/en") as (_, page):
        page.goto(served.origin + "/en/consents")
        card = page.locator("#consents .card", has_text="City of Yokohama, childcare applications")
        expect(card).to_contain_text("address, name and its reading")


def test_what_a_relying_party_writes_stays_text_in_the_room_of_consents(served: Served) -> None:
    """Purpose, items, its name; and the file of names, whoever has filled that."""
    names = json.dumps({"clients": {RUN: [RUN, RUN]}, "grounds": {}, "items": {}, "domains": {}})
    with served.inside(1) as (watching, page):
        page.route(re.compile("names.json$"), lambda route: route.fulfill(body=names))
        page.route(re.compile("/x$"), lambda route: route.fulfill(body="no picture"))
        page.goto(served.origin + "/consents")
        card = page.locator("#consents .card")
        expect(card).to_have_count(1)
        assert card.inner_text().count("<img src=x") == 4
        card.locator("button").click()
        expect(page.locator("#withdrawing-what")).to_contain_text("<img")
        page.evaluate(OWN)
        assert page.evaluate("window.ran ?? 0") == 0
        assert page.locator("#consents :is(script, img, iframe, form, input)").count() == 0
        watching.assert_own_origin_only()


def test_a_list_that_does_not_hold_shows_no_consent(served: Served) -> None:
    """A portal server that leaves something out of its answer, and says nothing."""
    with served.inside(0) as (_, page):

        def shortened(route: object) -> None:
            answer = route.fetch()  # type: ignore[attr-defined]
            route.fulfill(response=answer, body=answer.body()[:-1])  # type: ignore[attr-defined]

        page.route("**/history/read", shortened)
        page.goto(served.origin + "/consents")
        page.wait_for_selector(".history-verdict.bad")
        assert page.locator("#consents .card").count() == 0


# --- mandates -------------------------------------------------------------------------------------------------------


def drawn(page: Page, served: Served) -> str:
    """The code that is drawn in this visit."""
    page.goto(served.origin + "/mandates")
    page.click("text=番号を出す")
    return page.inner_text("#code")


def gives(page: Page, served: Served, code: str) -> None:
    """As far as the page after it."""
    page.goto(served.origin + "/mandates")
    page.fill("#code", code)
    page.click("text=名前を確かめる")
    assert page.inner_text("#called") == NAMES[1]
    page.check("text=あなたの履歴を読むこと")
    today = in_japan(served.portal.site.land.clock()).date()
    page.fill("#last", (today + timedelta(days=30)).isoformat())
    page.click("main form button")
    page.wait_for_url("**/decisions")


def test_a_mandate_is_given_by_card_and_passkey_and_waits(served: Served) -> None:
    with served.inside(1) as (_, theirs), served.inside(0) as (watching, page):
        authenticator(watching.context, page)
        page.goto(served.origin + "/ways")
        page.click("#create")
        page.wait_for_url("**/decisions")
        page.click("text=ログアウト")
        page.click("#card")
        page.wait_for_selector("#held")
        page.goto(served.origin + "/mandates")
        assert page.locator("form[action='/mandates/whom']").count() == 0
        page.goto(served.origin + "/again")
        page.click("#passkey")
        page.wait_for_url("**/mandates")
        gives(page, served, drawn(theirs, served))
        expect(page.locator(".card", has_text="代理を頼む")).to_contain_text("待っています")
        theirs.goto(served.origin + "/mandates")
        expect(theirs.locator(".card", has_text="待っています")).to_have_count(1)
        assert theirs.locator("text=この人の履歴を読む").count() == 0
        page.locator(".card", has_text="代理を頼む").get_by_role("button", name="取り消す").click()
        expect(page.locator(".card", has_text="代理を頼む")).to_contain_text("取り消しました")
        theirs.goto(served.origin + "/mandates")
        assert theirs.locator(".card").count() == 0


def test_a_mandate_is_taken_up_in_another_browser_used_in_sight_and_ended(served: Served) -> None:
    with served.inside(1) as (watching, theirs), served.inside(0) as (own, page):
        code = drawn(theirs, served)
        watching.look(theirs, "portal-mandate-code-ja")
        page.goto(served.origin + "/mandates")
        page.fill("#code", code)
        page.click("text=名前を確かめる")
        own.look(page, "portal-mandate-give-ja")
        gives(page, served, code)
        theirs.goto(served.origin + "/mandates")
        watching.look(theirs, "portal-mandates-held-ja")
        theirs.click("text=この人の履歴を読む")
        expect(theirs.locator("h1")).to_have_text(f"{NAMES[0]}さんの履歴")
        theirs.wait_for_selector(".history-verdict")
        assert theirs.locator(".history-verdict.bad").count() == 0
        assert theirs.locator(".history-lines > li").count() > 3
        watching.look(theirs, "portal-mandate-history-ja")
        page.goto(served.origin + "/history")
        expect(page.locator(".acted", has_text="代理人による: 本人が任せた人")).to_have_count(1)
        page.goto(served.origin + "/mandates")
        own.look(page, "portal-mandates-given-ja")
        page.click("text=すぐに終わらせる")
        expect(page.locator("main")).to_contain_text("だれにも任せていません")
        theirs.reload()
        expect(theirs.locator("main")).to_contain_text("mandate-not-in-force")
        own.assert_own_origin_only()


# --- the account ----------------------------------------------------------------------------------------------------


def test_an_account_is_changed_with_what_was_wrong_said_beside_the_field_and_undone(served: Served) -> None:
    with served.inside(0) as (watching, page):
        page.goto(served.origin + "/account")
        said = {"bank_code": "０００５", "branch_code": "12", "account_number": "7654321"}
        for name, value in {**said, "holder_kana": "ﾜﾀﾅﾍﾞ ﾊﾅｺ"}.items():
            page.fill(f"#{name}", value)
        page.select_option("#account_kind", "ordinary")
        page.click("text=この口座に変える")
        expect(page.locator("#branch_code-wrong")).to_contain_text("3けたの数字")
        assert page.locator(".field .wrong").count() == 1
        assert page.input_value("#bank_code") == "0005"
        assert page.input_value("#holder_kana") == "ワタナベ ハナコ"
        watching.look(page, "portal-account-wrong-ja")
        page.fill("#branch_code", "123")
        page.click("text=この口座に変える")
        act = page.locator(".card", has_text="0005-123 ****321")
        expect(act).to_contain_text("待っています")
        watching.look(page, "portal-account-waiting-ja")
        act.get_by_role("button", name="取り消す").click()
        page.wait_for_url("**/decisions")
        expect(page.locator(".card", has_text="0005-123 ****321")).to_contain_text("取り消しました")


# --- the tour -------------------------------------------------------------------------------------------------------


def test_the_tour_is_shown_once_in_a_browser_and_told_to_nobody(served: Served) -> None:
    with served.inside(1) as (watching, page):
        page.wait_for_load_state("load")
        assert page.locator("#tour li").count() == 3
        assert page.locator("#tour").is_visible()
        watching.look(page, "portal-tour-first-ja")
        asked = len(watching.asked)
        page.click("#tour-read")
        assert page.locator("#tour").is_hidden()
        assert watching.asked[asked:] == []
        page.goto(served.origin + "/")
        assert page.locator("#tour").is_hidden()
        page.click("#tour-link a")
        page.wait_for_url("**/tour")
        assert page.locator("main li").count() == 3


def test_the_rooms_work_without_script(served: Served) -> None:
    with eyes(served.origin, served.browser, script=False) as watching:
        page = watching.open("/")
        come_in(page, served.papers[1].pop())
        assert page.locator("#tour").is_hidden()
        page.click("#tour-link a")
        assert page.locator("main li").count() == 3
        page.goto(served.origin + "/consents")
        assert "JavaScript" in page.inner_text("main")
        page.fill("#grant", "7a" * 16)
        page.click("#withdrawing form button")
        expect(page.locator("h1")).to_have_text("同意を取り消しました")
        assert drawn(page, served).count("-") == 3
