"""The reference pages say what the code says."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from kakine.contracts.call import Role
from kakine.values.problems import BY_CODE

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


@cache
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = ["problems.md", "calls.md", "commands.md", "files.md", *(f"openapi/{kind}.json" for kind in Role)]


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_code_gives_today(name: str) -> None:
    """`.venv/bin/python docs/make_reference.py` writes them anew."""
    assert set(PAGES) == set(maker().PAGES)
    assert (REFERENCE / name).read_text("utf-8") == maker().PAGES[name]().rstrip() + "\n"


def test_every_problem_code_appears_once_in_the_reference() -> None:
    """Also those of classes whose base is another problem."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", (REFERENCE / "problems.md").read_text("utf-8"), re.MULTILINE)
    ours = {code for code, kind in BY_CODE.items() if kind.__module__ == "kakine.values.problems"}
    assert sorted(rows) == sorted(ours)


def documents() -> list[Path]:
    folders = ("docs", "spec", "gazette", "tests")
    return [*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))]


def named_commands() -> list[tuple[str, tuple[str, ...]]]:
    """(document, words) of every command in backticks or a code block that begins with kakine."""
    found = []
    for path in documents():
        text = path.read_text("utf-8")
        for line in re.findall(r"(?:`|-m |^ {4}|^\$ )kakine ((?:[a-z-]+ ?)+)", text, re.MULTILINE):
            found.append((path.name, tuple(line.split())))
    return found


def test_every_command_that_a_document_names_exists() -> None:
    """Words after the command may be arguments; the first word, and the second of a group, must be known."""
    tree = [(words[1:], command) for words, command in maker().command_tree()]
    known = {words for words, _ in tree}
    groups = {words[0] for words in known if len(words) == 2}
    alone = {words for words, command in tree if getattr(command, "invoke_without_command", False)}
    for document, words in named_commands():
        wanted = words[:2] if words[0] in groups else words[:1]
        assert wanted in known or words[:1] in alone or words[0] == "serve", (document, words)
