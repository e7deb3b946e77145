"""The history room, an objection to a line of it, filed through the visit, its public clock, and its answers."""

from __future__ import annotations

import json
from base64 import b64encode

from starlette.responses import Response

from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.wording import AREAS, REASONS
from kakine.protocols.objections import LIMIT_MINUTES
from kakine.protocols.own_data import areas
from kakine.values.problems import FormUnfit
from kakine.web.turn import Turn
from kakine.wire.objection import Reason
from kakine.wire.request import Place


async def history(house: House, turn: Turn[str]) -> Response:
    """The own history: opened in the reader's browser, the form by which a line of it is objected to, and the way from
    an item to the page of its area."""
    turn.note = "/history"
    law = house.login.law
    versions = [
        each for each in law.published if law.in_force(each.starts_ms).gazette.number == each.gazette.number
    ]
    given = areas(house.law)
    of_item = {item: area for area, all_ in given.items() for holder in all_ for item in holder.items}
    return turn.page(
        "history.html",
        reasons=REASONS,
        areas=json.dumps(of_item, sort_keys=True),
        same=[(area, AREAS.get(area, area)) for area in given],
        versions=" ".join(f"{each.gazette.number}:{each.starts_ms}" for each in versions),
        strong=house.strong(turn),
    )


async def object_to(house: House, turn: Turn[str]) -> Response:
    """The reader's browser says which line: its place in the log and the number of its exchange."""
    place, xid, reason = _sent(turn)
    await house.visits.object_to(turn.who, place, xid, reason)
    now_ms = house.login.clock()
    return turn.page(
        "objected.html",
        place=place,
        reason=dict(REASONS)[reason.value],
        filed_ms=now_ms,
        due_ms=now_ms + LIMIT_MINUTES * 60_000,
        days=LIMIT_MINUTES // 1440,
    )


MEDIA = "application/octet-stream"
MOST_TOLD = 16_384
"""Bytes of a sealed question to the commission."""


async def room(house: House, turn: Turn[str]) -> Response:
    """Every objection with its clock and its answers: all of it opened in the reader's browser."""
    turn.note = "/objections"
    return turn.page("objections.html", days=LIMIT_MINUTES // 1440, strong=house.strong(turn))


async def agencies(house: House, turn: Turn[str]) -> Response:
    """By agency that answers for itself the key it signs with and the one to seal to, the same for everybody."""
    law = house.law
    return turn.json(
        {
            party: (_text(law.signing_key(party)), _text(law.seal_key(party)))
            for party in law.with_role("gateway")
        }
    )


def _text(key: bytes) -> str:
    return b64encode(bytes(key)).decode()


async def told(house: House, turn: Turn[str]) -> Response:
    """A sealed question to the commission, and its sealed answer."""
    return Response(await house.visits.tell_commission(turn.who, turn.body), media_type=MEDIA)


async def evidence(house: House, turn: Turn[str]) -> Response:
    """What proves that a log has shown two histories; the commission's signature over it."""
    return Response(await house.visits.send_evidence(turn.who, turn.body), media_type=MEDIA)


def _sent(turn: Turn[str]) -> tuple[Place, bytes, Reason]:
    form = turn.form
    try:
        index, xid = int(form.one("index")), bytes.fromhex(form.one("xid"))
        reason = Reason(form.one("reason"))
    except ValueError as fault:
        raise FormUnfit(field="objection") from fault
    log = form.one("log")
    if not 0 <= index < 1 << 53 or len(xid) != 16 or not 1 <= len(log) <= 200:
        raise FormUnfit(field="objection")
    return Place(log, index), xid, reason
