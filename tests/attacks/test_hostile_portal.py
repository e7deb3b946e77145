"""A portal that lies to the browser it serves: what it can change, and what the page says of it (spec/browser.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from kakine.wire.canonical import decode, encode
from kakine.wire.reading import HistoryGiven, Trust
from web.history_served import Served, opened, serving
from web.kit import eyes

from land import Land, ref


def _before(land: Land) -> None:
    for j in (0, 1, 1):
        land.run(land.ask(j))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("hostile") / "land", _before) as running:
        yield running


@pytest.fixture
def portal(running: Served) -> Iterator[Served]:
    with running.honest() as portal:
        yield portal


def refused(page: Page, *codes: str) -> None:
    """The page shows no line, says so loudly, and for one of these reasons."""
    assert page.locator(".history-lines").count() == 0
    told = page.get_by_role("alert").inner_text()
    assert "Nothing is shown." in told or codes == ("trust-changed",)
    assert any(code in told for code in codes), told


def _shorter(given: HistoryGiven) -> HistoryGiven:
    return replace(given, lists=tuple(replace(each, rows=each.rows[:-1]) for each in given.lists))


def _without_a_keeper(given: HistoryGiven) -> HistoryGiven:
    return replace(given, lists=given.lists[:1])


def _without_the_middle(given: HistoryGiven) -> HistoryGiven:
    cut = [replace(each, rows=(*each.rows[:2], *each.rows[3:])) for each in given.lists]
    return replace(given, lists=tuple(cut))


@pytest.mark.parametrize("change", [_shorter, _without_a_keeper, _without_the_middle])
def test_a_list_with_something_left_out_is_not_shown(portal: Served, change: Any) -> None:
    portal.lies(change)
    with eyes(portal.origin, portal.browser) as watching:
        refused(opened(watching, "/en"), "history-incomplete")


def test_an_old_head_is_not_called_the_present(portal: Served) -> None:
    """The log as it was before the last exchange, while converters tell of a later head; and with them silenced."""
    with eyes(portal.origin, portal.browser) as watching:
        kept: list[HistoryGiven] = []
        portal.lies(lambda given: kept.append(given) or given)  # type: ignore[func-returns-value]
        opened(watching, "/en")
        portal.run(portal.land.ask(0))
        old = {each.origin: each for each in kept[0].logs}
        portal.lies(lambda given: replace(given, logs=_as_then(given, old)))
        page = opened(watching, "/en")
        expect(page.get_by_role("alert")).to_contain_text("log-behind")
        expect(page.locator("#history-verdict-words")).to_contain_text("NOT complete")
        portal.lies(lambda given: replace(given, logs=()))
        page = opened(watching, "/en")
        expect(page.locator(".warnings")).to_contain_text("party-unavailable")
        expect(page.locator("#history-verdict-words")).not_to_contain_text("confirmed by")


def _as_then(given: HistoryGiven, old: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(replace(each, served=old[each.origin].served, since=()) for each in given.logs)


def test_another_policy_of_witnesses_is_not_believed(portal: Served) -> None:
    def poorer(given: HistoryGiven) -> HistoryGiven:
        trust = decode(given.trust, Trust)
        lines = [line for line in trust.policy.split(b"\n") if not line.startswith(b"quorum")]
        return replace(
            given, trust=encode(replace(trust, policy=b"\n".join([*lines[:-1], b"quorum none", b""])))
        )

    with eyes(portal.origin, portal.browser) as watching:
        opened(watching, "/en")
        portal.lies(poorer)
        refused(opened(watching, "/en"), "trust-changed")
    with eyes(portal.origin, portal.browser) as stranger:
        page = opened(stranger, "/en")
        expect(page.locator(".history-verdict")).not_to_contain_text("witnesses.")


def test_the_records_of_somebody_else_are_known_by_the_visit_that_they_lack(portal: Served) -> None:
    """The portal reads as person 1 for person 0, with this session's key: every signature is right."""
    with eyes(portal.origin, portal.browser) as watching:
        opened(watching, "/en")
        page = opened(watching, "/en")
        expect(page.locator(".history-verdict")).not_to_contain_text("not the history of the person")
        honest = portal.site.read
        portal.site.read = lambda account, asked: honest(ref(1), asked)
        page = opened(watching, "/en")
        expect(page.locator(".history-verdict .warnings")).to_contain_text(
            "not the history of the person who read on this device last"
        )


