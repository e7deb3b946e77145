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

_FILE = "application/octet-stream"
USUAL = "/history/usual"
"""Where the file of what is usual is (`wire.usual`)."""
NAMES = "history/names.json"
"""Among the files of the site: the names of organisations, laws and items (`protocols/words.py`)."""


def mount(
    site: Site[T], read: Callable[[T, bytes], Awaitable[bytes]], usual: Callable[[], bytes] = lambda: b""
) -> None:
    """Add the one call that the page makes; `read` gets who asks and a `HistoryAsked`, and gives a `HistoryGiven`.
    `usual` gives the commission's file of what is usual, which everybody gets as it is, also who has not come in."""

    async def serve(turn: Turn[T]) -> Response:
        return Response(await read(turn.who, turn.body), media_type=MEDIA)

    async def file(turn: Turn[T]) -> Response:
        return Response(usual(), media_type=_FILE)

    site.call("/history/read", serve, limit=MOST_ASKED)
    site.get(USUAL, file, open=True)
