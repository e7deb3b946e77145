"""Which page is where.

What is still to come has its place here and nowhere else: own data under `/data` ("my data", pulled live from the
holders, step-up for sensitive areas), paper under `/paper`. A room is added by a line in `ROOMS` and its routes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from kakine.parties.portal.login.http import application
from kakine.parties.portal.site import acting, entering, objecting, rooms
from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.wording import WORDS
from kakine.web import own_history
from kakine.web.language import mark
from kakine.web.sessions import Sessions
from kakine.web.site import Handler, Settings, Site
from kakine.web.turn import Turn
from kakine.wire.evidence import MOST_BYTES

Serve = Callable[[House, Turn[str]], Awaitable[Response]]

ROOMS = (
    ("/", mark("最初"), False),
    ("/history", mark("履歴"), True),
    ("/decisions", mark("決める"), True),
    ("/objections", mark("異議"), True),
    ("/ways", mark("入り方"), True),
    ("/letters", mark("お知らせ"), True),
    ("/coverage", mark("つながる範囲"), False),
    ("/help", mark("助け"), False),
)
"""Path, name, and whether one must be logged in."""


def site(house: House, settings: Settings, names: bytes) -> ASGIApp:
    """The resident's site and the login for other services, at one origin: a passkey belongs to both. `names` is the
    file of names that the history shows (protocols/words.py)."""
    made: Site[str] = Site(
        "kakine.parties.portal.site",
        settings,
        Sessions(settings.clock, settings.entropy, idle_ms=600_000),
        assets={own_history.NAMES: names},
        words=WORDS,
        stands=house.stands,
        left=house.left,
        shared={"rooms": ROOMS},
    )
    _routes(made, house)
    return made.app(_beside(application(house.login)))


def _routes(made: Site[str], house: House) -> None:
    def of(serve: Serve) -> Handler[str]:
        return partial(serve, house)

    made.get("/", of(rooms.first), open=True)
    made.get("/coverage", of(rooms.coverage), open=True)
    made.get("/help", of(rooms.help_), open=True)
    made.get("/letters", of(rooms.letters))
    made.get("/decisions", of(rooms.decisions))
    made.get("/again", of(entering.again))
    made.post("/enter/paper", of(entering.paper), open=True)
    made.call("/enter/card/challenge", of(entering.card_challenge), open=True)
    made.call("/enter/card", of(entering.card), open=True)
    made.call("/enter/passkey/options", of(entering.passkey_options), open=True)
    made.call("/enter/passkey", of(entering.passkey), open=True)
    made.get("/history", of(objecting.history))
    own_history.mount(made, house.visits.reading)
    made.get("/ways", of(acting.ways))
    made.post("/ways/remove", of(acting.remove))
    made.post("/ways/lost", of(acting.lost))
    made.call("/ways/passkey/options", of(acting.new_passkey_options))
    made.call("/ways/passkey", of(acting.new_passkey))
    made.post("/acts/undo", of(acting.undo))
    made.post("/acts/undo-suspects", of(acting.undo_suspects))
    made.call("/history/evidence", of(objecting.evidence), limit=MOST_BYTES)
    made.get("/objections", of(objecting.room))
    made.get("/objections/agencies", of(objecting.agencies))
    made.call("/objections/told", of(objecting.told), limit=objecting.MOST_TOLD)
    made.post("/decisions/objections", of(objecting.object_to))


def _beside(login: ASGIApp) -> list[BaseRoute]:
    return [Route(each.path, login) for each in getattr(login, "routes", ()) if isinstance(each, Route)]
