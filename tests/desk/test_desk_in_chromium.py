"""The desk in Chromium: axe-core in three languages and widths, a passkey, two clerks at one and at two browsers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from desk_land import INCOME, PASSPHRASE, DeskLand
from e2e.chromium import PATIENCE_MS, require
from kakine.crypto.passkeys import Site
from kakine.parties.gateway.desk.office import Rules
from kakine.parties.gateway.desk.people_store import Staff, Use
from kakine.parties.gateway.desk_site import site
from web.kit import PREFIXES, Eyes, chromium, eyes, listening, socket_of

LOGINS = 10
"""Logins of each clerk that are prepared: while the site is served, its loop takes no other work."""


@dataclass
class Served:
    """A desk on a port, with codes for its people and applications of persons 0 to 3 for each of `prefixes`."""

    origin: str
    browser: Browser
    land: DeskLand
    enrolments: dict[str, str] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    turn: int = 0

    def application(self) -> tuple[str, str]:
        """(number, reference) of an application that had no case yet."""
        self.turn += 1
        return f"{self.land.prefix}-{self.turn}", "ref-0"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require()
    socket = socket_of()
    origin = f"http://localhost:{socket.getsockname()[1]}"
    with DeskLand.founded(tmp_path_factory.mktemp("desk") / "land", Rules(review_one_in=1)) as land:
        land.desk.site = Site(origin, "localhost")
        land.prefix = "C"
        land.report_many(30)
        app = site(land.desk).app()
        codes = dict[str, list[str]]()
        for person in (land.hana, land.taro, land.chief, land.admin):
            land.shift_of(person)
            codes[person.official] = land.many_codes(person, LOGINS)
        enrolments = {land.other.official: land.paper(land.other, Use.ENROL)}
        note = "頼んでいません。\n" + "w" * 200 + "\u202e"
        claims = {
            name: land.claim(bytes([at]) * 16, note=note, items=("TK-0002", "TK-0003"))
            for at, name in enumerate(PREFIXES)
        }
        land.claim(b"l" * 16, days=20)
        with chromium() as browser, listening(app, land.run, socket):
            yield Served(origin, browser, land, enrolments, codes, claims)


def log_in(served: Served, page: Page, person: Staff, prefix: str = "") -> None:
    page.goto(served.origin + (prefix or "/"))
    page.fill("#code", served.codes[person.official].pop())
    page.fill("#passphrase", PASSPHRASE)
    page.click("main form button")
    page.wait_for_url(lambda url: not url.endswith("/code"))
    assert page.locator(".rooms .me").inner_text().startswith(person.name)


def open_case(served: Served, page: Page, prefix: str = "") -> str:
    application, reference = served.application()
    page.goto(f"{served.origin}{prefix}/cases")
    page.select_option("#procedure", "JO106")
    page.fill("#application", application)
    page.fill("#day", "2026-04-01")
    page.fill("#reference", reference)
    page.click("main form button")
    page.wait_for_url("**/cases/2*")
    return page.url.rpartition("/")[2]


def ask(page: Page) -> None:
    page.select_option("#provider-JO106\\.2", "yokohama/tax")
    page.click("button:has-text('JO106.2')")
    page.wait_for_url("**/answers/*")


@pytest.fixture
def context(served: Served) -> Iterator[BrowserContext]:
    with served.browser.new_context(locale="ja-JP") as made:
        made.set_default_timeout(PATIENCE_MS)
        yield made


@pytest.mark.parametrize("language", PREFIXES)
def test_every_page_is_accessible_and_fits_a_phone(served: Served, language: str) -> None:
    prefix = PREFIXES[language]
    with eyes(served.origin, served.browser) as watching:
        page = watching.page()
        page.goto(served.origin + (prefix or "/"))
        watching.look(page, f"desk-login-{language}")
        page.goto(f"{served.origin}{prefix}/enrol")
        watching.look(page, f"desk-enrol-{language}")
        log_in(served, page, served.land.hana, prefix)
        watching.look(page, f"desk-cases-{language}")
        number = open_case(served, page, prefix)
        watching.look(page, f"desk-case-{language}")
        ask(page)
        watching.look(page, f"desk-answer-{language}")
        page.goto(f"{served.origin}{prefix}/cases/{number}/print")
        watching.look(page, f"desk-print-{language}")
        _others(served, watching, page, language)
        watching.assert_own_origin_only()


def _others(served: Served, watching: Eyes, page: Page, language: str) -> None:
    prefix = PREFIXES[language]
    for person, room in ((served.land.chief, "room"), (served.land.admin, "people")):
        page.click("header .leave button")
        log_in(served, page, person, prefix)
        page.goto(f"{served.origin}{prefix}/{room}")
        watching.look(page, f"desk-{room}-{language}")
        page.goto(f"{served.origin}{prefix}/journal")
        watching.look(page, f"desk-journal-{room}-{language}")
        if room == "room":
            _claims(served, watching, page, language)


def _claims(served: Served, watching: Eyes, page: Page, language: str) -> None:
    """One that waits and one that is late are listed; one is read and answered by the form."""
    page.goto(f"{served.origin}{PREFIXES[language]}/claims")
    watching.look(page, f"desk-claims-{language}")
    page.locator(f"a[href$='{served.claims[language]}']").click()
    page.wait_for_selector("#words")
    watching.look(page, f"desk-claim-{language}")
    page.check("input[value=explained]")
    page.fill("#words", "申請を受けました\n" + "あ" * 80)
    page.click("main form button")
    page.wait_for_url("**/claims")
    page.locator(f"a[href$='{served.claims[language]}']").click()
    page.wait_for_selector(".said + .buttons")
    assert "申請を受けました あああ" in page.inner_text("main")
    watching.look(page, f"desk-claim-answered-{language}")


def test_it_works_without_script(served: Served) -> None:
    with served.browser.new_context(java_script_enabled=False, locale="ja-JP") as context:
        page = context.new_page()
        log_in(served, page, served.land.taro)
        open_case(served, page)
        ask(page)
        assert f"{INCOME:,}円" in page.inner_text("main")


def test_a_print_has_the_answers_and_no_buttons(served: Served, context: BrowserContext) -> None:
    page = context.new_page()
    log_in(served, page, served.land.taro)
    number = open_case(served, page)
    ask(page)
    page.goto(f"{served.origin}/cases/{number}/print")
    page.emulate_media(media="print")
    assert page.locator("dt", has_text="合計所得金額").is_visible()
    for hidden in ("header .leave button", ".rooms", "footer", ".screen"):
        assert not page.locator(hidden).first.is_visible(), hidden


def test_a_passkey_of_the_device_enrols_and_logs_in(served: Served, context: BrowserContext) -> None:
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    page.goto(served.origin + "/enrol")
    page.fill("#code", served.enrolments.pop(served.land.other.official))
    page.click("main form button")
    page.wait_for_url("**/enrol/way")
    page.click("#new-passkey")
    page.wait_for_url("**/cases")
    page.click("header .leave button")
    page.wait_for_load_state("load")  # what the button does is there with the page's script
    page.click("#passkey")
    page.wait_for_url("**/cases")
    assert served.land.other.name in page.inner_text(".rooms")


def test_two_clerks_at_two_browsers_do_not_meet(served: Served, context: BrowserContext) -> None:
    with served.browser.new_context(locale="ja-JP") as other:
        hers, his = context.new_page(), other.new_page()
        log_in(served, hers, served.land.hana)
        log_in(served, his, served.land.taro)
        first, second = open_case(served, hers), open_case(served, his)
        for page, own, foreign in ((hers, first, second), (his, second, first), (hers, first, second)):
            page.goto(served.origin + "/cases")
            assert own in page.inner_text("main")
            assert foreign not in page.inner_text("main")
            page.goto(f"{served.origin}/cases/{foreign}")
            assert page.inner_text("#problem") == "case-unknown"


def test_one_terminal_starts_clean_for_the_next_clerk(served: Served, context: BrowserContext) -> None:
    """Hana leaves a second tab open and logs out; Taro logs in; neither the old tab nor going back shows anything."""
    page, left = context.new_page(), context.new_page()
    log_in(served, page, served.land.hana)
    number = open_case(served, page)
    ask(page)
    answer = page.url
    left.goto(f"{served.origin}/cases/{number}")
    page.click("header .leave button")
    page.wait_for_selector("#passphrase")
    page.go_back(wait_until="load")
    assert f"{INCOME:,}" not in page.content()
    log_in(served, page, served.land.taro)
    for _ in range(3):
        page.go_back(wait_until="load")
        assert f"{INCOME:,}" not in page.content()
        assert number not in page.content()
    page.goto(answer)
    assert page.inner_text("#problem") == "case-unknown"
    left.select_option("#provider-JO106\\.2", "yokohama/tax")
    left.click("button:has-text('JO106.2')")
    left.wait_for_selector("#problem")
    assert left.inner_text("#problem") == "form-unfit"
    left.go_back(wait_until="load")
    assert "ref-0" not in left.content()
    page.goto(served.origin + "/")
    page.click("header .leave button")
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    assert context.cookies(served.origin) == [] or all(
        each["value"] not in page.content() for each in context.cookies(served.origin)
    )


def test_a_first_visit_is_light(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        assert 5_000 < watching.weigh("/") < 100_000


def test_a_case_is_readable_in_large_letters_with_other_colours_and_on_paper(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.page()
        log_in(served, page, served.land.hana)
        open_case(served, page)
        watching.look_large(page, "desk-case")
        watching.look_printed(page, "desk-case")
