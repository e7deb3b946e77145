"""Chores at their times, by a clock that only the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from kakine.runtime.schedule import Chore, Done, Schedule
from kakine.values.problems import PartyUnavailable


class Time:
    """Milliseconds that pass only when everybody sleeps."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.sleeping: list[tuple[int, asyncio.Future[None]]] = []

    def clock(self) -> int:
        return self.now_ms

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self.sleeping.append((self.now_ms + round(seconds * 1000), woken))
        await woken

    async def pass_until(self, end_ms: int) -> None:
        """Wake sleepers in order, and let what is due be done."""
        while True:
            await settled()
            self.sleeping = [each for each in self.sleeping if not each[1].done()]
            at_ms, woken = min(self.sleeping, key=lambda each: each[0], default=(end_ms + 1, None))
            if woken is None or at_ms > end_ms:
                self.now_ms = end_ms
                return
            self.now_ms = at_ms
            woken.set_result(None)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def ran(chores: Callable[[Time], list[Chore]], until_ms: int) -> list[tuple[int, str, str]]:
    """(time, name, what was said or the code of the problem) of each run."""
    heard: list[Done] = []

    async def go() -> None:
        time, stop = Time(), asyncio.Event()
        running = asyncio.ensure_future(
            Schedule(chores(time), time.clock, time.sleep, heard.append).run(stop)
        )
        await time.pass_until(until_ms)
        stop.set()
        await time.pass_until(until_ms + 1000)  # what is under way may take a while yet
        await asyncio.wait_for(running, 60)

    asyncio.run(go())
    return [(each.at_ms, each.name, each.fault.code if each.fault else each.said) for each in heard]


def says(words: str) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        return words

    return work


async def fails() -> str:
    raise PartyUnavailable()


async def breaks() -> str:
    raise ZeroDivisionError()


def test_each_chore_comes_at_the_start_and_then_at_its_times() -> None:
    chores = [Chore("a", 10, says("x")), Chore("b", 25, says("y"))]
    told = ran(lambda _: chores, 50)
    assert [at for at, name, _ in told if name == "a"] == [0, 10, 20, 30, 40, 50]
    assert [at for at, name, _ in told if name == "b"] == [0, 25, 50]


def test_a_chore_that_fails_is_told_of_and_comes_again_and_stops_no_other() -> None:
    chores = [Chore("bad", 10, fails), Chore("worse", 10, breaks), Chore("good", 10, says("x"))]
    told = ran(lambda _: chores, 10)
    assert sorted(told) == [
        (0, "bad", "party-unavailable"),
        (0, "good", "x"),
        (0, "worse", "internal-fault"),
        (10, "bad", "party-unavailable"),
        (10, "good", "x"),
        (10, "worse", "internal-fault"),
    ]


def test_a_chore_with_nothing_to_do_says_nothing() -> None:
    assert ran(lambda _: [Chore("quiet", 10, says(""))], 30) == []


def test_what_was_missed_is_not_made_up_for() -> None:
    """It comes once when there is time again, and from then on as before."""

    def chores(time: Time) -> list[Chore]:
        async def slow_at_first() -> str:
            if not time.now_ms:
                await time.sleep(0.035)
            return "x"

        return [Chore("a", 10, slow_at_first)]

    assert [at for at, _, _ in ran(chores, 50)] == [0, 35, 45]


def test_a_chore_that_takes_long_holds_up_its_own_lane_alone() -> None:
    def chores(time: Time) -> list[Chore]:
        async def slow() -> str:
            await time.sleep(0.035)
            return "slow"

        return [
            Chore("slow", 10, slow, "books"),
            Chore("waits", 10, says("w"), "books"),
            Chore("beat", 10, says("b"), "heart"),
        ]

    told = ran(chores, 40)
    assert [at for at, name, _ in told if name == "beat"] == [0, 10, 20, 30, 40]
    assert [at for at, name, _ in told if name == "slow"] == [0, 35]
    assert [at for at, name, _ in told if name == "waits"] == [35]


def test_what_is_under_way_is_finished_when_it_is_told_to_stop_and_nothing_new_begins() -> None:
    heard: list[Done] = []

    async def go() -> None:
        time, stop, go_on = Time(), asyncio.Event(), asyncio.Event()

        async def slow() -> str:
            await go_on.wait()
            return "finished"

        chores = [Chore("slow", 10, slow), Chore("later", 10, fails)]
        running = asyncio.ensure_future(Schedule(chores, time.clock, time.sleep, heard.append).run(stop))
        await settled()
        stop.set()
        await settled()
        assert not running.done()
        go_on.set()
        await asyncio.wait_for(running, 60)

    asyncio.run(go())
    assert [(each.name, each.said) for each in heard] == [("slow", "finished")]


def test_what_failed_comes_again_after_a_minute_then_later_and_is_back_at_its_times_when_it_works() -> None:
    left = 4

    async def fails_at_first() -> str:
        nonlocal left
        left -= 1
        if left > 0:
            raise PartyUnavailable()
        return "done"

    told = ran(lambda _: [Chore("index", 3_600_000, fails_at_first)], 5_000_000)
    assert [(at, said) for at, _, said in told] == [
        (0, PartyUnavailable.code),
        (60_000, PartyUnavailable.code),
        (180_000, PartyUnavailable.code),
        (420_000, "done"),
        (4_020_000, "done"),
    ]
