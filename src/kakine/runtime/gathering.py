"""Calls to one party that go together (spec/transport.md section 3): what waits at the same moment is one request.

A lone call goes as it is. Nothing waits for company: what is called in one turn of the event loop goes at its end, and
only while `MOST_OPEN` requests to a party are out does what comes wait for one of them, for `LATE_S` at most. Answers
come each as it is ready, so a quick call does not wait for a slow one beside it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Protocol

import msgspec

from kakine.values.labels import PartyName
from kakine.values.problems import MessageMalformed, MessageTooLarge, PartyUnavailable
from kakine.wire.canonical import UNDECODABLE

PATH = "/v1/calls"
MEDIA = "application/octet-stream"
"""Of an answer: a stream of messages is none itself."""
MOST_CALLS, MOST_BODIES = 64, 1 << 20
"""In one request: calls, and bytes of their bodies. A larger body goes alone."""
MOST_BYTES = MOST_BODIES + MOST_CALLS * 300
"""Of one request, with the paths."""
MOST_OPEN = 8
LATE_S = 0.02
MOST_ANSWER = 96 << 20
"""Bytes of an answer as it travels: half as much again as the largest request that any call takes."""
_SIZE = 4


class Given(msgspec.Struct, array_like=True, frozen=True):
    """The answer to the call at `index` of a request: HTTP status and body."""

    index: Annotated[int, msgspec.Meta(ge=0, lt=MOST_CALLS)]
    status: Annotated[int, msgspec.Meta(ge=100, le=599)]
    body: bytes


_calls = msgspec.msgpack.Decoder(list[tuple[str, bytes]])
_given = msgspec.msgpack.Decoder(Given)
_encoder = msgspec.msgpack.Encoder()


def packed(calls: Sequence[tuple[str, bytes]]) -> bytes:
    """The body of one request: an array of (path, body)."""
    return _encoder.encode(calls)


def unpacked(body: bytes) -> list[tuple[str, bytes]]:
    """The calls of one request. Raises `MessageTooLarge` for more than `MOST_CALLS`, `MessageMalformed`."""
    try:
        calls = _calls.decode(body)
    except UNDECODABLE as fault:
        raise MessageMalformed(call=PATH) from fault
    if not calls:
        raise MessageMalformed(call=PATH)
    if len(calls) > MOST_CALLS:
        raise MessageTooLarge(limit=MOST_CALLS)
    return calls


def framed(given: Given) -> bytes:
    """One answer as it travels: four bytes of length, big-endian, and an array."""
    body = _encoder.encode(given)
    return len(body).to_bytes(_SIZE, "big") + body


def frames(buffer: bytearray) -> Iterator[Given]:
    """The whole answers at the beginning of `buffer`, which loses them. Raises `PartyUnavailable` for what is none."""
    at = 0
    try:
        while len(buffer) >= at + _SIZE:
            size = int.from_bytes(buffer[at : at + _SIZE], "big")
            if size > MOST_ANSWER:
                raise PartyUnavailable(call=PATH)
            if len(buffer) < (end := at + _SIZE + size):
                break
            yield _given.decode(memoryview(buffer)[at + _SIZE : end])
            at = end
    except UNDECODABLE as fault:
        raise PartyUnavailable(call=PATH) from fault
    del buffer[:at]


class Opened(Protocol):
    """An answer that has begun."""

    status: int

    def parts(self) -> AsyncIterator[bytes]:
        """Its body as it comes. Raises `PartyUnavailable`."""


Open = Callable[[PartyName, str, bytes], AbstractAsyncContextManager[Opened]]
"""A POST; raises `PartyUnavailable`."""

Answer = tuple[int, bytes]


@dataclass
class _Waiting:
    path: str
    body: bytes
    answer: asyncio.Future[Answer]


@dataclass
class _Way:
    """What waits for one party, and how many requests to it are out."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    out: int = 0
    going: asyncio.Handle | None = None


class Gathering:
    """The calls of one process to all others."""

    def __init__(self, open_: Open) -> None:
        self._open = open_
        self._ways: dict[PartyName, _Way] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def call(self, to: PartyName, path: str, body: bytes) -> Answer:
        """(HTTP status, body). Raises `PartyUnavailable`."""
        loop = asyncio.get_running_loop()
        way = self._ways.setdefault(to, _Way())
        one = _Waiting(path, body, loop.create_future())
        way.waiting.append(one)
        if way.going is None:
            wait = way.out >= MOST_OPEN
            # The bound is for calls that wait for each other in a ring: none of them may wait for good.
            way.going = loop.call_later(LATE_S, self._go, to) if wait else loop.call_soon(self._go, to)
        return await one.answer

    def _go(self, to: PartyName) -> None:
        way = self._ways[to]
        way.going = None
        while way.waiting:
            way.out += 1
            task = asyncio.get_running_loop().create_task(self._carry(to, way, _some(way.waiting)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, to: PartyName, way: _Way, taken: list[_Waiting]) -> None:
        try:
            await self._send(to, taken)
            fault: Exception = PartyUnavailable(party=to, call=PATH)
        except PartyUnavailable as problem:
            fault = problem
        except Exception as other:  # noqa: BLE001 - the callers wait; each must hear of it
            fault = other
        for each in taken:
            if not each.answer.done():
                each.answer.set_exception(fault)
        way.out -= 1
        if way.waiting and way.going is not None:
            way.going.cancel()
            self._go(to)

    async def _send(self, to: PartyName, taken: list[_Waiting]) -> None:
        if len(taken) == 1:
            (one,) = taken
            async with self._open(to, one.path, one.body) as answer:
                body = b"".join([part async for part in answer.parts()])
                _settle(one, (answer.status, body))
            return
        async with self._open(to, PATH, packed([(each.path, each.body) for each in taken])) as answer:
            buffer, left = bytearray(), set(range(len(taken)))
            async for part in answer.parts():
                buffer += part
                if answer.status == 200:
                    for given in frames(buffer):
                        if given.index not in left:
                            raise PartyUnavailable(party=to, call=PATH)
                        left.remove(given.index)
                        _settle(taken[given.index], (given.status, given.body))
            if answer.status != 200:
                # Refused as a whole: whoever may not call is told so for each call.
                refused = answer.status, bytes(buffer)
                for each in taken:
                    _settle(each, refused)


def _settle(one: _Waiting, answer: Answer) -> None:
    if not one.answer.done():
        one.answer.set_result(answer)


def _some(waiting: deque[_Waiting]) -> list[_Waiting]:
    """What goes in one request: at least one call."""
    taken = [waiting.popleft()]
    size = len(taken[0].body)
    while waiting and len(taken) < MOST_CALLS and (size := size + len(waiting[0].body)) <= MOST_BODIES:
        taken.append(waiting.popleft())
    return taken
