"""What the pages cost: `make bench-web`. Prints Markdown; some four minutes.

    python bench/web_pages.py [--residents 50] [--rounds 6] [--pause 1.0] [--exchanges 20]

One process has a whole country with its portal, a desk and the console on loopback ports, as `kakine serve sites` has
them, its clock's duties running; another has its readers (`bench/web_load.py`, closed loop): residents who have each
come in with a paper of their own and go through all rooms of the portal, one clerk, one member of the commission. The
residents also click on two floors in the same server: a static page of the size of the portal's first, and a bare
Starlette and Jinja page of that size. *Server* is from the call of the site's application to its last byte, measured
at that border here and nowhere in the product; *reader* is what the reader waits, connection, parsing of HTTP and the
queue before the application included. Three parts: with pauses; with pauses, and each history opened (three
exchanges' worth of work in the same process, filed and logged); without a pause.

Then Chromium: how long from the moment an agency's exchange is answered until a reader who asks at that moment sees the
line verified, and the first screen's weight and time in a fresh profile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from web.kit import chromium, eyes
from web_load import Times
from web_served import JINJA, STATIC, Sites, served

HERE = Path(__file__).resolve().parent
NOW = "() => performance.timeOrigin + performance.now()"
LINES = "() => document.querySelectorAll('.history-lines > li h3').length"
PAINTED = """() => performance.getEntriesByType("paint")
    .filter((each) => each.name === "first-contentful-paint").map((each) => each.startTime)[0]"""


def at(times: Sequence[float], percent: int) -> float:
    """A percentile; milliseconds."""
    return quantiles(times, n=100, method="inclusive")[percent - 1] if len(times) > 1 else times[0]


def row(room: str, server: Sequence[float], reader: Sequence[float], floor: float) -> str:
    """One line of the table."""
    figures = [at(server, 50), at(server, 99), at(reader, 50), at(reader, 99)]
    ratio = at(server, 50) / floor
    return (
        f"| {room} | {len(server)} | " + " | ".join(f"{each:.2f}" for each in figures) + f" | {ratio:.1f} |"
    )


def table(title: str, took_s: float, server: Times, reader: Times) -> None:
    """One part of the run."""
    floor = at(server[JINJA], 50)
    pages = {room: times for room, times in server.items() if room not in (JINJA, STATIC, "reading")}
    every = [each for times in pages.values() for each in times]
    seen = [each for room in pages for each in reader[room]]
    calls = sum(map(len, server.values()))
    print(
        f"\n{title}; {calls} calls in {took_s:.0f} s, {calls / took_s:.0f} a second; load {os.getloadavg()[0]:.1f}\n"
    )
    print("| page | calls | server p50 ms | p99 | reader p50 ms | p99 | server p50 ÷ Jinja floor |")
    print("|---|---|---|---|---|---|---|")
    for room in sorted(pages):
        print(row(room, server[room], reader[room], floor))
    print(row("**all pages**", every, seen, floor))
    for room in (STATIC, JINJA, "reading"):
        if room in server:
            print(row(room, server[room], reader[room], floor), flush=True)


class Load:
    """The readers' process."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "web_load.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._say({"readers": sites.readers})

    def _say(self, told: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def part(self, title: str, rounds: int, pause_s: float, *, reading: bool = False) -> None:
        """One part; prints its table."""
        self._sites.times()
        told = self._say({"rounds": rounds, "pause_s": pause_s, "reading": reading})
        table(title, told["took_s"], self._sites.times(), told["times"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def exchange(sites: Sites) -> None:
    """An agency asks about person 0 and has its answer."""
    asyncio.run_coroutine_threadsafe(asyncio.wait_for(sites.land.ask(0), 60), sites.land.loop).result()


def come_in(page: Any, code: str) -> None:
    page.fill("#code", code)
    page.click("#enter form button")
    page.wait_for_selector("#held")


def visible(sites: Sites, browser: Any, count: int) -> tuple[list[float], list[str]]:
    """(milliseconds from each answer to the line on the page under its verdict, what the verdicts were)."""
    found, verdicts = [], []
    with eyes(sites.portal, browser) as watching:
        page = watching.open("/")
        come_in(page, sites.spare.pop())
        page.goto(sites.portal + "/history")
        page.wait_for_selector(".history-verdict")
        lines = page.locator(".history-lines > li h3", has_text="yokohama/children")
        for _ in range(count):
            before = lines.count()
            exchange(sites)
            began = time.perf_counter()
            page.goto(sites.portal + "/history", wait_until="commit")
            page.wait_for_selector(".history-verdict")
            found.append((time.perf_counter() - began) * 1000)
            assert lines.count() == before + 1, (before, lines.count())
            verdicts.append(page.locator(".history-verdict").get_attribute("class").split()[-1])
    return found, verdicts


def first_screen(sites: Sites, browser: Any, rounds: int) -> tuple[int, list[float]]:
    """(bytes over the wire, milliseconds until something is painted), each in a fresh profile."""
    weight, painted = 0, []
    for _ in range(rounds):
        with eyes(sites.portal, browser) as watching:
            weight = watching.weigh("/")
        with eyes(sites.portal, browser) as watching:
            page = watching.open("/")
            page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            painted.append(page.evaluate(PAINTED))
    return weight, painted


def in_chromium(sites: Sites, exchanges: int) -> None:
    """The last part."""
    with chromium() as browser:
        version = browser.version
        seen, verdicts = visible(sites, browser, exchanges)
        weight, painted = first_screen(sites, browser, 10)
    kinds = ", ".join(f"{verdicts.count(kind)} {kind}" for kind in sorted(set(verdicts)))
    print(f"\nChromium {version}; load {os.getloadavg()[0]:.1f}\n\n| | ms |\n|---|---|")
    told = f"{median(seen):,.0f} ({min(seen):,.0f} … {max(seen):,.0f})"
    print(
        f"| a new exchange: from its answer to the verified line, {len(seen)} times; verdicts: {kinds} | {told} |"
    )
    told = f"{median(painted):,.0f} ({min(painted):,.0f} … {max(painted):,.0f})"
    print(f"| first screen, {weight:,} bytes: first paint | {told} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--residents", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between clicks, on average")
    parser.add_argument("--exchanges", type=int, default=20)
    told = parser.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} before), "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"commit {commit.stdout.strip()}; {told.residents} residents, a clerk, a member of the commission"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "land", told.residents, 2) as sites,
    ):
        load = Load(sites)
        load.part(f"**{told.pause:g} s between clicks**", told.rounds, told.pause)
        load.part(
            f"**{told.pause:g} s between clicks, histories opened**", told.rounds, told.pause, reading=True
        )
        load.part("**without a pause**", told.rounds, 0)
        load.close()
        in_chromium(sites, told.exchanges)


if __name__ == "__main__":
    main()
