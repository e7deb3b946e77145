"""`kakine serve portal`: the resident's site of a country in a folder, on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from socket import socket as Socket
from typing import Annotated

import typer

from kakine.cli.at_work import at_work
from kakine.cli.listening import serve
from kakine.cli.visiting import DirOption, visited
from kakine.runtime.listening import listen, port_of

FIRST_STEPS = """住所 / address: {origin}
入り方 / how to come in:
  紙 / paper     kakine login paper --dir {folder}    before this runs, since a country in use has its stores to itself
  カード / card  kakine login helper --card my.card --origin {origin}    beside the browser, while this runs
  パスキー / passkey    after a paper or in a login to a service, on the page that offers it
Ctrl-C で終わり / to stop"""


def portal(
    directory: DirOption,
    port: Annotated[int, typer.Option(help="Port on the loopback address; 0 for any.")] = 8480,
    origin: Annotated[
        str, typer.Option(help="Address under which others reach it; without it http://localhost:PORT.")
    ] = "",
    away: Annotated[
        str, typer.Option(help="Where the quick exit leads; without it an empty page here.")
    ] = "",
) -> None:
    """本人の窓口を動かす: run the country in a folder with the resident's site, and the login for other services at the
    same address, until told to stop (Ctrl-C or SIGTERM). Print a paper code first. Example:

      kakine login paper --dir country/1-1000

      kakine serve portal --dir country/1-1000

    It listens on 127.0.0.1 and has no TLS: put a server that has it in front, which passes the host on, and name its
    address with --origin.
    """
    asyncio.run(_serve(directory, listen(port), origin, away))


async def _serve(folder: Path, socket: Socket, origin: str, away: str) -> None:
    async with visited(folder) as country, at_work(country):
        at = origin or f"http://localhost:{port_of(socket)}"
        typer.echo(FIRST_STEPS.format(origin=at, folder=folder))
        await serve((country.portal_site(at, away), socket))
