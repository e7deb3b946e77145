"""The border of a party's process: who calls, over mutual TLS (spec/transport.md section 4).

The caller is the name in the certificate that TLS has verified, never anything that the caller has sent. Nothing is
served over a connection without one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import socket as Socket
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kakine.crypto import x509
from kakine.runtime import gathering
from kakine.runtime.http import CALLER, carried, problem_response
from kakine.runtime.identity import Clock
from kakine.runtime.tls import Standing
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CallerUnknown,
    MessageTooLarge,
    PartyStarting,
    Problem,
    RequestTooSlow,
    RouteUnknown,
)

HANDSHAKE_S, HEADERS_S, BODY_S, ANSWER_S, IDLE_S = 5, 10, 30, 60, 75
HEAD_BYTES = 64 << 10
CONNECTIONS = 1024
"""At once; further requests get a plain 503."""

Seen = Callable[[str, int, PartyName | None], None]
"""Hears of each answer: path of a call or nothing, status, who asked."""


def _unseen(path: str, status: int, caller: PartyName | None) -> None:
    """Nobody counts."""


@dataclass
class Border:
    """What stands before a party's application. `app` is None while the party starts or stops.

    `callers` are the only parties that may call, where it is not None; the roles in the law come besides. `public`
    paths, which any party may call, are answered before the status of certificates is known: without them no party
    could ever come to know it.
    """

    clock: Clock
    app: ASGIApp | None = None
    standing: Standing | None = None
    callers: frozenset[PartyName] | None = None
    public: Collection[str] = ()
    seen: Seen = _unseen
    under_way: int = field(default=0, init=False)

    def at(self, certificate: bytes | None) -> ASGIApp:
        """The application of one connection, from whoever holds the key of `certificate` (DER)."""
        return _Far(self, certificate)


class _Far:
    """One connection. The certificate is read once, and its status looked at with each request."""

    def __init__(self, border: Border, certificate: bytes | None) -> None:
        self._border = border
        self._certificate = certificate
        self._read: x509.Certificate | None = None
        self._name: PartyName | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, begun = 0, False

        async def noting(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
            await send(message)

        self._border.under_way += 1
        try:
            app = self._admitted(scope)
            if scope["path"] == gathering.PATH:
                await self._together(app, scope, _in_time(receive), noting)
            else:
                await app(scope, _in_time(receive), noting)
        except Problem as problem:
            if begun:
                raise
            await problem_response(problem)(scope, receive, noting)
        finally:
            self._border.under_way -= 1
            path = scope.get("path", "") if status != RouteUnknown.status else ""
            self._border.seen(path, status, self._name)

    async def _together(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Calls that came in one request: each is judged by itself, and answered as soon as its answer is there."""
        caller = scope[CALLER]
        if scope["method"] != "POST":
            raise RouteUnknown()
        calls = gathering.unpacked(await _whole(receive))
        ready, answers = asyncio.Event(), list[bytes]()

        async def one(index: int, path: str, body: bytes) -> None:
            # A line feed at the end would pass for the path before it; of a lone call TLS and HTTP have read the path.
            served = app if path.isprintable() else problem_response(RouteUnknown())
            status, given = await carried(served, caller, path, body)
            answers.append(gathering.framed(gathering.Given(index, status, given)))
            self._border.seen(path if status != RouteUnknown.status else "", status, caller)
            ready.set()

        kind = (b"content-type", gathering.MEDIA.encode())
        await send({"type": "http.response.start", "status": 200, "headers": [kind]})
        async with asyncio.TaskGroup() as group:
            for index, (path, body) in enumerate(calls):
                group.create_task(one(index, path, body))
            left = len(calls)
            while left:
                await ready.wait()
                ready.clear()
                left -= len(answers)
                part = b"".join(answers)
                answers.clear()
                await send({"type": "http.response.body", "body": part, "more_body": left > 0})

    def _admitted(self, scope: Scope) -> ASGIApp:
        """Raises what the caller or the path is not. The scope carries the caller then."""
        if scope["type"] != "http":
            raise RouteUnknown()
        scope.pop(CALLER, None)
        caller = self._caller(scope["path"])
        # One spelling of each path: what decodes to a path that is served is not that path.
        if scope["raw_path"] != scope["path"].encode() or scope["query_string"]:
            raise RouteUnknown()
        if self._border.callers is not None and caller not in self._border.callers:
            raise CallerNotAllowed()
        if self._border.app is None:
            raise PartyStarting()
        scope[CALLER] = caller
        return self._border.app

    def _caller(self, path: str) -> PartyName:
        if self._certificate is None:
            raise CallerUnknown()
        if self._name is None:
            self._name = x509.party_of(self._certificate)
        border, now_ms = self._border, self._border.clock()
        if path not in border.public:
            if border.standing is None:
                raise PartyStarting()
            if self._read is None:
                self._read = border.standing.read(self._certificate, now_ms)
            border.standing.still(self._read, now_ms)
        return self._name


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
        if len(body) > gathering.MOST_BYTES:
            raise MessageTooLarge(limit=gathering.MOST_BYTES)
    return body


