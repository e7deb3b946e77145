"""What a party that is called answers with is believed only as one HTTP answer to one request, and has an end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from kakine.runtime import network
from kakine.runtime.network import NetworkRoad
from kakine.runtime.tls import Credentials
from kakine.values.problems import PartyUnavailable
from party_certificates import Roots
from transport_site import ALICE, BOB, clock

PATH = "/v1/echo"
SILENT_S = 3
"""So long an answer is waited for here: handshakes too must be over by then, that of the next call as well."""
TRUE, FALSE = msgspec.msgpack.encode("true"), msgspec.msgpack.encode("never")


def said(body: bytes, head: bytes = b"") -> bytes:
    """An answer as it should be, or with other fields than its length."""
    return b"HTTP/1.1 200 OK\r\n" + (head or b"content-length: %d\r\n" % len(body)) + b"\r\n" + body


@asynccontextmanager
async def calling(folder: Path, answers: list[bytes]) -> AsyncIterator[NetworkRoad]:
    """A road to Bob, who answers each request with the next of these bytes."""
    roots = Roots(folder)
    left = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
                writer.write(next(left, b""))

    context = Credentials(BOB, roots.issued("bob"), clock).server
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    at = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    road = NetworkRoad(Credentials(ALICE, roots.issued("alice"), clock), {BOB: at}, clock)
    road.standing = roots
    try:
        yield road
    finally:
        await road.close()
        server.close()


CHUNKED = b"transfer-encoding: chunked\r\n"
BAD = {
    "two lengths": said(FALSE, b"content-length: 6\r\ncontent-length: 6\r\n"),
    "two lengths in one field": said(FALSE, b"content-length: 6, 6\r\n"),
    "a length beside chunks": said(b"6\r\n" + FALSE + b"\r\n0\r\n\r\n", b"content-length: 6\r\n" + CHUNKED),
    "a length that is no number": said(FALSE, b"content-length: +6\r\n"),
    "a length in other digits": said(FALSE, b"content-length: 0x6\r\n"),
    "no length": said(FALSE, b"content-type: x\r\n"),
    "an unknown coding": said(FALSE, b"transfer-encoding: gzip\r\n"),
    "a chunk that is longer than it says": said(b"5\r\n" + FALSE + b"\r\n0\r\n\r\n", CHUNKED),
    "a chunk without a size": said(b"\r\n" + FALSE + b"\r\n0\r\n\r\n", CHUNKED),
    "a field without a name": said(FALSE, b": b\r\ncontent-length: 6\r\n"),
    "a NUL": said(FALSE, b"x-a: \0\r\ncontent-length: 6\r\n"),
    "no HTTP": said(FALSE).replace(b"HTTP/1.1", b"ICY"),
    "a status that is no number": said(FALSE).replace(b"200", b"2x0"),
    "a request": b"POST /v1/echo HTTP/1.1\r\ncontent-length: 6\r\n\r\n" + FALSE,
}  # fmt: skip


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "TOTAL_S", SILENT_S)


@pytest.mark.parametrize("name", BAD)
@pytest.mark.usefixtures("impatient")
def test_what_is_not_one_answer_is_none(tmp_path: Path, name: str) -> None:
    """And the connection is not used again: what stands behind it would be the answer to the next call."""

    async def work() -> None:
        async with calling(tmp_path, [BAD[name], said(TRUE)]) as road:
            with pytest.raises(PartyUnavailable):
                await road.post(BOB, PATH, b"")
            assert await road.post(BOB, PATH, b"") == (200, TRUE)

    asyncio.run(work())


@pytest.mark.parametrize(
    "behind",
    [said(FALSE), b"HTTP/1.1 500 No\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"\r\n" + said(FALSE)],
    ids=["an answer", "a bare head", "half of one", "a blank line"],
)
def test_what_stands_behind_an_answer_is_never_the_next_one(tmp_path: Path, behind: bytes) -> None:
    async def work() -> None:
        async with calling(tmp_path, [said(TRUE) + behind, said(TRUE)]) as road:
            assert await road.post(BOB, PATH, b"") == (200, TRUE)
            assert await road.post(BOB, PATH, b"") == (200, TRUE)

    asyncio.run(work())


@pytest.mark.usefixtures("impatient")
def test_half_an_answer_is_none(tmp_path: Path) -> None:
    async def work() -> None:
        for half in (b"", b"HTTP/1.1 200", said(FALSE)[:-1], said(b"6\r\n" + FALSE + b"\r\n", CHUNKED)):
            async with calling(tmp_path, [half, said(TRUE)]) as road:
                with pytest.raises(PartyUnavailable):
                    await asyncio.wait_for(road.post(BOB, PATH, b""), 10 * SILENT_S)
                assert await road.post(BOB, PATH, b"") == (200, TRUE)

    asyncio.run(work())
