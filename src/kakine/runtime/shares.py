"""Checks of callers who wait together, done side by side on every core.

It pays where the time goes into calls that give the interpreter lock away, as a check of a signature does; libsodium
has no batch check. There is no timer: what is asked for within one turn of the event loop is shared out. Full shares
go to threads; what is left over, and so a lone caller's check, is done at once: handing it over would take longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from kakine.values.problems import InternalFault

SHARE = 32
"""Checks that make a full share: with two signatures each, 3 ms of work for a hand-over of 0.1 ms."""


@dataclass(slots=True)
class _Waiting:
    check: Callable[[], None]
    answer: asyncio.Future[None]
    # What was not carried out to its end has not been passed.
    fault: Exception | None = field(default_factory=InternalFault)


class Shares:
    """Checks of one event loop. They may run on any thread, so they must change nothing."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def run(self, check: Callable[[], None]) -> None:
        """Raise what `check` raises; `InternalFault` if it could not be carried out."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(check, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            loop.call_soon(self._share_out, loop)
        await waiting.answer

    def _share_out(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting = self._waiting, []
        full = len(group) - len(group) % SHARE
        shares = [group[at : at + SHARE] for at in range(0, full, SHARE)]
        try:
            threads = [loop.run_in_executor(None, _do, each) for each in shares]
        except RuntimeError:  # there is no thread to be had
            _settle(group)
            return
        _do(group[full:])
        if threads:
            # Answered together, so that they come as one group to what is next.
            together = asyncio.gather(*threads, return_exceptions=True)
            together.add_done_callback(lambda _: _settle(group))
        else:
            _settle(group)


def _do(share: list[_Waiting]) -> None:
    for each in share:
        try:
            each.check()
            each.fault = None
        except Exception as fault:  # noqa: BLE001 - it is raised where the check was asked for
            each.fault = fault


def _settle(group: list[_Waiting]) -> None:
    for each in group:
        if each.answer.done():
            continue
        if each.fault is None:
            each.answer.set_result(None)
        else:
            each.answer.set_exception(each.fault)
