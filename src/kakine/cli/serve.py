"""`kakine serve`: run one party, or pages for people, as a process of its own."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.listening import serve
from kakine.cli.serve_console import console
from kakine.cli.serve_desk import desk
from kakine.cli.serve_login import login
from kakine.cli.serve_party import party
from kakine.cli.serve_portal import portal
from kakine.cli.serve_sites import sites
from kakine.country import system_clock
from kakine.parties.witness.app import WitnessParty
from kakine.parties.witness.settings import WitnessSettings, read, signing_key
from kakine.process.hardening import harden
from kakine.runtime.listening import listen, port_of

app = typer.Typer(no_args_is_help=True, help="単独で動かす: run one party as a process of its own.")


app.command()(login)
app.command()(desk)
app.command()(console)
app.command()(portal)
app.command()(party)
app.command()(sites)


@app.command()
def witness(
    settings: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Settings file (TOML).")],
    check: Annotated[bool, typer.Option("--check", help="Check the settings and stop.")] = False,
) -> None:
    """証人を動かす: run a witness of logs over HTTP until it is told to stop (Ctrl-C or SIGTERM). Settings:

      name = "witness.example/w1"

      logs = ["ledger.kakine.example/2026/a+0a1b2c3d+AQ..."]

      database = "witness.sqlite"

      seed = "witness.seed"

      port = 8470

    The seed is made on first start, readable by its owner alone. Prints the verifier key for policies. There is no
    TLS here: put a server that has it in front.
    """
    harden()
    told = read(settings)
    if check:
        typer.echo("the settings are good")
        return
    key = signing_key(told.seed, secrets.token_bytes)
    party = WitnessParty(told.name, key, told.keys(), told.database, system_clock)
    try:
        asyncio.run(_witness(told, party))
    finally:
        party.close()


async def _witness(told: WitnessSettings, party: WitnessParty) -> None:
    socket = listen(told.port, told.host)
    typer.echo(party.vkey)
    typer.echo(f"listening on http://{told.host}:{port_of(socket)}")
    await serve((party.app, socket))
