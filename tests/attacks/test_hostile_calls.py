"""Whatever stands in a request of several calls (`/v1/calls`): each is judged as if it had come alone, refused by its
name or with the whole by one, and neither brings down nor holds up what stands beside it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hostile import PATHS
from kakine.process.telling import Figures
from kakine.runtime import border as border_module
from kakine.runtime.gathering import MOST_BYTES, MOST_CALLS, PATH, Given, frames, packed
from kakine.runtime.http import PROBLEM_MEDIA
from kakine.runtime.tls import Credentials, Files
from kakine.values.problems import BY_CODE
from transport_site import ALICE, BOB, ECHO, EVE, HANGS, LAW, LONG, OPEN, Said, Site, post, run

HELLO = msgspec.msgpack.encode(Said("hello"))
GOOD = (ECHO.path, HELLO)
FEW = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
SPELLINGS = (
    *PATHS,
    *(f"{ECHO.path}{more}" for more in ("\n", "\r", "\r\n", "\0", "\t", " ", "\u2028", "\x85", ";x", "?", "#")),
    *(f"{more}{ECHO.path}" for more in ("\n", " ", "\ufeff", "https://bob.kakine.example")),
    "/v1/ECHO", "/v1/ecHo", "/v1/ech\u043e", "/v1/echo\u0301", "/ｖ１/echo", "/v1%2fecho", "/v1/./echo",
    "/v1/x/../echo", "/v1\\echo", "", "/", "*", "/v1/none", "/v1/ev\u0131l", f"{PATH}/", f"{PATH}\n", PATH.upper(),
)  # fmt: skip
"""None of them is a path that is served."""


def codes(given: Sequence[Given]) -> list[str]:
    """The problem of each answer, nothing for one that was served, in the order of the calls."""
    return [code(each.status, each.body) for each in sorted(given, key=lambda each: each.index)]


def code(status: int, body: bytes) -> str:
    if status == 200:
        msgspec.msgpack.decode(body, type=Said)
        return ""
    told = msgspec.json.decode(body)
    name = str(told["type"]).removeprefix("urn:kakine:problem:")
    assert (told["status"], told["title"]) == (status, BY_CODE[name].title)
    return name


async def answered(site: Site, files: Files, calls: Sequence[tuple[str, bytes]]) -> list[str]:
    """What became of each of these calls of Alice's."""
    road = site.road(files)
    try:
        status, _, body = await road.send(BOB, PATH, packed(calls))
    finally:
        await road.close()
    assert status == 200
    buffer = bytearray(body)
    found = list(frames(buffer))
    assert not buffer
    assert sorted(each.index for each in found) == list(range(len(calls)))
    return codes(found)


