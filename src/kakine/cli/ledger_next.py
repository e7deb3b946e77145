"""`kakine ledger logs`, `next` and `declare-dead`: which logs there are, and how one follows another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.demo_checks import head
from kakine.cli.visiting import DirOption, log_named, visited
from kakine.country import Country
from kakine.protocols.logs import Log
from kakine.values.calendar import in_japan
from kakine.values.problems import LogNotOver

_Instance = Annotated[str, typer.Argument(help="Which ledger: a or b.")]


def logs(directory: DirOption) -> None:
    """台帳の一覧: all logs there are and were, in the order in which they are asked. Example:

    kakine ledger logs --dir country/1-1000
    """
    for line in asyncio.run(_listed(directory)):
        typer.echo(line)


async def _listed(folder: Path) -> list[str]:
    async with visited(folder) as country:
        return [await _line(country, log) for log in country.logs]


async def _line(country: Country, log: Log) -> str:
    if log.ledger not in country.apps:
        return f"{log.origin}  停止、読めない / dead, cannot be read any more"
    at = await head(country, log)
    state = "閉鎖 / ended" if log.final else "記録中 / open"
    if log.dead:
        state = "停止 / dead, what can still be read"
    return f"{log.origin}  {state}, {at.size} entries, root {at.root.hex()}"


def next_(directory: DirOption, instance: _Instance) -> None:
    """年の替わり: when the year of a log is over in Japan, close it for good and open the next one. Example:

    kakine ledger next a --dir country/1-1000

    To be called twice. The first time the log stops taking entries about people; the other ledger goes on. Twelve
    minutes later, when all it has is counted and indexed, the second call closes it: its last head is entry 0 of the
    next log. First the one ledger, then the other.
    """
    typer.echo(asyncio.run(_next(directory, instance)))


async def _next(folder: Path, instance: str) -> str:
    async with visited(folder) as country:
        log = log_named(country, instance)
        try:
            return _opened(log, await country.next_log(log))
        except LogNotOver as early:
            settled_ms = early.facts.get("settled_ms")
            if settled_ms is None:
                raise
            again = f"{in_japan(int(str(settled_ms))):%Y-%m-%d %H:%M}"
            return f"{log.origin}: 締切、{again} 以降に再実行 / winding up; run this again from then on"


def _opened(old: Log, new: Log) -> str:
    return f"{old.origin}: 閉鎖 / ended\n{new.origin}: 開始 / open, its entry 0 is the last head of the log before"


def declare_dead(
    directory: DirOption,
    instance: _Instance,
    yes: Annotated[
        bool, typer.Option("--yes", help="The operator of the ledger and the commission both want it.")
    ] = False,
) -> None:
    """死亡宣告: declare dead a log whose ledger refuses to start, and open a new origin in its place. Example:

    kakine ledger declare-dead a --dir country/1-1000 --yes

    For a store that was put back from a backup or changed. It cannot be undone, and nothing is repaired: the store
    stays as it is, old receipts go on verifying, and what had no receipt yet is sent again to a log that is open.
    Refused for a log with which nothing is wrong.
    """
    if not yes:
        raise typer.BadParameter("this cannot be undone; say --yes")
    typer.echo(asyncio.run(_declare(directory, instance)))


async def _declare(folder: Path, instance: str) -> str:
    async with visited(folder, [f"ledger-{instance}"]) as country:
        log = log_named(country, instance)
        new = await country.declare_dead(log)
        return f"{log.origin}: 停止 / dead\n{new.origin}: 開始 / open, its entry 0 is the last head that was seen"


def mount(app: typer.Typer) -> None:
    """Make the commands part of `app`."""
    app.command()(logs)
    app.command("next")(next_)
    app.command("declare-dead")(declare_dead)
