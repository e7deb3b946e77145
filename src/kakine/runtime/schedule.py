"""Work that comes again and again: each chore at its time, in its lane, until told to stop.

Chores of one lane never run side by side; a lane never waits for another. A chore that fails is told of and comes again
after a minute, then after two, four and so on, at its next time at the latest: whom it needs may be starting. No
threads and no timers: clock and sleep are arguments. By a clock that is set back nothing is due for as long; what must
go on goes by one that nobody sets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from kakine.runtime.identity import Clock
from kakine.values.problems import InternalFault, Problem

log = logging.getLogger("kakine")

AGAIN_MS = 60_000
"""So soon a chore that failed is tried again; when it fails once more, after twice that."""

Sleep = Callable[[float], Awaitable[None]]
"""Returns after so many seconds, not before."""


@dataclass(frozen=True)
class Chore:
    """`work` says in a line what it did, nothing where there was nothing to do; it is due at the start and then every
    `every_ms` milliseconds."""

    name: str
    every_ms: int
    work: Callable[[], Awaitable[str]]
    lane: str = ""


@dataclass(frozen=True)
class Done:
    """One run of a chore: what it said, or the problem that it ended with."""

    name: str
    at_ms: int
    said: str
    fault: Problem | None = None


class Schedule:
    """Chores of one country. `tell` hears of each run that did something or failed."""

    def __init__(
        self, chores: Sequence[Chore], clock: Clock, sleep: Sleep, tell: Callable[[Done], None]
    ) -> None:
        self._chores = chores
        self._clock = clock
        self._sleep = sleep
        self._tell = tell

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. What is under way then is finished; nothing new is begun."""
        lanes = dict.fromkeys(chore.lane for chore in self._chores)
        await asyncio.gather(*(self._lane(lane, stop) for lane in lanes))

    async def _lane(self, lane: str, stop: asyncio.Event) -> None:
        due = {chore: self._clock() for chore in self._chores if chore.lane == lane}
        again = dict.fromkeys(due, AGAIN_MS)
        while not stop.is_set():
            chore = min(due, key=lambda each: due[each])
            wait_ms = due[chore] - self._clock()
            if wait_ms > 0:
                await self._until(stop, wait_ms / 1000)
                continue
            fine = await self._once(chore)
            rest = chore.every_ms if fine else min(chore.every_ms, again[chore])
            again[chore] = AGAIN_MS if fine else 2 * again[chore]
            # From the time it was due, so that it does not drift; what was missed meanwhile is not made up for.
            due[chore] = max(due[chore] + rest, self._clock())

    async def _until(self, stop: asyncio.Event, seconds: float) -> None:
        waits = [asyncio.ensure_future(each) for each in (stop.wait(), self._sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _once(self, chore: Chore) -> bool:
        """Whether it did not fail."""
        at_ms = self._clock()
        try:
            said = await chore.work()
        except Problem as problem:
            self._tell(Done(chore.name, at_ms, "", problem))
            return False
        except Exception as fault:  # noqa: BLE001 - the border: one chore must not end the others
            # Only the class goes to the log: a message could hold a value of somebody.
            log.error("chore", extra={"chore": chore.name, "fault": type(fault).__name__})
            self._tell(Done(chore.name, at_ms, "", InternalFault()))
            return False
        if said:
            self._tell(Done(chore.name, at_ms, said))
        return True
