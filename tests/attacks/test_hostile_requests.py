"""Whatever bytes come over a connection, of a party or of anybody before the pages: a refusal or an end.

What a server takes for one request, another before it may take for two: no bytes that stand where a second request
could be taken for one are ever answered. The claims hold for any parser.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hostile import CHUNKED, HELLO, LENGTH, NAMES, PATHS, head, no_requests, read_twice
from kakine.crypto import x509
from kakine.process.running import _plain
from kakine.runtime import border as border_module
from kakine.runtime import plain
from kakine.runtime.http import problem_response
from kakine.runtime.listening import listen, port_of
from kakine.runtime.tls import Credentials, Files
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import LabelMalformed, PartyUnavailable, RowUnknown
from party_certificates import Roots
from transport_site import ALICE, ECHO, EVE, LASTING_S, Site, post, run, served

SHAPES = {**read_twice(ECHO.path), **no_requests(ECHO.path)}
GOOD = b"alice: hello"


def statuses(answer: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def require_harmless(shape: str, answer: bytes) -> None:
    """No more than a refusal, or the answer to what was plainly asked; it says nothing of what was sent."""
    assert b"smuggled" not in answer, shape
    assert answer == b"" or answer.startswith(b"HTTP/1."), (shape, answer[:60])
    assert all(200 <= each < 500 for each in statuses(answer)), (shape, answer[:200])


def test_no_bytes_behind_a_request_that_can_be_read_twice_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        for shape, sent in SHAPES.items():
            with pytest.MonkeyPatch.context() as patch:
                for name in ("HEADERS_S", "BODY_S"):
                    patch.setattr(border_module, name, 0.3)
                require_harmless(shape, await site.raw(alice, sent))
            assert GOOD in await site.raw(alice, post(ECHO.path)), shape

    monkeypatch.setattr(border_module, "IDLE_S", 0.3)
    run(tmp_path, work)


def test_requests_one_after_the_other_are_answered_one_for_one(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        sent = b"".join(
            head(ECHO.path, b"content-length: %d" % len(body)) + body
            for body in (msgspec.msgpack.encode({"text": f"<{each}>"}) for each in range(40))
        )
        answer = await site.raw(site.roots.issued("alice"), sent + post(ECHO.path))
        assert re.findall(rb"alice: <(\d+)>", answer) == [b"%d" % each for each in range(40)]
        assert statuses(answer) == [200] * 41

    run(tmp_path, work)


def test_what_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Chunks, their extensions, a head and a body that come a byte at a time; whoever goes away in the middle. Each
    byte comes long before its part's time is over: the time is that of the whole."""
    monkeypatch.setattr(border_module, "HEADERS_S", 0.2)
    monkeypatch.setattr(border_module, "BODY_S", 0.2)

    async def heard(reader: asyncio.StreamReader) -> bytes:
        got = b""
        with suppress(ConnectionError):
            while part := await reader.read(1 << 16):
                got += part
        return got

    async def dripped(site: Site, files: Files, begin: bytes, more: bytes) -> bytes:
        """What came until the border ended it; while it has not, there is more."""
        context = Credentials(ALICE, files, site.border.clock).client
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", site.port, ssl=context, server_hostname="bob.kakine.example"
        )
        answer = asyncio.create_task(heard(reader))
        try:
            async with asyncio.timeout(LASTING_S):
                with suppress(ConnectionError):
                    writer.write(begin)
                    while not answer.done():
                        writer.write(more)
                        await writer.drain()
                        await asyncio.sleep(0.01)
                return await answer
        finally:
            writer.transport.abort()

    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        chunks, late = head(ECHO.path, CHUNKED), b"request-too-slow"
        for begin, more, said in (
            (b"", b"", b""),
            (b"POST /v1/echo HTTP/1.1\r\nx-a: ", b"a", b""),
            (b"POST ", b"/", b""),
            (head(ECHO.path, LENGTH) + HELLO + b"POST ", b"/", GOOD),
            (head(ECHO.path, b"content-length: 900"), b"a", late),
            (chunks, b"1\r\nx\r\n", late),
            (chunks + b"1;", b"a", late),
            (chunks + b"0\r\nx-a: ", b"a", late),
        ):
            answer = await dripped(site, alice, begin, more)
            require_harmless(repr(begin + more), answer)
            assert said in answer, (begin, answer)
            assert len(statuses(answer)) == bool(said), (begin, answer)
        for half in (b"", b"POST", head(ECHO.path, LENGTH) + HELLO[:3], chunks + b"5\r\nxx"):
            with suppress(TimeoutError):
                await site.raw(alice, half, 0.01)
        monkeypatch.undo()
        assert GOOD in await site.raw(alice, post(ECHO.path))
        async with asyncio.timeout(LASTING_S):
            while site.border.under_way:
                await asyncio.sleep(0.01)
        assert not [each for each in caplog.records if each.name == "kakine"]

    run(tmp_path, work)


