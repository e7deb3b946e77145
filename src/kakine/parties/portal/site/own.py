"""Own data: what kinds there are and who has them, one kind at a time pulled live and opened in the reader's browser,
and kinds that are closed (spec/own-data.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.responses import Response

from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.wording import AREAS
from kakine.protocols.gazette import Law
from kakine.protocols.own_data import SENSITIVE, Holder, areas, holders
from kakine.web.turn import Turn
from kakine.wire.own_data import MEDIA


@dataclass(frozen=True)
class Kind:
    """One area. `closed` is set only for whoever may know it."""

    area: str
    name: str
    holders: int
    sensitive: bool
    closed: bool


async def rooms(house: House, turn: Turn[str]) -> Response:
    """Every area, the same for everybody but for what is closed, and that only after a step-up."""
    turn.note = "/data"
    strong = house.strong(turn)
    closed = house.acts.closed_areas(turn.who) if strong else ()
    found = [
        Kind(area, AREAS.get(area, area), len(given), area in SENSITIVE, area in closed)
        for area, given in areas(house.law).items()
    ]
    return turn.page("data.html", kinds=found, strong=strong)


async def area(house: House, turn: Turn[str]) -> Response:
    """The page of one area; it holds nothing of the person. Raises `AreaUnknown`."""
    law, named = house.law, turn.param["area"]
    given = holders(law, named)
    turn.note = f"/data/{named}"
    strong = house.strong(turn)
    return turn.page(
        "area.html",
        area=named,
        name=AREAS.get(named, named),
        sensitive=named in SENSITIVE,
        strong=strong,
        closed=strong and named in house.acts.closed_areas(turn.who),
        holders=_called(law, given),
        asked=json.dumps([[str(each.domain), list(each.items)] for each in given]),
    )


def _called(law: Law, given: tuple[Holder, ...]) -> list[tuple[tuple[str, str], list[tuple[str, str]]]]:
    """((Japanese, English) of each holder, the same of the items that it may have)."""
    parties = {each.name: (each.ja, each.en) for each in law.gazette.parties}
    items = {each.id: (each.ja, each.en) for each in law.gazette.items}
    return [(parties[str(each.domain.party)], [items[item] for item in each.items]) for each in given]


async def read(house: House, turn: Turn[str]) -> Response:
    """A `PageAsked` for the area of the address. Raises `StepUpNeeded` for one that needs it."""
    given = await house.visits.own_area(turn.who, turn.param["area"], turn.body)
    return Response(given, media_type=MEDIA)


async def close(house: House, turn: Turn[str]) -> Response:
    """An area is to be closed."""
    await house.acts.close_area(turn.who, turn.form.one("area"))
    return turn.go("/decisions")


async def reopen(house: House, turn: Turn[str]) -> Response:
    """A closed area is to be opened."""
    await house.acts.open_area(turn.who, turn.form.one("area"))
    return turn.go("/decisions")
