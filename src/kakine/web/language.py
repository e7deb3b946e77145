"""Three languages: 日本語 (in which all words are written), やさしい日本語 and English, from gettext catalogues.

Message ids are the Japanese texts. Catalogues (`words/ja_easy.po`, `words/en.po` of a package) are compiled in memory
when a site is made. What stands in them is HTML of ours; values go in by name and are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from itertools import pairwise

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


class Language(Enum):
    """`prefix` begins each path, `tag` is BCP 47, `own` the name in the language itself."""

    JA = ("ja", "", "ja", "日本語")
    EASY = ("ja_easy", "/easy", "ja", "やさしい日本語")
    EN = ("en", "/en", "en", "English")

    def __init__(self, catalogue: str, prefix: str, tag: str, own: str) -> None:
        self.catalogue = catalogue
        self.prefix = prefix
        self.tag = tag
        self.own = own

    def path(self, local: str) -> str:
        """The address on the site of a page (`/` and so on) in this language."""
        return (self.prefix or "/") if local == "/" else self.prefix + local


def language_of(path: str) -> tuple[Language, str]:
    """(language, page) of an address on a site."""
    for language in (Language.EASY, Language.EN):
        if path == language.prefix or path.startswith(language.prefix + "/"):
            return language, path.removeprefix(language.prefix) or "/"
    return Language.JA, path


def mark(text: str) -> str:
    """A text that a template will translate; for those that stand in Python, where the extraction looks for it."""
    return text


def translations(language: Language, packages: Sequence[str]) -> NullTranslations:
    """The words of these packages; the first that has one wins. Japanese is what stands in the templates."""
    if language is Language.JA:
        return NullTranslations()
    found = [_compiled(package, language.catalogue) for package in packages]
    for first, next_ in pairwise(found):
        first.add_fallback(next_)
    return found[0]


def _compiled(package: str, name: str) -> NullTranslations:
    source = files(package).joinpath("words", f"{name}.po")
    binary = BytesIO()
    with source.open("rb") as text:
        # Without a locale the rule of plurals is not written, and every number but 1 would read as Japanese.
        write_mo(binary, read_po(text, locale=name.partition("_")[0], abort_invalid=True))
    binary.seek(0)
    return GNUTranslations(binary)
