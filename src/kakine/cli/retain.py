"""`kakine retain`: erase what has expired, keep on what must be kept, by hand and never by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.apart_making import SETTINGS
from kakine.cli.apart_retaining import hold_apart, lift_apart, retain_apart
from kakine.cli.visiting import FIRST, DirOption, InstanceOption, log_named, visited
from kakine.country import COMMISSION, Retained
from kakine.protocols.logs import Log
from kakine.values.calendar import month_name
from kakine.values.problems import HoldUnknown
from kakine.wire.erasure import Order, Reason


def retain(
    directory: DirOption,
    hold: Annotated[
        list[int] | None,
        typer.Option(help="Numbers of entries of one log to keep on, all of one month; with --reason."),
    ] = None,
    reason: Annotated[Reason, typer.Option(help="Why they are kept on.")] = Reason.LITIGATION,
    instance: InstanceOption = FIRST,
    lift: Annotated[str, typer.Option(help="Digest of a hold to end, as it was shown when ordered.")] = "",
) -> None:
    """Erase the sealed records of every month whose 84 months are over (番号法施行令30条), and destroy its keys.

    What goes cannot be brought back: the records with both record keepers, the converters' private keys of the month,
    what agencies still have of it. What stays is the public log; every proof in it holds. Stopped anywhere, the same
    command goes on from there. With --hold or --lift nothing is erased. In a country that runs apart the commission's
    own process does it, and agencies, registry and portal follow its notice within the hour. Example:

      kakine retain --dir country/1-1000
    """
    apart = (directory / COMMISSION / SETTINGS).is_file()
    if hold:
        ordered = hold_apart if apart else _hold
        log, digest = asyncio.run(ordered(directory, instance, hold, reason))
        held = ", ".join(f"#{place}" for place in hold)
        typer.echo(f"保存を延長 / held: {log.origin} {held} ({reason.value})")
        typer.echo(f"終えるには / to end it: --lift {digest.hex()}")
    elif lift:
        asyncio.run((lift_apart if apart else _lift)(directory, _digest(lift)))
        typer.echo("延長を終えた / the hold has ended")
    else:
        for line in asyncio.run((_retain_apart if apart else _retain)(directory)):
            typer.echo(line)


async def _hold(folder: Path, name: str, places: list[int], reason: Reason) -> tuple[Log, bytes]:
    async with visited(folder) as country:
        log = log_named(country, name)
        return log, await country.commission.hold(log, places, reason.value)


def _digest(text: str) -> bytes:
    try:
        wanted = bytes.fromhex(text)
    except ValueError as fault:
        raise HoldUnknown() from fault
    if len(wanted) != 32:
        raise HoldUnknown()
    return wanted


async def _lift(folder: Path, digest: bytes) -> None:
    async with visited(folder) as country:
        await country.commission.lift(digest)


async def _retain(folder: Path) -> list[str]:
    async with visited(folder) as country:
        return _lines(await country.retain())


async def _retain_apart(folder: Path) -> list[str]:
    return _lines(Retained({}, await retain_apart(folder)))


def _places(order: Order) -> str:
    shown = [f"{each.origin} #{each.first}…#{each.last}" for each in order.counts if each.count]
    return ", ".join(shown) or "—"


def _lines(done: Retained) -> list[str]:
    said = [
        f"{month_name(order.expiry)}: {sum(tally.count for tally in order.counts)} 件を消去 / records erased"
        f" ({_places(order)}), 延長 / held: {order.held}"
        for order in done.months
    ]
    if not said:
        said.append("満了した月はない / no month has expired that is not erased already")
    forgotten = {name: count for name, count in done.forgotten.items() if count}
    said += [f"{name}: {count} 件の回答等を削除 / answers deleted" for name, count in forgotten.items()]
    return said
