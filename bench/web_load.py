"""Readers of the sites in a process of their own, for `bench/web_pages.py`: a plan from stdin, times as JSON.

Closed loop: each reader has one connection and one session, clicks, waits for the whole page, pauses (exponentially
distributed, `pause_s` on average), and clicks again. So at most as many calls are under way as there are readers, and
nobody sends faster than the server answers.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from kakine.crypto.sealing import OpenKey
from kakine.wire.canonical import encode
from kakine.wire.reading import MEDIA, HistoryAsked

NAME = "x-bench"
"""By this header the server side knows which room a call is of."""
_HIDDEN = re.compile(r'name="(token|once)" value="([0-9a-f]+)"')
_TOKEN = re.compile(r'data-token="([0-9a-f]+)"')

Times = dict[str, list[float]]


class Reader:
    """One person in one browser. `who` says where, how they come in, and the rooms they go through."""

    def __init__(self, who: Mapping[str, Any], seed: int) -> None:
        self._who, self._random = who, random.Random(seed)
        jar = aiohttp.CookieJar(unsafe=True)
        self._session = aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(limit=1))
        self.times: Times = {}

    async def come_in(self) -> None:
        """By the form of the first page."""
        async with self._session.get(self._who["origin"] + "/") as answer:
            hidden = dict(_HIDDEN.findall(await answer.text()))
        posted = hidden | self._who["fields"]
        headers = {"origin": self._who["origin"]}
        address = self._who["origin"] + self._who["enter"]
        async with self._session.post(address, data=posted, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 303, (address, answer.status, await answer.text())

    async def click(self, room: str, address: str) -> str:
        """A room; how long until all of it is here."""
        began = time.perf_counter()
        async with self._session.get(address, headers={NAME: room}, allow_redirects=False) as answer:
            body = await answer.read()
        self.times.setdefault(room, []).append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (address, answer.status, answer.headers)
        return body.decode()

    async def open_history(self, page: str) -> None:
        """What the script of the history's page asks for."""
        (token,) = _TOKEN.findall(page)[:1]
        session = OpenKey(bytes(self._random.randbytes(32)))
        headers = {
            NAME: "reading",
            "origin": self._who["origin"],
            "x-kakine-token": token,
            "content-type": MEDIA,
        }
        asked = encode(HistoryAsked(bytes(session.public)))
        began = time.perf_counter()
        async with self._session.post(
            self._who["origin"] + "/history/read", data=asked, headers=headers
        ) as answer:
            await answer.read()
        self.times.setdefault("reading", []).append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, answer.status

    async def walk(self, rounds: int, pause_s: float, *, reading: bool) -> None:
        """Through all rooms, each round in another order."""
        rooms = list(self._who["rooms"].items())
        for _ in range(rounds):
            self._random.shuffle(rooms)
            for room, address in rooms:
                if pause_s:
                    await asyncio.sleep(self._random.expovariate(1 / pause_s))
                page = await self.click(room, address)
                if reading and room == "portal /history":
                    await self.open_history(page)

    async def leave(self) -> None:
        await self._session.close()


def merged(readers: Sequence[Reader]) -> Times:
    """All times by room; forgets them."""
    found: Times = {}
    for each in readers:
        for room, times in each.times.items():
            found.setdefault(room, []).extend(times)
        each.times = {}
    return found


async def main() -> None:
    """A line of JSON for each part of the plan."""
    plan = json.loads(sys.stdin.readline())
    readers = [Reader(who, seed) for seed, who in enumerate(plan["readers"])]
    for each in readers:
        await each.come_in()
    print(json.dumps("in"), flush=True)
    for line in sys.stdin:
        part = json.loads(line)
        began = time.perf_counter()
        await asyncio.gather(
            *(each.walk(part["rounds"], part["pause_s"], reading=part["reading"]) for each in readers)
        )
        took = time.perf_counter() - began
        print(json.dumps({"took_s": took, "times": merged(readers)}), flush=True)
    for each in readers:
        await each.leave()


if __name__ == "__main__":
    asyncio.run(main())
