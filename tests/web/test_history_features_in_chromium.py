"""What the history page makes of a reading: chains as one story, what one way in does not show, the law of that day.

The page's own functions, in Chromium, over readings made here; where readings come from is in
test_history_in_chromium.py.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

from e2e.chromium import require
from kakine.protocols.own_data import SENSITIVE
from kakine.protocols.words import words_of
from kakine.web.site import Settings
from web.kit import assert_accessible, chromium, eyes, listening, run_once, socket_of
from web.sample import sample

from land import Clock, Entropy, pack

DAY = 86_400_000
NOW = 1_800_000_000_000


@dataclass
class Shown:
    """A page of our own origin with the history's modules at hand."""

    page: Page
    base: str

    def show(self, lines: list[dict[str, Any]], **more: Any) -> None:
        """Lines as they come out of a reading, shown as the page does."""
        told = {"lines": lines, "names": json.loads(words_of(pack())), "nowMs": NOW, **more}
        self.page.evaluate(SHOW, [self.base, told])

    def verdict(self) -> str:
        return self.page.inner_text(".history-verdict")

    def details(self, at: int) -> str:
        """What stands under a line, opened."""
        self.page.click(f"#line-{at} summary")
        self.page.wait_for_selector(f"#line-{at} dl")
        return self.page.inner_text(f"#line-{at} details")


SHOW = """async ([base, told]) => {
    const { show } = await import(`${base}/view.js`);
    const { withoutQuiet } = await import(`${base}/quiet.js`);
    const reading = {
        erased: [], complete: true, public: true, keepers: 2, witnesses: 8, verified: told.lines.length,
        provisional: told.provisional ?? 0, sealed: told.sealed ?? "0", stale: {}, accused: {}, doubts: {}, grown: {},
        hidden: {}, fingerprint: "f", logs: [{ origin: "log", final: [] }], lines: told.lines, files: { rows: [] },
    };
    const root = document.createElement("div");
    const head = document.createElement("h1");
    head.textContent = "History";
    document.querySelector("main").replaceChildren(head, root);
    const { again = "" } = told;
    const shown = again === "" ? reading : withoutQuiet(reading, told.names);
    const usual = told.usual ? { ...told.usual, tasks: new Map(told.usual.tasks) } : null;
    show(root, shown, {
        language: "en", names: told.names, nowMs: told.nowMs, visited: null, again, usual,
        versions: told.versions ?? [], act: {},
    });
}"""


def line(at: int, **more: Any) -> dict[str, Any]:
    """A request like any other, number `at` of the list."""
    month = 12 * 27 + at % 12
    plain = {
        "time": NOW - DAY * (30 - at), "rows": ["JO106.2"], "items": ["TK-0002"], "channel": 2, "index": at,
        "entry": "00" * 4 + f"{month:04x}" + "00" * 74, "answered": NOW, "sealedUntil": 0, "held": [],
        "witnessed": True, "disputed": False, "parent": "", "requester": "yokohama/tax", "recipient": "sapporo/tax",
        "ground": "JO106", "unit": "unit", "official": "o-1", "result": "delivered", "case": "", "xid": f"x{at}",
        "origin": "log", "kind": "request",
    }  # fmt: skip
    return {**plain, **more}


@pytest.fixture(scope="module")
def page() -> Iterator[Shown]:
    require()
    socket = socket_of()
    origin = f"http://localhost:{socket.getsockname()[1]}"
    site = sample(Settings(origin, "kakine-sample", Clock(), Entropy(b"features")))
    with listening(site.app(), run_once, socket), chromium() as browser, eyes(origin, browser) as watching:
        yield Shown(watching.open("/en"), f"{site.assets.prefix}/history")


# --- 1, 4, 22, 26 ---------------------------------------------------------------------------------------------------


def test_a_request_that_nobody_answered_says_so(page: Shown) -> None:
    page.show([line(0, result="", answered=None)])
    assert "delivery not confirmed" in page.page.inner_text("#line-0 .result")
    assert "outcome confirmed" not in page.details(0)


def test_a_line_has_its_article_its_authorisation_and_the_gazette_of_that_day(page: Shown) -> None:
    versions = [[0, NOW - DAY * 400], [1, NOW - DAY * 29 - 1000], [2, NOW - DAY]]
    page.show([line(0), line(1), line(29), line(2, time=NOW - DAY * 500)], versions=versions)
    told = page.details(1)
    procedure = next(each for each in pack().procedures.values() if each.id == "JO106")
    assert procedure.article in told
    assert procedure.en in told
    assert "JO106.2 (since " in told
    assert "no. 1, in force since" in told
    assert "no. 0, in force since" in page.details(0)
    assert "no. 2, in force since" in page.details(2)
    assert "in force since" not in page.details(3)


def test_public_counts_of_what_is_sealed_stand_beside_every_list(page: Shown) -> None:
    page.show([line(0)], sealed="12")
    assert "Sealed for a time in the whole country so far: 12 records" in page.verdict()


