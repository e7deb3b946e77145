"""Checks that are shared out: each is carried out once, by whom does not matter, and refuses its own caller alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from kakine.runtime import shares
from kakine.runtime.shares import SHARE, Shares
from kakine.values.problems import InternalFault, SignatureInvalid


async def together(checks: list[Callable[[], None]]) -> list[BaseException | None]:
    """What each check raised for whoever asked for it, all asked for in one turn."""
    shared = Shares()
    return await asyncio.gather(*(shared.run(each) for each in checks), return_exceptions=True)


def passing() -> None:
    """A check that nothing fails."""


def refusing() -> None:
    raise SignatureInvalid()


@pytest.mark.parametrize("count", [1, SHARE - 1, SHARE, SHARE + 1, 1000])
def test_what_is_refused_is_refused_alone(count: int) -> None:
    wrong = {0, count // 2, count - 1}
    given = asyncio.run(together([refusing if n in wrong else passing for n in range(count)]))
    assert {n for n, fault in enumerate(given) if isinstance(fault, SignatureInvalid)} == wrong
    assert [given[n] for n in range(count) if n not in wrong] == [None] * (count - len(wrong))


def test_full_shares_go_to_threads_and_a_lone_check_does_not() -> None:
    on: list[threading.Thread] = []
    check = lambda: on.append(threading.current_thread())  # noqa: E731
    asyncio.run(together([check]))
    assert on == [threading.main_thread()]
    on.clear()
    asyncio.run(together([check] * (2 * SHARE + 1)))
    assert on.count(threading.main_thread()) == 1
    assert len(on) == 2 * SHARE + 1


def test_a_check_that_was_not_carried_out_has_not_been_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that breaks off, for want of memory say, leaves checks behind."""

    def broken(share: list[object]) -> None:
        if len(share) == SHARE:
            raise MemoryError

    monkeypatch.setattr(shares, "_do", broken)
    given = asyncio.run(together([passing] * 2 * SHARE))
    assert [type(fault) for fault in given] == [InternalFault] * 2 * SHARE


def test_where_no_thread_can_be_had_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: asyncio.AbstractEventLoop, *arguments: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", refused)
    given = asyncio.run(together([passing] * (SHARE + 1)))
    assert [type(fault) for fault in given] == [InternalFault] * (SHARE + 1)
    assert asyncio.run(together([passing])) == [None]


def test_who_does_not_wait_any_longer_stops_nobody() -> None:
    async def run() -> list[BaseException | None]:
        shared = Shares()
        tasks = [asyncio.create_task(shared.run(passing)) for _ in range(SHARE + 1)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[-1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    given = asyncio.run(run())
    assert [type(fault) for fault in (given[0], given[-1])] == [asyncio.CancelledError] * 2
    assert given[1:-1] == [None] * (SHARE - 1)
