"""Templates in three languages, and files whose address holds their content's hash.

A missing value stops the page (`StrictUndefined`), every value is escaped, and no address of a file can be guessed from
another version's.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.responses import Response

from kakine.values.problems import RouteUnknown
from kakine.web.headers import FOREVER
from kakine.web.language import Language, translations

HERE = "kakine.web"
_IMPORTED = re.compile(rb"""^(?:import|export)\b[^;"']*["'](\.{1,2}/[^"']+)["'];""", re.MULTILINE)
_MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}


def environments(package: str) -> Mapping[Language, Environment]:
    """The templates of a site (`package`/templates) and of this package (under `web/`), in each language."""
    own: BaseLoader = PackageLoader(package, "templates")
    loader = ChoiceLoader([own, PrefixLoader({"web": PackageLoader(HERE, "templates")})])
    return {language: _environment(loader, package, language) for language in Language}


def _environment(loader: BaseLoader, package: str, language: Language) -> Environment:
    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    words = translations(language, (package, HERE))
    made.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    return made


class Assets:
    """The files below `static/` of a site and of this package, under one address that changes with any of them, so that
    scripts may import each other by relative names. `more` are files from elsewhere, by name."""

    def __init__(self, package: str, more: Mapping[str, bytes]) -> None:
        self._files = {**files_of(package), **more}
        digest = hashlib.sha256()
        for name, content in sorted(self._files.items()):
            digest.update(f"{len(name)}:{name}:{len(content)}:".encode() + content)
        self.prefix = f"/static/{digest.hexdigest()[:32]}"

    def url(self, name: str) -> str:
        """Where a file is. Raises `KeyError`: a page that names a file that is not there is a fault of ours."""
        self._files[name]
        return f"{self.prefix}/{name}"

    def integrity(self, name: str) -> str:
        """What a page says of a file, so that a browser takes no other (W3C Subresource Integrity)."""
        return integrity_of(self._files[name])

    def modules(self, name: str) -> list[str]:
        """A module and all that it imports, itself first."""
        return [name, *self._imported(name, {name})]

    def _imported(self, name: str, seen: set[str]) -> Iterator[str]:
        for found in _IMPORTED.findall(self._files[name]):
            other = normpath(join(dirname(name), found.decode()))
            if other not in seen:
                seen.add(other)
                yield other
                yield from self._imported(other, seen)

    def answer(self, path: str) -> Response:
        """Raises `RouteUnknown`, also for a file of another version."""
        name = path.removeprefix(f"{self.prefix}/")
        content = self._files.get(name)
        media = _MEDIA.get(name.rpartition(".")[2])
        if content is None or media is None:
            raise RouteUnknown()
        return Response(content, headers={"Cache-Control": FOREVER, "Content-Type": media})


def integrity_of(content: bytes) -> str:
    """`sha384-…`."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def files_of(package: str) -> dict[str, bytes]:
    """By name what a site of this package serves below `static/`, without what only a country knows."""
    return {**_read(HERE), **_read(package)}


def _read(package: str) -> dict[str, bytes]:
    folder: Traversable = files(package).joinpath("static")
    if not folder.is_dir():
        return {}
    return dict(_walk(folder, ""))


def _walk(folder: Traversable, at: str) -> Iterator[tuple[str, bytes]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _walk(each, f"{at}{each.name}/")
        elif each.name.rpartition(".")[2] in _MEDIA:
            yield at + each.name, each.read_bytes()