def test_answers_of_two_residents_who_ask_at_once_cannot_be_swapped(portal: Served) -> None:
    """Each was sealed to the session that asked for it."""
    with eyes(portal.origin, portal.browser) as first, eyes(portal.origin, portal.browser) as second:
        kept: list[HistoryGiven] = []
        portal.lies(lambda given: kept.append(given) or given)  # type: ignore[func-returns-value]
        opened(first, "/en", 0)
        opened(second, "/en", 1)
        assert len(kept) == 2
        portal.lies(lambda given: kept[1])
        refused(opened(first, "/en", 0), "seal-invalid")
        portal.lies(lambda given: kept[0])
        refused(opened(second, "/en", 1), "seal-invalid")


def test_an_answer_of_yesterday_is_not_taken_again(portal: Served) -> None:
    """To the same person, in the same browser; whole, and with only the lists of then."""
    with eyes(portal.origin, portal.browser) as watching:
        kept: list[HistoryGiven] = []
        portal.lies(lambda given: kept.append(given) or given)  # type: ignore[func-returns-value]
        opened(watching, "/en")
        portal.lies(lambda given: kept[0])
        refused(opened(watching, "/en"), "seal-invalid")
        portal.lies(lambda given: replace(given, lists=kept[0].lists))
        refused(opened(watching, "/en"), "history-incomplete", "not-canonical")


@pytest.mark.parametrize("part", [1, 2, 10, 1000])
def test_half_an_answer_is_none(portal: Served, part: int) -> None:
    """Cut cleanly anywhere, with a length that fits."""
    portal.site.change = lambda given: given[: len(given) * part // (part + 1)]
    with eyes(portal.origin, portal.browser) as watching:
        refused(opened(watching, "/en"), "not-canonical")


def test_an_answer_that_breaks_off_is_said_to_be_the_connections_fault(portal: Served) -> None:
    """The connection ends in the middle of the body: nothing is shown, and the browser is not blamed."""
    with eyes(portal.origin, portal.browser) as watching:
        page = watching.open("/en")
        page.fill("#account", ref(0).decode())
        page.add_init_script(BREAKS)
        page.click("main button")
        page.wait_for_selector(".history-verdict")
        expect(page.get_by_role("alert")).to_contain_text("could not be fetched")
        assert page.locator(".history-lines").count() == 0
        assert page.get_by_role("button", name="Try again").is_visible()


BREAKS = """const ask = window.fetch; window.fetch = async (...all) => {
    const answer = await ask(...all);
    if (!String(all[0]).endsWith("/read")) return answer;
    let sent = false;
    const body = new ReadableStream({
        pull(to) {
            if (sent) to.error(new TypeError("network error"));
            else { sent = true; to.enqueue(new Uint8Array(999)); }
        },
    });
    return new Response(body, { status: answer.status, headers: answer.headers });
}"""


EVIL = b'\nfetch("/stolen", { method: "POST", body: "all" }); window.ran = 1;\n'


@pytest.mark.parametrize(
    "name", ["history/page.js", "history/verify.js", "history/vendor/noble-hashes-2.4.0/sha3.js"]
)
def test_a_script_that_was_changed_under_its_address_is_not_run(portal: Served, name: str) -> None:
    """By whoever serves the files but not the page: a cache before the portal, a disk, another host of files."""
    portal.swaps(name, EVIL)
    with eyes(portal.origin, portal.browser) as watching:
        page = watching.open("/en")
        page.fill("#account", ref(0).decode())
        page.click("main button")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.ran ?? 0") == 0
        assert not [url for url in watching.asked if "stolen" in url or url.endswith("/read")]
        assert page.locator(".history-lines").count() == 0
        assert any("integrity" in each for each in watching.faults)