def _in_time(receive: Receive) -> Receive:
    until = asyncio.get_running_loop().time() + BODY_S

    async def next_part() -> Message:
        try:
            async with asyncio.timeout_at(until):
                return await receive()
        except TimeoutError as fault:
            raise RequestTooSlow() from fault

    return next_part


class _Written:
    """A transport to which head and body of an answer go as one record: what is written in a turn goes at its end."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Later in this turn."""
        if not self._held:
            self._loop.call_soon(self._out)
        self._held.append(data)

    def close(self) -> None:
        """After what was written."""
        self._out()
        self._transport.close()

    def _out(self) -> None:
        if self._held:
            self._transport.write(b"".join(self._held))
            self._held = []


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with the peer's certificate handed on, an end to the head of a request in time and in size, a time for
    the rest of a request that was answered before it had all come, and one for an answer that nobody reads: uvicorn has
    none of these."""

    _late: asyncio.TimerHandle | None = None
    _rest: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _in_head = False
    _in_body = False
    _fed = _told = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, _Written(transport, self.loop)))
        tls = transport.get_extra_info("ssl_object")
        border = cast(Border, cast(Any, self.config).border)
        self.app = border.at(tls.getpeercert(binary_form=True) if tls else None)
        self._late = self.loop.call_later(HEADERS_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._late is None and not self._in_body:
            self._late = self.loop.call_later(HEADERS_S, self.transport.abort)
        super().data_received(data)
        # What the parser holds of a head without telling counts too: a line that does not end.
        self._fed = self._fed + len(data) if self._in_head else 0
        if self._fed > HEAD_BYTES + len(data):
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._in_body, self._told = True, False, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._tell(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._tell(len(name) + len(value))

    def _tell(self, size: int) -> None:
        self._told += size
        if self._told > HEAD_BYTES:
            raise ValueError

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body = False, True
        if self._late is not None:
            self._late.cancel()
            self._late = None
        super().on_headers_complete()
        # The parser cuts a host or a query off; the border compares what was sent.
        self.scope["raw_path"] = self.url

    def on_message_complete(self) -> None:
        self._in_body = False
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._rest is None and self._in_body:
            self._rest = self.loop.call_later(HEADERS_S, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(ANSWER_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        for each in (self._late, self._rest, self._unread):
            if each is not None:
                each.cancel()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        """Said to nobody: a caller must not be able to fill the log."""


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """No connection is served by it: each has its own."""


class Quiet(uvicorn.Server):
    """A server that hears no signals: uvicorn raises them again when it is done, and would so end the process before
    what is served has been closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class BorderServer(Quiet):
    """Serves one border over mutual TLS on a socket that listens already, until `should_exit`."""

    def __init__(self, border: Border, context: ssl.SSLContext) -> None:
        config = uvicorn.Config(
            _nothing,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=BODY_S,
            ssl_context_factory=lambda *_: context,
        )
        cast(Any, config).border = border
        super().__init__(config)

    async def startup(self, sockets: list[Socket] | None = None) -> None:
        """As uvicorn does it, with a time for handshakes: its own leaves half of one open for a minute."""
        loop, config, state = asyncio.get_running_loop(), self.config, self.server_state

        def protocol() -> asyncio.Protocol:
            return _Protocol(config, state, {})

        self.servers = [
            await loop.create_server(
                protocol,
                sock=each,
                ssl=config.ssl,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=HANDSHAKE_S,
            )
            for each in sockets or ()
        ]
        self.started = True
