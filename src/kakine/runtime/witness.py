"""A witness at work: c2sp.org/tlog-witness over a store of heads, with its two calls as plain HTTP.

`POST /add-checkpoint` and `GET /<hex of SHA-256(origin)>/checkpoint`. Callers are not told apart: only the log's
signature counts. A 409 says the size that the witness has; every other refusal is one line of text, its code first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kakine.crypto.signing import SigningKey
from kakine.protocols.witnessing import Logs, opened
from kakine.runtime import heads
from kakine.runtime.database import Connection, Database
from kakine.runtime.identity import Clock
from kakine.values.problems import (
    HeadForked,
    OldSizeMismatch,
    OriginUnknown,
    Problem,
    SubmissionMalformed,
)
from kakine.wire.checkpoint import text_of
from kakine.wire.cosignature import cosign
from kakine.wire.policy import WITNESS, vkey
from kakine.wire.submission import MOST_BYTES, SIZE_MEDIA, Submission, encode_size

ADD = "/add-checkpoint"


class Witness:
    """One witness. `name` is its key name, `logs` the keys of the logs it follows, asked anew each time."""

    def __init__(
        self, name: str, key: SigningKey, logs: Callable[[], Logs], db: Database, clock: Clock
    ) -> None:
        self._name = name
        self._key = key
        self._logs = logs
        self._db = db
        self._clock = clock

    @property
    def vkey(self) -> str:
        """The verifier key (C2SP, type 0x04), for a policy."""
        return vkey(self._name, WITNESS, self._key.public)

    async def add(self, body: bytes) -> bytes:
        """The cosignature line, once the head it covers is on disk as the last one.

        Raises `SubmissionMalformed`, what `witnessing.opened` and `witnessing.check_growth` raise, and `StoreFailed`.
        """
        submission = Submission.decode(body)
        found = opened(submission, self._logs())

        def store(db: Connection) -> int:
            heads.advance(db, submission, found)
            # Taken while no other head can come between: at this time it is true that this one is the largest.
            return self._clock() // 1000

        try:
            seconds = await self._db.write(store)
        except HeadForked:
            await self._db.write(lambda db: heads.keep_fork(db, found))
            raise
        return cosign(text_of(found.note), self._name, self._key, seconds)

    def latest(self, of: str) -> bytes:
        """The last head of the log whose origin has this SHA-256 (hex), cosigned now. Raises `OriginUnknown`."""
        db = self._db.read()
        for origin in heads.origins(db):
            if hashlib.sha256(origin.encode()).hexdigest() == of:
                _, note = heads.find(db, origin)
                return note + cosign(text_of(note), self._name, self._key, self._clock() // 1000)
        raise OriginUnknown()

    def routes(self) -> list[Route]:
        """The two calls."""

        async def add(request: Request) -> bytes:
            return await self.add(await _body(request))

        async def latest(request: Request) -> bytes:
            return self.latest(request.path_params["origin"])

        return [
            Route(ADD, _answering(add), methods=["POST"]),
            Route("/{origin}/checkpoint", _answering(latest), methods=["GET"]),
        ]


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise SubmissionMalformed(part="length")
    return bytes(body)


def _answering(
    serve: Callable[[Request], Awaitable[bytes]],
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return Response(await serve(request), media_type="text/plain")
        except (OldSizeMismatch, HeadForked) as conflict:
            size = encode_size(int(str(conflict.facts["size"])))
            # Starlette would add a charset to a text type.
            return Response(size, 409, {"content-type": SIZE_MEDIA})
        except Problem as problem:
            return Response(f"{problem}\n", problem.status, media_type="text/plain")

    return answer
