"""A site with nothing but the own history, whose accounts are named in a form: what is tested is the page."""

from __future__ import annotations

from starlette.responses import Response

from kakine.protocols.words import words_of
from kakine.web.own_history import NAMES, mount
from kakine.web.sessions import Sessions
from kakine.web.site import Settings, Site
from kakine.web.turn import Turn

from land import Land, pack


async def _home(turn: Turn[bytes]) -> Response:
    return turn.page("home.html")


async def _enter(turn: Turn[bytes]) -> Response:
    turn.admit(turn.form.one("account").encode())
    return turn.go("/history")


async def _history(turn: Turn[bytes]) -> Response:
    return turn.page("own.html", who=turn.who)


def history_site(settings: Settings, land: Land) -> Site[bytes]:
    """The site; each answer of the portal goes through `site.change`, which tests may set, as the file `site.usual`."""
    own = {NAMES: words_of(pack())}
    site: Site[bytes] = Site(
        "web.history_site", settings, Sessions(settings.clock, settings.entropy), assets=own
    )
    site.change = lambda given: given  # type: ignore[attr-defined]
    site.read = land.country.portal.reading  # type: ignore[attr-defined]

    async def read(account: bytes, asked: bytes) -> bytes:
        given: bytes = site.change(await site.read(account, asked))  # type: ignore[attr-defined]
        return given

    site.usual = b""  # type: ignore[attr-defined]
    mount(site, read, lambda: site.usual)  # type: ignore[attr-defined]
    site.get("/", _home, open=True)
    site.post("/enter", _enter, open=True)
    site.get("/history", _history)
    return site
