"""The commission's console in Chromium: axe-core on every page at three widths, no script, and passkeys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from console_land import People
from e2e.chromium import require
from gazette_country import altered
from kakine.parties.commission.bureau import register
from kakine.parties.commission.bureau.acts import What
from kakine.protocols.assessment import Card, Step
from kakine.protocols.breach import Kind
from web.kit import PREFIXES, chromium, eyes, listening, socket_of

from land import Land

ROOMS = (
    "overview", "gazette", "gazette/0", "stops", "acts", "assessments", "assessments/sapporo/local-tax", "counts",
    "supervision", "breaches", "breaches/1", "people", "journal",
)  # fmt: skip


@dataclass
class Served:
    origin: str
    browser: Browser
    people: People
    act: str
    second: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console with something on every page."""
    require()
    with Land.founded(tmp_path_factory.mktemp("console") / "land") as land:
        people = People.of(land)
        for j in range(3):
            land.run(land.ask(j))
        land.run(register.enter(people.bureau, people.officer, Card("sapporo", "local-tax", 300_000)))
        land.run(register.step(people.bureau, people.officer, "sapporo", "local-tax", Step.DRAFT))
        found_ms = land.clock() - 6 * 86_400_000
        land.run(
            register.open_case(people.bureau, people.inspector, "yokohama", found_ms, (Kind.INTENT,), 120)
        )
        people.sign(people.commissioner, people.stop())
        first = people.propose(altered(people.law(), "rows", "JO81.9", start=1))
        people.sign(people.commissioner, people.prepare(people.officer, What.APPROVE, about=first.digest))
        people.propose(altered(people.law(), "assessments", "PIA-sapporo-local-tax", review=30_000))
        rule = people.prepare(people.officer, What.SUNSET, number=24, further=60)
        second = people.prepare(people.officer, What.SUNSET, number=12, further=60)
        land.run(land.country.commission.count())
        socket = socket_of()
        origin = f"http://localhost:{socket.getsockname()[1]}"
        with listening(land.country.console_site(origin), land.run, socket), chromium() as browser:
            yield Served(origin, browser, people, rule.hex(), second.hex())


def enter(page: Page, served: Served, member: str, prefix: str = "") -> None:
    page.fill("#code", served.people.code(getattr(served.people, member)))
    page.click("main form button")
    page.wait_for_url(f"**{prefix}/overview")


@pytest.mark.parametrize("language", PREFIXES)
def test_every_page_is_accessible_and_fits_a_phone(served: Served, language: str) -> None:
    prefix = PREFIXES[language]
    with eyes(served.origin, served.browser) as watching:
        page = watching.open(prefix or "/")
        watching.look(page, f"console-first-{language}")
        page.goto(f"{served.origin}{prefix}/public")
        watching.look(page, f"console-public-{language}")
        page.goto(served.origin + (prefix or "/"))
        enter(page, served, "commissioner", prefix)
        for room in (*ROOMS, f"acts/{served.act}"):
            page.goto(f"{served.origin}{prefix}/{room}")
            watching.look(page, f"console-{room.replace('/', '-')[:30]}-{language}")
        watching.assert_own_origin_only()


def test_a_commissioner_signs_without_script(served: Served) -> None:
    with eyes(served.origin, served.browser, script=False) as watching:
        page = watching.open("/")
        enter(page, served, "commissioner")
        page.goto(f"{served.origin}/acts/{served.act}")
        page.fill("#code", served.people.code(served.people.commissioner))
        page.click("form[action$='/sign'] button")
        page.wait_for_selector("text=実行済み")


def test_a_passkey_is_bound_lets_in_and_signs_one_act(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        enter(page, served, "commissioner")
        page.goto(f"{served.origin}/people")
        page.fill("#bind-code", served.people.code(served.people.commissioner))
        page.click("main form[action='/people/passkey'] button")
        page.click("#with-passkey")
        page.wait_for_url("**/people")
        page.click("header form button")
        page.wait_for_selector("#with-passkey")
        page.click("#with-passkey")
        page.wait_for_url("**/overview")
        page.goto(f"{served.origin}/acts/{served.second}")
        page.click("#with-passkey")
        page.wait_for_selector("text=実行済み")
        watching.assert_own_origin_only()


def test_a_first_visit_is_light(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        assert watching.weigh("/") < 100_000


def test_rooms_are_readable_in_large_letters_with_other_colours_and_on_paper(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        enter(page, served, "observer")
        for path in ("/counts", "/public"):
            page.goto(served.origin + path)
            watching.look_large(page, f"console{path.replace('/', '-')}")
            watching.look_printed(page, path)


def test_a_chart_says_in_words_what_it_shows_and_has_its_table(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        for path in ("/public", "/counts"):
            page = watching.open("/")
            if path == "/counts":
                enter(page, served, "observer")
            page.goto(served.origin + path)
            picture = page.locator("figure.chart").first
            drawn = picture.locator("svg[role=img]")
            assert drawn.get_attribute("role") == "img"
            title, described = (drawn.get_attribute("aria-labelledby") or "").split()
            assert page.locator(f"#{title}").text_content() == picture.locator("caption").text_content()
            rows = picture.locator("tbody tr")
            numbers = [int(each) for each in rows.locator("td.number").all_text_contents()]
            assert len(numbers) == drawn.locator("rect").count() == 30
            assert f"合計{sum(numbers)}、最も多いもので{max(numbers)}" in (
                page.locator(f"#{described}").text_content() or ""
            )
            assert sum(numbers) > 0
            picture.locator("summary").press("Enter")
            assert rows.first.is_visible()
