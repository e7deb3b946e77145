"""`kakine ledger witness`: have the head of the log cosigned, by the policy's witnesses or by one outside."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from kakine.cli.visiting import DirOption, visited
from kakine.clients.witnessing import Gathered, WitnessSite
from kakine.country import Country
from kakine.runtime.witness_roads import HttpRoad
from kakine.wire import policy
from kakine.wire.checkpoint import origin_of


def witness(
    directory: DirOption,
    at: Annotated[str, typer.Option(help="Address of one outside witness to ask instead.")] = "",
    key: Annotated[str, typer.Option(help="Its verifier key, as `kakine serve witness` prints it.")] = "",
) -> None:
    """証人に見せる: show the head of the log to its witnesses and keep their signatures. Examples:

    kakine ledger witness --dir country/1-1000

    kakine ledger witness --dir country/1-1000 --at http://127.0.0.1:8470 --key witness.example/w1+...

    An outside witness is shown the head and nothing is kept of its answer: it counts once a policy names it. Exits 1 if
    a witness that was asked has not signed.
    """
    if bool(at) != bool(key):
        raise typer.BadParameter("--at and --key belong together")
    every = asyncio.run(_gather(directory, at, key))
    for gathered in every:
        typer.echo(f"{origin_of(gathered.note)}: head of {gathered.size} entries")
        for name in gathered.cosigned:
            typer.echo(f"✓ {name}")
        for name, code in gathered.refused.items():
            typer.echo(f"✗ {name}: {code}")
    if any(gathered.refused for gathered in every):
        raise typer.Exit(1)


async def _gather(folder: Path, at: str, key: str) -> list[Gathered]:
    known = policy.witness_key(key) if key else None
    async with visited(folder) as country:
        if known is None:
            return await country.have_witnessed()
        return await _outside(country, known, at)


async def _outside(country: Country, known: policy.NamedKey, at: str) -> list[Gathered]:
    async with aiohttp.ClientSession() as session:
        site = WitnessSite(known.name, known, HttpRoad(session, at))
        return [await ledger.witnessing.show([site]) for ledger in country.ledgers.values()]