def test_who_waits_for_leave_to_send_a_body_gets_one_answer(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        answer = await site.raw(alice, post(ECHO.path, extra=b"expect: 100-continue\r\n"))
        assert [each for each in statuses(answer) if each != 100] == [200]
        assert GOOD in answer

    run(tmp_path, work)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_there_is_no_other_method(tmp_path: Path, method: str) -> None:
    async def work(site: Site) -> None:
        sent = head(ECHO.path, LENGTH, b"connection: close", method=method) + HELLO
        answer = await site.raw(site.roots.issued("alice"), sent)
        assert statuses(answer) == [404]
        assert b"hello" not in answer

    run(tmp_path, work)


def test_no_other_spelling_of_a_path_is_that_path(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        for path in PATHS:
            answer = await site.raw(alice, post(path))
            require_harmless(path, answer)
            assert 200 not in statuses(answer), path

    run(tmp_path, work)


@pytest.mark.parametrize("name", NAMES)
def test_no_sign_that_means_something_elsewhere_is_in_a_name(name: str) -> None:
    """A party, a domain and whatever files are named after them: letters, digits and hyphens alone."""
    with pytest.raises(LabelMalformed):
        PartyName(name)
    for domain in (f"{name}/tax", f"alice/{name}", f"alice/tax/{name}"):
        with pytest.raises(LabelMalformed):
            DomainName(domain)


def test_a_certificate_with_another_spelling_of_a_name_is_nobodys(tmp_path: Path) -> None:
    roots = Roots(tmp_path)
    for at, host in enumerate(
        ["Alice.kakine.example", "alice..kakine.example", "alice.kakine.example.", "a/b.kakine.example",
         "../alice.kakine.example", "*.kakine.example", "kakine.example", "alice.kakine.example.evil.example"]
    ):  # fmt: skip
        (der,) = x509.ders_of(roots.issued("alice", host=host, file=f"odd{at}").own.read_bytes())
        with pytest.raises(Exception, match=r"certificate-unfit|label-malformed|certificate-malformed"):
            x509.party_of(der)


def test_what_is_sent_over_one_connection_helps_nobody_over_another(tmp_path: Path) -> None:
    """Eve is not on the list: half a request of hers, or one within the other, is not made whole by Alice's."""

    async def work(site: Site) -> None:
        alice, eve = site.roots.issued("alice"), site.roots.issued("eve")
        context = Credentials(EVE, eve, site.border.clock).client
        _, writer = await asyncio.open_connection(
            "127.0.0.1", site.port, ssl=context, server_hostname="bob.kakine.example"
        )
        writer.write(head(ECHO.path, b"content-length: 500"))
        await writer.drain()
        assert GOOD in await site.raw(alice, post(ECHO.path))
        with pytest.raises(Exception, match="caller-not-allowed"):
            await site.ask(eve, EVE)
        writer.transport.abort()

    run(tmp_path, work)


def test_another_countrys_certificate_is_not_let_in(tmp_path: Path) -> None:
    async def whole() -> None:
        async with served(tmp_path / "ours") as site:
            theirs = Roots(tmp_path / "theirs")
            both = tmp_path / "both.pem"
            both.write_bytes(site.roots.path.read_bytes() + theirs.path.read_bytes())
            for name in ("alice", "bob", "commission"):
                with pytest.raises(PartyUnavailable):
                    await site.ask(Files(theirs.issued(name).own, both), PartyName(name))
            own = ssl.create_default_context(cafile=str(site.roots.path))
            own.load_cert_chain(theirs.issued("alice").own)
            assert GOOD in await site.raw(site.roots.issued("alice"), post(ECHO.path))

    asyncio.run(whole())


@pytest.mark.parametrize(
    "text", ["花子カナリア", "yokohama 123456789018", "435156376848", "a\u0301", "x" * 121, "a\nb"]
)
def test_a_refusal_tells_no_text_that_was_sent_in_a_names_place(text: str) -> None:
    body = bytes(problem_response(RowUnknown(row=text, rows=[text, "JO106.2"], position=3)).body)
    assert text.encode() not in body
    assert msgspec.json.decode(body)["facts"] == {"position": 3}


def test_a_refusal_tells_a_name_of_the_law() -> None:
    body = bytes(
        problem_response(RowUnknown(row="JO106.2", party="converter-1", log="log.example/2026/a")).body
    )
    assert b"JO106.2" in body
    assert b"converter-1" in body
    assert b"log.example/2026/a" in body


# --- pages: plain HTTP, with anybody behind a server that has TLS for browsers ---------------------------------


@contextmanager
def pages(serve_by: Any) -> Iterator[int]:
    """An application that says what it has read, on a server as `serve_by` makes it."""

    async def echo(request: Request) -> Response:
        return PlainTextResponse(b"read: " + await request.body())

    bound = listen(0)
    server: uvicorn.Server = serve_by(Starlette(routes=[Route(ECHO.path, echo, methods=["POST"])]))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])))
    thread.start()
    try:
        yield port_of(bound)
    finally:
        server.should_exit = True
        thread.join()


