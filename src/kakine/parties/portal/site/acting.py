"""Ways in, and acts that weigh: asked for after a step-up, waiting in sight, undone by any visit (spec/visits.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from kakine.parties.portal.acts.store import Act, State
from kakine.parties.portal.site.house import House
from kakine.protocols.logins import CARD
from kakine.values.problems import FormUnfit
from kakine.web.language import mark
from kakine.web.turn import Turn

_STATES = {
    State.ASKED: mark("待っています"),
    State.WAITING: mark("待っています"),
    State.DOING: mark("行っています"),
    State.TURNING: mark("取り消しています"),
    State.DONE: mark("行われました"),
    State.UNDOING: mark("取り消しています"),
    State.UNDONE: mark("取り消しました"),
}
_BACK = (State.TURNING, State.UNDOING, State.UNDONE)


@dataclass(frozen=True)
class Shown:
    """An act as its person sees it. `suspect` says that a card was shown for it that is lost since."""

    id: str
    ja: str
    en: str
    label: str
    state: str
    asked_ms: int
    due_ms: int
    until_ms: int
    can_undo: bool
    protects: bool
    suspect: bool


def shown(house: House, turn: Turn[str], kind: str = "") -> list[Shown]:
    """The acts of whoever this is, or those of one kind, the latest first."""
    suspects = {act.id for act in house.acts.suspects(turn.who)}
    now_ms = house.login.clock()
    found = [
        _shown(house, act, suspect=act.id in suspects, now_ms=now_ms)
        for act in house.acts.notices(turn.who)
        if kind in ("", act.kind)
    ]
    return found[::-1]


def _shown(house: House, act: Act, *, suspect: bool, now_ms: int) -> Shown:
    kind = house.kind(act.kind)
    can_undo = act.state not in _BACK and (act.state is not State.DONE or now_ms < act.until_ms)
    times = act.asked_ms, act.due_ms, act.until_ms
    state = _STATES[act.state]
    return Shown(act.id.hex(), kind.ja, kind.en, act.label, state, *times, can_undo, kind.protects, suspect)


async def ways(house: House, turn: Turn[str]) -> Response:
    """What opens this account. Seeing it and reporting a loss take any visit, changing it a step-up."""
    turn.note = "/ways"
    found = house.acts.ways(turn.who)
    return turn.page("own_ways.html", ways=found, card=CARD, strong=house.strong(turn))


async def new_passkey_options(house: House, turn: Turn[str]) -> Response:
    """For `navigator.credentials.create`."""
    return turn.json(house.acts.new_passkey_options(turn.who))


async def new_passkey(house: House, turn: Turn[str]) -> Response:
    """The authenticator's answer; the act of binding it waits."""
    try:
        answer = msgspec.json.decode(turn.body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as fault:
        raise FormUnfit(field="passkey") from fault
    await house.acts.add_passkey(turn.who, answer)
    return turn.json({"next": turn.language.path("/decisions")})


async def remove(house: House, turn: Turn[str]) -> Response:
    """A way in is to be removed."""
    await house.acts.remove(turn.who, _bytes(turn, "ref"))
    return turn.go("/decisions")


async def lost(house: House, turn: Turn[str]) -> Response:
    """A card is lost: it opens nothing from this moment on."""
    await house.acts.card_lost(turn.who, _bytes(turn, "ref"))
    return turn.go("/decisions")


async def undo(house: House, turn: Turn[str]) -> Response:
    """One act is undone."""
    await house.acts.undo(turn.who, _bytes(turn, "act"))
    return turn.go("/decisions")


async def undo_suspects(house: House, turn: Turn[str]) -> Response:
    """Whatever was asked for with a card that is lost now, as far as this visit may: the list shows what is left."""
    await house.acts.undo_suspects(turn.who)
    return turn.go("/decisions")


def _bytes(turn: Turn[str], name: str) -> bytes:
    try:
        return bytes.fromhex(turn.form.one(name))
    except ValueError as fault:
        raise FormUnfit(field=name) from fault
