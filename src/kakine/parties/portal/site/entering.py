"""Coming in, and showing a further way: paper from a counter, card through the helper of the holder's machine, passkey.

The same routes serve both: who is inside already shows a way of the same account, and the visit gets a new name.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import msgspec
from starlette.responses import Response

from kakine.parties.portal.site.house import House
from kakine.protocols.logins import CARD, COUNTER, PASSKEY
from kakine.values.problems import FormUnfit, SessionUnknown
from kakine.web.turn import Turn
from kakine.wire.canonical import encode

_OFFERED = {"paper": COUNTER, "passkey": PASSKEY, "card": CARD}


class _CardAnswer(msgspec.Struct, forbid_unknown_fields=True):
    certificate: str
    signature: str


def offered(house: House) -> list[str]:
    """Ways in, by name."""
    return [name for name, acr in _OFFERED.items() if acr in house.login.ways]


async def again(house: House, turn: Turn[str]) -> Response:
    """Show another way in this visit."""
    shown = house.visit(turn).shown
    done = [name for name, acr in _OFFERED.items() if acr in shown]
    return turn.page(
        "again.html", ways=offered(house), done=done, strong=house.strong(turn), connect=[house.login.helper]
    )


async def paper(house: House, turn: Turn[str]) -> Response:
    """A code from a counter."""
    name = _inside(turn) or house.visits.begin()
    return _entered(turn, await house.visits.by_paper(name, turn.form.one("code")))


async def card_challenge(house: House, turn: Turn[str]) -> Response:
    """What the card is to sign, and where the helper listens."""
    made = house.visits.card_challenge(_arrival(house, turn, begin=True))
    return turn.json({"challenge": b64encode(encode(made)).decode(), "helper": house.login.helper})


async def card(house: House, turn: Turn[str]) -> Response:
    """The card's answer, by the helper."""
    name = _arrival(house, turn)
    try:
        told = msgspec.json.decode(turn.body, type=_CardAnswer)
        proof = b64decode(told.certificate, validate=True), b64decode(told.signature, validate=True)
    except (msgspec.DecodeError, ValueError) as fault:
        raise FormUnfit(field="card") from fault
    return _next(turn, house.visits.by_card(name, *proof))


async def passkey_options(house: House, turn: Turn[str]) -> Response:
    """For `navigator.credentials.get`."""
    return turn.json(house.visits.passkey_options(_arrival(house, turn, begin=True)))


async def passkey(house: House, turn: Turn[str]) -> Response:
    """The authenticator's answer."""
    name = _arrival(house, turn)
    try:
        answer = msgspec.json.decode(turn.body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as fault:
        raise FormUnfit(field="passkey") from fault
    return _next(turn, await house.visits.by_passkey(name, answer))


def _inside(turn: Turn[str]) -> str:
    try:
        return turn.who
    except SessionUnknown:
        return ""


def _arrival(house: House, turn: Turn[str], *, begin: bool = False) -> str:
    """The visit, or the arrival before the door, whose name the session has noted."""
    if inside := _inside(turn):
        return inside
    if begin:
        turn.note = house.visits.begin()
    return turn.note


def _entered(turn: Turn[str], name: str) -> Response:
    path = _where(turn)
    turn.admit(name)
    return turn.go(path)


def _next(turn: Turn[str], name: str) -> Response:
    path = _where(turn)
    turn.admit(name)
    return turn.json({"next": turn.language.path(path)})


def _where(turn: Turn[str]) -> str:
    """Where somebody inside was going; the first page for others. A session notes paths of ours only."""
    return (turn.known and turn.note) or "/"
