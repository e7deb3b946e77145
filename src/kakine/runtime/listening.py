"""Sockets at which a process takes calls."""

from __future__ import annotations

from socket import (
    AF_INET,
    AF_INET6,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    IPV6_V6ONLY,
    SO_REUSEADDR,
    SOL_SOCKET,
    TCP_NODELAY,
)
from socket import socket as Socket

from kakine.values.problems import PortTaken

LOOPBACK = "127.0.0.1"
_WAITING = 2048


def bind(port: int, host: str = LOOPBACK) -> Socket:
    """A port where nobody is answered yet: who has another address goes there. Port 0 for any. Raises `PortTaken` where
    somebody listens."""
    family = AF_INET6 if ":" in host else AF_INET
    made = Socket(family)
    try:
        if family == AF_INET6:
            made.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        # Connections inherit it. asyncio would set it on sockets that name their protocol, which these do not; without
        # it the end of an answer, written after its head, waits 40 ms for the other side's delayed acknowledgement.
        made.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        made.bind((host, port))
    except OSError as fault:
        made.close()
        raise PortTaken(port=port) from fault
    return made


def listen(port: int, host: str = LOOPBACK) -> Socket:
    """The same, and calls are taken from now on, so that an address can be printed. Raises `PortTaken`."""
    made = bind(port, host)
    try:
        made.listen(_WAITING)
    except OSError as fault:
        made.close()
        raise PortTaken(port=port) from fault
    return made


def port_of(socket: Socket) -> int:
    """Where it listens."""
    return int(socket.getsockname()[1])
