"""The road from one process to another: HTTP over mutual TLS (spec/transport.md section 3).

Whose answer it is, is the certificate's matter and not the address's: an address says only where to knock.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from kakine.crypto import x509
from kakine.runtime.addresses import Addresses
from kakine.runtime.gathering import MOST_ANSWER, Gathering
from kakine.runtime.http import MEDIA
from kakine.runtime.identity import Clock
from kakine.runtime.tls import Credentials, Standing, host_of
from kakine.values.labels import PartyName
from kakine.values.problems import CertificateMalformed, PartyUnavailable, Problem

TOTAL_S, CONNECT_S, IDLE_S = 60, 5, 30
PLACE_S = 10
"""To wait for a place among the connections, and for one to be made there."""
CONNECTIONS = 64
"""To one process of a party."""


class _Other(aiohttp.ClientConnectionError):
    """Somebody else is there, or one whose certificate does not stand."""


_UNSENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, _Other)
"""No connection was made: nothing of the call has left."""


class _Connector(aiohttp.TCPConnector):
    """Looks at the certificate at the far end of each new connection before anything is sent over it. TLS has checked
    its chain and name by then; `standing` knows whether it stands."""

    def __init__(
        self, client: ssl.SSLContext, standing: Standing | None, clock: Clock, addresses: Addresses
    ) -> None:
        super().__init__(ssl=client, limit=0, limit_per_host=CONNECTIONS, keepalive_timeout=IDLE_S)
        self._standing = standing
        self._clock = clock
        self._addresses = addresses
        self._far: dict[bytes, x509.Certificate] = {}

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:
        with self._addresses.trying((req.url.host, req.url.port)):
            made: ResponseHandler = await super()._create_connection(req, traces, timeout)
            transport = made.transport
            tls = transport.get_extra_info("ssl_object") if transport else None
            try:
                self._look(tls.getpeercert(binary_form=True) if tls else None)
            except Problem as problem:
                made.close()
                raise _Other(problem.code) from problem
            return made

    def _look(self, der: bytes | None) -> None:
        if der is None:
            raise CertificateMalformed()
        if self._standing is not None:
            read = self._standing.read(der, self._clock())
            self._far[read.fingerprint] = read

    def require_standing(self) -> None:
        """A certificate that was good when its connection was made may have been revoked since."""
        if self._standing is not None:
            now_ms = self._clock()
            for read in self._far.values():
                self._standing.still(read, now_ms)


class _Pool:
    """Kept connections to one party under one of our certificates; the last call over a retired pool closes it."""

    def __init__(self, connector: _Connector) -> None:
        self.connector = connector
        self.session = aiohttp.ClientSession(
            connector=self.connector,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TOTAL_S, connect=PLACE_S, sock_connect=CONNECT_S),
        )
        self.calls = 0
        self.retired = False


class _Answer:
    """An answer that has begun."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.status = answer.status
        self.media = answer.content_type
        self._answer = answer

    async def parts(self) -> AsyncIterator[bytes]:
        """Its body as it comes. Raises `aiohttp.ClientPayloadError` over `MOST_ANSWER` bytes."""
        size = 0
        async for part in self._answer.content.iter_any():
            size += len(part)
            if size > MOST_ANSWER:
                raise aiohttp.ClientPayloadError()
            yield part


class NetworkRoad:
    """Carries requests of one party to the others, whose addresses (`https://host:port`) are settings.

    `standing` says whose certificate stands; before it is known only `public` paths are called, over connections of
    their own: the lists themselves are fetched so. Connections are made anew when the own certificate changes and when
    one at the far end stands no more.
    """

    def __init__(
        self,
        credentials: Credentials,
        addresses: Mapping[PartyName, str | Sequence[str]],
        clock: Clock,
        public: Collection[str] = (),
    ) -> None:
        self.standing: Standing | None = None
        self._credentials = credentials
        self._addresses = Addresses(addresses)
        self._clock = clock
        self._public = frozenset(public)
        self._pools: dict[tuple[PartyName, bool], _Pool] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._gathering = Gathering(self._open)
        credentials.on_change.append(self.retire)

    async def post(self, to: PartyName, path: str, body: bytes) -> tuple[int, bytes]:
        """(HTTP status, body), with what else waits for `to` in one request. No redirect is followed. Raises
        `PartyUnavailable` for no answer, one over `MOST_ANSWER` bytes, and for whoever is there that is not `to`, by
        name, root, time or list."""
        if path in self._public:
            status, _, answer = await self.send(to, path, body)
            return status, answer
        return await self._gathering.call(to, path, body)

    async def send(self, to: PartyName, path: str, body: bytes) -> tuple[int, str, bytes]:
        """As `post`, in a request of its own; with the media type of the answer."""
        async with self._open(to, path, body) as answer:
            return answer.status, answer.media, b"".join([part async for part in answer.parts()])

    @asynccontextmanager
    async def _open(self, to: PartyName, path: str, body: bytes) -> AsyncIterator[_Answer]:
        public = path in self._public
        if self.standing is None and not public:
            raise PartyUnavailable(party=to, call=path)
        pool = self._pool(to, public)
        pool.calls += 1
        try:
            async with await self._reached(pool, to, path, body) as answer:
                yield _Answer(answer)
        except (TimeoutError, aiohttp.ClientError, OSError) as fault:
            raise PartyUnavailable(party=to, call=path) from fault
        finally:
            pool.calls -= 1
            self._settle(pool)

    async def _reached(self, pool: _Pool, to: PartyName, path: str, body: bytes) -> aiohttp.ClientResponse:
        """The answer of the first of a party's processes that can be reached."""
        fault: Exception | None = None
        for address in self._addresses.of(to):
            try:
                return await pool.session.post(
                    address + path,
                    data=body,
                    headers={"content-type": MEDIA},
                    server_hostname=host_of(to),
                    allow_redirects=False,
                )
            except _UNSENT as unsent:
                fault = unsent
        raise PartyUnavailable(party=to, call=path) from fault

    def _pool(self, to: PartyName, public: bool) -> _Pool:
        found = self._pools.get((to, public))
        if found is not None:
            try:
                found.connector.require_standing()
            except Problem:
                self._retire(self._pools.pop((to, public)))
                found = None
        if found is None:
            standing = None if public else self.standing
            connector = _Connector(self._credentials.client, standing, self._clock, self._addresses)
            found = self._pools[to, public] = _Pool(connector)
        return found

    def retire(self) -> None:
        """Make new connections from now on; calls under way are finished over the old ones."""
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            self._retire(pool)

    def _retire(self, pool: _Pool) -> None:
        pool.retired = True
        self._settle(pool)

    def _settle(self, pool: _Pool) -> None:
        if pool.retired and not pool.calls:
            task = asyncio.get_running_loop().create_task(pool.session.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def readdress(self, addresses: Mapping[PartyName, str | Sequence[str]]) -> None:
        """Call others where these say, from now on; calls under way are finished where they are."""
        self._addresses.change(addresses)

    async def close(self) -> None:
        """Let go of all connections."""
        self.retire()
        await asyncio.gather(*self._closing)
