"""Bring the word catalogues of every site up to date with its templates and its Python (gettext, by Babel).

.venv/bin/python docs/make_words.py           # write; says what is still untranslated
.venv/bin/python docs/make_words.py --check   # exit 1 if a catalogue is old or lacks a translation

A site is a package with a folder `words/`. Message ids are Japanese. New ones come in with an empty
translation, those no longer used go out; nothing is guessed (no fuzzy entries).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "src" / "kakine", ROOT / "tests" / "web")
NAMES = {"ja_easy": "ja", "en": "en"}
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "mark": None}
_OPTIONS = {"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}


def sites() -> list[Path]:
    """Folders with words."""
    return sorted(path.parent for folder in FOLDERS for path in folder.rglob("words") if path.is_dir())


def messages(site: Path) -> Catalog:
    """Every message of a site and where it stands. Sites inside its folder are left out."""
    inner = [other for other in sites() if other != site and other.is_relative_to(site)]
    found = Catalog()
    for name, line, message, _, context in extract_from_dir(
        str(site), method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS
    ):
        if not any((site / name).is_relative_to(other) for other in inner):
            found.add(message, locations=[(Path(name).as_posix(), line)], context=context)
    return found


def brought_up(site: Path, name: str) -> Catalog:
    """The catalogue as it should be."""
    path = site / "words" / f"{name}.po"
    old = Catalog(locale=NAMES[name])
    if path.exists():
        with path.open("rb") as text:
            old = read_po(text, locale=NAMES[name], abort_invalid=True)
    new = Catalog(locale=NAMES[name], fuzzy=False)
    for message in messages(site):
        if message.id:
            kept = old.get(message.id)
            new.add(message.id, kept.string if kept else "", locations=message.locations)
    return new


def text_of(catalog: Catalog) -> bytes:
    """The file. Without dates, tools and line numbers, so that it changes only with its words."""
    out = BytesIO()
    write_po(out, catalog, width=0, omit_header=True, sort_by_file=True, include_lineno=False)
    head = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Plural-Forms: {catalog.plural_forms.strip(chr(59))};\\n"\n\n'
    )
    return head.encode() + out.getvalue()


def untranslated(catalog: Catalog) -> Iterator[str]:
    """Messages that lack a translation, or a form of it."""
    for message in catalog:
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and not all(strings):
            yield str(message.id)


def main() -> int:
    """Exit code."""
    check, faults = "--check" in sys.argv[1:], 0
    for site in sites():
        for name in NAMES:
            path = site / "words" / f"{name}.po"
            catalog = brought_up(site, name)
            wanted = text_of(catalog)
            where = path.relative_to(ROOT)
            if not check:
                path.write_bytes(wanted)
            elif not path.exists() or path.read_bytes() != wanted:
                print(f"{where}: old; run docs/make_words.py")
                faults += 1
            for message in untranslated(catalog):
                print(f"{where}: untranslated: {message}")
                faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
