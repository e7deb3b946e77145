"""A country that does what is due while a site of it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer

from kakine.cli.run import chores
from kakine.country import Country
from kakine.runtime.schedule import Done, Schedule


@asynccontextmanager
async def at_work(country: Country) -> AsyncIterator[None]:
    """What `kakine run` does, so that a history is indexed and witnessed, an act done when its day has come, and a
    suspension known everywhere within seconds."""
    stop = asyncio.Event()
    task = asyncio.create_task(Schedule(chores(country), country.site.clock, asyncio.sleep, _tell).run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


def _tell(done: Done) -> None:
    if done.fault:
        typer.echo(f"{done.name}: {done.fault}", err=True)
