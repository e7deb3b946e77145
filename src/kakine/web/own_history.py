"""The own history in a site: two lines in the site, one in the template (spec/browser.md section 5).

    mount(site, lambda who, asked: visits.reading(who, asked))
    {% import "web/history.html" as own with context %} … {{ own.history() }}

and `assets={NAMES: words_of(pack)}` where the site is made. What the page loads is below `static/history`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.responses import Response

from kakine.web.site import Site
from kakine.web.turn import Turn
from kakine.wire.reading import MEDIA, MOST_ASKED

T = TypeVar("T")

NAMES = "history/names.json"
"""Among the files of the site: the names of organisations, laws and items (`protocols/words.py`)."""


def mount(site: Site[T], read: Callable[[T, bytes], Awaitable[bytes]]) -> None:
    """Add the one call that the page makes; `read` gets who asks and a `HistoryAsked`, and gives a `HistoryGiven`."""

    async def serve(turn: Turn[T]) -> Response:
        return Response(await read(turn.who, turn.body), media_type=MEDIA)

    site.call("/history/read", serve, limit=MOST_ASKED)
