"""The history site over a running country, in Chromium, with a portal that tests may have lie."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from starlette.responses import Response

from e2e.chromium import require
from kakine.web.site import Settings
from kakine.wire.canonical import decode, encode
from kakine.wire.reading import HistoryGiven
from web.history_site import history_site
from web.kit import Eyes, chromium, listening, socket_of

from land import CHILDREN, LOGIN, TAX, Entropy, Land, ref


@dataclass
class Served:
    """The site over a running country, whose loop is in another thread."""

    land: Land
    site: Any
    origin: str
    browser: Browser

    def run(self, work: Any) -> Any:
        """On the country's loop."""
        done: Future[Any] = asyncio.run_coroutine_threadsafe(_awaited(work), self.land.loop)
        return done.result(240)

    def lies(self, change: Callable[[HistoryGiven], HistoryGiven]) -> None:
        """From here on the portal changes its answers."""
        self.site.change = lambda given: encode(change(decode(given, HistoryGiven)))

    def swaps(self, name: str, more: bytes) -> None:
        """From here on this file has more at its end, while pages say of it what they said before."""
        honest = self.site.assets.answer

        def answer(path: str) -> Any:
            given = honest(path)
            changed = given.body + more if path.endswith("/" + name) else given.body
            return Response(changed, media_type=given.headers["content-type"])

        self.site.assets.answer = answer

    @contextmanager
    def honest(self) -> Iterator[Served]:
        """Witnesses have signed just now; what a test changes is undone after it."""
        answer, read = self.site.assets.answer, self.site.read
        self.site.change = lambda given: given
        self.run(self.land.country.have_witnessed())
        yield self
        self.site.assets.answer, self.site.read = answer, read
        self.site.change = lambda given: given


async def _awaited(work: Any) -> Any:
    return await work


@contextmanager
def serving(folder: Path, work: Callable[[Land], None]) -> Iterator[Served]:
    """Three people; `work` is done before the site is there."""
    require()
    socket = socket_of()
    origin = f"http://127.0.0.1:{socket.getsockname()[1]}"
    with Land.founded(folder, 3, (CHILDREN, TAX, LOGIN)) as land:
        work(land)
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        site = history_site(Settings(origin, "kakine-history", land.clock, Entropy(b"history")), land)
        with listening(site.app(), land.run, socket), chromium() as browser:
            yield Served(land, site, origin, browser)


def opened(watching: Eyes, prefix: str = "", j: int = 0) -> Page:
    """The page of person j, as far as it comes."""
    page = watching.open(prefix or "/")
    page.fill("#account", ref(j).decode())
    page.click("main button")
    page.wait_for_selector(".history-verdict")
    return page
