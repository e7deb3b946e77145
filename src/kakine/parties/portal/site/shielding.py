"""The shield (支援措置 to begin with, at the portal: spec/shield.md), and what a change of the number means."""

from __future__ import annotations

from starlette.responses import Response

from kakine.parties.portal.site.house import House
from kakine.protocols.logins import COUNTER
from kakine.web.turn import Turn


async def shield(house: House, turn: Turn[str]) -> Response:
    """What it does, and the button that raises it: the same for every visit without a step-up, up or down."""
    turn.note = "/shield"
    visit, strong = house.visit(turn), house.strong(turn)
    since_ms = house.acts.shield_ms(turn.who) if strong else None
    return turn.page("shield.html", strong=strong, counter=COUNTER in visit.shown, since_ms=since_ms)


async def raise_(house: House, turn: Turn[str]) -> Response:
    """It is up from this moment on."""
    await house.acts.raise_shield(turn.who)
    return turn.page("shielded.html", when_ms=house.login.clock())


async def lift(house: House, turn: Turn[str]) -> Response:
    """It is to be taken down, after a wait."""
    await house.acts.lift_shield(turn.who)
    return turn.go("/decisions")


async def number(house: House, turn: Turn[str]) -> Response:
    """When a number is changed, where, and what changes with it. The portal knows no number and changes none."""
    turn.note = "/number"
    return turn.page("number.html")
