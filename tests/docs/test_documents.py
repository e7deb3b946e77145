"""Links resolve, targets exist, the first page stays a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "spec", "gazette", "tests", "bench", "deploy", "supply")
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(p for f in FOLDERS for p in (ROOT / f).rglob("*.md") if "node_modules" not in p.parts),
    ]
)
FIRST = {"README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """The text without code blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def targets(path: Path) -> list[str]:
    text = prose(path)
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_relative_link_resolves(path: Path) -> None:
    """Also pictures."""
    for target in targets(path):
        if not target.startswith(("http:", "https:", "mailto:", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_every_page_of_the_documentation_is_linked_from_another() -> None:
    """Nobody finds a page that no page names."""
    linked = {
        (path.parent / target.partition("#")[0]).resolve() for path in DOCUMENTS for target in targets(path)
    }
    pages = [path for path in DOCUMENTS if path.parts[len(ROOT.parts)] in ("docs", "spec")]
    lonely = [named(path) for path in pages if path.resolve() not in linked and path.name != "README.md"]
    assert lonely == []


def test_the_readme_fits_a_screen_or_two() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 100


def test_the_first_pages_are_there() -> None:
    assert {path.name for path in ROOT.glob("*.md")} >= FIRST


def test_every_make_target_that_a_document_names_exists() -> None:
    """`make x` in backticks or in an indented block."""
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for path in DOCUMENTS:
        for target in re.findall(r"(?:`|^    )make ([a-z-]+)", path.read_text("utf-8"), re.MULTILINE):
            assert target in there, (named(path), target)


def test_every_file_that_a_document_names_in_backticks_exists() -> None:
    """Paths with a slash and a suffix that begin at a folder of the project or of the package."""
    roots = (ROOT, ROOT / "src" / "kakine")
    for path in DOCUMENTS:
        for name in re.findall(
            r"`((?:docs|spec|tests|bench|gazette|vectors|src|crypto|protocols|wire|values|parties|runtime)/[\w/.-]+\.\w+)`",
            prose(path),
        ):
            assert any((root / name).exists() for root in (*roots, path.parent)), (named(path), name)


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "pictures").glob("*.svg")), ids=named)
def test_a_picture_has_words_for_those_who_cannot_see_it_and_fits_a_phone(path: Path) -> None:
    """Well formed, titled, described, narrow, no text under 12 units, nothing loaded from elsewhere."""
    text = path.read_text("utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314 - our own file
    space = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{space}title")
    assert root.findtext(f"{space}desc")
    assert float(root.attrib["viewBox"].split()[2]) <= 420
    assert all(float(each.attrib["font-size"]) >= 12 for each in root.iter(f"{space}text"))
    assert "href" not in text
    assert "<script" not in text
