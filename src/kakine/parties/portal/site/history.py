"""The own history: a shell here, everything else in the reader's browser. The server sees ciphertext."""

from __future__ import annotations

from starlette.responses import Response

from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.wording import REASONS
from kakine.web.turn import Turn
from kakine.wire.reading import MEDIA


async def page(house: House, turn: Turn[str]) -> Response:
    """The page, and the form by which a line that is chosen in it is objected to."""
    return turn.page("history.html", reasons=REASONS)


async def names(house: House, turn: Turn[str]) -> Response:
    """The file of names: whole, and the same for everybody, so that asking for it tells nothing."""
    return Response(house.names, media_type="application/json")


async def read(house: House, turn: Turn[str]) -> Response:
    """A `HistoryAsked` answered with a `HistoryGiven` (spec/browser.md), both as they are."""
    given = await house.own.reading(house.visit(turn).whose, turn.body)
    return Response(given, media_type=MEDIA)
