"""No word without a translation, no text in a template that the catalogues do not know."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[2]
SITES = sorted(
    path.parent
    for top in ("src/kakine", "tests/web")
    for path in (ROOT / top).rglob("words")
    if path.is_dir()
)
TEMPLATES = sorted(page for site in SITES for page in (site / "templates").glob("*.html"))
MODULES = sorted(path for site in SITES if site.name != "sample" for path in site.rglob("*.py"))
NO_WORDS = {"dates.py", "language.py"}
"""What writes dates and names languages has its words in itself."""
LETTERS = re.compile(r"[^\W\d_]")
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
TAG = re.compile(r"<!--.*?-->|<(?:\"[^\"]*\"|'[^']*'|[^'\">])*>", re.DOTALL)
ATTRIBUTE = re.compile(r"[\w-]+=\"[^\"]*\"")
"""Part of a tag that a macro writes by itself."""
SAID = re.compile(r"\b(?:alt|title|placeholder|aria-label|content)=\"([^\"]*)\"")
TECHNICAL = {"width=device-width, initial-scale=1"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_catalogue_is_current_and_whole() -> None:
    told = subprocess.run(
        [sys.executable, "docs/make_words.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout + told.stderr == ""
    assert told.returncode == 0


def bare(source: str) -> str:
    """What a template says by itself, outside `{{ }}` and `{% trans %}`; markup stays."""
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    source = re.sub(r"{%-?\s*trans\b.*?{%-?\s*endtrans\s*-?%}", "", source, flags=re.DOTALL)
    return "\x01".join(value for _, kind, value in environment.lex(source) if kind == "data")


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_no_template_says_anything_untranslated(path: Path) -> None:
    text = bare(path.read_text("utf-8"))
    assert [said for said in SAID.findall(text) if LETTERS.search(said) and said not in TECHNICAL] == []
    left = ATTRIBUTE.sub(" ", TAG.sub(" ", text))
    assert LETTERS.findall(left) == [], left


def marked(tree: ast.AST) -> set[ast.AST]:
    """Texts inside `mark(...)`, and documentation."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "mark":
            found.update(ast.walk(node))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(node.value)
    return found


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_no_module_of_a_site_says_anything_untranslated(path: Path) -> None:
    if path.name in NO_WORDS:
        return
    tree = ast.parse(path.read_text("utf-8"))
    known = marked(tree)
    loose = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and JAPANESE.search(node.value)
        and node not in known
    ]
    assert loose == []


@pytest.mark.parametrize("said", ["<p>こんにちは</p>", '<img alt="山">', "<p>Hello {{ x }}</p>"])
def test_the_search_for_untranslated_text_finds_it(said: str) -> None:
    text = bare(said)
    assert LETTERS.search(TAG.sub(" ", text)) or any(LETTERS.search(each) for each in SAID.findall(text))