def test_no_second_spelling_of_a_path_is_that_path_among_others(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        for at in range(0, len(SPELLINGS), 30):
            odd = SPELLINGS[at : at + 30]
            calls = [each for path in odd for each in (GOOD, (path, HELLO))]
            assert await answered(site, alice, calls) == ["", "route-unknown"] * len(odd), odd

    run(tmp_path, work)


def test_no_caller_makes_a_label_of_the_figures(tmp_path: Path) -> None:
    """Of calls that go together each is counted under its own path, the request under `/v1/calls`."""
    figures = Figures(BOB)
    figures.paths = {PATH, ECHO.path}

    async def work(site: Site) -> None:
        site.border.seen = figures.called
        calls = [GOOD, (LAW.path, HELLO), *((path, HELLO) for path in SPELLINGS[:40])]
        await answered(site, site.roots.issued("alice"), calls)
        await site.raw(site.roots.issued("alice"), post("/v1/none"))

    run(tmp_path, work)
    counted = {
        tuple(one.labels.values()): one.value
        for family in figures.registry.collect()
        for one in family.samples
        if one.name == "kakine_calls_total"
    }
    assert counted == {
        ("", "4xx", "alice"): 42.0,
        (ECHO.path, "2xx", "alice"): 1.0,
        (PATH, "2xx", "alice"): 1.0,
    }


def test_calls_in_calls_in_calls_are_no_call(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        inner = [GOOD]
        for _ in range(20):
            assert await answered(site, alice, [GOOD, (PATH, packed(inner)), (OPEN.path, HELLO)]) == [
                "", "route-unknown", ""]  # fmt: skip
            inner = [GOOD, (PATH, packed(inner))]

    run(tmp_path, work)


def test_who_may_make_one_call_does_not_thereby_make_another(tmp_path: Path) -> None:
    """Nor does it come in with a path that any party may call."""

    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        calls = [(LAW.path, HELLO), GOOD, (LAW.path, b"nonsense"), (OPEN.path, HELLO)]
        assert await answered(site, alice, calls) == ["caller-not-allowed", "", "caller-not-allowed", ""]
        eve = site.road(site.roots.issued("eve"), EVE)
        status, media, body = await eve.send(BOB, PATH, packed([(OPEN.path, HELLO), GOOD]))
        assert (code(status, body), media) == ("caller-not-allowed", PROBLEM_MEDIA)
        await eve.close()

    run(tmp_path, work)


def test_whatever_is_called_together_is_answered_call_by_call(tmp_path: Path) -> None:
    """As each would be alone, whatever the others are."""
    paths = st.sampled_from([ECHO.path, OPEN.path, LAW.path, PATH, *SPELLINGS]) | st.text(max_size=40)
    bodies = st.sampled_from([HELLO, b"", HELLO * 2, bytes(1001)]) | st.binary(max_size=60)
    expected = {ECHO.path: "", OPEN.path: "", LAW.path: "caller-not-allowed"}

    async def work(site: Site) -> None:
        road = site.road(site.roots.issued("alice"))

        async def look(calls: list[tuple[str, bytes]]) -> None:
            status, _, body = await road.send(BOB, PATH, packed(calls))
            found = codes(list(frames(bytearray(body))))
            assert (status, len(found)) == (200, len(calls))
            for (path, sent), told in zip(calls, found, strict=True):
                alone = expected.get(path, "route-unknown")
                wrong = {"message-malformed", "message-too-large"} if sent != HELLO and not alone else set()
                assert told == alone or told in wrong, path

        loop = asyncio.get_running_loop()

        @FEW
        @given(st.lists(st.tuples(paths, bodies), min_size=1, max_size=MOST_CALLS))
        def attempt(calls: list[tuple[str, bytes]]) -> None:
            asyncio.run_coroutine_threadsafe(look(calls), loop).result(20)

        await asyncio.to_thread(attempt)
        await road.close()

    run(tmp_path, work)


def test_what_is_no_request_of_calls_is_refused_as_a_whole(tmp_path: Path) -> None:
    """Too many, none, too much in one or in all, half a message, another shape; never a fault."""
    whole = packed([GOOD, GOOD])
    refused = {
        packed([GOOD] * (MOST_CALLS + 1)): "message-too-large",
        packed([(ECHO.path, bytes(MOST_BYTES + 1))]): "message-too-large",
        packed([(ECHO.path, bytes(MOST_BYTES // 32))] * 40): "message-too-large",
        **dict.fromkeys(
            (b"", b"\x90", b"\xc0", b"\x80", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x91" * 3000,
             b"\x91\x92\xa2\xff\xfe\xc4\x00", b"\x91\x92\xdb\xff\xff\xff\xffa", b"\x91\x93\xa0\xc4\x00\xc0",
             b"\x91\x92\xa1/\xa1x", b"\x91\x92\xc4\x01/\xc4\x00", whole + b"\0", whole + whole,
             *(whole[:cut] for cut in range(1, len(whole)))), "message-malformed"),
    }  # fmt: skip

    async def work(site: Site) -> None:
        alice = site.roots.issued("alice")
        for body, name in refused.items():
            head, _, told = (await site.raw(alice, post(PATH, body))).partition(b"\r\n\r\n")
            assert code(int(head.split()[1]), told) == name, body[:40]
            assert PROBLEM_MEDIA.encode() in head
        large = [GOOD, (ECHO.path, bytes(ECHO.limit + 1)), (ECHO.path, bytes(MOST_BYTES // 2)), GOOD]
        assert await answered(site, alice, large) == ["", "message-too-large", "message-too-large", ""]
        assert await answered(site, alice, [GOOD] * MOST_CALLS) == [""] * MOST_CALLS

    run(tmp_path, work)


@asynccontextmanager
async def opened(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of Alice's, for bytes; broken off at the end."""
    context = Credentials(ALICE, site.roots.issued("alice"), site.border.clock).client
    made = await asyncio.open_connection(
        "127.0.0.1", site.port, ssl=context, server_hostname="bob.kakine.example", limit=1 << 12
    )
    try:
        yield made
    finally:
        made[1].transport.abort()


async def until(fact: object) -> None:
    async with asyncio.timeout(30):
        while not fact():  # type: ignore[operator]
            await asyncio.sleep(0.01)


def test_a_call_that_hangs_holds_up_none_beside_it(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        async with opened(site) as (reader, writer):
            writer.write(post(PATH, packed([(HANGS.path, HELLO), GOOD, (PATH, b""), GOOD])))
            found, buffer = list[Given](), bytearray()
            await reader.readuntil(b"\r\n\r\n")
            while len(found) < 3:
                size = int(await reader.readuntil(b"\r\n"), 16)
                buffer += await reader.readexactly(size)
                found += list(frames(buffer))
                await reader.readexactly(2)
            assert {each.index for each in found} == {1, 2, 3}
            site.over.set()
            buffer += re.sub(rb"\A\w+\r\n|\r\n0\r\n\r\n\Z", b"", await reader.read())
            assert [each.index for each in frames(buffer)] == [0]

    run(tmp_path, work)


def test_whoever_goes_away_in_the_middle_of_the_answers_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(site: Site) -> None:
        calls = post(
            PATH, packed([GOOD, (HANGS.path, HELLO), (LONG.path, msgspec.msgpack.encode(Said("0")))])
        )
        for _ in range(5):
            async with opened(site) as (reader, writer):
                writer.write(calls)
                await reader.readuntil(b"alice: hello")
        for cut in range(0, len(calls) - 1, 17):
            async with opened(site) as (_, writer):
                writer.write(calls[:cut])
                await writer.drain()
        assert await answered(site, site.roots.issued("alice"), [GOOD, GOOD]) == ["", ""]
        site.over.set()
        await until(lambda: site.border.under_way == 0)
        assert not [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")]

    run(tmp_path, work)


def test_answers_that_nobody_reads_are_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(border_module, "ANSWER_S", 0.2)

    async def work(site: Site) -> None:
        async with opened(site) as (reader, writer):
            late = [(LONG.path, msgspec.msgpack.encode(Said(str(0.01 * at)))) for at in range(40)]
            writer.write(post(PATH, packed(late)))
            await reader.readuntil(b"\r\n\r\n")  # and no more
            await until(lambda: site.border.under_way == 0)

    run(tmp_path, work)


def test_whoever_sends_its_calls_too_slowly_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(border_module, "BODY_S", 0.2)

    async def work(site: Site) -> None:
        async with opened(site) as (reader, writer):
            writer.write(post(PATH, packed([GOOD] * 3))[:-1])
            assert b"request-too-slow" in await asyncio.wait_for(reader.read(), 30)

    run(tmp_path, work)
