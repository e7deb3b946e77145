"""`kakine page`: whether a site serves the scripts that were published, to anybody and to oneself."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import typer

from kakine.values.problems import HarMalformed, PageDiffers, PageUnreachable
from kakine.web.pages import files_of
from kakine.web.scripts import Given, code_of, faults, listed, listing, name_of

app = typer.Typer(
    no_args_is_help=True,
    help="画面を確かめる: hold what a site serves against what was published.",
)

SITES = {
    "portal": "kakine.parties.portal.site",
    "desk": "kakine.parties.gateway.desk_site",
    "console": "kakine.parties.commission.console",
}
_OPEN = {"portal": ("/", "/help", "/coverage"), "desk": ("/",), "console": ("/", "/public")}
"""Pages that anybody may see."""
_SECONDS = 30
_MOST = 1 << 22

SiteOption = Annotated[str, typer.Option(help="portal, desk or console.")]


@app.command(name="list")
def list_(site: SiteOption = "portal") -> None:
    """一覧を作る: print every script and style of a site as this release has them, by SHA-256 (`sha256sum` reads it).
    The commission publishes it in the log:

      kakine page list > portal-scripts.txt

      kakine ledger publish portal-scripts.txt --dir country/1-1000

    and whoever compares asks `kakine ledger published` for the list they have.
    """
    typer.echo(_own(site), nl=False)


@app.command()
def check(
    origin: Annotated[str, typer.Argument(help="Address of the site: scheme, host, port.")],
    har: Annotated[
        Path | None,
        typer.Option(
            help="What your own browser was given (developer tools, network, save as HAR), instead of asking anew.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            "--list", help="List to compare with; without it this release's.", exists=True, dir_okay=False
        ),
    ] = None,
    site: SiteOption = "portal",
) -> None:
    """照らし合わせる: compare what a site serves with a list. Exits 1 if anything differs. Examples:

      kakine page check https://portal.example

      kakine page check https://portal.example --har visit.har --list portal-scripts.txt

    The first asks as a stranger, for the pages that are open and every file of the list, so a server that lies to one
    person alone passes it. The second looks at what one person was given. A HAR file holds that visit: keep it to
    yourself. Neither looks at words, pictures or the file of names.
    """
    known = listed(published.read_text("ascii", "replace") if published else _own(site))
    at = origin.rstrip("/")
    given = _in_har(har.read_bytes(), at) if har else asyncio.run(_fetched(at, site, known))
    found = list(faults(at, given, known))
    for each in found:
        typer.echo(f"✗ {each.what}  {each.where}")
    if found:
        raise PageDiffers(count=len(found))
    typer.echo(f"✓ 公表されたものと同じ / as published: {len(given)} ({at})")


def _own(site: str) -> str:
    if site not in SITES:
        raise typer.BadParameter(", ".join(SITES), param_hint="--site")
    own = files_of(SITES[site])
    if site == "portal":
        pages = files("kakine.parties.portal.login").joinpath("pages")
        look = [own[name] for name in ("tokens.css", "site.css")]
        own["login.js"] = pages.joinpath("login.js").read_bytes()
        own["login.css"] = b"".join([*look, pages.joinpath("login.css").read_bytes()])
    return listing(own)


# --- what is compared -----------------------------------------------------------------------------------------------


async def _fetched(origin: str, site: str, known: Mapping[str, str]) -> list[Given]:
    """The open pages, every file that they name, and every listed file below the same folder of files."""
    limit = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar()) as session:
        pages = [await _get(session, origin + path) for path in _OPEN[site]]
        named = dict.fromkeys(url for page in pages for url in code_of(page) if url.startswith(origin + "/"))
        folders = dict.fromkeys(urljoin(url, "/").rstrip("/") + _folder(url) for url in named if _folder(url))
        below = [f"{folder}{name}" for folder in folders for name in known if not name.startswith("login.")]
        return pages + [await _get(session, url) for url in dict.fromkeys([*named, *below])]


def _folder(url: str) -> str:
    path = urlsplit(url).path
    return path.removesuffix(name_of(url)) if path.startswith("/static/") else ""


async def _get(session: aiohttp.ClientSession, url: str) -> Given:
    """Raises `PageUnreachable`."""
    try:
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise PageUnreachable(url=url, status=answer.status)
            body = b""
            async for part in answer.content.iter_chunked(1 << 16):
                body += part
                if len(body) > _MOST:
                    raise PageUnreachable(url=url, status=answer.status)
            return Given(url, answer.content_type, answer.headers.get("Content-Security-Policy", ""), body)
    except (TimeoutError, aiohttp.ClientError) as fault:
        raise PageUnreachable(url=url, status=0) from fault


def _in_har(data: bytes, origin: str) -> list[Given]:
    """The answers of this site in an HTTP archive (HAR 1.2). Raises `HarMalformed`."""
    try:
        found = [_given(each) for each in json.loads(data)["log"]["entries"]]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as fault:
        raise HarMalformed(fault="not a HAR file with bodies") from fault
    own = [each for each in found if each is not None and each.url.startswith(origin + "/")]
    if not any(each.media.startswith("text/html") for each in own):
        raise HarMalformed(fault="no page of this site in it")
    return own


def _given(entry: dict[str, Any]) -> Given | None:
    """None for what is neither page nor file: redirects, forms, calls of scripts; and for a file whose body the browser
    did not keep, since its reader went on before it was there. A page that names it is then said to lack it."""
    answer = entry["response"]
    content = answer["content"]
    media = content.get("mimeType", "")
    if answer["status"] != 200 or not any(each in media for each in ("html", "javascript", "css")):
        return None
    if "html" not in media and "text" not in content:
        return None
    text = content["text"]
    body = base64.b64decode(text, validate=True) if content.get("encoding") == "base64" else text.encode()
    told = {each["name"].lower(): each["value"] for each in answer["headers"]}
    return Given(entry["request"]["url"], media, told.get("content-security-policy", ""), body)
