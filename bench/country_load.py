"""The agencies' own systems, in a process of their own: questions over mutual TLS, in closed and in open loops.

    python bench/country_load.py FOLDER      reads one order (JSON) a line, answers with one line each

Closed: so many callers, each asks, waits, asks again. Open: questions fall due at random (Poisson) whether or not the
ones before were answered, and what a question took is counted from when it was due, so that a stall is felt by all who
would have asked meanwhile. Part of bench/country.py.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from country_floors import FLOOR
from kakine.cli.acting import Agency, agency
from kakine.cli.apart_processes import about
from kakine.cli.apart_smoke import questions
from kakine.contracts.agency import Asking
from kakine.process.running import PUBLIC, clock
from kakine.runtime.network import CONNECTIONS, NetworkRoad
from kakine.runtime.tls import Credentials
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import Problem

ASKING = "yokohama"
LATE_S = 15
"""Of an open loop: how long what is under way at its end is waited for."""

Work = Callable[[], Awaitable[str]]
"""One question; gives what came of it."""


def group_of(asked: Asking) -> tuple[object, ...]:
    """Questions of one group may travel together."""
    return asked.domain, asked.provider, asked.procedure, tuple(asked.rows), asked.unit, asked.channel


class Load:
    """Questions at hand, in a fixed random order, and who asks them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        self._systems: dict[str, list[Agency]] = {}
        self._draw = random.Random(20261122)
        self._floor: NetworkRoad | None = None

    async def open(self) -> None:
        """Connect as every agency that has something to ask."""
        told = about(self._folder).questions
        for name in sorted({DomainName(str(each["domain"])).party for each in told}):
            self._systems[name] = [await self._stack.enter_async_context(agency(self._folder, name))]

    async def close(self) -> None:
        """Let go of the connections."""
        if self._floor is not None:
            await self._floor.close()
        await self._stack.aclose()

    async def _system(self, name: str, number: int) -> Agency:
        """One system has at most `CONNECTIONS` connections; an agency with more callers has several systems."""
        have = self._systems[name]
        while len(have) <= number:
            have.append(await self._stack.enter_async_context(agency(self._folder, name)))
        return have[number]

    async def works(self, mix: str, callers: int) -> list[Work]:
        """`one` for an agency's most frequent group; `all` for every question of every agency; else those of the agency
        of this name."""
        if mix == "one":
            mine = questions(self._folder, ASKING)
            most = Counter(map(group_of, mine)).most_common(1)[0][0]
            asked = [(ASKING, each) for each in mine if group_of(each) == most]
        else:
            names = sorted(self._systems) if mix == "all" else [mix]
            asked = [(name, each) for name in names for each in questions(self._folder, name)]
        self._draw.shuffle(asked)
        lanes = -(-callers // CONNECTIONS)
        systems = {
            name: [await self._system(name, at) for at in range(lanes)]
            for name in {name for name, _ in asked}
        }
        return [_ask(systems[name][at % lanes], each) for at, (name, each) in enumerate(asked * lanes)]

    def floor(self, port: int, *, together: bool) -> list[Work]:
        """A call that does nothing, at the bare application on this port; `together` lets those that wait at one moment
        share a request, as parties' calls do."""
        own = self._systems[ASKING][0]
        if self._floor is None:
            to = {PartyName(ASKING): f"https://127.0.0.1:{port}"}
            self._floor = NetworkRoad(
                Credentials(own.settings.name, own.settings.files, clock), to, clock, PUBLIC
            )
            self._floor.standing = own.road.standing
        road = self._floor

        async def one() -> str:
            try:
                way = road.post if together else road.send
                status = (await way(PartyName(ASKING), FLOOR, bytes(256)))[0]
            except Problem as problem:
                return f"refused: {problem.code}"
            return str(status)

        return [one]

    def dues(self, rate: float, seconds: float) -> list[float]:
        """When questions fall due, seconds from the start."""
        found, at = [], self._draw.expovariate(rate)
        while at < seconds:
            found.append(at)
            at += self._draw.expovariate(rate)
        return found


def _ask(system: Agency, asked: Asking) -> Work:
    async def one() -> str:
        try:
            return (await system.ask(asked)).result
        except Problem as problem:
            return f"refused: {problem.code}"

    return one


async def closed(works: Sequence[Work], callers: int, seconds: float) -> dict[str, Any]:
    """Each caller has one question under way, always."""
    took: list[float] = []
    results: Counter[str] = Counter()
    begun, used = time.perf_counter(), time.process_time()
    end = begun + seconds

    async def caller(at: int) -> None:
        while (start := time.perf_counter()) < end:
            results[await works[at % len(works)]()] += 1
            took.append(time.perf_counter() - start)
            at += callers

    await asyncio.gather(*map(caller, range(callers)))
    return _found(took, results, time.perf_counter() - begun, time.process_time() - used)


async def opened(works: Sequence[Work], dues: Sequence[float]) -> dict[str, Any]:
    """Each question at its time, counted from then. `unanswered` are those that were still under way at the end."""
    took: list[float] = []
    results: Counter[str] = Counter()
    begun, used = time.perf_counter(), time.process_time()

    async def one(due: float, work: Work) -> None:
        results[await work()] += 1
        took.append(time.perf_counter() - due)

    tasks = set()
    for at, due in enumerate(dues):
        if (wait := begun + due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.add(asyncio.create_task(one(begun + due, works[at % len(works)])))
    _, left = await asyncio.wait(tasks, timeout=LATE_S)
    found = _found(took, results, time.perf_counter() - begun, time.process_time() - used)
    for task in left:
        task.cancel()
    return {**found, "unanswered": len(left)}


def _found(took: list[float], results: Counter[str], seconds: float, used: float) -> dict[str, Any]:
    ordered = sorted(took) or [0.0]
    at = lambda part: 1000 * ordered[int(part * (len(ordered) - 1))]  # noqa: E731
    return {
        "count": len(took),
        "seconds": seconds,
        "per_second": len(took) / seconds,
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "most_ms": at(1),
        "load_cpu_s": used,
        "results": dict(results),
    }


async def serve(folder: Path) -> None:
    """Orders from standard input until it ends."""
    load = Load(folder)
    await load.open()
    gc.collect()
    gc.freeze()
    try:
        print(json.dumps({"ready": True}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            callers, seconds = order.get("callers", 1), order["seconds"]
            works = (
                load.floor(order["floor"], together=order.get("together", False))
                if "floor" in order
                else await load.works(order["mix"], callers if "rate" not in order else CONNECTIONS)
            )
            if "rate" in order:
                found = await opened(works, load.dues(order["rate"], seconds))
            else:
                found = await closed(works, callers, seconds)
            print(json.dumps(found), flush=True)
    finally:
        await load.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
