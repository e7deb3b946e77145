"""Applications on sockets of this machine, until the process is told to stop."""

from __future__ import annotations

import asyncio
import signal
from socket import socket as Socket

from starlette.types import ASGIApp

from kakine.runtime.border import Quiet
from kakine.runtime.plain import config


async def serve(*served: tuple[ASGIApp, Socket]) -> None:
    """Until SIGINT or SIGTERM: calls under way are finished, and what the caller holds is closed by the caller. The
    same signal again ends without that."""
    servers = [Quiet(config(app, log_level="error")) for app, _ in served]

    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for told in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(told, stop)
    await asyncio.gather(
        *(server.serve(sockets=[at]) for server, (_, at) in zip(servers, served, strict=True))
    )
