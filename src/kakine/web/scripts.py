"""Whether what a browser was given is what was published: scripts and styles by SHA-256, pages by what they let run.

A page cannot vouch for itself: who serves it serves this too. So the list comes from elsewhere (a release, a log), and
is held against what was served by somebody whom the server does not know, or by whoever was served (a HAR file of the
own browser). Pure. Not checked: words and pictures of a page, the file of names, and what was served to others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from kakine.values.problems import PageListMalformed
from kakine.web.headers import policy

_LINE = re.compile(r"([0-9a-f]{64})  ([!-~]{1,200})")
_STATIC = re.compile(r"/static/[0-9a-f]{32}/(.+)")
_CODE = (".js", ".mjs", ".css")
_MUST = ("default-src", "script-src", "style-src", "base-uri", "frame-ancestors")
"""Directives that are the same on every page (`web.headers.policy`)."""


@dataclass(frozen=True)
class Given:
    """An answer as it came. `policy` is its Content-Security-Policy, "" without one."""

    url: str
    media: str
    policy: str
    body: bytes


@dataclass(frozen=True)
class Fault:
    """What differs, and where."""

    what: str
    where: str


def listing(files: Mapping[str, bytes]) -> str:
    """The list of these files, a line each, as `sha256sum` has them; only what runs or says how a page looks."""
    chosen = sorted((name, content) for name, content in files.items() if name.endswith(_CODE))
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in chosen)


def listed(text: str) -> dict[str, str]:
    """SHA-256 in hex by name. Raises `PageListMalformed`."""
    found = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise PageListMalformed(line=line)
        found[match[2]] = match[1]
    if not found:
        raise PageListMalformed(line="")
    return found


def name_of(url: str) -> str:
    """What the list calls the file at this address: without what changes with every version."""
    path = urlsplit(url).path
    found = _STATIC.fullmatch(path)
    return found[1] if found else path.removeprefix("/")


def faults(origin: str, given: Sequence[Given], known: Mapping[str, str]) -> Iterator[Fault]:
    """What of these answers is not as listed, and what pages ask for and is not among them."""
    had = {each.url for each in given}
    for each in given:
        if _is_code(each):
            name = name_of(each.url)
            if name not in known:
                yield Fault("unknown-file", each.url)
            elif hashlib.sha256(each.body).hexdigest() != known[name]:
                yield Fault("changed-file", each.url)
        elif each.media.startswith("text/html"):
            page = _Page.of(each)
            yield from (Fault(what, each.url) for what in page.found)
            yield from (Fault("policy", each.url) for _ in [0] if not _strict(each.policy))
            for url in page.code:
                if not url.startswith(origin + "/"):
                    yield Fault("elsewhere", url)
                elif url not in had:
                    yield Fault("not-seen", url)


def code_of(given: Given) -> list[str]:
    """The addresses of scripts and styles that a page names."""
    return _Page.of(given).code


def _is_code(given: Given) -> bool:
    return "javascript" in given.media or "text/css" in given.media or name_of(given.url).endswith(_CODE)


def _strict(said: str) -> bool:
    """Whether a policy has the parts that no page of ours goes without, each once and as they are."""
    parts = [part.split() for part in said.split(";") if part.strip()]
    ours = {part.split()[0]: part.split() for part in policy().split(";")}
    return all([part for part in parts if part[0] == name] == [ours[name]] for name in _MUST)


@dataclass
class _Page(HTMLParser):
    """What a page lets run."""

    url: str
    code: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, given: Given) -> _Page:
        page = cls(given.url)
        page.feed(given.body.decode("utf-8", "replace"))
        return page

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if any(name.startswith("on") for name in told):
            self.found.append("inline-script")
        if tag in ("base", "object", "embed", "iframe") or (tag == "meta" and "http-equiv" in told):
            self.found.append("element")
        if any(value.strip().lower().startswith("javascript:") for value in told.values()):
            self.found.append("inline-script")
        rel = told.get("rel", "").split()
        if tag == "script" and "src" not in told:
            self.found.append("inline-script")
        elif tag == "script" or (tag == "link" and {"stylesheet", "modulepreload", "preload"} & set(rel)):
            self.code.append(urljoin(self.url, told.get("src") or told.get("href", "")))
