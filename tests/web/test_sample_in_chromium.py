"""Every component in Chromium: axe-core, narrow screens, no script, weight, nobody else asked, quick exit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from e2e.chromium import require
from kakine.web.site import Settings
from web.kit import PREFIXES, chromium, eyes, listening, run_once, socket_of
from web.sample import sample

from land import Clock, Entropy


@dataclass
class Served:
    origin: str
    browser: Browser


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    require()
    socket = socket_of()
    origin = f"http://127.0.0.1:{socket.getsockname()[1]}"
    site = sample(Settings(origin, "kakine-sample", Clock(), Entropy(b"served")))
    with listening(site.app(), run_once, socket), chromium() as browser:
        yield Served(origin, browser)


def enter(page: Page, prefix: str) -> None:
    page.fill("#name", "<b>花子</b>")
    page.click("main button")
    page.wait_for_url(f"**{prefix}/parts")


@pytest.mark.parametrize("language", PREFIXES)
def test_every_component_is_accessible_and_fits_a_phone(served: Served, language: str) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open(PREFIXES[language] or "/")
        watching.look(page, f"sample-first-{language}")
        enter(page, PREFIXES[language])
        watching.look(page, f"sample-parts-{language}")
        watching.assert_own_origin_only()


def test_it_works_without_script_and_with_letters_twice_as_large(served: Served) -> None:
    with eyes(served.origin, served.browser, script=False) as watching:
        page = watching.open("/")
        enter(page, "")
        page.fill("#word", "ことば")
        page.select_option("#which", "b")
        page.click("#keep button")
        assert page.inner_text("main p") == "ことば"
        page.goto(served.origin + "/parts")
        page.click("#away button")
        page.wait_for_url("**/memo")


def test_large_letters_do_not_push_the_page_sideways(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        enter(page, "")
        page.set_viewport_size({"width": 640, "height": 800})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_a_first_visit_is_light(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        assert 5_000 < watching.weigh("/") < 100_000


def test_the_keyboard_reaches_the_content_first_and_sees_where_it_is(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("how", ["button", "keys"])
def test_a_quick_exit_leaves_nothing_to_go_back_to(served: Served, how: str) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = watching.open("/")
        enter(page, "")
        if how == "button":
            page.click("#away button")
        else:
            for _ in range(3):
                page.keyboard.press("Escape")
        page.wait_for_url("**/memo")
        page.go_back(wait_until="load")
        assert "花子" not in page.content()
        page.goto(served.origin + "/parts")
        assert page.url == served.origin + "/"
