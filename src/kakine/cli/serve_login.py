"""`kakine serve login`: the login of a country in a folder, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from socket import socket as Socket
from typing import Annotated

import typer

from kakine.cli.listening import serve
from kakine.cli.visiting import DirOption, visited
from kakine.country import Country
from kakine.parties.portal.login.http import application
from kakine.runtime.listening import listen, port_of
from kakine.runtime.schedule import Chore, Done, Schedule

SECOND = 1000
EVERY_S = 5
"""How often the country asks for newer law, so that a suspension reaches logins under way."""
STATUS_S = 300
"""How often certificates' status is published and downloaded, so that a lost card is stopped."""


def login(
    directory: DirOption,
    port: Annotated[int, typer.Option(help="Port on the loopback address; 0 for any.")] = 8480,
    issuer: Annotated[
        str, typer.Option(help="Address under which others reach it; without it http://localhost:PORT.")
    ] = "",
) -> None:
    """ログインを動かす: run the country in a folder with its login, an OpenID provider, until told to stop (Ctrl-C or
    SIGTERM). Relying parties are those of the law (gazette/clients.toml); their keys: `kakine login client-key`. Print
    a paper code first, since a running country has its stores to itself. Example:

      kakine login paper --dir country/1-1000

      kakine serve login --dir country/1-1000

    It listens on 127.0.0.1 and has no TLS: put a server that has it in front, and name its address with --issuer.
    """
    asyncio.run(_serve(directory, listen(port), issuer))


async def _serve(folder: Path, socket: Socket, issuer: str) -> None:
    async with visited(folder) as country, _kept_current(country):
        at = issuer or f"http://localhost:{port_of(socket)}"
        typer.echo(f"issuer {at}")
        await serve((application(country.login(at)), socket))


@asynccontextmanager
async def _kept_current(country: Country) -> AsyncIterator[None]:
    """The law and the status of certificates, by the clock and never for a login. What fails comes again at its next
    time: until then the law that is known holds, and a status list for its hour."""
    stop = asyncio.Event()
    chores = [
        Chore("法令 / law", EVERY_S * SECOND, lambda: _quiet(country.refresh()), "law"),
        Chore("状態 / status", STATUS_S * SECOND, lambda: _quiet(country.publish_status()), "status"),
        Chore("手続き / acts", EVERY_S * SECOND, lambda: _acts(country), "acts"),
    ]
    task = asyncio.create_task(Schedule(chores, country.site.clock, asyncio.sleep, _tell).run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def _quiet(work: Awaitable[None]) -> str:
    await work
    return ""


async def _acts(country: Country) -> str:
    """Acts at the portal whose time has come."""
    for problem in await country.portal.acts.tick():
        typer.echo(str(problem), err=True)
    return ""


def _tell(done: Done) -> None:
    typer.echo(f"{done.name}: {done.fault}", err=True)
