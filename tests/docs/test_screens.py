"""The screens of the documentation are those that `make docs` takes, and they are small, seen and described."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

import make_screens  # noqa: E402

NAMES = [each["name"] for each in make_screens.screens()]
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
SHOWN = re.compile(r'<img src="([^"]*pictures/([\w-]+)\.png)"[^>]* alt="([^"]+)">')
BY_OTHERS = {"verify-held", "verify-failed"}
"""Of docs/make_pictures.py."""


def shown() -> dict[str, list[str]]:
    """Alt texts by picture, of all pages."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        for path, name, alt in SHOWN.findall(page.read_text("utf-8")):
            assert (page.parent / path).is_file(), (page, path)
            found.setdefault(name, []).append(alt)
    return found


def test_each_screen_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_is_there_in_its_size_and_light(name: str) -> None:
    path = make_screens.PICTURES / f"{name}.png"
    with Image.open(path) as picture:
        assert (picture.size, picture.mode) == (make_screens.SIZE, "P")
    assert 2_000 < path.stat().st_size < make_screens.MOST


def test_pages_show_every_screen_with_words_for_who_does_not_see_it() -> None:
    found = shown()
    assert set(found) - BY_OTHERS == set(NAMES)
    assert all(len(alt) > 20 for alts in found.values() for alt in alts)


def test_no_picture_is_left_that_nothing_takes() -> None:
    assert {path.stem for path in make_screens.PICTURES.glob("*.png")} == set(NAMES) | BY_OTHERS


def test_the_steps_of_the_list_are_such_as_are_known() -> None:
    known = {"click": 2, "fill": 3, "choose": 3, "wait": 2, "top": 2}
    for each in make_screens.screens():
        assert each["site"] in ("portal", "desk", "console")
        for step in each.get("steps", ()):
            assert len(step) == known[step[0]], (each["name"], step)
