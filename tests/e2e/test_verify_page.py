"""The page and the command give one verdict: the same module that browsers run, run by Node over the same files.

The page as a whole is run in a browser by test_page_in_chromium.py.

Without Node these tests are skipped on a developer's machine, with a line on the terminal, and fail where CI is set.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import random
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import outside_tools
from kakine.cli.verify import as_data
from kakine.crypto.merkle import verify_inclusion
from kakine.protocols.verification import verify
from kakine.values.problems import InclusionInvalid
from vectors.files import changed, load

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "verify" / "index.html"
SOURCE = ROOT / "src" / "kakine" / "web" / "static" / "history" / "verify.js"
HERE = Path(__file__).resolve().parent
CASES: list[dict[str, Any]] = json.loads((ROOT / "vectors" / "verify" / "cases.json").read_text("utf-8"))[
    "cases"
]
BY_NAME = {case["name"]: case for case in CASES}
FULL = BY_NAME["a request with its record and envelope"]
QUORUM = BY_NAME["the quorum is met"]

Change = tuple[str, int, int]
"""(file, offset, bits to flip)."""


@pytest.fixture(scope="module")
def node() -> str:
    return outside_tools.node()


@pytest.fixture(scope="module")
def page_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script inside the page, as a file."""
    path = tmp_path_factory.mktemp("page") / "page.mjs"
    path.write_text(inline('script type="module"', "script"), "utf-8")
    return path


