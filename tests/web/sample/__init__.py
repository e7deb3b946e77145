"""A site of a few pages that uses every component. What is tested here holds for each site on `kakine.web`."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kakine.web.sessions import Sessions
from kakine.web.site import Settings, Site
from kakine.web.turn import Turn


async def _home(turn: Turn[str]) -> Response:
    return turn.page("home.html")


async def _enter(turn: Turn[str]) -> Response:
    turn.admit(turn.form.one("name"))
    return turn.go("/parts")


async def _parts(turn: Turn[str]) -> Response:
    rows = [("横浜市", 142), ("年金事務所", 12), ("国税庁", 0)]
    return turn.page("parts.html", who=turn.who, rows=rows, time_ms=1_795_323_900_000)


async def _keep(turn: Turn[str]) -> Response:
    turn.site.kept.append((turn.who, turn.form.one("word")))  # type: ignore[attr-defined]
    return turn.page("kept.html", word=turn.form.one("word"))


async def _script(turn: Turn[str]) -> Response:
    return turn.json({"who": turn.who, "bytes": len(turn.body)})


async def _fails(turn: Turn[str]) -> Response:
    raise ValueError("秘密 of " + turn.who)


def sample(settings: Settings, **more: Any) -> Site[str]:
    """`site.kept` is what its form has taken, with whose it was."""
    site: Site[str] = Site("web.sample", settings, Sessions(settings.clock, settings.entropy), **more)
    site.kept = []  # type: ignore[attr-defined]
    site.get("/", _home, open=True)
    site.post("/enter", _enter, open=True)
    site.get("/parts", _parts)
    site.get("/fails", _fails)
    site.post("/keep", _keep, limit=2_000)
    site.call("/script", _script)
    return site
