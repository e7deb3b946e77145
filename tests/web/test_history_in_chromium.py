"""The own history in Chromium: opened, verified and shown there; what a portal or an agency does to it is only text."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from kakine.protocols.verification import verify
from kakine.wire.canonical import decode, encode
from kakine.wire.decision import LatestAllowed
from kakine.wire.reading import HistoryGiven, Trust
from web.history_served import Served, opened, serving
from web.kit import PREFIXES, assert_accessible, eyes

from land import Land, ref

SCRIPT = "<script>window.ran=1</script><img src=x onerror=window.ran=1>\u202e"


DECIDED = LatestAllowed(b"g" * 16, "<b>shop</b>", ("name",), "約款の送付", 1_900_000_000_000)


def _before(land: Land) -> None:
    land.run(land.ask(0))
    land.run(land.ask(1, official=SCRIPT[:40], unit=SCRIPT[:80]))
    land.run(land.country.portal.decide(ref(2), DECIDED))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("history") / "land", _before) as running:
        yield running


@pytest.fixture
def served(running: Served) -> Iterator[Served]:
    """An honest portal, whose witnesses have signed just now."""
    with running.honest() as served:
        yield served


@pytest.mark.parametrize(
    ("language", "words"),
    [("ja", "完全です。"), ("easy", "ぜんぶ あります。"), ("en", "Complete: ")],
)
def test_a_newcomer_sees_a_verified_history_in_each_language(
    served: Served, language: str, words: str
) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching, PREFIXES[language])
        expect(page.locator(".history-verdict.good")).to_contain_text(words)
        expect(page.locator(".history-lines h3").filter(has_text="yokohama/tax")).not_to_have_count(0)
        page.locator(".history-lines summary").last.click()
        watching.look(page, f"history-{language}")
        watching.assert_own_origin_only()


def test_what_the_page_counts_is_what_the_command_counts(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching, "/en")
        told = page.inner_text("#history-verdict-words")
        lines = page.locator(".history-lines > li").count()
    sure = int(told.split()[1])
    assert f"Complete: {sure} of {sure}, confirmed by 2 record keepers and 8 witnesses." == told
    assert lines > 4


def test_the_portal_is_never_told_what_was_read(served: Served) -> None:
    """One question with a session key and sizes; nothing is asked or sent once the lines are open."""
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching)
        asked = len(watching.asked)
        for summary in page.locator(".history-lines summary").all():
            summary.click()
        page.locator(".history-lines button").first.click()
        expect(page.locator(".history-lines .answer").first).to_contain_text("✓")
        assert watching.asked[asked:] == []
        assert sum(url.endswith("/history/read") for url in watching.asked) == 1


def test_markup_in_what_an_agency_writes_stays_text(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching, j=1)
        for summary in page.locator(".history-lines summary").all():
            summary.click()
        expect(page.locator(".history-lines")).to_contain_text("<script>window.ran=1</script>")
        assert page.evaluate("window.ran ?? 0") == 0
        assert page.locator("#history :is(script, img, iframe, form, input)").count() == 0
        assert watching.faults == []


def test_an_own_decision_is_shown_with_what_it_says(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching, "/en", j=2)
        told = page.locator(".history-lines .decision")
        expect(told).to_have_text("allowed to ask for the latest · <b>shop</b> · name · 約款の送付")
        expect(page.locator("h3", has_text="Your decision")).to_have_count(1)


HOSTILE = """async ([address, script]) => {
    const { show } = await import(address);
    const texts = ["requester", "recipient", "ground", "unit", "official", "result", "case", "xid", "origin", "kind"];
    const line = {
        time: 0, rows: [script], items: [script], channel: script, index: 7, entry: "00".repeat(80),
        answered: 0, sealedUntil: 20000, held: [script], witnessed: true, disputed: true, parent: "",
        ...Object.fromEntries(texts.map((name) => [name, script])),
    };
    const by = { [script]: script };
    const reading = {
        lines: [line, { ...line, parent: script }], erased: [{ time: 0, origin: script, index: 1 }],
        complete: false, public: false, keepers: 2, witnesses: 0, verified: 3, provisional: 1, sealed: script,
        stale: by, accused: by, doubts: by, grown: {}, hidden: { [script]: [script] }, fingerprint: script,
        logs: [{ origin: script, final: [] }],
    };
    const pair = { [script]: [script, script, script, script] };
    const names = { domains: pair, grounds: pair, items: pair, sealings: pair };
    const root = document.createElement("div");
    document.querySelector("main").append(root);
    show(root, reading, { language: "ja", names, nowMs: 0, visited: 0, act: {} });
    for (const each of root.querySelectorAll("details")) each.open = true;
    await new Promise((next) => setTimeout(next, 50));
    const elements = [...root.querySelectorAll("*")];
    return {
        tags: elements.map((each) => each.localName),
        links: elements.filter((each) => each.localName === "a").map((each) => each.getAttribute("href")),
        names: elements.flatMap((each) => each.getAttributeNames()),
        shown: root.textContent.split(script.slice(0, 20)).length,
    };
}"""


def test_markup_in_any_field_and_in_every_name_stays_text(served: Served) -> None:
    """Every text of a line, of the names and of the verdict, with markup in it, before the page's own function."""
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching)
        view = page.evaluate("document.querySelector('script[type=module]').src").replace(
            "page.js", "view.js"
        )
        made = page.evaluate(HOSTILE, [view, SCRIPT])
        assert not set(made["tags"]) & {"script", "img", "iframe", "object", "form", "input", "svg", "style"}
        assert set(made["links"]) == {"#line-0", "#line-1"}
        assert not [name for name in made["names"] if name.startswith("on")]
        assert made["shown"] > 30
        assert page.evaluate("window.ran ?? 0") == 0
        assert watching.faults == []