def inline(opening: str, closing: str) -> str:
    """What stands between two tags of the page."""
    found = re.findall(rf"<{opening}>(.*?)</{closing}>", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def run(node: str, driver: str, asked: dict[str, Any]) -> list[Any]:
    """The driver's answers."""
    done = subprocess.run(
        [node, str(HERE / driver)],
        input=json.dumps(asked).encode(),
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def over_vectors(node: str, module: Path) -> list[Any]:
    """The module's verdicts on every case."""
    files = {
        f"{j}/{name}": case[name] or ""
        for j, case in enumerate(CASES)
        for name in ("policy", "receipt", "record")
    }
    cases = [
        [f"{j}/policy", f"{j}/receipt", None if case["record"] is None else f"{j}/record", None]
        for j, case in enumerate(CASES)
    ]
    return run(node, "verify_driver.mjs", {"module": str(module), "files": files, "cases": cases})


def differing(verdicts: list[Any]) -> list[str]:
    """Names of the cases whose verdict is not the one in the vectors."""
    return [
        case["name"]
        for case, given in zip(CASES, verdicts, strict=True)
        if [given["good"], [[s["step"], s["state"], s["why"]] for s in given["steps"]], given["shown"]]
        != [case["good"], case["steps"], case["shown"]]
    ]


def test_the_module_gives_the_verdicts_of_the_vectors(node: str) -> None:
    assert differing(over_vectors(node, SOURCE)) == []


def test_the_module_inside_the_page_gives_them_too(node: str, page_module: Path) -> None:
    assert differing(over_vectors(node, page_module)) == []


def test_the_module_takes_and_refuses_the_audit_paths_of_the_ledgers_vectors(node: str) -> None:
    """Trees of 0 to 70,000 entries; the reasons are those of our own verifier."""
    trees = load("ledger/trees")
    proofs, expected = list(trees["refused_inclusion"]), [True] * len(trees["refused_inclusion"])
    for tree in trees["trees"]:
        for given in tree["inclusion"]:
            good = {**given, "size": tree["size"], "root": tree["root"]}
            proofs += [good, *(changed(good, "path", change) for change in given["refused"])]
            expected += [False, *(True for _ in given["refused"])]
    (theirs,) = run(node, "ledger_driver.mjs", {"module": str(SOURCE), "proofs": proofs})
    assert [bool(why) for why in theirs] == expected
    assert theirs == [our_reason(each) for each in proofs]


def our_reason(given: dict[str, Any]) -> str:
    """Why crypto.merkle refuses, "" if it does not."""
    path = [bytes.fromhex(each) for each in given["path"]]
    leaf, root = bytes.fromhex(given["leaf"]), bytes.fromhex(given["root"])
    try:
        verify_inclusion(leaf, given["index"], given["size"], path, root)
    except InclusionInvalid as refused:
        return f"{refused.code}/{refused.facts['part']}"
    return ""


DEFENCES = [
    ("await signed(log.key, blob.subarray(4), utf8(note.text))", "true"),
    ("!soundPoint(signature.subarray(0, 32)) ||", ""),
    ("shown.log ??= log;", "shown.log ??= log; break;"),
    ("computed, root", "root, root"),
    ("if (last !== 0n) throw", "if (false) throw"),
    ("if (last === 0n) throw", "if (false) throw"),
    ("if (base64(data) !== text) throw refusal;", ""),
    ("if (!same(await committed(shown.record), shown.entry.commitment))", "if (false)"),
    ("if (!same(await sha256(shown.record.envelope), shown.entry.payload))", "if (false)"),
    ("if (!STANDS_UNDER[shown.record.kind].includes(KINDS[shown.entry.kind]))", "if (false)"),
    ("if (!meets(shown.policy, shown.witnesses))", "if (false)"),
    ("{ fatal: true, ignoreBOM: true }", "{}"),
]


@pytest.mark.parametrize(("old", "new"), DEFENCES, ids=[old for old, _ in DEFENCES])
def test_the_vectors_notice_a_defence_that_is_taken_out(
    node: str, tmp_path: Path, old: str, new: str
) -> None:
    """The module without one of its checks must differ on at least one case."""
    text = SOURCE.read_text("utf-8")
    assert text.count(old) == 1
    weaker = tmp_path / "weaker.mjs"
    weaker.write_text(text.replace(old, new), "utf-8")
    assert differing(over_vectors(node, weaker)) != []


def test_both_give_one_verdict_on_files_with_a_changed_byte(node: str) -> None:
    """Every byte of receipt, policy and record with one bit changed, and a draw of them with any bits changed."""
    draw = random.Random(20)
    asked: list[tuple[dict[str, Any], Change]] = []
    for case, names in ((FULL, ("receipt", "policy", "record")), (QUORUM, ("receipt", "policy"))):
        for name in names:
            length = len(base64.b64decode(case[name]))
            asked += [(case, (name, at, 1 << draw.randrange(8))) for at in range(length)]
            asked += [(case, (name, draw.randrange(length), draw.randrange(1, 256))) for _ in range(40)]
    files = {f"{c['name']}/{n}": c[n] or "" for c in (FULL, QUORUM) for n in ("policy", "receipt", "record")}
    cases = [
        [*(f"{c['name']}/{n}" if c[n] else None for n in ("policy", "receipt", "record")), ch]
        for c, ch in asked
    ]
    theirs = run(node, "verify_driver.mjs", {"module": str(SOURCE), "files": files, "cases": cases})
    assert [ours(case, change) for case, change in asked] == theirs


def ours(case: dict[str, Any], change: Change) -> Any:
    """The command's verdict, as JSON would carry it."""
    files = {name: bytearray(base64.b64decode(case[name] or "")) for name in ("policy", "receipt", "record")}
    name, at, bits = change
    files[name][at] ^= bits
    record = bytes(files["record"]) if case["record"] else None
    return json.loads(json.dumps(as_data(verify(bytes(files["policy"]), bytes(files["receipt"]), record))))


def test_both_refuse_files_that_are_too_long(node: str) -> None:
    longer = {
        "policy": base64.b64decode(FULL["policy"]) + b"#" * (1 << 16) + b"\n",
        "receipt": base64.b64decode(FULL["receipt"]) + b"x" * (1 << 18),
        "record": base64.b64decode(FULL["record"]) + b" " * (1 << 18),
    }
    for name, data in longer.items():
        files = {each: FULL[each] for each in longer} | {name: base64.b64encode(data).decode()}
        asked = {"module": str(SOURCE), "files": files, "cases": [["policy", "receipt", "record", None]]}
        (theirs,) = run(node, "verify_driver.mjs", asked)
        mine = as_data(verify(*(base64.b64decode(files[each]) for each in longer)))
        assert theirs == mine
        assert not mine["good"]


def builder() -> ModuleType:
    """verify/build.py."""
    spec = importlib.util.spec_from_file_location("build_verify_page", ROOT / "verify" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_its_sources_make_today() -> None:
    """`.venv/bin/python verify/build.py` writes it anew."""
    assert builder().main(["--check"]) == 0


def test_the_page_may_run_its_own_script_and_nothing_else() -> None:
    """The hashes in the Content-Security-Policy are those of the one script and the one style; all else is denied."""
    text = PAGE.read_text("utf-8")
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)

    def allowed(part: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"

    script, style = inline('script type="module"', "script"), inline("style", "style")
    assert policy == [
        f"default-src 'none'; script-src {allowed(script)}; style-src {allowed(style)};"
        " base-uri 'none'; form-action 'none'"
    ]
    assert not re.search(r"\s(?:src|href|action|on\w+)=", text.replace(script, ""))


def test_page_and_command_use_the_same_words() -> None:
    """And have a reason in both languages for every code that a verdict can hold."""
    words = json.loads((ROOT / "src" / "kakine" / "cli" / "verdict_texts.json").read_text("utf-8"))
    codes = {why.partition("/")[0] for case in CASES for _, _, why in case["steps"] if why}
    assert codes == set(words["whys"])
    assert {step for case in CASES for step, _, _ in case["steps"]} == set(words["steps"])
    assert json.dumps(words, ensure_ascii=False) in inline('script type="module"', "script")
