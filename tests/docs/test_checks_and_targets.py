"""Two tables that are written by hand: the checks of a process before its first socket, and what `make` has."""

from __future__ import annotations

import re
from pathlib import Path

from kakine.process.checks import _CHECKS

ROOT = Path(__file__).resolve().parents[2]


def first_column(text: str, heading: str) -> list[str]:
    """What stands in backticks at the beginning of each row of the first table after a heading."""
    section = text.partition(f"{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)


def test_the_specification_lists_every_check_in_the_order_in_which_verdicts_are_printed() -> None:
    text = (ROOT / "spec" / "transport.md").read_text("utf-8")
    assert first_column(text, "## 6. Checks before the first socket") == list(_CHECKS)


def test_contributing_lists_every_target_that_make_help_lists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    helped = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    listed = [each.removeprefix("make ") for each in first_column(text, "## Targets of `make`")]
    assert sorted(listed) == sorted(set(helped) - {"help"})
    assert len(listed) == len(set(listed))


def test_the_chain_of_imports_is_the_one_that_is_checked() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    layers = re.search(r'name = "imports point down only".*?layers = \[(.*?)\]', project, re.DOTALL)
    assert layers is not None
    chain = " > ".join(re.findall(r'"kakine\.(\w+)"', layers[1]))
    assert f"`{chain}`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
