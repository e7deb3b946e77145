"""What is usual for a task, in Chromium: a portal with figures of its own, markup in the file, and who looks on
(spec/browser.md section 9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, Request, expect

from kakine.crypto.signing import SigningKey
from kakine.values.calendar import months_since_2000
from kakine.wire import usual as wire
from kakine.wire.canonical import encode
from kakine.wire.usual import Share, Usual, UsualRow, UsualTask
from web.history_served import Served, opened, serving
from web.kit import eyes

from land import Land

MARKUP = "<script>window.ran=1</script><img src=x onerror=window.ran=1>\u202e"


def _before(land: Land) -> None:
    land.run(land.ask(0))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("usual") / "land", _before) as running:
        yield running


@pytest.fixture
def portal(running: Served) -> Iterator[Served]:
    with running.honest() as portal:
        yield portal
        portal.site.usual = b""


@dataclass
class Files:
    """Files that somebody makes, for the country's clock."""

    portal: Served

    @property
    def key(self) -> SigningKey:
        return self.portal.land.country.commission.counting.bureau.duties._identity.signing

    def said(self, item: str = "TK-0002", months_ago: int = 1) -> Usual:
        last = months_since_2000(self.portal.land.clock() + 9 * 3_600_000) - months_ago
        rows = UsualRow("JO106.2", item, Share.SELDOM), UsualRow("JO106.3", item, Share.USUAL)
        return Usual(last - 2, last, (UsualTask("JO106", rows),))

    def good(self, said: Usual | None = None) -> bytes:
        return wire.signed(encode(said or self.said()), self.key)


OPEN = """() => [...document.querySelectorAll(".history-lines details")].every((each) => each.querySelector("dl"))"""


def told(page: Page) -> str:
    """All that stands under the lines, opened."""
    for summary in page.locator(".history-lines summary").all():
        summary.click()
    page.wait_for_function(OPEN)
    # Not inner_text, which leaves out lines that are scrolled away.
    return page.text_content(".history-lines") or ""


SELDOM = "seldom asked under this task"


def test_figures_of_the_portals_own_are_not_shown(portal: Served) -> None:
    """Signed by another key, for another purpose, changed, cut, without a signature: the page is as without a file."""
    files = Files(portal)
    good, data = files.good(), encode(files.said())
    bad = {
        "key": wire.signed(data, SigningKey(bytes(32))),
        "label": files.key.sign("uses", data) + data,
        "changed": good.replace(b"seldom", b"Seldom"),
        "swapped": good[:64] + encode(replace(files.said(), first=1)),
        "flipped": bytes([good[0] ^ 1]) + good[1:],
        "cut": good[:-1],
        "bare": bytes(64) + data,
        "short": good[:10],
        "text": b"{}",
    }
    with eyes(portal.origin, portal.browser) as watching:
        portal.site.usual = good
        page = opened(watching, "/en")
        assert SELDOM in told(page)
        headline = page.inner_text("#history-verdict-words")
        assert headline.startswith("Complete: ")
        for name, file in bad.items():
            portal.site.usual = file
            page = opened(watching, "/en")
            assert "usual" not in told(page).lower(), name
            assert page.inner_text("#history-verdict-words").startswith("Complete: "), name
        assert watching.faults == []


@pytest.mark.parametrize("months_ago", [-1, 0, 4])
def test_figures_of_long_ago_are_not_shown(portal: Served, months_ago: int) -> None:
    """Signed by the commission, of a time that does not fit."""
    files = Files(portal)
    portal.site.usual = files.good(files.said(months_ago=months_ago))
    with eyes(portal.origin, portal.browser) as watching:
        assert SELDOM not in told(opened(watching, "/en"))


def test_markup_in_the_file_stays_text(portal: Served) -> None:
    files = Files(portal)
    portal.site.usual = files.good(files.said(item=MARKUP))
    with eyes(portal.origin, portal.browser) as watching:
        page = opened(watching, "/en")
        assert "<script>window.ran=1</script>" in told(page)
        assert "\\u{202e}" in (page.text_content(".history-lines .usual") or "")
        assert page.evaluate("window.ran ?? 0") == 0
        assert page.locator("#history :is(script, img, iframe, form, input)").count() == 0
        assert watching.faults == []


AGAIN = """async () => {
    const address = document.querySelector('script[type=module][src*="page."]').src;
    const { open } = await import(address);
    const root = document.getElementById("history");
    root.dataset.again = "/again";
    await open(root);
}"""


def test_one_way_in_says_nothing_of_what_is_usual(portal: Served) -> None:
    """What a task usually asks would tell what was left out of the list."""
    portal.site.usual = Files(portal).good()
    with eyes(portal.origin, portal.browser) as watching:
        page = opened(watching, "/en")
        # As if nothing that was asked here were sensitive: the line itself stays.
        quiet = '{"quiet": {"items": [], "domains": []}}'
        page.route("**/names.json", lambda route: route.fulfill(body=quiet, content_type="application/json"))
        page.evaluate(AGAIN)
        expect(page.get_by_role("link", name="See all kinds")).to_have_count(1)
        text = told(page)
        assert "JO106" in text
        assert "usual" not in text.lower()


def test_the_file_is_asked_for_before_the_history_is_open_and_says_not_by_whom(portal: Served) -> None:
    """Whole, once, without a cookie; opening lines asks nothing."""
    portal.site.usual = Files(portal).good()
    with eyes(portal.origin, portal.browser) as watching:
        page = opened(watching, "/en")
        requests: list[Request] = []
        page.on("request", lambda request: requests.append(request))  # noqa: PLW0108 - no built-in
        page.reload()
        page.wait_for_selector(".history-verdict")
        told(page)
        address = f"{portal.origin}/history/usual"
        (asked,) = [each for each in requests if each.url == address]
        assert "cookie" not in asked.all_headers()
        (read,) = [each for each in requests if each.url.endswith("/history/read")]
        assert "cookie" in read.all_headers()
        assert abs(requests.index(asked) - requests.index(read)) <= 2, "side by side"
