"""The road over mutual TLS: who is believed to be who, what is refused, and what goes on while certificates change."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from kakine.contracts.call import Call
from kakine.crypto import x509
from kakine.runtime import border as border_module
from kakine.runtime import network
from kakine.runtime.http import Peers
from kakine.runtime.network import NetworkRoad
from kakine.runtime.tls import Credentials, Files
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CertificateRevoked,
    MessageTooLarge,
    PartyStarting,
    PartyUnavailable,
    RouteUnknown,
    TlsUnusable,
)
from party_certificates import Roots, fingerprint
from transport_site import ALICE, BOB, ECHO, EVE, LASTING_S, OPEN, SLOW, Said, Site, clock, post, run, served


def test_the_caller_is_the_name_in_the_certificate(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        assert await site.ask(alice) == "alice: hello"
        spoofed = (
            b"kakine.caller: bob\r\nx-forwarded-for: bob\r\nx-ssl-client-cert: bob\r\nforwarded: for=bob\r\n"
        )
        assert b"alice: hello" in await site.raw(alice, post(ECHO.path, extra=spoofed))

    run(tmp_path, work)


def test_many_calls_go_over_kept_connections(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        road = site.road(site.roots.issued("alice"))
        peers = Peers(road)
        await asyncio.gather(*(peers.ask(BOB, ECHO, Said("hello")) for _ in range(20)))
        far = road._pools[BOB, False].connector._far
        assert len(far) == 1
        await road.close()

    run(tmp_path, work)


def test_whom_no_root_for_parties_has_certified_is_not_let_in(tmp_path: Path) -> None:
    async def whole() -> None:
        async with served(tmp_path) as site:
            stranger = Roots(tmp_path / "other")
            both = tmp_path / "both.pem"
            both.write_bytes(site.roots.path.read_bytes() + stranger.path.read_bytes())
            with pytest.raises(PartyUnavailable):
                await site.ask(Files(stranger.issued("alice").own, both))

    asyncio.run(whole())


def _without_own_check(files: Files, name: PartyName, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a caller does who looks at nothing: its own check of its certificate is not the defence here."""
    (der,) = x509.ders_of(files.own.read_bytes())
    read = x509.read(der)
    monkeypatch.setattr(Credentials, "_checked", lambda self: read)


def test_an_expired_certificate_is_not_let_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(site: Site) -> None:
        expired = site.roots.issued("alice", (-5, -1))
        with pytest.raises(TlsUnusable):
            Credentials(ALICE, expired, clock)
        _without_own_check(expired, ALICE, monkeypatch)
        with pytest.raises(PartyUnavailable):
            await site.ask(expired)

    run(tmp_path, work)


