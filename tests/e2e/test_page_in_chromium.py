"""verify/index.html opened from its file in Chromium: the verdicts of `kakine verify`, its manners, and no network."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from playwright.sync_api import BrowserContext, expect

from e2e.chromium import Listener, Reader, context, listener, require, started
from kakine.cli.verify import page_text, text
from kakine.protocols.signed_pages import verify_page
from kakine.protocols.verification import verify
from kakine.wire import checkpoint
from kakine.wire.entry import EntryKind
from kakine.wire.opening import RecordFile
from kakine.wire.policy import LOG, vkey
from kakine.wire.scanned import read_scans

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "verify" / "index.html"
CASES: list[dict[str, Any]] = json.loads((ROOT / "vectors" / "verify" / "cases.json").read_text("utf-8"))[
    "cases"
]
FILES = ("policy", "receipt", "record")
PAPERS: list[dict[str, Any]] = json.loads((ROOT / "vectors" / "papers" / "cases.json").read_text("utf-8"))[
    "cases"
]


def files(name: str) -> dict[str, bytes | None]:
    """The files of one case."""
    case = next(each for each in CASES if each["name"] == name)
    return {each: None if case[each] is None else b64decode(case[each]) for each in FILES}


FULL = files("a request with its record and envelope")
OTHER = files("record: another value")


@pytest.fixture(scope="module")
def proxy() -> Iterator[Listener]:
    require()
    with listener() as made:
        yield made


@pytest.fixture(scope="module")
def offline(proxy: Listener) -> Iterator[BrowserContext]:
    with started() as browser, context(proxy, browser) as made:
        yield made


@pytest.fixture
def reader(offline: BrowserContext) -> Iterator[Reader]:
    made = Reader.opens(offline, PAGE)
    yield made
    made.page.close()


def command(policy: bytes | None, receipt: bytes | None, record: bytes | None) -> list[str]:
    """What `kakine verify` prints."""
    return list(text(verify(policy or b"", receipt or b"", record)))


def module(path: Path) -> ModuleType:
    """A program of the repository that is no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def rebuilt(folder: Path, name: str, old: str, new: str) -> Path:
    """The page made of sources of which one is changed, with the policy that its maker would give it."""
    builder = module(ROOT / "verify" / "build.py")
    for source in (ROOT / "verify").iterdir():
        content = source.read_text("utf-8")
        if source.name == name:
            assert content.count(old) == 1
            content = content.replace(old, new)
        (folder / source.name).write_text(content, "utf-8")
    builder.HERE = folder
    (folder / "index.html").write_text(builder.built(), "utf-8")
    return folder / "index.html"


def test_the_page_says_of_every_vector_what_the_command_says(reader: Reader) -> None:
    """Every line, in Japanese and in English, for all cases one after the other in one page."""
    differing = []
    before: dict[str, bytes | None] = dict.fromkeys(FILES)
    for case in CASES:
        given = {each: None if case[each] is None else b64decode(case[each]) for each in FILES}
        reader.chooses(**{name: given[name] for name in FILES if given[name] != before[name]})
        before = given
        lines = reader.verifies()
        if lines != command(**given) or reader.mark() != ("good" if case["good"] else "bad"):
            differing.append(case["name"])
    assert differing == []
    assert (reader.asked, reader.faults) == ([PAGE.as_uri()], [])


def test_files_are_chosen_from_the_disk_and_verified_with_a_click(reader: Reader, tmp_path: Path) -> None:
    paths = {name: tmp_path / name for name in FILES}
    for name, path in paths.items():
        path.write_bytes(FULL[name] or b"")
    reader.chooses(**paths)
    reader.page.get_by_role("button", name="確かめる Verify").click()
    expect(reader.page.get_by_role("status")).to_contain_text("確認できました。 Verified.")
    assert reader.lines() == command(**FULL)
    expect(reader.page.get_by_text("児童手当係")).to_be_visible()


def test_a_verdict_does_not_stay_when_another_file_is_chosen(reader: Reader) -> None:
    reader.chooses(**FULL)
    reader.verifies()
    assert reader.mark() == "good"
    reader.chooses(record=OTHER["record"])
    assert (reader.mark(), reader.lines()) == ("", [""])
    assert reader.verifies() == command(**OTHER)


