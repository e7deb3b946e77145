"""`kakine serve desk`: the desk of an agency's case workers, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from socket import socket as Socket
from typing import Annotated

import typer

from kakine.cli.at_work import at_work
from kakine.cli.desks import HOST, desk_at, report_applications
from kakine.cli.listening import serve
from kakine.cli.visiting import DirOption, visited
from kakine.institutions.desk import DemoLogin, staffed
from kakine.parties.gateway.desk.case_store import Application
from kakine.parties.gateway.desk_site import site
from kakine.runtime.listening import listen, port_of
from kakine.values.calendar import day

SHOWN = 5
"""Applications that are printed."""


def desk(
    directory: DirOption,
    domain: Annotated[str, typer.Option("--as", help="Domain whose desk it is: yokohama/children.")],
    port: Annotated[int, typer.Option(help="Port on the loopback address; 0 for any.")] = 8481,
    demo: Annotated[
        bool,
        typer.Option(help="Add invented staff, print a login for each, and report the demo's applications."),
    ] = True,
) -> None:
    """職員の窓口を動かす: run the country in a folder with the desk of one domain, until told to stop (Ctrl-C or
    SIGTERM). Example:

      kakine serve desk --dir country/1-1000 --as yokohama/children

    It listens on 127.0.0.1 and has no TLS. Staff of your own: `kakine desk staff add`, before.
    """
    asyncio.run(_serve(directory, domain, listen(port), demo))


async def _serve(folder: Path, domain: str, socket: Socket, demo: bool) -> None:
    async with visited(folder) as country, at_work(country):
        made = desk_at(country, domain, port_of(socket))
        if demo:
            tell(await staffed(made), await report_applications(made, folder))
        typer.echo(f"desk http://{HOST}:{port_of(socket)}")
        await serve((site(made).app(), socket))


def tell(logins: Sequence[DemoLogin], applications: Sequence[Application]) -> None:
    """Logins of the invented staff, and some applications on which a case opens."""
    for each in logins:
        who = f"{each.person.name}（{each.person.unit}、{each.person.role.value}）"
        typer.echo(f"{who}  code {each.code}  passphrase {each.passphrase}")
    for application in applications[:SHOWN]:
        typer.echo(application_line(application))


def application_line(application: Application) -> str:
    """What a clerk copies from it into a case."""
    references = " ".join(reference.decode() for reference in application.people)
    when = day(application.day).isoformat()
    return f"申請 / application {application.number}  {when}  {application.procedure}  {references}"
