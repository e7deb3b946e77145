"""One kept connection of who calls: a request out, its answer back, and then the next (spec/transport.md section 9).

The parser is httptools, as at the border. What two readers could take for different answers is none, and whatever comes
unasked ends the connection: nothing that stands behind an answer is ever taken for the next one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import cast

import httptools

from kakine.runtime.gathering import MOST_ANSWER
from kakine.runtime.http import MEDIA

HEAD_BYTES = 64 << 10
TOTAL_S = 60
"""From when a request is sent until its answer has all come."""

_PATH = re.compile(r"/[A-Za-z0-9/._-]*\Z")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+\Z")
_LENGTH = re.compile(rb"[0-9]{1,12}\Z")


class Unanswered(Exception):
    """No answer came, or what came is none. Whether the request was heard is not known."""


@lru_cache(maxsize=1024)
def _head(host: str, path: str) -> bytes:
    if not (_HOST.match(host) and _PATH.match(path)):
        raise ValueError("no host or no path")
    return f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {MEDIA}\r\ncontent-length: ".encode()


class Line(asyncio.Protocol):
    """A connection to `host`, for one request at a time."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self.since = self._loop.time()
        """When its last answer was whole, by the loop's clock."""
        self._over = False
        self._begin()
        self._whole = True

    def _begin(self) -> None:
        self._parser: httptools.HttpResponseParser | None = None
        self._late: asyncio.TimerHandle | None = None
        self._wakes: asyncio.Future[None] | None = None
        self._parts = list[bytes]()
        self._lengths = list[bytes]()
        self._fed = self._size = 0
        self._told = self._whole = self._kept = False
        self.status, self.media = 0, ""

    @property
    def stands(self) -> bool:
        """Whether another request may be sent over it."""
        return self._whole and not self._over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self.transport = cast(asyncio.Transport, transport)

    async def ask(self, path: str, body: bytes) -> None:
        """Send a request; returns when the head of its answer is here (`status`, `media`). Raises `Unanswered`."""
        self._begin()
        self._parser = httptools.HttpResponseParser(self)
        self._late = self._loop.call_later(TOTAL_S, self.end)
        self.transport.write(b"%b%d\r\n\r\n%b" % (_head(self._host, path), len(body), body))
        while not self._told:
            await self._more()

    async def parts(self) -> AsyncIterator[bytes]:
        """The body of the answer as it comes. Raises `Unanswered` where it ends before it is whole."""
        while True:
            if self._parts:
                part = b"".join(self._parts)
                self._parts.clear()
                yield part
            elif self._whole:
                return
            else:
                await self._more()

    async def _more(self) -> None:
        if self._over:
            raise Unanswered()
        self._wakes = self._loop.create_future()
        await self._wakes

    def end(self) -> None:
        """Break the connection off."""
        if not self._over:
            self._over = True
            self.transport.abort()
            self._settled()

    def connection_lost(self, exc: Exception | None) -> None:
        """It stands no more."""
        self.end()

    def _settled(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._wake()

    def _wake(self) -> None:
        if self._wakes is not None and not self._wakes.done():
            self._wakes.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._fed += len(data)
        try:
            if self._parser is None or self._whole or self._fed > MOST_ANSWER:
                raise Unanswered()
            self._parser.feed_data(data)
            # What the parser holds of a head without telling counts too: a line that does not end.
            if not self._told and self._fed > HEAD_BYTES:
                raise Unanswered()
        except (httptools.HttpParserError, Unanswered):
            self.end()
            return
        if self._whole:
            self.since = self._loop.time()
            self._settled()
            if not self._kept:
                self.end()
        elif self._parts or self._told:
            self._wake()

    # What the parser tells. An exception here is one of its own to whoever feeds it.

    def on_message_begin(self) -> None:
        """An answer begins; there is one."""
        if self._whole:
            raise Unanswered()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of a trailer, which no party sends."""
        self._size += len(name) + len(value)
        if self._told or self._size > HEAD_BYTES:
            raise Unanswered()
        name = name.lower()
        if name in (b"content-length", b"transfer-encoding"):
            self._lengths.append(value.strip().lower())
        elif name == b"content-type":
            self.media = value.partition(b";")[0].strip().lower().decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole. Its body has one length, said or in chunks: none would be as long as the connection."""
        assert self._parser is not None  # noqa: S101 - it tells this
        self.status = self._parser.get_status_code()
        one = len(self._lengths) == 1 and (self._lengths[0] == b"chunked" or _LENGTH.match(self._lengths[0]))
        if not one or self.status < 200 or self._parser.get_http_version() != "1.1":
            raise Unanswered()
        self._kept = self._parser.should_keep_alive()
        self._told = True

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._whole = True