def _shorter(given: HistoryGiven) -> HistoryGiven:
    return replace(given, lists=tuple(replace(each, rows=each.rows[:-1]) for each in given.lists))


def _other_policy(given: HistoryGiven) -> HistoryGiven:
    trust = decode(given.trust, Trust)
    return replace(given, trust=encode(replace(trust, policy=trust.policy + b"# other\n")))


def test_a_truncated_list_shows_nothing_but_the_fault(served: Served) -> None:
    served.lies(_shorter)
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching, "/en")
        expect(page.get_by_role("alert")).to_contain_text("Nothing is shown.")
        expect(page.get_by_role("alert")).to_contain_text("history-incomplete")
        assert page.locator(".history-lines").count() == 0
        assert_accessible(page, "history-refused")


def test_another_policy_than_at_the_last_visit_is_refused_until_the_reader_has_compared_it(
    served: Served,
) -> None:
    with eyes(served.origin, served.browser) as watching:
        opened(watching, "/en")
        served.lies(_other_policy)
        page = opened(watching, "/en")
        expect(page.get_by_role("alert")).to_contain_text("trust-changed")
        assert page.locator(".history-lines").count() == 0
        fingerprint = page.locator("p", has_text="Now: ").inner_text().removeprefix("Now: ")
        page.get_by_role("button", name="accept the new keys").click()
        expect(page.locator(".history-verdict")).to_contain_text(fingerprint)
        served.site.change = lambda given: given
        assert "trust-changed" in opened(watching, "/en").inner_text(".history-verdict")


def test_the_second_visit_says_that_the_log_only_grew_and_remembers_no_content(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching, "/en")
        expect(page.locator(".history-verdict")).to_contain_text("first visit on this device")
        page = opened(watching, "/en")
        expect(page.locator(".history-verdict")).to_contain_text("the ledger has only grown")
        kept = json.loads(page.evaluate("localStorage.getItem('kakine-history/v1')"))
        assert kept.keys() == {"trust", "heads", "visited", "view"}
        assert page.evaluate("[...Object.keys(localStorage)]") == ["kakine-history/v1"]
        page.get_by_role("button", name="Forget").click()
        expect(page.locator(".history-tools")).to_contain_text("Forgotten.")
        assert page.evaluate("localStorage.length") == 0