@pytest.mark.parametrize(("days", "warned"), [(59, True), (61, False)])
def test_sixty_days_before_a_record_is_erased_the_page_says_so(page: Shown, days: int, warned: bool) -> None:
    ends_ms = NOW // DAY * DAY
    first = datetime.datetime.fromtimestamp(ends_ms / 1000, datetime.UTC).replace(day=1)
    month = (first.year - 2000) * 12 + first.month - 1
    over = (first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
    entry = "00" * 4 + f"{month:04x}" + "00" * 74
    page.show([line(0, entry=entry)], nowMs=int(over.timestamp() * 1000) - days * DAY)
    assert ("will be erased about" in page.details(0)) is warned


# --- 6 --------------------------------------------------------------------------------------------------------------


def test_exchanges_that_followed_from_each_other_are_one_story(page: Shown) -> None:
    """From the application on, in the order of what led to what; in words and links, nothing but lists."""
    lines = [line(0), line(1, parent="x0"), line(2), line(3, parent="x1"), line(4, parent="x0")]
    page.show(lines)
    page.details(3)
    story = page.page.locator("#line-3 .story")
    links = [each.get_attribute("href") for each in story.locator("a").all()]
    assert links == ["#line-0", "#line-1", "#line-3", "#line-4"]
    assert story.locator("[aria-current=true]").get_attribute("href") == "#line-3"
    assert "what the organisation that asked has written" in page.page.inner_text("#line-3 details")
    page.details(2)
    assert page.page.locator("#line-2 .story").count() == 0
    assert_accessible(page.page, "history-story")


def test_no_parent_that_an_agency_writes_hangs_the_page(page: Shown) -> None:
    """Its own number, a circle, a number that is not there, one that many have, and a chain of four hundred."""
    odd = [line(0, parent="x0"), line(1, parent="x2"), line(2, parent="x1"), line(3, parent="none")]
    many = [line(at, parent=f"x{at - 1}", time=NOW - DAY) for at in range(5, 405)]
    page.show([*odd, line(4, xid="x0"), *many])
    assert page.page.locator(".history-lines > li").count() == 405
    for at in (0, 1, 2, 3):
        page.details(at)
    page.details(404)
    assert page.page.locator("#line-404 .story a").count() >= 400


# --- 17 -------------------------------------------------------------------------------------------------------------

USUAL = {
    "first": 26 * 12 + 7,
    "last": 26 * 12 + 9,
    "tasks": [
        [
            "JO106",
            [
                {"row": "JO106.1", "item": "TK-0001", "share": "usual"},
                {"row": "JO106.2", "item": "TK-0002", "share": "usual"},
                {"row": "JO106.3", "item": "TK-0003", "share": "sometimes"},
                {"row": "JO106.4", "item": "TK-0004", "share": "seldom"},
            ],
        ]
    ],
}


def test_a_line_says_in_words_how_usual_what_was_asked_is(page: Shown) -> None:
    lines = [line(0), line(1, rows=["JO106.3", "JO106.4"])]
    page.show(lines, usual=USUAL)
    told = page.details(0)
    assert "[JO106.2]: usually asked under this task (at least nine people for every ten" in told
    assert "seldom" not in told.replace("Seldom asked does not mean wrong.", "")
    told = page.details(1)
    assert "[JO106.3]: sometimes asked under this task (between one and nine people for every ten" in told
    assert "[JO106.4]: seldom asked under this task (at most one person for every ten" in told
    often = page.page.inner_text("#line-1 .usual li:last-child")
    assert often.startswith("Usually asked under this task: ")
    assert [row in often for row in ("[JO106.1]", "[JO106.2]", "[JO106.3]")] == [True, True, False]
    assert "from August 2026 to October 2026" in told
    assert "Compared on this device alone" in told
    assert_accessible(page.page, "history-usual")


def test_where_nothing_is_known_of_a_row_nothing_is_said(page: Shown) -> None:
    page.show([line(0, rows=["JO106.9"]), line(1, ground="OTHER"), line(2, rows=[])], usual=USUAL)
    assert not any("usual" in page.details(at).lower() for at in (0, 1, 2))
    page.show([line(0)])
    assert "usual" not in page.details(0).lower()


# --- 20 -------------------------------------------------------------------------------------------------------------


def test_one_way_in_shows_no_record_of_a_sensitive_kind_and_claims_nothing(page: Shown) -> None:
    """By item, by who asked, by who answered; what follows from such a record too. No number says that one is gone."""
    lines = [
        line(0),
        line(1, items=["TK-0002", _health()]),
        line(2, recipient="prefecture/welfare", items=[]),
        line(3, requester="insurer/members-site", items=[]),
        line(4, parent="x2"),
        line(5, parent="x4"),
        line(6),
    ]
    page.show(lines, again="/again", provisional=2)
    assert page.page.locator(".history-lines > li").count() == 2
    folded = page.verdict()
    assert "Checked. Shown here are the kinds of records for which one way in is enough." in folded
    assert not any(word in folded for word in ("Complete", "of 7", "7", "provisional", "record keepers"))
    page.show([line(0), line(6)], again="/again")
    assert page.verdict() == folded, "a list from which nothing was left out says the same"
    assert page.page.get_by_role("link", name="See all kinds").get_attribute("href") == "/again"
    page.show(lines)
    assert page.page.locator(".history-lines > li").count() == 7
    assert "Complete: 7 of 7" in page.verdict()


def test_without_the_file_of_names_one_way_in_shows_nothing(page: Shown) -> None:
    page.show([line(0)], again="/again", names={})
    assert page.page.locator(".history-lines > li").count() == 0


def test_what_is_sensitive_is_said_by_the_law_and_by_no_list_of_people() -> None:
    quiet = json.loads(words_of(pack()))["quiet"]
    assert set(quiet["items"]) == {each.id for each in pack().items if each.area in SENSITIVE}
    assert {"prefecture/welfare", "insurer/members", "insurer/members-site", "koseki/register"} <= set(
        quiet["domains"]
    )
    assert not {"yokohama/tax", "yokohama/residents", "pension/net", "portal/login"} & set(quiet["domains"])


def _health() -> str:
    return next(each.id for each in pack().items if each.area == "health")
