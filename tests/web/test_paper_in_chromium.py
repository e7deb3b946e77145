"""Copies, prints and the yearly letter made in Chromium out of a verified history; the portal hears nothing of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page
from starlette.types import ASGIApp, Receive, Scope, Send

from e2e.chromium import require
from kakine.contracts.registry import ACQUIRE, Acquire, ByNumber, Wanted
from kakine.protocols.verification import verify
from kakine.values.calendar import in_japan
from kakine.values.labels import PartyName
from kakine.wire.scanned import read_scans
from login_site import BIRTHS
from web.kit import PREFIXES, Eyes, chromium, eyes, listening, socket_of
from web.portal_site import PortalLand

from land import CHILDREN, TAX, ref

UNIT = "とてもめずらしい係"
HOSTILE = "<img src=x onerror=window.ran=1><script>window.ran=1</script>\u202e"


PRINT_HOSTILE = """async ([module, hostile]) => {
    const { historySheet, yearSheet } = await import(module);
    const line = {
        time: Date.now(), requester: hostile, recipient: hostile, ground: hostile, rows: [hostile], items: [hostile],
        result: hostile, origin: hostile, index: 1, kind: "request", held: [],
    };
    const reading = {
        lines: [line], erased: [], complete: false, public: false, verified: 1, provisional: 0,
        keepers: 0, witnesses: 0,
    };
    const names = { domains: { [hostile]: [hostile, hostile] } };
    const of = { language: "ja", names, nowMs: Date.now(), codes: false };
    const year = new Date().getFullYear();
    const sheets = [await historySheet(reading, of), yearSheet(reading, { ...of, year })];
    document.getElementById("main").append(...sheets);
    await new Promise((go) => setTimeout(go, 50));
    const elements = sheets.map((each) => each.querySelectorAll("img, script").length);
    return [window.ran ?? 0, elements, sheets[0].textContent];
}"""
EXPIRING = """async ([module, until]) => {
    const { expiring } = await import(module);
    const entry = (month) => "0".repeat(8) + month.toString(16).padStart(4, "0") + "0".repeat(148);
    const line = (month, held = []) => ({ held, entry: entry(month) });
    const reading = { lines: [line(until), line(until), line(until + 9), line(until, ["court"])] };
    const end = Date.UTC(2000, until + 1, 1);
    return [61, 59].map((days) => expiring(reading, end - days * 86400000));
}"""
ROOM = "document.querySelector('script[src$=\"room.js\"]').src"


@dataclass
class Heard:
    """The portal's site, and every byte that a browser has sent to it."""

    inner: ASGIApp
    bytes: bytearray = field(default_factory=bytearray)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bytes += repr((scope.get("path"), scope.get("query_string"), scope.get("headers"))).encode()

        async def heard() -> Any:
            message = await receive()
            self.bytes += message.get("body", b"")
            return message

        await self.inner(scope, heard, send)


