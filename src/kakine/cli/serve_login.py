"""`kakine serve login`: the login of a country in a folder, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from kakine.cli.visiting import DirOption, visited
from kakine.country import Country
from kakine.parties.portal.login.http import application
from kakine.values.problems import Problem

EVERY_S = 5
"""How often the country asks for newer law, so that a suspension reaches logins under way, and does what is due."""


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
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(directory, port, issuer))


async def _serve(folder: Path, port: int, issuer: str) -> None:
    async with visited(folder) as country, _kept_current(country):
        config = uvicorn.Config(
            app="", port=port, log_level="warning", access_log=False, lifespan="off", server_header=False
        )
        socket = config.bind_socket()
        at = issuer or f"http://localhost:{socket.getsockname()[1]}"
        config.app = application(country.portal.login(at))
        typer.echo(f"issuer {at}")
        await uvicorn.Server(config).serve(sockets=[socket])


@asynccontextmanager
async def _kept_current(country: Country) -> AsyncIterator[None]:
    async def refresh() -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await country.refresh()
                for problem in await country.portal.acts.tick():
                    typer.echo(str(problem), err=True)
            except Problem as problem:
                # The law that is known goes on to hold; the next round asks again.
                typer.echo(str(problem), err=True)

    task = asyncio.create_task(refresh())
    try:
        yield
    finally:
        task.cancel()
