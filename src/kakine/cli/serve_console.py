"""`kakine serve console`: the commission's console of a country in a folder, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from socket import socket as Socket
from typing import Annotated

import typer

from kakine.cli.at_work import at_work
from kakine.cli.listening import serve
from kakine.cli.visiting import DirOption, visited
from kakine.country import Country
from kakine.parties.commission.bureau.acts import Role
from kakine.runtime.listening import listen, port_of

DEMO = "demo"
DEMO_NAMES = {
    Role.COMMISSIONER: "委員 (架空)",
    Role.OFFICER: "事務局 (架空)",
    Role.INSPECTOR: "検査官 (架空)",
    Role.OBSERVER: "傍聴 (架空)",
}


def console(
    directory: DirOption,
    port: Annotated[int, typer.Option(help="Port on the loopback address; 0 for any.")] = 8483,
    codes: Annotated[
        int,
        typer.Option(min=1, max=50, help="Codes of the shift to print for each member of the demo staff."),
    ] = 4,
) -> None:
    """委員会の画面を動かす: run the country in a folder with the console of the commission, until told to stop.

    Where the commission has no people yet, one of each role is made up (demo staff), and codes of the shift are printed
    for them: the first lets in, each of the others signs one thing. Example:

      kakine serve console --dir country/1-1000

    It listens on 127.0.0.1 and has no TLS. Evidence of monitors in the folder `findings` of the country is shown.
    """
    asyncio.run(_serve(directory, listen(port), codes))


async def _serve(folder: Path, socket: Socket, codes: int) -> None:
    async with visited(folder) as country, at_work(country):
        origin = f"http://localhost:{port_of(socket)}"
        app = country.console_site(origin)
        for line in await demo_logins(country, codes):
            typer.echo(line)
        await country.commission.count()
        typer.echo(f"listening on {origin}  公開ページ / public page: {origin}/public")
        await serve((app, socket))


async def demo_logins(country: Country, codes: int) -> Sequence[str]:
    """Codes for the made-up staff, who are appointed where the commission has nobody; nothing where it has people of
    its own."""
    bureau = country.commission.bureau
    if not bureau.staff.all():
        for role, name in DEMO_NAMES.items():
            await bureau.appoint(name, role, DEMO)
    lines = []
    for member in bureau.staff.all():
        if member.unit == DEMO and member.works:
            sheet = " ".join(await bureau.staff.sheet(member.number, codes))
            lines.append(f"{member.role:12} {member.name}  {sheet}")
    return lines
