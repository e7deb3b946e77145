"""`kakine unseal`: show people what was withheld from them until now, by hand; and what anybody counts of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from kakine.cli.visiting import DirOption, visited
from kakine.cli.whole_logs import whole_logs
from kakine.country import Country
from kakine.protocols.heads import Heads
from kakine.protocols.seals import Sealed, Seals, counted
from kakine.values.calendar import day
from kakine.wire.request import Place


def unseal(directory: DirOption) -> None:
    """Open every sealed entry whose day has come (封印の解除): by an entry of kind 6 that both record keepers sign.

    From then on its person reads it, and why it was withheld. Before the day neither record keeper opens anything.
    Stopped anywhere, the same command goes on from there. Example:

      kakine unseal --dir country/1-1000
    """
    places = asyncio.run(_unseal(directory))
    for place in places:
        typer.echo(f"{place.log} #{place.index} ✓")
    typer.echo(f"{len(places)} 件の封印を解除した / opened")


async def _unseal(folder: Path) -> list[Place]:
    async with visited(folder) as country:
        return [place for places in (await country.unseal()).values() for place in places]


async def count_seals(country: Country) -> Seals:
    """Out of the public logs, as anybody may."""
    return counted([(log.origin, entries) async for log, entries in whole_logs(country, Heads())])


def seal_lines(seals: Seals, now_ms: int) -> list[str]:
    """What anybody counts, and what ought to have been opened."""
    overdue = seals.overdue(now_ms)
    said = [
        f"封印された記録 {len(seals.every)} 件、うち封印中 {len(seals.closed)} 件、期限を過ぎたもの {len(overdue)} 件",
        f"{len(seals.every)} sealed entries, {len(seals.closed)} of them still sealed, {len(overdue)} overdue",
    ]
    said += [f"  {_named(each)}" for each in seals.closed if each not in overdue]
    said += [f"× 期限超過 / overdue: {_named(each)}" for each in overdue]
    return said + [
        f"× 何の封印も解かない / opens no seal: {place.log} #{place.index}" for place in seals.stray
    ]


def _named(each: Sealed) -> str:
    until = day(each.until)
    return f"{each.place.log} #{each.place.index}  {each.kind.name.lower()}  {until} まで / until {until}"
