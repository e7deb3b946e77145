"""Applications on sockets of this machine, until the process is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from socket import AF_INET, AF_INET6, IPPROTO_TCP, TCP_NODELAY, create_server
from socket import socket as Socket

import uvicorn
from starlette.types import ASGIApp

from kakine.runtime.plain import config
from kakine.values.problems import PortTaken

LOOPBACK = "127.0.0.1"


class _Together(uvicorn.Server):
    """A server that hears no signals: uvicorn raises them again when it is done, and would so end the process before
    what is served has been closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(port: int, host: str = LOOPBACK) -> Socket:
    """A socket that takes calls from now on, so that an address can be printed; port 0 for any. Raises `PortTaken`."""
    try:
        made = create_server((host, port), family=AF_INET6 if ":" in host else AF_INET, backlog=2048)
    except OSError as fault:
        raise PortTaken(port=port) from fault
    # Connections inherit it. asyncio would set it on sockets that name their protocol, which these do not; without it
    # the end of an answer, written after its head, waits 40 ms for the other side's delayed acknowledgement.
    made.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return made


def port_of(socket: Socket) -> int:
    """Where it listens."""
    return int(socket.getsockname()[1])


async def serve(*served: tuple[ASGIApp, Socket]) -> None:
    """Until SIGINT or SIGTERM: calls under way are finished, and what the caller holds is closed by the caller. The
    same signal again ends without that."""
    servers = [_Together(config(app, log_level="error")) for app, _ in served]

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
