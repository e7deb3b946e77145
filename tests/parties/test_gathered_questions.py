"""Which of the questions that wait go together, and how many requests of one group are out at once."""

from __future__ import annotations

import asyncio
from typing import Any

from kakine.parties.gateway.asking import FULL, GATHERED, LANES, Desk, Question, Waiting
from kakine.values.labels import DomainName

_OFFICE: Any = type("Office", (), {"db": None, "clock": staticmethod(lambda: 0)})()


def question(at: int, seal_days: int = 0) -> Question:
    desk, holder = DomainName("yokohama/children"), DomainName("yokohama/tax")
    return Question(desk, holder, "JO106", ("JO106.2",), b"%d" % at, "", b"", "", seal_days=seal_days)


class Slow(Desk):
    """A desk whose requests last until they are let go."""

    def __init__(self) -> None:
        super().__init__(_OFFICE)
        self.out: list[tuple[int, asyncio.Event]] = []

    async def ask_many(self, questions: Any) -> Any:
        held = asyncio.Event()
        self.out.append((len(questions), held))
        await held.wait()
        return [each.reference for each in questions]

    @property
    def sizes(self) -> list[int]:
        return [size for size, held in self.out if not held.is_set()]


async def _turns() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


def ask(desk: Slow, count: int, seal_days: int = 0) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(desk.ask(question(at, seal_days))) for at in range(count)]


def test_a_question_alone_goes_at_once_and_few_more_wait_for_it() -> None:
    async def work() -> None:
        desk = Slow()
        first = ask(desk, 1)
        await _turns()
        assert desk.sizes == [1]
        rest = ask(desk, FULL - 1)
        await _turns()
        assert desk.sizes == [1]
        desk.out[0][1].set()
        await _turns()
        assert desk.sizes == [FULL - 1]
        desk.out[1][1].set()
        assert [len(each) for each in await asyncio.gather(*first, *rest)]
        assert await asyncio.wait_for(desk.quiet(1), 60) is None

    asyncio.run(work())


def test_so_many_that_they_are_worth_it_go_in_a_request_of_their_own() -> None:
    async def work() -> None:
        desk = Slow()
        all_of_them = ask(desk, 1)
        await _turns()
        all_of_them += ask(desk, 20 * FULL)
        await _turns()
        assert len(desk.sizes) == LANES
        assert all(FULL <= size <= GATHERED for size in desk.sizes[1:])
        while desk.sizes:
            assert len(desk.sizes) <= LANES
            next(held for _, held in desk.out if not held.is_set()).set()
            await _turns()
        answers = await asyncio.gather(*all_of_them)
        assert len(answers) == 1 + 20 * FULL == sum(size for size, _ in desk.out)

    asyncio.run(work())


def test_what_is_withheld_goes_by_itself() -> None:
    async def work() -> None:
        desk = Slow()
        asked = ask(desk, 3, seal_days=7)
        for at in range(3):
            await _turns()
            assert desk.sizes == [1]
            desk.out[at][1].set()
        await asyncio.gather(*asked)

    asyncio.run(work())


def waiting(count: int) -> Waiting:
    loop = asyncio.new_event_loop()
    found = Waiting(lanes=1)
    found.queue.extend((question(at), loop.create_future()) for at in range(count))
    loop.close()
    return found


def test_lanes_take_even_shares() -> None:
    many = waiting(GATHERED)
    sizes = [len(many.some())]
    assert many.due  # what is left is worth another
    many.lanes = 2
    sizes.append(len(many.some()))
    assert sizes == [GATHERED // LANES] * LANES
    assert many.some() == []


def test_a_lane_that_took_more_gives_it_up_when_it_comes_back() -> None:
    uneven = waiting(FULL + 20)
    uneven.lanes, uneven.out, uneven.people = 2, 1, FULL - 4
    assert len(uneven.some()) == FULL + 8  # and not all of them: the other lane's would be few again


def test_questions_that_came_together_open_as_many_lanes_as_are_worth_it() -> None:
    async def work() -> None:
        desk = Slow()
        asked = ask(desk, GATHERED)
        await _turns()
        assert sorted(desk.sizes) == [GATHERED // LANES] * LANES
        for _, held in desk.out:
            held.set()
        await asyncio.gather(*asked)

    asyncio.run(work())
