"""A server behind the border of a process, and whoever calls it, for tests of the road between processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kakine.contracts.call import Body, Call, Role
from kakine.runtime.border import Border, BorderServer
from kakine.runtime.http import Duty, Peers, application
from kakine.runtime.listening import listen, port_of
from kakine.runtime.network import NetworkRoad
from kakine.runtime.tls import Credentials, Files
from kakine.values.labels import PartyName
from party_certificates import Roots

ALICE, BOB, EVE = PartyName("alice"), PartyName("bob"), PartyName("eve")


class Said(Body, frozen=True):
    text: str


ECHO = Call("/v1/echo", Said, Said, frozenset({Role.GATEWAY}), 1000)
SLOW = Call("/v1/slow", Said, Said, frozenset({Role.GATEWAY}), 1000)
OPEN = Call("/v1/open", Said, Said, frozenset({Role.GATEWAY}), 1000)
LAW = Call("/v1/law", Said, Said, frozenset({Role.COMMISSION}), 1000)
LONG = Call("/v1/long", Said, Said, frozenset({Role.GATEWAY}), 1000)
"""Gives a MiB, after as many seconds as the text says."""
HANGS = Call("/v1/hangs", Said, Said, frozenset({Role.GATEWAY}), 1000)
"""Until `Site.over`."""


LASTING_S = 30
"""What has not come by then does not come."""


def clock() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Site:
    """Bob serves; Alice may call."""

    roots: Roots
    border: Border
    credentials: Credentials
    address: str
    allowed: set[PartyName]
    going: asyncio.Event
    """The slow call is under way."""
    let_go: asyncio.Event
    """It ends once this is set."""
    over: asyncio.Event

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def road(self, files: Files, name: PartyName = ALICE, to: PartyName = BOB) -> NetworkRoad:
        road = NetworkRoad(Credentials(name, files, clock), {to: self.address}, clock, {OPEN.path})
        road.standing = self.roots
        return road

    async def ask(self, files: Files, name: PartyName = ALICE, call: Call[Said, Said] = ECHO) -> str:
        road = self.road(files, name)
        try:
            return (await Peers(road).ask(BOB, call, Said("hello"))).text
        finally:
            await road.close()

    async def raw(self, files: Files, sent: bytes, wait_s: float = LASTING_S) -> bytes:
        """What comes back for these bytes, from a caller with a good certificate."""
        context = Credentials(ALICE, files, clock).client
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname="bob.kakine.example"
        )
        try:
            writer.write(sent)
            await writer.drain()
            return await asyncio.wait_for(reader.read(), wait_s)
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()


def post(path: str, body: bytes = msgspec.msgpack.encode({"text": "hello"}), extra: bytes = b"") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    return head.encode() + extra + b"\r\n" + body


@asynccontextmanager
async def served(folder: Path, files: Files | None = None, roots: Roots | None = None) -> AsyncIterator[Site]:
    roots = roots or Roots(folder)
    going, let_go, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def echo(caller: PartyName, said: Said) -> Said:
        return Said(f"{caller}: {said.text}")

    async def slow(caller: PartyName, said: Said) -> Said:
        going.set()
        await let_go.wait()
        return Said("done")

    async def long(caller: PartyName, said: Said) -> Said:
        await asyncio.sleep(float(said.text))
        return Said("x" * (1 << 20))

    async def hangs(caller: PartyName, said: Said) -> Said:
        await over.wait()
        return Said("over")

    duties = [Duty(ECHO, echo), Duty(SLOW, slow), Duty(OPEN, echo), Duty(LAW, echo), Duty(LONG, long)]
    duties.append(Duty(HANGS, hangs))
    allowed = {ALICE, EVE}
    app = application(duties, lambda name: {Role.GATEWAY} if name in allowed else set())
    border = Border(clock, app, roots, frozenset({ALICE, BOB}), {OPEN.path})
    credentials = Credentials(BOB, files or roots.issued("bob"), clock)
    socket = listen(0)
    server = BorderServer(border, credentials.server)
    task = asyncio.create_task(server.serve(sockets=[socket]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        address = f"https://127.0.0.1:{port_of(socket)}"
        yield Site(roots, border, credentials, address, allowed, going, let_go, over)
    finally:
        let_go.set()
        over.set()
        server.should_exit = True
        await task


def run(folder: Path, work: Callable[[Site], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with served(folder) as site:
            await work(site)

    asyncio.run(whole())
