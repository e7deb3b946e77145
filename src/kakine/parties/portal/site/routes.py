"""Which page is where.

A room is added by a line in `ROOMS` and its routes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from kakine.parties.portal.login.http import application
from kakine.parties.portal.site import (
    acting,
    consenting,
    entering,
    mandating,
    objecting,
    own,
    paying,
    responsibility,
    rooms,
    sheets,
    shielding,
)
from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.wording import WORDS
from kakine.web import own_history
from kakine.web.language import mark
from kakine.web.sessions import Sessions
from kakine.web.site import Handler, Settings, Site
from kakine.web.turn import Turn
from kakine.wire import own_data, reading
from kakine.wire.evidence import MOST_BYTES

Serve = Callable[[House, Turn[str]], Awaitable[Response]]

ROOMS = (
    ("/", mark("最初"), False),
    ("/data", mark("自己情報"), True),
    ("/history", mark("履歴"), True),
    ("/decisions", mark("決める"), True),
    ("/objections", mark("異議"), True),
    ("/consents", mark("同意"), True),
    ("/mandates", mark("委任"), True),
    ("/account", mark("公金受取口座"), True),
    ("/ways", mark("入り方"), True),
    ("/letters", mark("お知らせ"), True),
    ("/paper", mark("紙"), True),
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
    made.get("/tour", of(rooms.tour), open=True)
    made.get("/responsibility", of(responsibility.responsibility), open=True)
    made.get("/letters", of(rooms.letters))
    made.get("/held", of(sheets.held), open=True)
    made.get("/paper", of(sheets.paper))
    made.get("/paper/portal.txt", of(sheets.key), open=True)
    made.get("/paper/policy.txt", of(sheets.policy), open=True)
    made.post("/paper/sheet", of(sheets.sheet), once=False)
    made.get("/decisions", of(rooms.decisions))
    made.get("/again", of(entering.again))
    made.post("/enter/paper", of(entering.paper), open=True)
    made.call("/enter/card/challenge", of(entering.card_challenge), open=True)
    made.call("/enter/card", of(entering.card), open=True)
    made.call("/enter/passkey/options", of(entering.passkey_options), open=True)
    made.call("/enter/passkey", of(entering.passkey), open=True)
    made.get("/history", of(objecting.history))
    own_history.mount(made, house.visits.reading, house.usual)
    made.get("/data", of(own.rooms))
    made.get("/data/{area}", of(own.area))
    made.call("/data/{area}/read", of(own.read), limit=own_data.MOST_ASKED)
    made.post("/data/close", of(own.close))
    made.post("/data/open", of(own.reopen))
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
    made.get("/consents", of(consenting.consents))
    made.post("/consents/withdraw", of(consenting.withdraw))
    made.get("/mandates", of(mandating.mandates))
    made.post("/mandates/code", of(mandating.draw))
    made.post("/mandates/whom", of(mandating.whom))
    made.post("/mandates/give", of(mandating.give))
    made.post("/mandates/end", of(mandating.end))
    made.get("/mandates/{number}", of(mandating.history))
    made.call("/mandates/{number}/read", of(mandating.reading), limit=reading.MOST_ASKED)
    made.get("/account", of(paying.account))
    made.post("/account", of(paying.change))
    made.get("/shield", of(shielding.shield))
    made.post("/shield", of(shielding.raise_))
    made.post("/shield/lift", of(shielding.lift))
    made.get("/number", of(shielding.number), open=True)


def _beside(login: ASGIApp) -> list[BaseRoute]:
    return [Route(each.path, login) for each in getattr(login, "routes", ()) if isinstance(each, Route)]