SERVERS = {
    "a process of a party": _plain,
    "kakine serve": lambda app: uvicorn.Server(plain.config(app, log_level="error")),
}
EVERY_SERVER = pytest.mark.parametrize("name", SERVERS)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "HEADERS_S", 0.3)
    monkeypatch.setattr(plain, "BODY_S", 0.3)


def sent_to(port: int, data: bytes, seconds: float = LASTING_S) -> bytes:
    """What comes back until the connection ends or nothing more comes."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as far, suppress(OSError):
        far.sendall(data)
        far.shutdown(socket.SHUT_WR)
        while part := far.recv(65536):
            got += part
    return got


@EVERY_SERVER
def test_pages_answer_no_bytes_behind_a_request_that_can_be_read_twice(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pages(SERVERS[name]) as port:
        for shape, sent in SHAPES.items():
            answer = sent_to(port, sent)
            assert statuses(answer).count(200) <= 1, shape
            assert b"smuggled" not in answer or shape == "a request in a body", shape
            assert all(100 < each < 500 for each in statuses(answer)), shape
        assert b"hello" in sent_to(port, head(ECHO.path, LENGTH) + HELLO)
    assert capfd.readouterr() == ("", "")  # a caller must not be able to fill the log


@EVERY_SERVER
@pytest.mark.usefixtures("quick")
def test_pages_end_what_does_not_end(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pages(SERVERS[name]) as port:
        for data in (
            b"",
            b"POST",
            head(ECHO.path, b"content-length: 9") + b"x",
            head(ECHO.path, CHUNKED) + b"1\r\nx",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=LASTING_S) as far:
                far.sendall(data)
                with suppress(ConnectionError):
                    assert not far.recv(65536).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(plain, "HEADERS_S", 60)
        endless = b"POST / HTTP/1.1\r\nx-a: " + b"a" * (1 << 20)
        assert 200 not in statuses(sent_to(port, endless))
        with socket.create_connection(("127.0.0.1", port), timeout=LASTING_S) as far:
            far.sendall(b"POST / HTTP/1.1\r\nx-a: " + b"a" * (1 << 17))
            with suppress(ConnectionError):  # by its size: its time would be longer than we wait
                assert not far.recv(65536).startswith(b"HTTP/1.1 200")


WARNED = """
import logging
from kakine.process.telling import tell_in_lines
tell_in_lines()
logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
"""


def test_what_is_no_request_fills_no_log_of_a_party() -> None:
    told = subprocess.run([sys.executable, "-c", WARNED], capture_output=True, check=True)
    assert (told.stdout, told.stderr) == (b"", b"")