def test_a_verdict_that_comes_late_is_not_shown_for_other_files(offline: BrowserContext) -> None:
    """The reader takes another record while the first is still being checked."""
    slow = """const now = SubtleCrypto.prototype.verify;
    SubtleCrypto.prototype.verify = async function (...all) {
        await new Promise((go) => { window.go = go; });
        return now.apply(this, all);
    };"""
    reader = Reader.opens(offline, PAGE, slow)
    reader.chooses(**FULL)
    reader.page.click("#check")
    until = (
        "() => new Promise((done) => { const ask = () => window.go ? done() : setTimeout(ask, 1); ask(); })"
    )
    reader.page.evaluate(until)
    reader.chooses(record=OTHER["record"])
    reader.page.evaluate("""async () => {
        for (let turn = 0; turn < 50; turn += 1) {
            window.go();
            await new Promise((next) => setTimeout(next, 1));
        }
    }""")
    assert (reader.mark(), reader.lines()) == ("", [""])
    reader.page.close()


def test_without_files_the_page_asks_for_them(reader: Reader) -> None:
    reader.chooses(policy=FULL["policy"])
    assert reader.verifies() == ["", "方針と受領証を選んでください。", "Choose a policy and a receipt."]
    assert reader.mark() == "bad"


def test_a_file_of_more_than_a_megabyte_is_refused_unread(reader: Reader) -> None:
    reader.chooses(policy=FULL["policy"], receipt=bytes((1 << 20) + 1))
    assert reader.verifies() == ["", "ファイルが大きすぎます。", "A file is too large."]


UNABLE = {
    "no Ed25519": """const own = SubtleCrypto.prototype.importKey;
        SubtleCrypto.prototype.importKey = async function (form, key, algorithm, ...rest) {
            if ((algorithm.name ?? algorithm) === "Ed25519") throw new DOMException("", "NotSupportedError");
            return own.call(this, form, key, algorithm, ...rest);
        };""",
    "no WebCrypto": "Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });",
    "no SHA-256": "SubtleCrypto.prototype.digest = async () => { throw new DOMException('', 'NotSupportedError'); };",
    "every signature holds": "SubtleCrypto.prototype.verify = async () => true;",
    "no signature holds": "SubtleCrypto.prototype.verify = async () => false;",
}


@pytest.mark.parametrize("before", UNABLE.values(), ids=UNABLE)
def test_a_browser_that_cannot_verify_says_so_and_shows_no_green_mark(
    offline: BrowserContext, before: str
) -> None:
    reader = Reader.opens(offline, PAGE, before)
    for case in (FULL, OTHER):
        reader.chooses(**case)
        lines = reader.verifies()
        assert lines[1].startswith("ここでは確かめられません。")
        assert lines[2].startswith("Cannot verify here.")
        assert reader.mark() == "bad"
        assert reader.page.get_by_role("alert").inner_text() != ""
        assert not reader.page.get_by_role("listitem").count()
    reader.page.close()


SCRIPT = (
    "<script>window.ran=1</script><img src=x onerror=window.ran=1><a href=http://elsewhere.example/>x</a>"
)
NAME = "<img/src=http://elsewhere.example/x/onerror=window.ran=1>"


def hostile() -> dict[str, bytes]:
    """A receipt that verifies, with markup in every name and text that a file can carry, and signs that hide."""
    maker = module(ROOT / "vectors" / "verify" / "make.py")
    record = maker.REQUEST
    common = msgspec.structs.replace(
        record.common,
        unit=SCRIPT,
        requester=SCRIPT,
        rows=(SCRIPT, "</dd>"),
        ground="ok\n✓ Verified.\u202e\u200b",
    )
    personal = msgspec.structs.replace(record.personal, official=SCRIPT)
    record = msgspec.structs.replace(record, common=common, personal=personal)
    maker.ENTRIES[3] = maker.entry(EntryKind.REQUEST, record.committed(), b"")
    note = checkpoint.make(NAME, 11, maker.tree(11).root(), maker.LEDGER)
    return {
        "policy": f"# {SCRIPT}\nlog {vkey(NAME, LOG, maker.LEDGER.public)}\nquorum none\n".encode(),
        "receipt": dataclasses.replace(maker.proof(), note=note).encode(),
        "record": RecordFile.of(record).encode(),
    }


