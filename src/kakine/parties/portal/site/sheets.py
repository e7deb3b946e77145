"""The room of paper: pages of the portal as signed A4, which verify without a network (spec/web.md section 7).

What is signed is the text of the very page that its person sees, made anew for each sheet and kept nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.responses import Response

from kakine.paper.making import typeset
from kakine.parties.portal.site import acting, rooms
from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.plain import lines_of
from kakine.parties.portal.site.wording import AREAS
from kakine.protocols.logs import log_keys
from kakine.protocols.own_data import SENSITIVE, areas
from kakine.protocols.signed_pages import believed, page_key
from kakine.values.calendar import in_japan
from kakine.values.problems import FormUnfit
from kakine.web import dates
from kakine.web.language import Language, mark, translations
from kakine.web.turn import Turn
from kakine.wire.page import Page, whole_minute
from kakine.wire.policy import of_logs
from kakine.wire.scanned import pack_page

_LANGUAGES = {Language.JA: "ja", Language.EASY: "easy", Language.EN: "en"}
_LARGE, _PLAIN = 17, 10.5
"""Points."""

_PRINTED = {
    "by": mark("署名した者"),
    "at": mark("署名した時刻"),
    "gazette": mark("官報の版"),
    "key": mark("窓口の鍵"),
    "check": mark("確かめ方"),
    "steps": mark(
        "四角（QRコード）をすべて読み取り機で文字として読み、「受領証を確かめる頁」（verify/index.html。通信なしで動きます）に続けて入れます。窓口の鍵（portal.txt）を選び、鍵が官報のものと同じか比べます。"
    ),
    "limits": mark(
        "署名は、窓口がこの時にこの文を示したことだけを表します。今もそうかは、窓口で確かめてください。"
    ),
    "code": mark("頁の符号"),
}


@dataclass(frozen=True)
class Printable:
    """A page that can be printed: its name in the statement and on screen, and what makes it."""

    name: str
    title: str
    serve: Callable[[House, Turn[str]], Awaitable[Response]]


async def held(house: House, turn: Turn[str]) -> Response:
    """Which organisations may hold what kinds of information, by name."""
    law = house.law
    found = [
        (AREAS.get(area, area), area in SENSITIVE, [law.party(each.domain.party) for each in holders])
        for area, holders in areas(law).items()
    ]
    return turn.page("held.html", held=found, number=law.gazette.number)


PAGES = (
    Printable("held", mark("どこが、何を持っているか"), held),
    Printable("coverage", mark("つながる範囲"), rooms.coverage),
    Printable("decisions", mark("決められることと、待っている手続き"), rooms.decisions),
    Printable("letters", mark("お知らせ"), rooms.letters),
    Printable("ways", mark("この窓口への入り方"), acting.ways),
)


async def paper(house: House, turn: Turn[str]) -> Response:
    """What can be printed, and how it is checked."""
    return turn.page("paper.html", pages=PAGES, key=believed(page_key(house.law)).decode().strip())


async def key(house: House, turn: Turn[str]) -> Response:
    """The key for the page that verifies. Whoever has it from here alone compares it with the gazette."""
    told = {"Content-Disposition": 'attachment; filename="portal.txt"'}
    return Response(believed(page_key(house.law)), headers=told, media_type="text/plain")


async def policy(house: House, turn: Turn[str]) -> Response:
    """The policy under which receipts of a print verify: the keys of the logs alone, since a reading ends with itself,
    which no witness has seen yet."""
    found = of_logs(log_keys(house.law, house.logs()))
    told = {"Content-Disposition": 'attachment; filename="policy.txt"'}
    return Response(found, headers=told, media_type="text/plain")


async def sheet(house: House, turn: Turn[str]) -> Response:
    """One page as a signed PDF."""
    wanted, large = turn.form.one("page"), turn.form.one("large") == "yes"
    found = next((each for each in PAGES if each.name == wanted), None)
    if found is None:
        raise FormUnfit(field="page")
    shown = await found.serve(house, turn)
    law, language = house.law, _LANGUAGES[turn.language]
    now_ms = whole_minute(house.login.clock())
    lines = tuple(lines_of(bytes(shown.body).decode()))
    signer = page_key(law)
    page = Page(signer.name, now_ms, found.name, language, law.gazette.number, lines)
    codes = {f"code-{j}": text for j, text in enumerate(pack_page(house.stamp(page)), 1)}
    data = _data(page, turn.language, believed(signer).decode().strip(), len(codes), large=large)
    made = await asyncio.to_thread(typeset, "page.typ", data, codes)
    told = {"Content-Disposition": f'attachment; filename="kakine-{found.name}.pdf"'}
    return Response(made, headers=told, media_type="application/pdf")


def _data(page: Page, language: Language, vkey: str, codes: int, *, large: bool) -> dict[str, Any]:
    words = _words(language)
    facts = {
        "by": page.by,
        "at": f"{dates.moment_text(page.time_ms, language)} ({in_japan(page.time_ms).isoformat(timespec='minutes')})",
        "gazette": str(page.gazette),
        "key": vkey,
    }
    title = next((text for tag, text in page.lines if tag == "h1"), page.page)
    return {
        "lang": language.tag,
        "title": title,
        "size": _LARGE if large else _PLAIN,
        "lines": [list(line) for line in page.lines if line != ("h1", title)],
        "facts": [[words[name], value] for name, value in facts.items()],
        "words": dict(words),
        "codes": [f"code-{j}" for j in range(1, codes + 1)],
        "footer": words["limits"],
    }


@cache
def _words(language: Language) -> Mapping[str, str]:
    found = translations(language, ("kakine.parties.portal.site", "kakine.web"))
    return {name: found.gettext(text) for name, text in _PRINTED.items()}
