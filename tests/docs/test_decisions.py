"""The index of decisions has each of them once, in order, and says which numbers there are none of."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "decisions"
INDEX = (FOLDER / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \|$", INDEX, re.MULTILINE)
PAGES = sorted(path.name for path in FOLDER.glob("[0-9]*.md"))


def test_the_index_is_complete_and_in_order() -> None:
    assert [path for _, path, _ in ROWS] == PAGES
    assert all(path.startswith(f"{number}-") for number, path, _ in ROWS)
    assert len({number for number, *_ in ROWS}) == len(ROWS)


def test_each_page_begins_with_its_number() -> None:
    for name in PAGES:
        assert (FOLDER / name).read_text("utf-8").startswith(f"# {name[:4]} "), name


def test_numbers_that_are_missing_are_said() -> None:
    there = {int(number) for number, *_ in ROWS}
    missing = [f"{each:04d}" for each in range(1, max(there) + 1) if each not in there]
    said = re.findall(r"\d{4}", INDEX.rpartition("|\n")[2])
    assert said == missing
