"""`kakine serve party`: one party as a process of its own, over mutual TLS."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from kakine.process.checks import check
from kakine.process.hardening import harden
from kakine.process.running import clock, run
from kakine.process.settings import read
from kakine.process.telling import tell_in_lines

alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")


def party(
    config: Annotated[Path, typer.Option(help="Settings of the party (TOML), in its own folder.")],
    only_check: Annotated[
        bool, typer.Option("--check", help="Print the verdict of each check by its id, and stop.")
    ] = False,
) -> None:
    """機関を一つ動かす: run one party (converter, mailbox, ledger, signer, registry, gateway, portal, commission,
    ministry or authority, as its settings say) as a process of its own until SIGTERM or Ctrl-C. Example:

      kakine serve party --config separate/converter-1/party.toml --check

      kakine serve party --config separate/converter-1/party.toml

    Other parties reach it over mutual TLS 1.3, with certificates of the authority. Health (`/health`), readiness
    (`/ready`) and figures (`/metrics`) are on the admin port of the loopback address. Events are JSON lines.
    """
    harden()
    settings = read(config)
    if not only_check:
        tell_in_lines()
        asyncio.run(run(settings))
        return
    verdicts = check(settings, clock)
    for each in verdicts:
        typer.echo(f"{'×' if each.fault else '✓'} {each.id}{': ' if each.fault else ''}{each.fault}")
    if any(each.fault for each in verdicts):
        sys.exit(1)


@alone.callback()
def _kakine() -> None:
    """Kakine."""


_serve = typer.Typer()
_serve.command()(party)
_serve.callback()(_kakine)
alone.add_typer(_serve, name="serve")
