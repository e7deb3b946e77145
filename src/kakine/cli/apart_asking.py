"""`kakine ask` in a country that runs apart: the agency's own system calls the agency's gateway.

Jobs by spec/bulk.md section 4. Everything that must not be lost is with the gateway, so that this may be killed at any
time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import typer

from kakine.cli.acting import Agency, agency
from kakine.cli.apart_making import OPERATOR
from kakine.cli.asking_many import INTERRUPTED, told_to_stop, write_answers
from kakine.cli.demo_story import RESULTS
from kakine.cli.progress import Work, work
from kakine.contracts import agency as contract
from kakine.contracts.agency import (
    BULK_BEGIN,
    BULK_END,
    BULK_LINES,
    BULK_PEOPLE,
    BULK_WORK,
    PART,
    BulkFrom,
    BulkJob,
    BulkLine,
    BulkOrder,
    BulkPart,
    BulkTold,
    Told,
)
from kakine.contracts.call import Body, Call
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.bulk.jobs import LANES, Order
from kakine.parties.gateway.bulk.store import Line
from kakine.values.problems import JobIncomplete, PartyStarting, PartyUnavailable

PATIENCE_S, PAUSE_S = 60.0, 0.5
"""So long a gateway, or somebody behind it, may be away; between two attempts."""
_AWAY = (PartyUnavailable, PartyStarting)

Takes = TypeVar("Takes", bound=Body)
Gives = TypeVar("Gives", bound=Body)


def is_apart(folder: Path) -> bool:
    """Whether the country of this folder runs apart."""
    return (folder / OPERATOR / "country.json").is_file()


async def ask_apart(folder: Path, question: Question) -> Told:
    """One person's answer. Raises what refuses."""
    asked = contract.Asking(
        question.domain,
        question.provider,
        question.procedure,
        list(question.rows),
        question.reference,
        question.official,
        question.case,
        question.unit,
    )
    async with agency(folder, question.domain.party) as own:
        return await own.ask(asked)


async def ask_file_apart(folder: Path, order: Order, out: Path, *, plain: bool) -> None:
    """Ask about everybody, hand the answers over, have them forgotten. Raises what refuses, `PartyUnavailable` for what
    was away for too long; `typer.Exit` when somebody stopped it."""
    async with agency(folder, order.domain.party) as own:
        asking = Asking(own, order)
        begun = await asking.begin()
        with told_to_stop() as stop, work("照会 / asked", begun.total, plain) as shown:
            shown.advance(begun.over)
            ended = await asking.ask(shown, stop.is_set)
        if ended is None:
            typer.echo("止めました。同じコマンドで続きます。 / stopped; the same command goes on", err=True)
            raise typer.Exit(INTERRUPTED)
        write_answers(out, order.people, [_line(order.id, each) for each in await asking.answers()])
        for name, many in ended.results.items():
            typer.echo(f"{many:>9,}  {RESULTS.get(name, name)}")
        await asking.forget()
    typer.echo(f"{ended.total:>9,}  → {out}")


def _line(job: bytes, it: BulkLine) -> Line:
    return Line(b"", job, b"", b"", it.step, it.result, it.problem, it.items, it.data)


class Asking:
    """One order, by the agency's own system."""

    def __init__(self, own: Agency, order: Order) -> None:
        self._own = own
        self._order = order
        self._job = BulkJob(order.id)

    async def begin(self) -> BulkTold:
        """The job as it stands; its people are sent where it has not begun. Raises what refuses."""
        order = self._order
        told = order.domain, order.provider, order.procedure, sorted(order.rows), order.official, order.unit
        wanted = BulkOrder(order.id, *told, len(order.people))
        for _ in range(2):
            try:
                return await self._patiently(BULK_BEGIN, wanted)
            except JobIncomplete:
                for part in self._parts():
                    await self._patiently(BULK_PEOPLE, part)
        return await self._patiently(BULK_BEGIN, wanted)

    def _parts(self) -> Iterator[BulkPart]:
        people = self._order.people
        for first in range(0, len(people), PART):
            some = people[first : first + PART]
            yield BulkPart(
                self._order.id, first, [each.reference for each in some], [each.mark for each in some]
            )

    async def ask(self, shown: Work, stop: Callable[[], bool]) -> BulkTold | None:
        """Until it is over with everybody; None where it was stopped before. Raises the problem that stops a job."""
        while not stop():
            lanes = [asyncio.create_task(self._lane(shown, stop)) for _ in range(LANES)]
            ended = await asyncio.gather(*lanes, return_exceptions=True)
            for fault in ended:
                if isinstance(fault, BaseException):
                    raise fault
            told = await self.begin()
            shown.advance(told.over - shown.count)
            if told.over == told.total:
                return told
            await asyncio.sleep(PAUSE_S)
        return None

    async def _lane(self, shown: Work, stop: Callable[[], bool]) -> None:
        while not stop():
            try:
                done = await self._patiently(BULK_WORK, self._job, stop)
            except _AWAY:
                if stop():
                    return
                raise
            shown.advance(done.more)
            if done.idle:
                return

    async def answers(self) -> list[BulkLine]:
        """Of everybody, in the order of the file."""
        found: list[BulkLine] = []
        while len(found) < len(self._order.people):
            part = BulkFrom(self._order.id, len(found))
            given = await self._patiently(BULK_LINES, part)
            found += given.lines
        return found

    async def forget(self) -> None:
        """The answers are handed over."""
        await self._patiently(BULK_END, self._job)

    async def _call(self, call: Call[Takes, Gives], message: Takes) -> Gives:
        return await self._own.peers.ask(self._own.settings.name, call, message)

    async def _patiently(
        self, call: Call[Takes, Gives], message: Takes, stop: Callable[[], bool] = lambda: False
    ) -> Gives:
        """Also if somebody is away for a while: every call about a job may be made again. Until `stop` at most."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await self._call(call, message)
            except _AWAY:
                if time.monotonic() >= until or stop():
                    raise
            await asyncio.sleep(PAUSE_S)
