"""Which of a party's processes is called, and what is sent to another: only what was never sent."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from kakine.process.checks import check
from kakine.process.settings import read
from kakine.runtime import network
from kakine.runtime.addresses import MOST_REST_S, REST_S, Addresses, place
from kakine.runtime.http import Peers
from kakine.runtime.network import NetworkRoad
from kakine.runtime.tls import Credentials
from kakine.values.labels import PartyName
from kakine.values.problems import PartyUnavailable, SettingsMalformed
from processes.test_settings import TEXT, clock
from transport_site import ALICE, BOB, ECHO, EVE, SLOW, Said, served

ONE, TWO, THREE = (f"https://10.0.0.{number}:1" for number in (1, 2, 3))
CALLED = PartyName("called")


def missed(known: Addresses, address: str) -> None:
    with suppress(OSError), known.trying(place(address)):
        raise OSError


def test_calls_go_to_one_after_the_other_and_a_missed_one_comes_last_for_a_while() -> None:
    now = [100.0]
    known = Addresses({CALLED: [ONE, TWO, THREE]}, lambda: now[0])
    assert [known.of(CALLED)[0] for _ in range(4)] == [ONE, TWO, THREE, ONE]
    missed(known, TWO)
    assert [known.of(CALLED)[0] for _ in range(3)] == [THREE, THREE, ONE]
    assert all(known.of(CALLED)[-1] == TWO for _ in range(3))
    now[0] += REST_S
    assert {known.of(CALLED)[0] for _ in range(3)} == {ONE, TWO, THREE}


def test_who_is_missed_again_and_again_rests_longer_until_reached() -> None:
    now = [100.0]
    known = Addresses({CALLED: [ONE, TWO]}, lambda: now[0])

    def rested() -> float:
        since = now[0]
        while {known.of(CALLED)[0] for _ in range(2)} == {ONE}:
            now[0] += 1
        return now[0] - since

    rests = list[float]()
    for _ in range(7):
        missed(known, TWO)
        missed(known, TWO)  # who tried at the same time says it too
        rests.append(rested())
    assert rests == [REST_S, 4, 8, 16, 32, MOST_REST_S, MOST_REST_S]
    with known.trying(place(TWO)):
        assert {known.of(CALLED)[0] for _ in range(2)} == {ONE}
    missed(known, TWO)
    assert rested() == REST_S


def test_one_address_is_tried_though_it_was_missed_and_an_unknown_party_has_none() -> None:
    known = Addresses({CALLED: ONE})
    missed(known, ONE)
    assert list(known.of(CALLED)) == [ONE]
    assert list(known.of(PartyName("other"))) == []


def _closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return f"https://127.0.0.1:{gone.getsockname()[1]}"


def test_where_no_connection_is_made_the_next_process_is_called(tmp_path: Path) -> None:
    """Nobody there, and somebody there who is another: neither was sent anything."""

    async def work() -> None:
        async with served(tmp_path) as site:
            heard = list[bytes]()

            async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                heard.append(await reader.read())
                writer.transport.abort()

            context = Credentials(EVE, site.roots.issued("eve"), clock).server
            stranger = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
            other = f"https://127.0.0.1:{stranger.sockets[0].getsockname()[1]}"
            places = {BOB: [_closed(), other, site.address]}
            road = NetworkRoad(Credentials(ALICE, site.roots.issued("alice"), clock), places, clock)
            road.standing = site.roots
            for _ in range(4):
                assert (await Peers(road).ask(BOB, ECHO, Said("hello"))).text == "alice: hello"
            await road.close()
            stranger.close()
            assert b"".join(heard) == b""

    asyncio.run(work())


def test_an_address_that_swallows_connections_delays_one_call_at_a_time(tmp_path: Path) -> None:
    """Something takes each connection and says nothing, as a machine does whose network is gone."""

    async def work() -> None:
        async with served(tmp_path) as site:
            taken = list[asyncio.StreamWriter]()
            swallowed = asyncio.Event()

            async def swallow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                taken.append(writer)
                swallowed.set()

            silent = await asyncio.start_server(swallow, "127.0.0.1", 0)
            first = f"https://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
            places = {BOB: [first, site.address]}
            road = NetworkRoad(Credentials(ALICE, site.roots.issued("alice"), clock), places, clock)
            road.standing = site.roots
            delayed = asyncio.create_task(Peers(road).ask(BOB, ECHO, Said("late")))
            await swallowed.wait()
            for _ in range(6):
                assert (await Peers(road).ask(BOB, ECHO, Said("hello"))).text == "alice: hello"
            assert len(taken) == 1
            assert not delayed.done()
            taken[0].transport.abort()
            assert (await delayed).text == "alice: late"
            await road.close()
            silent.close()

    asyncio.run(work())


def test_a_call_that_waits_for_a_place_says_nothing_of_who_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "CONNECTIONS", 1)
    monkeypatch.setattr(network, "PLACE_S", 0.2)

    async def work() -> None:
        async with served(tmp_path) as site:
            places = {BOB: [site.address, site.address]}
            road = NetworkRoad(Credentials(ALICE, site.roots.issued("alice"), clock), places, clock)
            road.standing = site.roots
            busy = asyncio.create_task(Peers(road).ask(BOB, SLOW, Said("hello")))
            await site.going.wait()
            with pytest.raises(PartyUnavailable):
                await Peers(road).ask(BOB, ECHO, Said("hello"))
            assert not road._addresses._resting
            site.let_go.set()
            await busy
            assert (await Peers(road).ask(BOB, ECHO, Said("hello"))).text == "alice: hello"
            await road.close()

    asyncio.run(work())


def test_what_was_sent_and_not_answered_is_not_sent_to_another(tmp_path: Path) -> None:
    """The first takes the whole call and breaks off: the transport does not know whether it did what it was asked."""

    async def work() -> None:
        async with served(tmp_path) as site:
            context = Credentials(BOB, site.roots.issued("bob"), clock).server
            taken = list[bytes]()

            async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                taken.append(await reader.readuntil(b"\r\n\r\n"))
                writer.transport.abort()

            broken = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
            first = f"https://127.0.0.1:{broken.sockets[0].getsockname()[1]}"
            places = {BOB: [first, site.address]}
            road = NetworkRoad(Credentials(ALICE, site.roots.issued("alice"), clock), places, clock)
            road.standing = site.roots
            with pytest.raises(PartyUnavailable):
                await Peers(road).ask(BOB, ECHO, Said("hello"))
            assert len(taken) == 1
            assert (await Peers(road).ask(BOB, ECHO, Said("hello"))).text == "alice: hello"
            await road.close()
            broken.close()

    asyncio.run(work())


def _settings(folder: Path, addresses: str) -> Path:
    path = folder / "party.toml"
    path.write_text(TEXT.replace('converter-2 = "https://127.0.0.1:9005"', f"converter-2 = {addresses}"))
    return path


def test_settings_name_one_address_or_several(tmp_path: Path) -> None:
    path = _settings(tmp_path, '["https://127.0.0.1:9005", "https://127.0.0.1:9007"]')
    roads = read(path).roads()
    assert roads[PartyName("converter-2")] == ["https://127.0.0.1:9005", "https://127.0.0.1:9007"]
    assert roads[PartyName("ledger-a")] == ["https://127.0.0.1:9006"]


def test_no_address_and_a_bad_one_in_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsMalformed):
        read(_settings(tmp_path, "[]"))
    settings = read(_settings(tmp_path, '["https://127.0.0.1:9005", "http://127.0.0.1:9007"]'))
    verdicts = {each.id: each for each in check(settings, clock)}
    assert verdicts["addresses"].fault
