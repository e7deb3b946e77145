"""Texts of QR codes: the command and the browser take and refuse the same, for the same reason."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from browser_reading import STATIC
from kakine.cli.root import app
from kakine.cli.verify import page_data
from kakine.protocols.signed_pages import STEPS, verify_page
from kakine.values.problems import PageMalformed, ScanUnreadable
from kakine.wire.page import Page, line_of
from kakine.wire.scanned import Scanned, pack, pack_page, read_scans
from outside_tools import node

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "vectors" / "papers"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text("utf-8"))["cases"]
BY_NAME = {case["name"]: case for case in CASES}
DRIVER = ROOT / "tests" / "e2e" / "papers_driver.mjs"


def maker() -> ModuleType:
    """The generator of the vectors."""
    spec = importlib.util.spec_from_file_location("make_paper_vectors", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def wanted(case: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in case.items() if name not in ("name", "text", "keys")}


def ours(text: str, keys: str) -> dict[str, Any]:
    """What the command would say."""
    try:
        found = read_scans(text)
    except ScanUnreadable as refused:
        part = refused.facts.get("part", "")
        return {"refused": f"{refused.code}/{part}" if part else refused.code}
    page = None
    if found.page is not None:
        page = page_data(verify_page(keys.encode(), found.page))
        page["steps"] = [[each["step"], each["state"], each["why"]] for each in page["steps"]]
    digests = [each and hashlib.sha256(each).hexdigest() for each in (found.receipt, found.record)]
    return {"receipt": digests[0], "record": digests[1], "page": page}


def theirs(cases: list[dict[str, Any]], folder: Path = STATIC) -> list[Any]:
    """What the browser's modules say, run by Node."""
    asked = {"module": folder.as_uri(), "cases": [{"text": c["text"], "keys": c["keys"]} for c in cases]}
    done = subprocess.run(
        [node(), str(DRIVER)], input=json.dumps(asked).encode(), capture_output=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_the_command_says_what_the_vectors_say(case: dict[str, Any]) -> None:
    assert ours(case["text"], case["keys"]) == wanted(case)


def test_the_browser_says_what_the_vectors_say() -> None:
    given = zip(CASES, theirs(CASES), strict=True)
    assert [case["name"] for case, said in given if said != wanted(case)] == []


def test_the_vectors_are_what_the_generator_makes_today() -> None:
    """`.venv/bin/python vectors/papers/make.py` writes them anew."""
    assert maker().main(["--check"]) == 0


def test_every_step_of_a_page_has_a_case_that_fails_at_it() -> None:
    pages = [case["page"] for case in CASES if case.get("page")]
    assert {step for page in pages for step, state, _ in page["steps"] if state == "failed"} == set(STEPS)


def test_page_and_command_use_the_same_words() -> None:
    words = json.loads((ROOT / "src" / "kakine" / "cli" / "page_texts.json").read_text("utf-8"))
    whys = {
        why.partition("/")[0]
        for case in CASES
        if case.get("page")
        for _, _, why in case["page"]["steps"]
        if why
    }
    assert whys == set(words["whys"])
    assert json.dumps(words, ensure_ascii=False) in (ROOT / "verify" / "index.html").read_text("utf-8")


def test_both_refuse_every_page_with_a_changed_byte() -> None:
    """Statement and signature alike, one bit at every place; and every sign of its code."""
    made, draw, cases = maker(), random.Random(7), list[dict[str, Any]]()
    note = made.PAGE.sign(made.PORTAL)
    for at in range(len(note)):
        changed = note[:at] + bytes([note[at] ^ (1 << draw.randrange(8))]) + note[at + 1 :]
        cases.append({"text": "\n".join(pack_page(changed)), "keys": made.KEYS})
    (text,) = pack_page(note)
    for at in range(len(text)):
        sign = draw.choice([each for each in "0123456789ABCDEF$%" if each != text[at]])
        cases.append({"text": text[:at] + sign + text[at + 1 :], "keys": made.KEYS})
    mine = [ours(case["text"], case["keys"]) for case in cases]
    assert [
        case["text"]
        for case, said in zip(cases, mine, strict=True)
        if said.get("page", {"good": False})["good"]
    ] == []
    assert theirs(cases) == json.loads(json.dumps(mine))


def test_a_page_too_long_for_paper_is_refused() -> None:
    draw = random.Random(3)
    with pytest.raises(ScanUnreadable):
        pack_page(draw.randbytes(60_000))
    with pytest.raises(PageMalformed):
        Page("portal", 0, "x", "ja", 1, [line_of("p", "x" * 70_000)]).text()


@pytest.mark.parametrize("text", ["a\nh1 b", "a\r\nb", " a  b ", "\u2028h1 b", "\x00\u202eb"])
def test_no_text_of_anybody_becomes_a_line_of_its_own(text: str) -> None:
    """An agency's text is one line with its tag, whatever is in it."""
    made = Page("portal", 0, "x", "ja", 1, (line_of("li", text),))
    assert len(made.text().split("\n")) == 9
    assert made.text().split("\n")[7].startswith("li ")


def run(folder: Path, *words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *map(str, words)])
    return done.exit_code, done.output


def test_the_command_verifies_a_page_from_its_scanned_texts(tmp_path: Path) -> None:
    case = BY_NAME["a page in several codes"]
    scans = tmp_path / "scans.txt"
    scans.write_text(case["text"], "ascii")
    (tmp_path / "portal.txt").write_text(case["keys"], "ascii")
    code, said = run(tmp_path, scans)
    assert code == 0
    assert "2026-02-02T11:40+09:00" in said
    scans.write_text("\n".join(case["text"].split("\n")[1:]), "ascii")
    assert run(tmp_path, scans)[0] == 1
    code, said = run(tmp_path, scans, "--portal", tmp_path / "none.txt")
    assert code != 0


def test_the_command_takes_receipt_and_record_from_one_scan_and_mixes_nothing(tmp_path: Path) -> None:
    listed = json.loads((ROOT / "vectors" / "verify" / "cases.json").read_text("utf-8"))["cases"]
    case = next(each for each in listed if each["name"] == "a request with its record and envelope")
    (tmp_path / "policy.txt").write_bytes(b64decode(case["policy"]))
    scans = tmp_path / "scans.txt"
    scans.write_text(BY_NAME["receipt and record"]["text"], "ascii")
    code, said = run(tmp_path, scans, "--json")
    assert (code, json.loads(said)["shown"]["kind"]) == (0, "request")
    other = tmp_path / "other.txt"
    other.write_text(pack(Scanned.RECORD, b"{}"), "ascii")
    assert run(tmp_path, scans, "--record", other)[0] == 1
