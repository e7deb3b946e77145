"""Calls that go together: one request, and each judged and answered by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from kakine.runtime import gathering, network
from kakine.runtime.gathering import PATH, Given, framed, frames, packed, unpacked
from kakine.runtime.http import Peers
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CertificateRevoked,
    MessageMalformed,
    MessageTooLarge,
    PartyStarting,
    PartyUnavailable,
    RouteUnknown,
)
from party_certificates import Roots, fingerprint
from transport_site import BOB, ECHO, EVE, LASTING_S, OPEN, SLOW, Said, Site, post, run

HELLO = msgspec.msgpack.encode({"text": "hello"})


def heard(site: Site) -> list[tuple[str, int]]:
    """What the border counts from now on."""
    found: list[tuple[str, int]] = []
    site.border.seen = lambda path, status, caller: found.append((path, status))
    return found


def test_what_is_called_at_one_moment_is_one_request(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        road, seen = site.road(site.roots.issued("alice")), heard(site)
        peers = Peers(road)
        said = await asyncio.gather(*(peers.ask(BOB, ECHO, Said(str(at))) for at in range(10)))
        assert [each.text for each in said] == [f"alice: {at}" for at in range(10)]
        assert sorted(seen) == [(PATH, 200), *[(ECHO.path, 200)] * 10]
        seen.clear()
        await peers.ask(BOB, ECHO, Said("alone"))
        assert seen == [(ECHO.path, 200)]
        await road.close()

    run(tmp_path, work)


def test_a_quick_call_does_not_wait_for_a_slow_one_beside_it(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        road = site.road(site.roots.issued("alice"))
        peers = Peers(road)
        slow = asyncio.create_task(peers.ask(BOB, SLOW, Said("")))
        quick = asyncio.create_task(peers.ask(BOB, ECHO, Said("")))
        done, _ = await asyncio.wait((slow, quick), timeout=LASTING_S, return_when=asyncio.FIRST_COMPLETED)
        assert done == {quick}
        site.let_go.set()
        await slow
        await road.close()

    run(tmp_path, work)


def test_each_call_is_judged_by_itself(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        road = site.road(site.roots.issued("alice"))
        peers = Peers(road)
        for strange in ("/v1/echo/", "/v1/%65cho", "/V1/echo", PATH, "", "/v1/../v1/echo", "/v1/echo?x=1"):
            told = await asyncio.gather(
                road.post(BOB, ECHO.path, HELLO),
                road.post(BOB, strange, packed([(ECHO.path, HELLO)])),
                road.post(BOB, ECHO.path, b"nonsense"),
                road.post(BOB, ECHO.path, HELLO + b"x" * 1000),
            )
            assert [status for status, _ in told] == [200, RouteUnknown.status, 400, MessageTooLarge.status]
        site.allowed.clear()
        with pytest.raises(CallerNotAllowed):
            await asyncio.gather(*(peers.ask(BOB, ECHO, Said("")) for _ in range(2)))
        await road.close()

    run(tmp_path, work)


def test_who_may_not_call_is_told_so_for_each_call(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        eve = site.road(site.roots.issued("eve"), EVE)
        told = await asyncio.gather(
            *(Peers(eve).ask(BOB, ECHO, Said("")) for _ in range(3)), return_exceptions=True
        )
        assert [type(each) for each in told] == [CallerNotAllowed] * 3
        await eve.close()
        files = site.roots.issued("alice")
        alice = site.road(files)
        alice.standing = other = Roots(tmp_path / "x")  # the caller would not look at itself
        other.der = site.roots.der
        site.roots.revoked.add(fingerprint(files))
        with pytest.raises(CertificateRevoked):
            await asyncio.gather(*(Peers(alice).ask(BOB, ECHO, Said("")) for _ in range(3)))
        await alice.close()

    run(tmp_path, work)


def test_before_the_lists_are_known_nothing_goes_by_going_together(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        site.border.standing = None
        alice = site.roots.issued("alice")
        body = packed([(ECHO.path, HELLO), (OPEN.path, HELLO)])
        assert PartyStarting.code.encode() in await site.raw(alice, post(PATH, body))

    run(tmp_path, work)


def test_a_request_of_calls_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        many = packed([(ECHO.path, HELLO)] * (gathering.MOST_CALLS + 1))
        assert MessageTooLarge.code.encode() in await site.raw(alice, post(PATH, many))
        long = packed([(ECHO.path, b"x" * gathering.MOST_BYTES)])
        assert b'"limit":%d}' % gathering.MOST_BYTES in await site.raw(alice, post(PATH, long))
        for bad in (b"", b"\x90", b"\xc0", b"\x91\x92\xa1/\xa1x"):
            assert MessageMalformed.code.encode() in await site.raw(alice, post(PATH, bad))
        assert b" 404 " in await site.raw(alice, post(PATH, many).replace(b"POST", b"GET", 1))

    run(tmp_path, work)


def test_large_calls_go_alone_and_no_more_than_fit(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        road, seen = site.road(site.roots.issued("alice")), heard(site)
        big = b"x" * (gathering.MOST_BODIES // 2 + 1)
        await asyncio.gather(*(road.post(BOB, "/v1/none", big) for _ in range(3)))
        assert len(seen) == 3
        seen.clear()
        await asyncio.gather(*(road.post(BOB, ECHO.path, HELLO) for _ in range(130)))
        assert seen.count((PATH, 200)) == 3
        await road.close()

    run(tmp_path, work)


def test_calls_that_wait_for_each_other_do_not_wait_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_OPEN", 1)

    async def work(site: Site) -> None:
        road = site.road(site.roots.issued("alice"))
        peers = Peers(road)
        first = asyncio.create_task(peers.ask(BOB, SLOW, Said("")))
        await site.going.wait()
        await peers.ask(BOB, ECHO, Said(""))
        assert not first.done()
        site.let_go.set()
        await first
        await road.close()

    run(tmp_path, work)


def test_a_request_that_breaks_leaves_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "MOST_ANSWER", 30)

    async def work(site: Site) -> None:
        road = site.road(site.roots.issued("alice"))
        told = await asyncio.gather(
            *(road.post(BOB, ECHO.path, HELLO) for _ in range(5)), return_exceptions=True
        )
        assert [each for each in told if isinstance(each, PartyUnavailable)]
        assert all(isinstance(each, PartyUnavailable) or each[0] == 200 for each in told)
        await road.close()

    run(tmp_path, work)


def test_answers_are_read_in_any_pieces() -> None:
    given = [Given(at, 200, bytes([at]) * at) for at in range(5)]
    whole = b"".join(framed(each) for each in given)
    for size in (1, 3, 7, len(whole)):
        buffer, found = bytearray(), []
        for at in range(0, len(whole), size):
            buffer += whole[at : at + size]
            found += list(frames(buffer))
        assert found == given
        assert not buffer
    with pytest.raises(PartyUnavailable):
        list(frames(bytearray(b"\0\0\0\1x")))


def test_what_is_packed_is_unpacked() -> None:
    calls = [("/v1/echo", b""), ("/v1/slow", b"xyz")]
    assert unpacked(packed(calls)) == calls


def test_parties_are_called_apart() -> None:
    async def work() -> None:
        asked: list[tuple[str, str]] = []

        def none(to: PartyName, path: str, body: bytes) -> object:
            asked.append((to, path))
            raise PartyUnavailable(party=to)

        calls = gathering.Gathering(none)  # type: ignore[arg-type]
        names = [PartyName(each) for each in ("a", "b", "a")]
        await asyncio.gather(*(calls.call(each, "/x", b"") for each in names), return_exceptions=True)
        assert asked == [("a", PATH), ("b", "/x")]

    asyncio.run(work())