def test_what_is_saved_is_verified_elsewhere(served: Served, tmp_path: Path) -> None:
    """By `kakine verify`; the page in verify/ gives the same verdict on such files (test_verify_page.py)."""
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching, "/en")
        with page.expect_download() as waited:
            page.get_by_role("button", name="Save everything").click()
        whole = zipfile.ZipFile(io.BytesIO(Path(waited.value.path()).read_bytes()))
    assert whole.testzip() is None
    files = {name: whole.read(name) for name in whole.namelist()}
    receipts = [name for name in files if name.endswith(".tlog-proof")]
    assert len(receipts) > 8
    for name in receipts:
        record = files[name.replace(".tlog-proof", ".record.json")]
        assert verify(files["policy.txt"], files[name], record).good


def test_the_head_of_before_stays_as_evidence_and_can_be_saved(served: Served, tmp_path: Path) -> None:
    """A log that shows less than at the last visit; the notes of both visits prove it and name no reader."""
    with eyes(served.origin, served.browser) as watching:
        opened(watching, "/en")
        first: list[HistoryGiven] = []
        served.lies(lambda given: first.append(given) or given)  # type: ignore[func-returns-value]
        opened(watching, "/en")
        served.lies(lambda given: replace(given, logs=_older(given, first[0])))
        page = opened(watching, "/en")
        expect(page.get_by_role("alert")).to_contain_text("log-behind")
        with page.expect_download() as waited:
            page.get_by_role("button", name="Save the evidence").click()
        told = json.loads(Path(waited.value.path()).read_text("utf-8"))
        assert told["logs"][0]["problem"] == "log-behind"
        assert int(told["logs"][0]["before"].split()[1]) > int(told["logs"][0]["served"].split()[1])
        assert "yokohama" not in json.dumps(told)
        assert "log-behind" in opened(watching, "/en").inner_text(".history-verdict")


def _older(given: HistoryGiven, first: HistoryGiven) -> tuple[Any, ...]:
    """The heads of an earlier answer, with nobody who has seen a later one."""
    notes = {each.origin: each.witnessed for each in first.logs}
    return tuple(replace(each, served=notes[each.origin], seen=(), since=()) for each in given.logs)


UNABLE = {
    "no X25519": """const own = SubtleCrypto.prototype.generateKey;
        SubtleCrypto.prototype.generateKey = async function (algorithm, ...rest) {
            if (algorithm.name === "X25519") throw new DOMException("", "NotSupportedError");
            return own.call(this, algorithm, ...rest);
        };""",
    "every signature holds": "SubtleCrypto.prototype.verify = async () => true;",
    "no WebCrypto": "Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });",
}


@pytest.mark.parametrize("before", UNABLE.values(), ids=UNABLE)
def test_a_browser_that_cannot_verify_says_so_and_shows_no_line(served: Served, before: str) -> None:
    with eyes(served.origin, served.browser) as watching:
        watching.context.add_init_script(before)
        page = opened(watching, "/en")
        expect(page.get_by_role("alert")).to_contain_text("This browser cannot verify.")
        assert page.locator(".history-lines").count() == 0


def test_a_session_that_is_over_is_said_and_shows_no_line(served: Served) -> None:
    with eyes(served.origin, served.browser) as watching:
        page = opened(watching, "/en")
        page.evaluate("document.getElementById('history').dataset.token = 'x'")
        address = page.evaluate("document.querySelector('script[type=module]').src")
        page.evaluate(
            "async (at) => { const { open } = await import(at); await open(document.getElementById('history')); }",
            address,
        )
        expect(page.get_by_role("alert")).to_contain_text("form-unfit")
        assert page.locator(".history-lines").count() == 0