def taken_as_markup(reader: Reader, made: dict[str, bytes]) -> bool:
    """Whether anything in the files became more than text."""
    reader.chooses(**made)
    reader.verifies()
    foreign = "#verdict :not(h2, p, span, ol, li, dl, dt, dd, div)"
    return bool(reader.page.locator(foreign).count()) or bool(reader.page.evaluate("window.ran ?? 0"))


def test_markup_in_a_record_and_in_names_is_shown_as_text_and_does_nothing(reader: Reader) -> None:
    made = hostile()
    assert not taken_as_markup(reader, made)
    assert reader.mark() == "good"
    assert reader.lines() == command(**made)
    assert f"  unit: {SCRIPT}" in reader.lines()
    assert r"  ground: ok\n✓ Verified.\u202e\u200b" in reader.lines()
    assert (reader.asked, reader.faults) == ([PAGE.as_uri()], [])


def test_files_that_are_nothing_but_script_do_nothing(reader: Reader) -> None:
    made = {name: f"{SCRIPT}\n\n{SCRIPT}\n".encode() for name in FILES}
    assert not taken_as_markup(reader, made)
    assert reader.lines() == command(**made)
    made["policy"] = FULL["policy"] or b""
    assert not taken_as_markup(reader, made)
    assert (reader.asked, reader.faults) == ([PAGE.as_uri()], [])


def test_a_page_that_writes_html_is_noticed(offline: BrowserContext, tmp_path: Path) -> None:
    """The same files before a page of which one line is changed."""
    weaker = rebuilt(tmp_path, "page.js", "made.textContent = text;", "made.innerHTML = text;")
    reader = Reader.opens(offline, weaker)
    assert taken_as_markup(reader, hostile())
    reader.page.close()


def test_the_browser_asks_nobody_for_anything(reader: Reader, proxy: Listener) -> None:
    """Neither the page, nor the browser on its behalf: nobody came to the one address that it could reach."""
    for given in (FULL, OTHER, hostile()):
        reader.chooses(**given)
        reader.verifies()
    assert reader.asked == [PAGE.as_uri()]
    assert proxy.heard == []


CALLS_HOME = (
    "fetch('http://elsewhere.example/').catch(() => {}); new Image().src = 'http://elsewhere.example/i';"
)


@pytest.fixture
def online(offline: BrowserContext) -> Iterator[BrowserContext]:
    """The browser may call; all that it reaches is the listener."""
    offline.set_offline(False)
    yield offline
    offline.set_offline(True)


def test_a_script_that_calls_home_is_stopped_by_the_pages_own_policy(
    online: BrowserContext, proxy: Listener, tmp_path: Path
) -> None:
    proxy.heard.clear()
    with_call = rebuilt(tmp_path, "page.js", "let latest = 0;", f"{CALLS_HOME} let latest = 0;")
    reader = Reader.opens(online, with_call)
    reader.chooses(**FULL)
    assert reader.verifies() == command(**FULL)
    assert len([each for each in reader.faults if "Content Security Policy" in each]) >= 2
    assert proxy.heard == []
    reader.page.close()


def test_a_page_without_that_policy_would_be_heard(
    online: BrowserContext, proxy: Listener, tmp_path: Path
) -> None:
    """So that silence above means something."""
    proxy.heard.clear()
    open_page = rebuilt(tmp_path, "page.js", "let latest = 0;", f"{CALLS_HOME} let latest = 0;")
    content = open_page.read_text("utf-8")
    open_page.write_text(content.replace("Content-Security-Policy", "No-Policy"), "utf-8")
    reader = Reader.opens(online, open_page)
    reader.page.wait_for_load_state("networkidle")
    assert any(b"elsewhere.example" in each for each in proxy.heard)
    assert "http://elsewhere.example/" in reader.asked
    reader.page.close()
    proxy.heard.clear()


def test_a_failed_check_is_announced_with_its_reason(reader: Reader) -> None:
    """An alert says at once, and first, that it failed and why; what held is said politely; never both."""
    alert, status = reader.page.get_by_role("alert"), reader.page.get_by_role("status")
    reader.chooses(**OTHER)
    reader.page.get_by_role("button", name="確かめる Verify").click()
    expect(alert).to_contain_text("NOT verified.")
    expect(alert).to_contain_text("記録の中身が台帳の記録項目と一致すること：確認できない")
    expect(alert).to_contain_text("[opening-mismatch/commitment]")
    assert status.inner_text() == ""
    reader.chooses(**FULL)
    assert alert.inner_text() == ""
    reader.page.get_by_role("button", name="確かめる Verify").click()
    expect(status).to_contain_text("Verified.")
    assert alert.inner_text() == ""


