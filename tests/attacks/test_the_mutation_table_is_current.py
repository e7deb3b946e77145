"""The table of mutations that `prove.py` runs cannot rot: what it changes and what it runs is there."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import typst
from jinja2 import Environment

from attacks.prove import ROOT, Edit, Kept, Mutation, Ran, chosen, mutations
from outside_tools import node


def parse_script(text: str) -> None:
    """A module of a page."""
    command = [node(), "--check", "--input-type=module", "-"]
    told = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr


def parse_typst(text: str) -> None:
    """A template of paper: in a function that nobody calls, so nothing of it is looked for."""
    typst.compile(f"#let never() = [\n{text}\n]".encode())


READ: dict[str, Callable[[str], object]] = {
    ".py": ast.parse,
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".html": Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).parse,
    ".js": parse_script,
    ".typ": parse_typst,
}
TABLE = mutations()
EDITS = [edit for row in TABLE for edit in row.edits]


@pytest.mark.parametrize(
    "edit",
    EDITS,
    ids=[f"{row.claim}:{row.test.split('::')[1][:40]}:{k}" for row in TABLE for k, _ in enumerate(row.edits)],
)
def test_what_a_mutation_changes_stands_once_in_its_file(edit: Edit) -> None:
    """The defence is still written like that, in one place."""
    assert edit.occurrences(ROOT) == 1
    assert edit.old != edit.new


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.claim}:{k}" for k, row in enumerate(TABLE)])
def test_the_test_of_a_mutation_exists(row: Mutation) -> None:
    """A renamed test is noticed here, not when somebody next proves the table."""
    file, _, name = row.test.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    named = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name.partition("[")[0] in named


def test_every_test_of_the_table_is_collected_as_it_is_named() -> None:
    """Also its parameters, which no look at the source shows."""
    named = sorted({row.test for row in TABLE})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-n", "0", "-p", "no:cacheprovider", *named]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.claim}:{k}" for k, row in enumerate(TABLE)])
def test_a_mutated_file_can_still_be_read(row: Mutation, tmp_path: Path) -> None:
    """A mutation that only breaks the syntax would make any test fail and prove nothing."""
    for edit in row.edits:
        path = tmp_path / edit.file
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text((ROOT / edit.file).read_text())
    for edit in row.edits:
        edit.apply(tmp_path)
        READ[Path(edit.file).suffix]((tmp_path / edit.file).read_text())


def test_an_edit_that_no_longer_fits_is_refused(tmp_path: Path) -> None:
    """A text that is gone, or stands there twice, is not changed somewhere by chance."""
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    for old in ("x = 1\n", "y = 2\n"):
        with pytest.raises(ValueError, match="times"):
            Edit("a.py", old, "").apply(tmp_path)


def test_claims_choose_rows() -> None:
    """Naming a claim runs its rows only; naming none runs all."""
    assert {row.claim for row in chosen(["A1"])} == {"A1"}
    assert len(chosen([])) == len(TABLE) > 20


def test_shards_share_the_rows_and_no_test_is_in_two() -> None:
    """Whoever runs all shards has run all rows."""
    parts = [chosen([], (k, 3)) for k in (1, 2, 3)]
    assert sorted(row.key for part in parts for row in part) == sorted(row.key for row in TABLE)
    tests = [{row.test for row in part} for part in parts]
    assert not tests[0] & tests[1] | tests[0] & tests[2] | tests[1] & tests[2]
    assert len({row.key for row in TABLE}) == len(TABLE)


BODIES = {
    "def test_x(): assert False": "caught",
    "def test_x(): pass": "SURVIVED",
    "def test_x(nobody): assert False": "ERROR around the test (1)",
    "import nothing_of_that_name\ndef test_x(): assert False": "ERROR around the test (2)",
    "import pytest\ndef test_x(): pytest.skip()": "SURVIVED",
}


@pytest.mark.parametrize(("body", "verdict"), BODIES.items(), ids=BODIES.values())
def test_only_a_failure_in_the_body_of_a_test_is_a_caught_attack(
    tmp_path: Path, body: str, verdict: str
) -> None:
    """A fixture that breaks, or a file that cannot be read, has attacked nothing; a skipped test passes nothing."""
    file = tmp_path / "test_planted.py"
    file.write_text(body)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(file),
    ]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False)
    ran = Ran.read(run.returncode, run.stdout)
    assert ran.verdict == verdict
    assert ran.sound == (body == "def test_x(): pass")


def test_a_verdict_counts_for_the_tree_that_it_is_about_and_for_no_other(tmp_path: Path) -> None:
    """One file changed since, and a row is run again."""
    kept = Kept(tmp_path / "prove.jsonl", "one tree")
    assert kept.caught() == set()
    kept.keep(TABLE[0], "caught")
    kept.keep(TABLE[1], "SURVIVED")
    assert kept.caught() == {TABLE[0].key}
    assert Kept(kept.path, "another tree").caught() == set()
