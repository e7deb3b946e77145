"""The road from one process to another: HTTP over mutual TLS (spec/transport.md section 3).

Whose answer it is, is the certificate's matter and not the address's: an address says only where to knock.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from kakine.crypto import x509
from kakine.runtime.addresses import Addresses
from kakine.runtime.gathering import Gathering
from kakine.runtime.identity import Clock
from kakine.runtime.line import Line, Unanswered
from kakine.runtime.tls import Credentials, Standing, host_of
from kakine.values.labels import PartyName
from kakine.values.problems import CertificateMalformed, PartyUnavailable, Problem

CONNECT_S, IDLE_S = 5, 30
CONNECTIONS = 64
"""To one party."""


class _Unsent(Exception):
    """No connection was made: nothing of the call has left."""


class _Pool:
    """Kept connections to one party under one of our certificates. The far end's certificate is looked at before
    anything is sent over a new one: TLS has checked its chain and name by then, `standing` knows whether it stands."""

    def __init__(
        self, to: PartyName, client: ssl.SSLContext, standing: Standing | None, clock: Clock
    ) -> None:
        self._to = to
        self._client = client
        self._standing = standing
        self._clock = clock
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._idle: dict[str, list[Line]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._retired = False
        self.far: dict[bytes, x509.Certificate] = {}

    def require_standing(self) -> None:
        """A certificate that was good when its connection was made may have been revoked since."""
        if self._standing is not None:
            now_ms = self._clock()
            for read in self.far.values():
                self._standing.still(read, now_ms)

    async def taken(self, address: str) -> Line:
        """A connection to this address that is nobody else's until it is given `back`. Raises `_Unsent`."""
        if self._room.locked():
            try:
                await asyncio.wait_for(self._room.acquire(), CONNECT_S)
            except TimeoutError as fault:
                raise _Unsent() from fault
        else:
            await self._room.acquire()
        idle, young = self._idle.get(address), asyncio.get_running_loop().time() - IDLE_S
        while idle:
            line = idle.pop()
            if line.stands and line.since > young:
                return line
            line.end()
        try:
            return await self._made(address)
        except BaseException:
            self._room.release()
            raise

    async def _made(self, address: str) -> Line:
        at, loop = urlsplit(address), asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                transport, line = await loop.create_connection(
                    lambda: Line(at.netloc),
                    at.hostname or "",
                    at.port or 443,
                    ssl=self._client,
                    server_hostname=host_of(self._to),
                )
        except (OSError, UnicodeError) as fault:
            raise _Unsent() from fault
        try:
            self._look(transport.get_extra_info("ssl_object").getpeercert(binary_form=True))
        except Problem as problem:
            line.end()
            raise _Unsent() from problem
        return line

    def _look(self, der: bytes | None) -> None:
        if der is None:
            raise CertificateMalformed()
        if self._standing is not None:
            read = self._standing.read(der, self._clock())
            self.far[read.fingerprint] = read

    def back(self, address: str, line: Line) -> None:
        """Whoever has taken a connection is done with it. What of an answer has not come by now is nobody else's."""
        self._room.release()
        if self._retired or not line.stands:
            line.end()
            return
        self._idle.setdefault(address, []).append(line)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_S, self._let_go)

    def _let_go(self) -> None:
        """Of what nobody has used for a while."""
        loop, self._sweep = asyncio.get_running_loop(), None
        for address, lines in self._idle.items():
            kept = [line for line in lines if line.stands and line.since > loop.time() - IDLE_S]
            for line in {*lines} - {*kept}:
                line.end()
            self._idle[address] = kept
        if any(self._idle.values()):
            self._sweep = loop.call_later(IDLE_S, self._let_go)

    def retire(self) -> None:
        """Make no more use of what is idle, and of the others once they are given back."""
        self._retired = True
        if self._sweep is not None:
            self._sweep.cancel()
        for line in [line for lines in self._idle.values() for line in lines]:
            line.end()
        self._idle.clear()


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
    async def _open(self, to: PartyName, path: str, body: bytes) -> AsyncIterator[Line]:
        public = path in self._public
        if self.standing is None and not public:
            raise PartyUnavailable(party=to, call=path)
        pool = self._pool(to, public)
        address, line = await self._reached(pool, to, path)
        try:
            await line.ask(path, body)
            yield line
        except Unanswered as fault:
            raise PartyUnavailable(party=to, call=path) from fault
        finally:
            pool.back(address, line)

    async def _reached(self, pool: _Pool, to: PartyName, path: str) -> tuple[str, Line]:
        """A connection to the first of a party's processes that can be reached, and where that is."""
        fault: Exception | None = None
        for address in self._addresses.of(to):
            try:
                return address, await pool.taken(address)
            except _Unsent as unsent:
                self._addresses.missed(address)
                fault = unsent
        raise PartyUnavailable(party=to, call=path) from fault

    def _pool(self, to: PartyName, public: bool) -> _Pool:
        found = self._pools.get((to, public))
        if found is not None:
            try:
                found.require_standing()
            except Problem:
                self._pools.pop((to, public)).retire()
                found = None
        if found is None:
            standing = None if public else self.standing
            found = self._pools[to, public] = _Pool(to, self._credentials.client, standing, self._clock)
        return found

    def retire(self) -> None:
        """Make new connections from now on; calls under way are finished over the old ones."""
        pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.retire()

    def readdress(self, addresses: Mapping[PartyName, str | Sequence[str]]) -> None:
        """Call others where these say, from now on; calls under way are finished where they are."""
        self._addresses = Addresses(addresses)

    async def close(self) -> None:
        """Let go of all connections."""
        self.retire()
        await asyncio.sleep(0)  # their sockets are closed in the loop's next turn
