"""Whatever a party answers to calls that went together: each caller gets its own answer or hears that there was none
(`party-unavailable`), and whoever calls somebody else meanwhile is not harmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from kakine.runtime import network
from kakine.runtime.gathering import MOST_ANSWER, PATH, Gathering, Given, framed, unpacked
from kakine.runtime.http import Peers
from kakine.values.labels import PartyName
from kakine.values.problems import PartyUnavailable
from transport_site import BOB, ECHO, Said, Site, run

CAROL = PartyName("carol")
FEW = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
Heard = tuple[int, bytes] | None
"""What a caller was answered; nothing for `party-unavailable`."""


@dataclass
class Told:
    """An answer that comes in these pieces."""

    status: int
    pieces: Sequence[bytes]
    read: int = field(default=0, init=False)

    async def parts(self) -> AsyncIterator[bytes]:
        for each in self.pieces:
            self.read += 1
            await asyncio.sleep(0)
            yield each


def heard(told: Told, calls: int = 4) -> list[Heard]:
    """What each of Bob's callers heard, when Bob says this and Carol is honest at the same moment."""

    @asynccontextmanager
    async def open_(to: PartyName, path: str, body: bytes) -> AsyncIterator[Told]:
        honest = [framed(Given(at, 200, each)) for at, (_, each) in enumerate(unpacked(body))]
        yield told if to == BOB else Told(200, [*reversed(honest)])

    async def work() -> list[Heard]:
        road = Gathering(open_)
        bobs = [road.call(BOB, "/v1/echo", b"b%d" % at) for at in range(calls)]
        carols = [road.call(CAROL, "/v1/echo", b"c%d" % at) for at in range(calls)]
        async with asyncio.timeout(20):
            found = await asyncio.gather(*bobs, *carols, return_exceptions=True)
        assert found[calls:] == [(200, b"c%d" % at) for at in range(calls)]
        return [_heard(each) for each in found[:calls]]

    return asyncio.run(work())


def _heard(each: tuple[int, bytes] | BaseException) -> Heard:
    if isinstance(each, BaseException):
        assert type(each) is PartyUnavailable, repr(each)
        return None
    return each


def frame(index: object, status: object = 200, body: object = b"mine") -> bytes:
    packed = msgspec.msgpack.encode([index, status, body])
    return len(packed).to_bytes(4, "big") + packed


