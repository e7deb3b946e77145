"""Carry a request through, once: the intent is on disk before the first call, the receipt after the last."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial

import msgspec

from kakine.clients.exchange import Requester, request_of
from kakine.contracts.converter import Converted, Filed
from kakine.protocols.gates import WINDOW_MS
from kakine.runtime import codebook
from kakine.runtime.database import Database
from kakine.runtime.identity import Clock
from kakine.values.problems import ExpiredRequest, InternalFault, PartyUnavailable, Problem, StoreFailed
from kakine.wire.answer import Answered, Kept, Prepared
from kakine.wire.canonical import decode, encode, plain

_encoder = msgspec.msgpack.Encoder(enc_hook=plain)
_filed = msgspec.msgpack.Decoder(Filed)

OPEN = (PartyUnavailable, StoreFailed, InternalFault)
"""Problems after which nothing is concluded: the same bytes may be sent again."""


def filed_of(data: bytes) -> Filed:
    """A kept receipt."""
    return _filed.decode(data)


class Carrier:
    """The asking party's own record of what it has asked."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def send(self, requester: Requester, prepared: Prepared, context: bytes) -> tuple[Answered, ...]:
        """Write the intent down, then carry the request through.

        Ends with the answers and the receipt kept, or with a refusal and the request closed. Where a party did not
        answer the request stays open for `resume`. `context` is the caller's note of what the request was for.
        """
        request, kept = request_of(prepared), encode(prepared.kept)
        now_ms = self._clock()
        await self._db.write(lambda db: codebook.keep_outgoing(db, request, kept, context, now_ms))
        return await self._carry(requester, prepared)

    async def _carry(self, requester: Requester, prepared: Prepared) -> tuple[Answered, ...]:
        converted = None
        try:
            converted = await requester.convert(prepared)
            released = await requester.release(prepared, converted)
            delivered = await requester.deliver(prepared, converted, released)
            answers = requester.open(prepared, converted, delivered)
        except OPEN:
            raise
        except Problem:
            await self._close(prepared, converted)
            raise
        await self._close(prepared, converted)
        return answers

    async def _close(self, prepared: Prepared, converted: Converted | None) -> None:
        now_ms = self._clock()

        def work(db: sqlite3.Connection) -> None:
            request = request_of(prepared)
            codebook.finish(db, request)
            if converted is not None:
                filed = _encoder.encode(converted.filed)
                codebook.keep_receipt(db, request, filed, prepared.entries, prepared.tags, now_ms)

        await self._db.write(work)

    async def resume(
        self, requester_of: Callable[[bytes], Requester]
    ) -> list[tuple[bytes, tuple[Answered, ...] | Problem]]:
        """Take up what a crash left open: the same bytes again while they are young enough, else closed as expired.

        Gives (context, answers or problem) of each. Nothing is asked twice: the same request has its effect once.
        """
        results: list[tuple[bytes, tuple[Answered, ...] | Problem]] = []
        for left in codebook.unfinished(self._db.read()):
            kept = decode(left.kept, Kept)
            try:
                if self._clock() - left.time_ms > WINDOW_MS:
                    await self._db.write(partial(codebook.finish, request=left.request))
                    raise ExpiredRequest()
                requester = requester_of(left.context)
                prepared = await requester.restore(kept)
                results.append((left.context, await self._carry(requester, prepared)))
            except Problem as problem:
                results.append((left.context, problem))
        return results
