"""Make a PDF (A4, PDF/A-2a, PDF/UA-1) out of a template and data, with the fonts that come with the program.

The typesetting is typst's, the QR codes are segno's. Nothing of the machine goes into a page: no system font, no
clock, no network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import segno
import typst
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from kakine.values.problems import GlyphMissing

_HERE = Path(__file__).resolve().parent
_FONTS = _HERE / "fonts"
_STANDARDS: Final[list[Literal["a-2a", "ua-1"]]] = ["a-2a", "ua-1"]


@cache
def _covered() -> frozenset[int]:
    with TTFont(_FONTS / "BIZUDPGothic_400Regular.ttf", lazy=True) as font:
        return frozenset(font.getBestCmap())


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value)


def require_printable(data: Any) -> None:
    """Raise `GlyphMissing` with the code points that the font does not have: a box in place of a letter of somebody's
    name is an error that would hurt silently."""
    missing = sorted({ord(sign) for text in _texts(data) for sign in text} - _covered() - {0x0A})
    if missing:
        raise GlyphMissing(signs=[f"U+{sign:04X}" for sign in missing])


def typeset(template: str, data: Mapping[str, Any], codes: Mapping[str, str] | None = None) -> bytes:
    """A PDF. `data` is what the template reads as data.json, `codes` the texts of its QR codes by name.

    Raises `GlyphMissing`, and `RuntimeError` for a template that does not compile.
    """
    with _written(template, data, codes or {}) as page:
        made = typst.compile(
            page, format="pdf", pdf_standards=list(_STANDARDS), timestamp=0, **_sources(page)
        )
    return bytes(made)


def pictures(template: str, data: Mapping[str, Any], codes: Mapping[str, str], dots: float) -> list[bytes]:
    """The same pages as PNG, so many dots an inch: what a scanner sees. Raises as `typeset`."""
    with _written(template, data, codes) as page:
        made = typst.compile(page, format="png", ppi=dots, **_sources(page))
    return made if isinstance(made, list) else [bytes(made)]


def _sources(page: Path) -> dict[str, Any]:
    return {"root": page.parent, "font_paths": [_FONTS], "ignore_system_fonts": True}


@contextmanager
def _written(template: str, data: Mapping[str, Any], codes: Mapping[str, str]) -> Iterator[Path]:
    require_printable(data)
    with TemporaryDirectory(prefix="kakine-paper-") as name:
        folder = Path(name)
        (folder / "data.json").write_text(json.dumps(data, ensure_ascii=False), "utf-8")
        for source in (template, "common.typ"):
            (folder / source).write_text((_HERE / source).read_text("utf-8"), "utf-8")
        for code, text in codes.items():
            # Level M survives a fold; more would make the dots smaller than a copier keeps.
            made = segno.make(text, error="m", micro=False, boost_error=False)
            made.save(str(folder / f"{code}.svg"), border=4, xmldecl=False, omitsize=True)
        yield folder / template
