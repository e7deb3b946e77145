"""Coming in by a code of the shift or a passkey, for the first time by a code for that; sheets; binding a passkey."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from kakine.parties.commission.bureau.bureau import doer
from kakine.parties.commission.bureau.store import note
from kakine.parties.commission.console.house import House
from kakine.values.problems import FormUnfit
from kakine.web.staff_store import Member
from kakine.web.turn import Turn

SHEET = 12


def json_of(turn: Turn[Member]) -> dict[str, Any]:
    """What a script of ours has sent. Raises `FormUnfit`."""
    try:
        return msgspec.json.decode(turn.body, type=dict[str, Any])
    except msgspec.DecodeError as fault:
        raise FormUnfit(field="body") from fault


async def first(house: House, turn: Turn[Member]) -> Response:
    """Ways in, or the overview for whoever is in."""
    return turn.go("/overview") if turn.known else turn.page("enter.html")


async def _entered(house: House, turn: Turn[Member], member: Member) -> None:
    turn.admit(member)
    now_ms = house.now_ms
    await house.bureau.db.write(lambda db: note(db, now_ms, doer(member), "entered"))


async def enter(house: House, turn: Turn[Member]) -> Response:
    """A code of the shift."""
    await _entered(house, turn, await house.bureau.staff.by_code(turn.form.one("code")))
    return turn.go("/overview")


async def enrol(house: House, turn: Turn[Member]) -> Response:
    """For the first time; both halves of the code in one field. The first sheet comes with it."""
    member = await house.bureau.staff.enrol(turn.form.one("code"))
    await _entered(house, turn, member)
    return turn.page("sheet.html", codes=await house.bureau.staff.sheet(member.number, SHEET), first=True)


async def options(house: House, turn: Turn[Member]) -> Response:
    """For `navigator.credentials.get`, to come in."""
    return turn.json(house.bureau.staff.use_options())


async def passkey(house: House, turn: Turn[Member]) -> Response:
    """The answer to that."""
    await _entered(house, turn, await house.bureau.staff.by_passkey(json_of(turn)))
    return turn.json({"next": turn.language.path("/overview")})


async def sheet(house: House, turn: Turn[Member]) -> Response:
    """A further sheet for oneself, against a code of the one in hand: not for a browser that was left open."""
    staff, member = house.bureau.staff, turn.who
    await staff.confirm_by_code(member, turn.form.one("code"))
    codes = await staff.sheet(member.number, SHEET)
    now_ms = house.now_ms
    await house.bureau.db.write(lambda db: note(db, now_ms, doer(member), "sheet"))
    return turn.page("sheet.html", codes=codes, first=False)


async def bind(house: House, turn: Turn[Member]) -> Response:
    """Show the page that makes a passkey, against a code."""
    await house.bureau.staff.confirm_by_code(turn.who, turn.form.one("code"))
    ticket = house.bureau.entropy(16).hex()
    house.tickets[ticket] = turn.who.number
    return turn.page("bind.html", ticket=ticket)


async def bind_options(house: House, turn: Turn[Member]) -> Response:
    """For `navigator.credentials.create`."""
    if house.tickets.get(turn.param["ticket"]) != turn.who.number:
        raise FormUnfit(field="ticket")
    return turn.json(house.bureau.staff.bind_options(turn.who))


async def bound(house: House, turn: Turn[Member]) -> Response:
    """The new passkey."""
    if house.tickets.pop(turn.param["ticket"], 0) != turn.who.number:
        raise FormUnfit(field="ticket")
    await house.bureau.staff.bind(turn.who, json_of(turn))
    now_ms, member = house.now_ms, turn.who
    await house.bureau.db.write(lambda db: note(db, now_ms, doer(member), "passkey"))
    return turn.json({"next": turn.language.path("/people")})
