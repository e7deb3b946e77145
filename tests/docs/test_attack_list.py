"""docs/attack-list.md names tests that exist, and says rightly whether rows of the mutation table reach them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from attacks.prove import mutations

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "attack-list.md"
LETTERS = {"T": 12, "O": 18, "S": 11, "R": 7, "C": 10, "P": 6, "E": 5, "U": 6}
WANTED = {f"{letter}{n}" for letter, most in LETTERS.items() for n in range(1, most + 1)} | {"I"}


@dataclass(frozen=True)
class Line:
    """One attack of the page."""

    id: str
    tried: str
    covered: str
    rows: str

    @property
    def tests(self) -> list[str]:
        """Full names; `::name` is in the file of the one before it."""
        found, file = [], ""
        for path, name in re.findall(r"`(tests/[\w/]+\.py)?::(\w+)`", self.covered):
            file = path or file
            found.append(f"{file}::{name}")
        return found


LINES = [
    Line(*(cell.strip() for cell in line.strip("|").split(" | ")))
    for line in PAGE.read_text("utf-8").splitlines()
    if re.match(r"\| [A-Z]\d* \|", line)
]


@cache
def names(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@cache
def with_rows() -> set[str]:
    return {row.test.partition("[")[0] for row in mutations()}


def test_every_attack_stands_on_the_page_once() -> None:
    ids = [line.id for line in LINES]
    assert len(set(ids)) == len(ids)
    assert set(ids) == WANTED


@pytest.mark.parametrize("line", LINES, ids=[line.id for line in LINES])
def test_every_test_of_an_attack_exists(line: Line) -> None:
    """And an attack without a test says why."""
    for test in line.tests:
        file, _, name = test.partition("::")
        assert name in names(file), test
    assert line.tests or line.covered.startswith("not covered: ")
    assert line.covered.count("`") == 2 * len(line.tests)


@pytest.mark.parametrize("line", LINES, ids=[line.id for line in LINES])
def test_the_last_column_says_whether_a_row_reaches_the_attack(line: Line) -> None:
    """Yes as soon as one of its tests has a row."""
    reached = any(test in with_rows() for test in line.tests)
    assert line.rows in (("yes",) if reached else ("no", "others"))
