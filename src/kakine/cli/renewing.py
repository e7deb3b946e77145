"""`kakine renew`: another certificate for one party, before its time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kakine.process import running
from kakine.process.reaching import reached
from kakine.process.settings import Settings, read
from kakine.runtime.tls import Credentials


def renew(
    config: Annotated[Path, typer.Option(help="Settings of the party (TOML), in its own folder.")],
) -> None:
    """証明書を替える: give a party another key for TLS, with a certificate from the authority, running or not. The one
    it has must be good: it asks with that. A running party uses the new one from the next second on; no call is lost.
    The old one stays good until it ends or is revoked. Example:

      kakine renew --config converter-1/party.toml
    """
    settings = read(config)
    asyncio.run(_renew(settings))
    until = Credentials(settings.name, settings.files, running.clock).certificate.not_after
    typer.echo(f"{settings.party}: {datetime.fromtimestamp(until, UTC):%Y-%m-%d} まで / until")


async def _renew(settings: Settings) -> None:
    async with reached(settings) as others:
        await running.renew(settings, others.peers)
