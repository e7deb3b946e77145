"""How long a browser takes to open and verify a history: `make bench-web-history`. Prints Markdown; some minutes.

    python bench/web_history.py [--exchanges 496] [--rounds 5]

A running country, the portal's page, Chromium without a window. Each round is a fresh profile, so nothing is compiled
or kept from the round before. An exchange is two entries: request and outcome. *Verified* is from the last byte of the
answer to the verdict: every record opened, every entry, signature, proof and index checked. *Shown* is with all lines
on the page. *Python* is `protocols.reading.read` over the same bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser_reading import served
from kakine.crypto.sealing import OpenKey
from kakine.protocols.reading import read
from kakine.web.site import Settings
from web.history_site import history_site
from web.kit import chromium, eyes, listening, socket_of

from land import CHILDREN, LOGIN, TAX, Entropy, Land, ref

TIMES = """() => Object.fromEntries(
    performance.getEntriesByType("measure").map((each) => [each.name, each.duration]))"""


def lived(folder: Path, exchanges: int) -> Land:
    """A country in which one person was asked about so many times."""
    land = Land.founded(folder, 1, (CHILDREN, TAX, LOGIN))
    for _ in range(exchanges):
        land.run(land.ask(0))
    land.run(land.country.index())
    land.run(land.country.have_witnessed())
    return land


def looked(origin: str, browser: Any) -> tuple[float, float, str]:
    """(verified, shown, what the page says) of one visit in a fresh profile; milliseconds."""
    with eyes(origin, browser) as watching:
        page = watching.open("/en")
        page.set_default_timeout(120_000)
        page.fill("#account", ref(0).decode())
        page.click("main button")
        page.wait_for_selector(".history-verdict")
        page.wait_for_function("performance.getEntriesByName('history-shown').length > 0")
        times = page.evaluate(TIMES)
        return times["history-verified"], times["history-shown"], page.inner_text("#history-verdict-words")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--exchanges", type=int, default=496)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, lived(Path(folder) / "land", told.exchanges) as land:
        given = served(land)
        began = time.perf_counter()
        found = read(given.data, OpenKey(b"s" * 32), given.now_ms)
        python = (time.perf_counter() - began) * 1000
        socket = socket_of()
        origin = f"http://127.0.0.1:{socket.getsockname()[1]}"
        site = history_site(Settings(origin, "kakine-history", land.clock, Entropy(b"bench")), land)
        with listening(site.app(), land.run, socket), chromium() as browser:
            rounds = [looked(origin, browser) for _ in range(told.rounds)]
            version = browser.version
    print(
        f"Chromium {version}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {told.rounds} rounds, medians\n"
    )
    print(f"{found.verified} entries, {len(given.data):,} bytes; the page says: {rounds[-1][2]}\n")
    print("| | ms |\n|---|---|")
    for what, at in (("verified", 0), ("shown", 1)):
        times = [each[at] for each in rounds]
        print(f"| {what} | {median(times):,.0f} ({min(times):,.0f} … {max(times):,.0f}) |")
    print(f"| Python, the same bytes | {python:,.0f} |")


if __name__ == "__main__":
    main()