MINE = (200, b"mine")
LONG = (MOST_ANSWER + 1).to_bytes(4, "big")
CASES = {
    "nothing": ([], [None] * 4),
    "empty pieces": ([b""] * 50, [None] * 4),
    "one of four": ([frame(2)], [None, None, MINE, None]),
    "the same twice": ([frame(1), frame(1, 200, b"other"), frame(2)], [None, MINE, None, None]),
    "the same twice in one piece": ([frame(1) + frame(1) + frame(2)], [None, MINE, None, None]),
    "one behind the last": ([frame(0), frame(4), frame(1)], [MINE, None, None, None]),
    "one before the first": ([frame(0), frame(-1), frame(1)], [MINE, None, None, None]),
    "a place beyond all": ([frame(1 << 40), frame(1)], [None] * 4),
    "a place that is no number": ([frame("0"), frame(1)], [None] * 4),
    "a status that is none": ([frame(0), frame(1, 7), frame(2)], [MINE, None, None, None]),
    "a body that is text": ([frame(0), frame(1, 200, "text"), frame(2)], [MINE, None, None, None]),
    "no messages": ([b"\0\0\0\1\xc1" * 9], [None] * 4),
    "a problem document": ([b'{"type":"urn:kakine:problem:caller-not-allowed"}'], [None] * 4),
    "half an answer": ([frame(0), frame(1)[:-1]], [MINE, None, None, None]),
    "a length and nothing": ([frame(0), b"\0\0\0\7"], [MINE, None, None, None]),
    "a length that is too long": ([frame(0), LONG, frame(1)], [MINE, None, None, None]),
    "a message that goes on": ([frame(0), (99).to_bytes(4, "big") + frame(1) * 20], [MINE, None, None, None]),
    "more behind the last": ([*map(frame, range(4)), b"\0\0"], [MINE] * 4),
    "a message of nought bytes": ([frame(3), b"\0" * 4, frame(1)], [None, None, None, MINE]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_caller_is_answered_or_hears_that_it_was_not(case: str) -> None:
    pieces, expected = CASES[case]
    assert heard(Told(200, pieces)) == expected


def test_an_answer_that_cannot_become_one_is_not_waited_for() -> None:
    for bad in (LONG, frame(0) + frame(0), frame(-1), b"\xff" * 4):
        told = Told(200, [bad, *([b"\0" * 1000] * 1000)])
        heard(told)
        assert told.read == 1


@pytest.mark.parametrize("status", [100, 204, 301, 404, 500, 999])
def test_a_refusal_of_all_is_one_for_each_and_is_kept_once(status: int) -> None:
    """However many hear of it: a long refusal times the callers would fill the memory."""
    found = heard(Told(status, [b"x" * 1000, b"y"]), 64)
    assert {each[1] if each else b"" for each in found} == {b"x" * 1000 + b"y"}
    assert len({id(each[1]) for each in found if each}) == 1


def _pieces(whole: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    at = 0
    for cut in sorted(each % (len(whole) + 1) for each in cuts):
        yield whole[at:cut]
        at = cut
    yield whole[at:]


@FEW
@given(
    st.sampled_from([200, 200, 200, 403, 503]),
    st.lists(
        st.builds(frame, st.integers(-2, 6), st.sampled_from([200, 404, 0]), st.binary(max_size=9))
        | st.binary(max_size=9)
        | st.builds(frame, st.none() | st.text(max_size=2)),
        max_size=8,
    ),
    st.lists(st.integers(0, 1 << 16), max_size=5),
)
def test_any_bytes_in_any_pieces_end_every_call(status: int, parts: list[bytes], cuts: list[int]) -> None:
    found = heard(Told(status, [*_pieces(b"".join(parts), cuts)]))
    assert len(found) == 4
    assert status == 200 or found == [(status, b"".join(parts))] * 4


def test_an_answer_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the network: what was answered before stands, and the next call is served."""
    monkeypatch.setattr(network, "MOST_ANSWER", 1 << 20)
    first = framed(Given(0, 200, msgspec.msgpack.encode(Said("first"))))
    sent = 0

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        part, gone = first + (90 << 20).to_bytes(4, "big"), asyncio.create_task(receive())
        while not gone.done():
            await send({"type": "http.response.body", "body": part, "more_body": True})
            part, sent = bytes(1 << 16), sent + 1
            await asyncio.sleep(0)
        await gone

    async def work(site: Site) -> None:
        own = site.border.at
        site.border.at = lambda certificate: endless  # type: ignore[method-assign]
        road = site.road(site.roots.issued("alice"))
        asked = [road.post(BOB, ECHO.path, b"") for _ in range(3)]
        told = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 50)
        assert told[0] == (200, msgspec.msgpack.encode(Said("first")))
        assert [type(each) for each in told[1:]] == [PartyUnavailable] * 2
        site.border.at = own  # type: ignore[method-assign]
        assert (await Peers(road).ask(BOB, ECHO, Said("again"))).text == "alice: again"
        await road.close()

    run(tmp_path, work)
    assert sent < (64 << 20) // (1 << 16)  # it has not been read to the end of that message


def test_calls_of_another_party_are_not_reached() -> None:
    """What Bob says to Alice's calls is what Bob says: it settles none of those that are out to somebody else."""

    async def work() -> None:
        answers = asyncio.Event()

        @asynccontextmanager
        async def open_(to: PartyName, path: str, body: bytes) -> AsyncIterator[Told]:
            assert path == PATH
            if to == CAROL:
                await answers.wait()
                yield Told(200, [frame(at, 200, b"carol") for at in range(2)])
            else:
                yield Told(200, [frame(at, 200, b"bob") for at in range(8)])

        road = Gathering(open_)
        carols = [asyncio.ensure_future(road.call(CAROL, "/v1/echo", b"")) for _ in range(2)]
        bobs = await asyncio.gather(*(road.call(BOB, "/v1/echo", b"") for _ in range(2)))
        assert bobs == [(200, b"bob")] * 2
        assert not [each for each in carols if each.done()]
        answers.set()
        assert await asyncio.gather(*carols) == [(200, b"carol")] * 2

    asyncio.run(work())