def test_everything_is_reached_and_pressed_by_keyboard_and_has_a_name(reader: Reader) -> None:
    reader.chooses(**OTHER)
    names = []
    for _ in range(6):
        reader.page.keyboard.press("Tab")
        names.append(reader.page.evaluate("document.activeElement.id"))
    assert names == ["policy", "receipt", "record", "scans", "portal", "check"]
    reader.page.keyboard.press("Enter")
    expect(reader.page.get_by_role("alert")).to_contain_text("NOT verified.")
    for name in (
        "方針 Policy (policy.txt)",
        "受領証 Receipt (.tlog-proof)",
        "記録（なくてもよい） Record (optional)",
    ):
        expect(reader.page.get_by_label(name)).to_have_attribute("type", "file")
    expect(reader.page.get_by_role("region", name="結果 Result")).to_be_visible()
    expect(reader.page.get_by_role("heading", level=2)).to_have_count(1)


def test_each_language_is_marked_as_such(reader: Reader) -> None:
    """A voice reads Japanese as Japanese and English as English."""
    reader.chooses(**OTHER)
    reader.verifies()
    for selector in ("#verdict h2 span", "#details li span", "#details > p", "#bad p span"):
        languages = reader.page.locator(selector).evaluate_all("all => all.map((each) => each.lang)")
        assert languages == ["ja", "en"] * (len(languages) // 2) != []


# --- scanned texts ------------------------------------------------------------------------------------------------


def test_scanned_texts_of_a_page_get_the_commands_verdict(reader: Reader, tmp_path: Path) -> None:
    """Every vector of papers, pasted one after another: verdict, facts, and the text line by line."""
    differing = []
    for case in PAPERS:
        if not case["text"] or (case.get("page") is None and "refused" not in case):
            continue
        reader.chooses(portal=case["keys"].encode())
        reader.page.fill("#scans", case["text"])
        lines = reader.verifies()
        if "refused" in case:
            held = (
                reader.mark() == "bad" and reader.page.locator("#details p").text_content() == case["refused"]
            )
        else:
            (note,) = [each for each in [read_scans(case["text"]).page] if each is not None]
            said = list(page_text(verify_page(case["keys"].encode(), note)))
            shown = case["page"]["shown"]
            wanted = said[: -len(shown["lines"])] if shown else said
            spoken = reader.page.locator("#details .page > *").all_text_contents()
            texts = [line.partition(": ")[2] for line in said[len(wanted) :]]
            held = lines == wanted and [each.removeprefix("・ ") for each in spoken] == texts
        if not held:
            differing.append(case["name"])
    assert differing == []
    assert (reader.asked, reader.faults) == ([PAGE.as_uri()], [])


def test_receipt_and_record_are_pasted_one_after_the_other(reader: Reader) -> None:
    text = next(each["text"] for each in PAPERS if each["name"] == "the record first, and each twice")
    reader.chooses(policy=FULL["policy"])
    reader.page.get_by_label("QR コードを読み取った文字").fill(text)
    assert reader.verifies() == command(**FULL)
    assert reader.mark() == "good"
    reader.page.get_by_label("QR コードを読み取った文字").press("End")
    reader.page.keyboard.type("X")
    assert (reader.mark(), reader.lines()) == ("", [""])


def test_a_file_of_scanned_texts_is_taken_too_and_not_beside_another_receipt(reader: Reader) -> None:
    text = next(each["text"] for each in PAPERS if each["name"] == "receipt and record")
    reader.chooses(policy=FULL["policy"], receipt=text.encode())
    assert reader.verifies() == command(**FULL)
    reader.chooses(receipt=FULL["receipt"])
    reader.page.fill("#scans", text)
    reader.verifies()
    assert reader.mark() == "bad"
    assert reader.page.locator("#details p").text_content() == "scan-unreadable/mixed"


def test_a_signed_page_without_a_key_asks_for_one(reader: Reader) -> None:
    reader.page.fill("#scans", next(each["text"] for each in PAPERS if each["name"] == "a page"))
    assert reader.verifies() == [
        "",
        "窓口の鍵（portal.txt）を選んでください。",
        "Choose the key of the portal (portal.txt).",
    ]
