"""`kakine serve sites`: the three sites of one country at once, as `kakine demo` ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from socket import socket as Socket
from typing import Annotated

import typer
from starlette.types import ASGIApp

from kakine.cli.at_work import at_work
from kakine.cli.desks import HOST, desk_at, report_applications
from kakine.cli.history import protagonist_at
from kakine.cli.listening import serve
from kakine.cli.login import paper_for
from kakine.cli.serve_console import demo_logins
from kakine.cli.serve_desk import tell
from kakine.cli.visiting import DirOption, visited
from kakine.country import Country
from kakine.institutions.desk import staffed
from kakine.parties.gateway.desk_site import site
from kakine.runtime.listening import listen, port_of
from kakine.values.labels import DomainName

DESK = "yokohama/children"
PAPERS = 2
"""Papers that are printed: each opens one visit."""
CODES = 4
"""Codes of the shift for each of the commission's made-up staff."""


@dataclass(frozen=True)
class Ports:
    """Where the sites listen on the loopback address; 0 for any."""

    portal: int = 8480
    desk: int = 8481
    console: int = 8483


def sites(
    directory: DirOption,
    portal: Annotated[int, typer.Option(help="Port of the resident's site; 0 for any.")] = Ports.portal,
    desk: Annotated[int, typer.Option(help="Port of the case workers' desk.")] = Ports.desk,
    console: Annotated[int, typer.Option(help="Port of the commission's console.")] = Ports.console,
) -> None:
    """三つの画面を動かす: run the country that a demonstration left, with the resident's portal, a desk of case workers
    and the commission's console, until told to stop (Ctrl-C or SIGTERM). Logins of made-up people are printed. Example:

      kakine serve sites --dir country/1-1000

    They listen on 127.0.0.1 and have no TLS. One site alone, for people of your own: `kakine serve portal`, `desk`,
    `console`.
    """
    asyncio.run(serve_sites(directory, Ports(portal, desk, console)))


async def serve_sites(folder: Path, ports: Ports) -> None:
    """Until the process is told to stop. Raises `CountryMissing`, `StoreInUse`, `AccountUnknown`, `PortTaken`."""
    counter, reference = protagonist_at(folder, lambda family: DomainName(f"{family.town}/residents"))
    bound = [listen(port) for port in (ports.portal, ports.desk, ports.console)]
    async with visited(folder) as country, at_work(country):
        at = [f"http://{HOST}:{port_of(each)}" for each in bound]
        typer.echo(f"\n■ 本人の窓口 / resident's portal   {at[0]}")
        for _ in range(PAPERS):
            typer.echo(f"  窓口の紙 / paper code: {await paper_for(country, counter, reference)}")
        apps = (
            country.portal_site(at[0], ""),
            await _desk(country, folder, bound[1], at[1]),
            await _console(country, at[2]),
        )
        typer.echo("\nCtrl-C で終わり / to stop")
        await serve(*zip(apps, bound, strict=True))


async def _desk(country: Country, folder: Path, bound: Socket, at: str) -> ASGIApp:
    made = desk_at(country, DESK, port_of(bound))
    typer.echo(f"\n■ 職員の窓口 / desk of {DESK}   {at}")
    tell(await staffed(made), await report_applications(made, folder))
    return site(made).app()


async def _console(country: Country, at: str) -> ASGIApp:
    typer.echo(f"\n■ 委員会の画面 / the commission's console   {at}   公開 / public: {at}/public")
    made = country.console_site(at)
    for line in await demo_logins(country, CODES):
        typer.echo(line)
    await country.commission.count()
    return made