def test_a_revoked_certificate_is_refused_also_over_a_connection_that_stands(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        files = site.roots.issued("alice")
        road = site.road(files)
        road.standing = Roots(tmp_path / "x")  # the caller would not look at itself
        road.standing.der = site.roots.der
        peers = Peers(road)
        await peers.ask(BOB, ECHO, Said("hello"))
        site.roots.revoked.add(fingerprint(files))
        with pytest.raises(CertificateRevoked):
            await peers.ask(BOB, ECHO, Said("hello"))
        assert (await peers.ask(BOB, OPEN, Said("what anybody may know"))).text
        await road.close()

    run(tmp_path, work)


def test_a_server_with_a_revoked_certificate_gets_nothing(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        road = site.road(site.roots.issued("alice"))
        other = Roots(tmp_path / "x")  # what Alice knows of what is revoked, and Bob does not
        other.der = site.roots.der
        road.standing = other
        peers = Peers(road)
        await peers.ask(BOB, ECHO, Said("hello"))
        other.revoked.add(fingerprint(Files(tmp_path / "bob.pem", tmp_path)))
        heard = []
        site.border.seen = lambda *_: heard.append(1)
        with pytest.raises(PartyUnavailable):
            await peers.ask(BOB, ECHO, Said("hello"))
        assert not heard
        await road.close()

    run(tmp_path, work)


def test_another_party_cannot_stand_where_the_one_called_is_expected(tmp_path: Path) -> None:
    async def whole() -> None:
        roots = Roots(tmp_path)
        async with served(tmp_path, roots=roots) as site:
            road = site.road(roots.issued("alice"), to=EVE)  # Bob listens at Eve's address
            with pytest.raises(PartyUnavailable):
                await Peers(road).ask(EVE, ECHO, Said("hello"))
            await road.close()

    asyncio.run(whole())


def test_a_certificate_for_another_host_is_none_of_a_party(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(site: Site) -> None:
        odd = site.roots.issued("alice", host="alice.kakine.example.evil.example")
        _without_own_check(odd, ALICE, monkeypatch)
        with pytest.raises(Exception, match="certificate-unfit"):
            await site.ask(odd)

    run(tmp_path, work)


def test_who_is_not_on_the_callees_list_is_refused(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        with pytest.raises(CallerNotAllowed):
            await site.ask(site.roots.issued("eve"), EVE)
        site.border.callers = None
        assert await site.ask(site.roots.issued("eve"), EVE) == "eve: hello"
        with pytest.raises(CallerNotAllowed):  # no role in the law
            await site.ask(site.roots.issued("bob", file="bob2"), BOB)

    run(tmp_path, work)


def test_before_the_lists_are_known_only_what_anybody_may_ask_is_answered(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        site.border.standing = None
        with pytest.raises(PartyStarting):
            await site.ask(alice)
        assert await site.ask(alice, call=OPEN)
        road = site.road(alice)
        road.standing = None
        with pytest.raises(PartyUnavailable):
            await Peers(road).ask(BOB, ECHO, Said("hello"))
        assert await Peers(road).ask(BOB, OPEN, Said("hello"))
        await road.close()

    run(tmp_path, work)


@pytest.mark.parametrize(
    "path",
    ["/v1/../v1/echo", "/v1%2fecho", "/v1/%65cho", "/V1/echo", "/v1/echo/", "//v1/echo", "/v1/echo?x=1",
     "/v1/ech%C3%B6", "/v1/echo%00", "/v1/echo;a", "https://bob.kakine.example/v1/echo"],
)  # fmt: skip
def test_a_path_has_one_spelling(tmp_path: Path, path: str) -> None:
    async def work(site: Site) -> None:
        answer = await site.raw(site.roots.issued("alice"), post(path))
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"urn:kakine:problem:route-unknown" in answer
        assert b"alice" not in answer

    run(tmp_path, work)


def test_an_oversized_request_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(border_module, "HEADERS_S", 0.5)

    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        assert b"message-too-large" in await site.raw(alice, post(ECHO.path, b"x" * 1001))
        chunked = b"POST /v1/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        assert b"message-too-large" in await site.raw(alice, chunked + b"800\r\n" + b"x" * 0x800 + b"\r\n")
        many = b"POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n" + b"x-a: aaaaaaaa\r\n" * 6000
        assert (await site.raw(alice, many + b"\r\n")).startswith(b"HTTP/1.1 400")

    run(tmp_path, work)


def test_a_head_without_end_is_cut_off(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        line = b"POST /v1/echo HTTP/1.1\r\nhost: x\r\nx-much: " + b"a" * (1 << 20)
        assert await site.raw(site.roots.issued("alice"), line) == b""

    run(tmp_path, work)


def test_slow_and_half_requests_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handshake by itself: while its time is short, no other may be needed."""
    monkeypatch.setattr(border_module, "HEADERS_S", 0.5)
    monkeypatch.setattr(border_module, "BODY_S", 0.5)

    async def requests(site: Site) -> None:
        alice = site.roots.issued("alice")
        assert await site.raw(alice, b"") == b""
        assert await site.raw(alice, b"POST /v1/echo HTTP/1.1\r\nhost:") == b""
        half = b"POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nxx"
        assert b"request-too-slow" in await site.raw(alice, half)

    async def handshake(site: Site) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        assert await asyncio.wait_for(reader.read(), LASTING_S) == b""
        writer.close()

    run(tmp_path / "requests", requests)
    monkeypatch.setattr(border_module, "HANDSHAKE_S", 0.1)
    run(tmp_path / "handshake", handshake)


def test_plain_http_and_older_tls_get_no_answer(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(post(ECHO.path))
        given = await asyncio.wait_for(reader.read(), LASTING_S)
        assert not given.startswith(b"HTTP")
        writer.close()
        files = site.roots.issued("alice")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(files.roots)
        old.load_cert_chain(files.own)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(
                "127.0.0.1", site.port, ssl=old, server_hostname="bob.kakine.example"
            )
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.load_verify_locations(files.roots)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", site.port, ssl=bare, server_hostname="bob.kakine.example"
        )
        writer.write(post(ECHO.path))
        with suppress(ssl.SSLError, ConnectionError):
            assert await asyncio.wait_for(reader.read(), LASTING_S) == b""
        writer.transport.abort()

    run(tmp_path, work)


def test_an_answer_may_not_be_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "MOST_ANSWER", 4)

    async def work(site: Site) -> None:
        with pytest.raises(PartyUnavailable):
            await site.ask(site.roots.issued("alice"))

    run(tmp_path, work)


def test_new_certificates_are_taken_up_without_a_lost_call(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        credentials = Credentials(ALICE, site.roots.issued("alice"), clock)
        road = NetworkRoad(credentials, {BOB: site.address}, clock)
        road.standing = site.roots
        peers = Peers(road)
        waiting = asyncio.create_task(peers.ask(BOB, SLOW, Said("hello")))
        await site.going.wait()
        old = credentials.certificate.serial, site.credentials.certificate.serial
        site.roots.issued("alice")
        site.roots.issued("bob")
        assert credentials.renew()
        assert site.credentials.renew()
        assert not credentials.renew()
        assert credentials.certificate.serial != old[0]
        assert site.credentials.certificate.serial != old[1]
        assert (await peers.ask(BOB, ECHO, Said("hello"))).text == "alice: hello"
        (far,) = road._pools[BOB, False].connector._far.values()
        assert far.serial == site.credentials.certificate.serial
        site.let_go.set()
        assert (await waiting).text == "done"
        await road.close()

    run(tmp_path, work)


def test_a_file_that_cannot_be_used_leaves_what_is_in_use(tmp_path: Path) -> None:
    roots = Roots(tmp_path)
    credentials = Credentials(ALICE, roots.issued("alice"), clock)
    serial = credentials.certificate.serial
    roots.issued("bob", file="alice")
    with pytest.raises(TlsUnusable, match="certificate-unfit"):
        credentials.renew()
    (tmp_path / "alice.pem").write_text("nothing")
    with pytest.raises(TlsUnusable):
        credentials.renew()
    assert credentials.certificate.serial == serial
    files = roots.issued("alice")
    files.own.chmod(0o640)
    with pytest.raises(TlsUnusable, match="others may read it"):
        credentials.renew()


def test_route_and_size_problems_come_back_as_they_are(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        with pytest.raises(RouteUnknown):
            await site.ask(alice, call=Call("/v1/other", Said, Said, frozenset()))
        road = site.road(alice)
        with pytest.raises(MessageTooLarge):
            await Peers(road).ask(BOB, ECHO, Said("x" * 2000))
        await road.close()

    run(tmp_path, work)
