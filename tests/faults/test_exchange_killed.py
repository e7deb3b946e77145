"""A country that is killed (SIGKILL) at any point of its exchanges goes on as if nothing had happened.

This file is also the program that is killed: `python test_exchange_killed.py <folder> <step> <before|after>` opens the
country and asks on and on, prints each request that was answered, and kills itself at that step. A step is a
message on the road or a write of a party; both are counted together. KAKINE_KILL=all takes every step of two
exchanges instead of a few, spread evenly.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exchange_state import check, finished, log, outcomes_recorded
from kakine.clients.exchange import request_of
from kakine.runtime import codebook
from kakine.runtime.database import Database
from kakine.runtime.http import InProcess
from kakine.wire.canonical import encode

import land as lands
from land import CHILDREN, TAX, Land

STEPS = 96
"""More than two exchanges have: 23 messages and 21 writes each."""

LASTING = 240


def opened(folder: Path) -> Land:
    """The country of a folder once more; unlike in other tests its randomness is new at every start."""
    fixed, lands.Entropy = lands.Entropy, lambda _: secrets.token_bytes  # type: ignore[assignment, misc]
    try:
        return Land(folder)
    finally:
        lands.Entropy = fixed  # type: ignore[misc]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("killed") / "land"
    Land.founded(place, 2, (CHILDREN, TAX)).close()
    return place


def points() -> Iterator[tuple[int, str]]:
    every = [(step, side) for step in range(STEPS) for side in ("before", "after")]
    chosen = every if os.environ.get("KAKINE_KILL") == "all" else every[19::39]
    yield from chosen


def killed(folder: Path, step: int, side: str) -> list[bytes]:
    """Requests whose answers the program had got when it was killed."""
    command = [sys.executable, __file__, str(folder), str(step), side]
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        command, capture_output=True, timeout=LASTING, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()
    return [bytes.fromhex(line) for line in run.stdout.decode().splitlines()]


def test_after_a_kill_at_any_point_every_receipt_holds_and_every_answer_is_on_record(folder: Path) -> None:
    for step, side in points():
        where = f"killed {side} step {step}"
        before = log(folder)
        answered = killed(folder, step, side)
        again = opened(folder)
        try:
            check(again)
            assert log(folder)[: len(before)] == before, where
            assert set(answered) <= set(finished(again)), where
            assert outcomes_recorded(again, finished(again)), where
            assert codebook.unfinished(again.yokohama.office.db.read()) == [], where
            assert again.run(again.ask(1)).result == "delivered", where
            check(again)
        finally:
            again.close()


def test_a_request_left_open_too_long_is_closed_as_expired_and_never_asked_again(folder: Path) -> None:
    again = opened(folder)
    try:
        office, desk = again.yokohama.office, again.yokohama.desk
        asked = again.run(again.requester().prepare(again.wish([again.code(CHILDREN, 0)])))
        request, kept, now_ms = request_of(asked), encode(asked.kept), again.clock()
        intent = partial(
            codebook.keep_outgoing, request=request, kept=kept, context=CHILDREN.encode(), time_ms=now_ms
        )
        again.run(office.db.write(intent))
        again.clock.advance(121)
        before = log(folder)
        ((_, result),) = again.run(desk.carrier.resume(lambda _: again.requester()))
        assert getattr(result, "code", None) == "request-expired"
        assert codebook.unfinished(office.db.read()) == []
        assert log(folder) == before
    finally:
        again.close()


class Fuse:
    """Ends this process at one step, as a power cut would: no handler runs, nothing is flushed."""

    def __init__(self, step: int, side: str) -> None:
        self._left, self._side = step, side

    def wrap(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def step(*arguments: Any) -> Any:
            mine = self._left == 0
            self._left -= 1
            if mine and self._side == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            value = await method(*arguments)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return value

        return step


async def ask_on(land: Land) -> None:
    known: set[bytes] = set()
    while True:
        await asyncio.gather(land.ask(0), land.ask(1))
        for request in finished(land):
            if request not in known:
                known.add(request)
                print(request.hex(), flush=True)


def main(folder: str, step: str, side: str) -> None:
    land = opened(Path(folder))
    fuse = Fuse(int(step), side)
    InProcess.post = fuse.wrap(InProcess.post)  # type: ignore[method-assign]
    Database.write = fuse.wrap(Database.write)  # type: ignore[method-assign]
    land.run(ask_on(land))


if __name__ == "__main__":
    main(*sys.argv[1:])
