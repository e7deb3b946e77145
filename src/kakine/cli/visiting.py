"""Going into a country that was run in a folder, from the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kakine.country import Country, Site
from kakine.protocols.gazette_pack import read_pack
from kakine.protocols.logs import Log, Logs, present
from kakine.runtime.database import store_of
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.problems import CountryMissing

DirOption = Annotated[Path, typer.Option("--dir", help="Folder that `kakine demo` was run in.")]


FIRST = "a"

InstanceOption = Annotated[
    str,
    typer.Option(
        "--log",
        "--instance",
        help="Which log: a or b for the one that is open now, 2026/a for that of a year.",
    ),
]


def log_named(country: Country, name: str) -> Log:
    """The log that a person means. Raises `typer.BadParameter`."""
    return log_among(country.logs, name)


def log_among(logs: Logs, name: str) -> Log:
    """Of these. Raises `typer.BadParameter`."""
    for log in logs:
        if f"/{log.origin}".endswith(f"/{name}"):
            return log if "/" in name else present(logs, log)
    raise typer.BadParameter("no such log; `kakine ledger logs` shows all")


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
async def visited(folder: Path, without: Sequence[str] = ()) -> AsyncIterator[Country]:
    """The running country of a folder, `without` these ledgers. Raises `CountryMissing`, `StoreInUse`."""
    if not store_of(folder, "commission").is_file():
        raise CountryMissing()
    async with await Country.open(replace(site(folder), without=frozenset(without))) as country:
        yield country
