"""The others, as an agency's own system reaches them, or a command of any party's operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kakine.cli.apart_making import SETTINGS
from kakine.contracts.agency import ASK, Asking, Told
from kakine.process.reaching import Reached, reached
from kakine.process.running import clock
from kakine.process.settings import Settings, read
from kakine.protocols.gazette import Law


class Agency(Reached):
    """An agency's own system, with the agency's certificate: it calls whom the agency may call. So does the system of
    any other party's operator."""

    @property
    def law(self) -> Law:
        """In force now."""
        return self.book.in_force(clock())

    async def ask(self, asked: Asking) -> Told:
        """Through the agency's gateway."""
        return await self.peers.ask(self.settings.name, ASK, asked)


@asynccontextmanager
async def agency(folder: Path, name: str) -> AsyncIterator[Agency]:
    """As `acting`, by the settings in a party's folder."""
    async with acting(read(folder / name / SETTINGS)) as own:
        yield own


@asynccontextmanager
async def acting(settings: Settings) -> AsyncIterator[Agency]:
    """By these settings. Raises as `reached`."""
    async with reached(settings) as others:
        yield Agency(**vars(others))
