"""Plain HTTP on this machine: pages for people and the operator's tools. For the former a server that has TLS for
browsers stands in front, and what it passes on is anybody's.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kakine.runtime.border import _Protocol as Ended

HEADERS_S, BODY_S = 10, 30
"""For the head of a request, and for its body."""


class _Protocol(Ended):
    """With the ends that the border puts to a request, in time and in size. The parser is named: one that reads lone
    line feeds, or a length beside chunks, sees another request than the server in front may have seen."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        HttpToolsProtocol.connection_made(self, transport)
        self._late = self.loop.call_later(HEADERS_S, transport.abort)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._rest = self.loop.call_later(BODY_S, self.transport.abort)


def _without_those_who_left(app: ASGIApp) -> ASGIApp:
    """Whoever goes away in the middle of a request is no fault of ours, and fills no log with it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect):
            await app(scope, receive, send)

    return serve


def config(app: ASGIApp, **more: Any) -> uvicorn.Config:
    """What every plain server here has in common: no line for a call, nothing said of itself."""
    return uvicorn.Config(
        _without_those_who_left(app),
        http=_Protocol,
        ws="none",
        interface="asgi3",
        access_log=False,
        lifespan="off",
        server_header=False,
        **more,
    )