@dataclass
class Served:
    portal: PortalLand
    heard: Heard
    origin: str
    browser: Browser
    folder: Path
    papers: list[str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require()
    socket = socket_of()
    origin = f"http://localhost:{socket.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("paper") / "land"
    with PortalLand.opened(folder, origin) as portal:
        land = portal.site.land
        for domain in (CHILDREN, TAX):
            wanted = [Wanted(ref(0), ByNumber(portal.site.numbers[0], BIRTHS[0]))]
            land.run(
                land.country.peers("yokohama").ask(PartyName("registry"), ACQUIRE, Acquire(domain, wanted))
            )
        land.run(land.put_tax([0]))
        land.run(land.ask(0, unit=UNIT))
        papers = [portal.site.paper(0) for _ in range(8)]
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        heard = Heard(portal.app)
        with listening(heard, portal.site.run, socket), chromium() as browser:
            yield Served(portal, heard, origin, browser, folder, papers)


def at_history(served: Served, watching: Eyes, prefix: str = "") -> Page:
    page = watching.open(prefix or "/")
    page.fill("#code", served.papers.pop())
    page.click("#enter form button")
    page.goto(f"{served.origin}{prefix}/history")
    page.wait_for_selector(".take-home")
    return page


def saved(page: Page, name: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return Path(waiting.value.path()).read_bytes()


def codes_in(page: Page, at: int) -> list[str]:
    """What a camera sees of the codes of one line."""
    found = []
    for figure in page.locator(".sheet .coded").nth(at).locator("svg").all():
        picture = Image.open(io.BytesIO(figure.screenshot()))
        found += [
            each.text
            for each in zxingcpp.read_barcodes(picture.resize((picture.width * 2, picture.height * 2)))
        ]
    return found


def test_a_history_is_saved_and_printed_and_the_portal_hears_and_keeps_nothing_of_it(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = at_history(served, watching)
        before = len(served.heard.bytes)
        plain = json.loads(saved(page, "JSON で保存"))
        table = saved(page, "表計算用（CSV）で保存").decode().removeprefix("\ufeff")
        assert [row["entry"] for row in csv.DictReader(io.StringIO(table))] == [
            each["entry"] for each in plain["lines"]
        ]
        line = next(each for each in plain["lines"] if each["unit"] == UNIT)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.get_by_role("button", name="履歴を印刷する").click()
        page.wait_for_selector(".sheet .coded")
        assert page.locator(".sheet tbody tr").count() == len(plain["lines"])
        texts = codes_in(page, plain["lines"].index(line))
        scans = read_scans("\n".join(texts))
        assert scans.receipt is not None
        policy = page.request.get(f"{served.origin}/paper/policy.txt").body()
        verdict = verify(policy, scans.receipt, scans.record)
        assert verdict.good
        assert verdict.shown.values()["unit"] == UNIT
        page.get_by_role("button", name="印刷をやめる").click()
        page.get_by_role("button", name="年次のお知らせを作る").click()
        assert "提供されました" in page.inner_text(".sheet")
        sent = bytes(served.heard.bytes[before:])
        watching.assert_own_origin_only()
    telling = [UNIT, line["exchange"], line["entry"], line["case"] or "-" * 40, *texts]
    stores = b"".join(path.read_bytes() for path in served.folder.rglob("portal.sqlite*"))
    assert len(stores) > 1000
    for secret in telling:
        forms = [
            secret.encode(),
            *([bytes.fromhex(secret)] if set(secret) <= set("0123456789abcdef") else []),
        ]
        for form in forms:
            assert form not in sent
            assert form not in stores
    assert b"POST" not in sent


def test_only_the_sheet_is_printed_on_a4_and_large_print_is_larger(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = at_history(served, watching)
        page.uncheck("#take-codes")
        sizes = []
        for large in (False, True):
            page.set_checked("#take-large", large)
            page.get_by_role("button", name="履歴を印刷する").click()
            page.wait_for_selector(".sheet table")
            watching.look(page, f"portal-sheet-{'large' if large else 'small'}-ja")
            page.emulate_media(media="print")
            assert not page.locator("header.top").is_visible()
            assert not page.locator(".history-verdict").is_visible()
            assert not page.get_by_role("button", name="印刷する", exact=True).is_visible()
            assert page.locator(".sheet h2").is_visible()
            sizes.append(len(page.pdf(prefer_css_page_size=True)) and float(page.evaluate(
                "parseFloat(getComputedStyle(document.querySelector('.sheet')).fontSize)"
            )))  # fmt: skip
            page.emulate_media(media="screen")
            page.get_by_role("button", name="印刷をやめる").click()
        assert sizes[1] > 1.5 * sizes[0]


def test_whatever_an_agency_writes_stays_text_in_a_print(served: Served) -> None:
    """A reading in which every text is hostile, given to the modules that print."""
    with eyes(served.origin, served.browser) as watching:
        page = at_history(served, watching)
        module = page.evaluate(ROOM).replace("room.js", "history/sheet.js")
        said = page.evaluate(PRINT_HOSTILE, [module, HOSTILE])
        assert said[:2] == [0, [0, 0]]
        assert "<script>window.ran=1</script>\\u{202e}" in said[2]
        assert "\u202e" not in said[2]
        assert "不完全です" in said[2]


@pytest.mark.parametrize("language", PREFIXES)
def test_letters_look_on_a_click_only_and_say_what_the_device_finds(served: Served, language: str) -> None:
    prefix = PREFIXES[language]
    with eyes(served.origin, served.browser) as watching:
        page = watching.open(prefix or "/")
        page.fill("#code", served.papers.pop())
        page.click("#enter form button")
        page.goto(f"{served.origin}{prefix}/letters")
        assert not any(url.endswith("/history/read") for url in watching.asked)
        page.click("#own-letters-look")
        page.wait_for_selector("#own-letters .history-verdict")
        assert page.locator("#own-letters .history-lines").count() == 0
        assert page.locator("#own-letters > p").count() == 1
        watching.look(page, f"portal-letters-looked-{language}")
        watching.assert_own_origin_only()


def test_records_that_go_within_sixty_days_are_named_with_a_way_to_keep_them(served: Served) -> None:
    """The same page, whose clock is put forward to two months before the first record goes."""
    with eyes(served.origin, served.browser) as watching:
        page = at_history(served, watching)
        assert page.locator(".expiring").count() == 0
        module = page.evaluate(ROOM).replace("room.js", "history/take_home.js")
        now = in_japan(served.portal.site.land.clock())
        said = page.evaluate(EXPIRING, [module, (now.year - 2000) * 12 + 90])
        assert said[0] is None
        assert said[1]["count"] == 2


def test_a_signed_page_is_saved_from_the_room_of_paper(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        page.fill("#code", served.papers.pop())
        page.click("#enter form button")
        page.goto(f"{served.origin}/paper")
        watching.look(page, "portal-paper-ja")
        page.check("input[value=ways]")
        assert saved(page, "署名した PDF を作る").startswith(b"%PDF-")
        watching.assert_own_origin_only()
