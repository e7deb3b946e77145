"""`kakine ledger witness`: have the head of the log cosigned, by the policy's witnesses or by one outside."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from kakine.cli.visiting import DirOption, visited
from kakine.clients.witnessing import Gathered, WitnessSite
from kakine.contracts.converter import HEAD, LastHead
from kakine.country import CONVERTERS, Country
from kakine.runtime.witness_roads import HttpRoad
from kakine.wire import checkpoint as notes
from kakine.wire import policy
from kakine.wire.checkpoint import Checkpoint, origin_of


def witness(
    directory: DirOption,
    at: Annotated[str, typer.Option(help="Address of one outside witness to ask instead.")] = "",
    key: Annotated[str, typer.Option(help="Its verifier key, as `kakine serve witness` prints it.")] = "",
) -> None:
    """証人に見せる: show the head of the log to its witnesses and keep their signatures. Examples:

    kakine ledger witness --dir country/1-1000

    kakine ledger witness --dir country/1-1000 --at http://127.0.0.1:8470 --key witness.example/w1+...

    An outside witness is shown the head and nothing is kept of its answer: it counts once a policy names it. Then come
    the heads of another history that converters and witnesses were ever shown and have kept as proof. Exits 1 if there
    is any, or if a witness that was asked has not signed.
    """
    if bool(at) != bool(key):
        raise typer.BadParameter("--at and --key belong together")
    every, forked = asyncio.run(_gather(directory, at, key))
    for gathered in every:
        typer.echo(f"{origin_of(gathered.note)}: head of {gathered.size} entries")
        for name in gathered.cosigned:
            typer.echo(f"✓ {name}")
        for name, code in gathered.refused.items():
            typer.echo(f"✗ {name}: {code}")
    for each in forked:
        typer.echo(
            f"{each.origin}: {each.who} は別の履歴の先頭を示された / was shown a head of another history"
        )
        typer.echo(f"  {each.at.size} entries, root {each.at.root.hex()[:16]}… (kakine monitor --evidence)")
    if forked or any(gathered.refused for gathered in every):
        raise typer.Exit(1)


async def _gather(folder: Path, at: str, key: str) -> tuple[list[Gathered], list[Forked]]:
    known = policy.witness_key(key) if key else None
    async with visited(folder) as country:
        every = await (_outside(country, known, at) if known else country.have_witnessed())
        return every, await forked_heads(country)


@dataclass(frozen=True)
class Forked:
    """A signed head of the log `origin` that contradicts one which `who` had seen before."""

    origin: str
    who: str
    at: Checkpoint


async def forked_heads(country: Country) -> list[Forked]:
    """What converters and outside witnesses have kept of other histories, of all logs."""
    peers, law = country.peers("portal"), country.book("portal").in_force(country.site.clock())
    found: list[Forked] = []
    for log in country.logs:
        kept = {str(name): (await peers.ask(name, HEAD, LastHead(log.origin))).forked for name in CONVERTERS}
        kept |= country.watchers.forks(log.origin)
        opened = [(who, notes.open(note, log.origin, log.key_in(law))) for who in kept for note in kept[who]]
        found += [Forked(log.origin, who, at) for who, at in opened]
    return found


async def _outside(country: Country, known: policy.NamedKey, at: str) -> list[Gathered]:
    async with aiohttp.ClientSession() as session:
        site = WitnessSite(known.name, known, HttpRoad(session, at))
        return [await ledger.witnessing.show([site]) for ledger in country.ledgers.values()]
