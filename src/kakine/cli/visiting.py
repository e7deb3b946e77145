"""Going into a country that was run in a folder, from the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kakine.country import LOGS, Country, Site
from kakine.protocols.gazette_pack import read_pack
from kakine.protocols.logs import Log
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.problems import CountryMissing

DirOption = Annotated[Path, typer.Option("--dir", help="Folder that `kakine demo` was run in.")]


class Instance(StrEnum):
    """Which of the two ledgers."""

    A = "a"
    B = "b"

    @property
    def log(self) -> Log:
        """Its log."""
        return next(log for log in LOGS if log.origin.endswith(f"/{self.value}"))


InstanceOption = Annotated[Instance, typer.Option("--instance", help="Which of the two ledgers.")]


def site(folder: Path) -> Site:
    """Where a country is or will be, with the project's own legal pack."""
    return Site(folder, read_pack(pack_files(pack_folder())))


def program(found: str | None, interpreter: Path, here: Path) -> tuple[str, ...]:
    """The words by which a shell in `here` starts this command line: `kakine` where PATH has it (`found`), else the
    interpreter, named from `here` if it lies there."""
    if found is not None:
        return ("kakine",)
    inside = interpreter.is_relative_to(here)
    return (str(interpreter.relative_to(here) if inside else interpreter), "-m", "kakine")


@asynccontextmanager
async def visited(folder: Path) -> AsyncIterator[Country]:
    """The running country of a folder. Raises `CountryMissing`, `StoreInUse`."""
    if not (folder / "commission.sqlite").is_file():
        raise CountryMissing()
    async with await Country.open(site(folder)) as country:
        yield country
