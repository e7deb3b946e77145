"""The holder's own program beside the browser: shows who asks for what, takes the PIN, has the card sign.

It listens on the loopback address of the holder's machine and serves the pages of one provider, whose origin it is told
at its start. A page of any other origin, a name that was bent to this address (DNS rebinding), and a challenge that
says another origin than the page has are refused before anybody is asked. What is signed is made here, of the fields
that were shown: a page can never have bytes of its choice signed.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from kakine.contracts.login import Signer
from kakine.protocols.logins import LOOPBACK, challenge_digest
from kakine.runtime.identity import Clock
from kakine.values.problems import (
    CardBlocked,
    CardProofInvalid,
    CardSecretMalformed,
    CardSecretWrong,
    MessageMalformed,
    MessageTooLarge,
    OriginRefused,
    PinRefused,
    Problem,
)
from kakine.wire.canonical import decode
from kakine.wire.login import Challenge

OLD_MS = 120_000
MOST = 4096

Ask = Callable[[Challenge], str]
"""Shows a challenge to the holder and gives the PIN that was typed; raises `PinRefused` where the holder says no. It
runs in a thread of its own, one at a time."""

Tell = Callable[[Problem], None]
"""Shows the holder what the card said of the PIN: how many tries are left is for nobody else."""


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    challenge: str


class Helper:
    """One helper for one provider. `port` is where it listens: part of the names under which it may be called."""

    def __init__(
        self,
        origin: str,
        port: int,
        signer: Signer,
        ask: Ask,
        clock: Clock,
        tell: Tell = lambda problem: None,
    ) -> None:
        self._origin = origin
        self._hosts = {f"{f'[{name}]' if ':' in name else name}:{port}" for name in LOOPBACK}
        self._signer = signer
        self._ask = ask
        self._clock = clock
        self._tell = tell
        self._one = asyncio.Lock()

    @property
    def app(self) -> ASGIApp:
        """The ASGI application: `POST /sign`, and the browser's question whether it may (CORS)."""
        routes = [
            Route("/sign", self._guarded(self._sign), methods=["POST"]),
            Route("/sign", self._guarded(self._preflight), methods=["OPTIONS"]),
        ]
        app = Starlette(routes=routes)
        app.router.redirect_slashes = False
        return app

    def _guarded(
        self, serve: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                self._require_page(request)
                made = await serve(request)
            except OriginRefused as refused:
                return _refusal(refused)  # without a header that would let the page read it
            except Problem as problem:
                made = _refusal(problem)
            made.headers["Access-Control-Allow-Origin"] = self._origin
            made.headers["Vary"] = "Origin"
            return made

        return answer

    def _require_page(self, request: Request) -> None:
        near = request.client is None or request.client.host in LOOPBACK
        if (
            not near
            or request.headers.getlist("origin") != [self._origin]
            or len(request.headers.getlist("host")) != 1
            or request.headers["host"].lower() not in self._hosts
        ):
            raise OriginRefused()

    async def _preflight(self, request: Request) -> Response:
        headers = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Allow-Private-Network": "true",
        }
        return Response(status_code=204, headers=headers)

    async def _sign(self, request: Request) -> Response:
        challenge = await _challenge(request)
        late = abs(self._clock() - challenge.time_ms) > OLD_MS
        if challenge.origin != self._origin or late or not _showable(challenge):
            raise CardProofInvalid()
        async with self._one:
            signature = await asyncio.to_thread(self._signed, challenge)
        said = {"certificate": _text(self._signer.certificate), "signature": _text(signature)}
        return Response(msgspec.json.encode(said), media_type="application/json")

    def _signed(self, challenge: Challenge) -> bytes:
        """A wrong PIN, a blocked one and a no are one problem towards the page."""
        pin = self._ask(challenge)
        try:
            return self._signer.sign(challenge_digest(challenge), pin)
        except (CardSecretWrong, CardBlocked, CardSecretMalformed) as fault:
            self._tell(fault)
            raise PinRefused() from fault


async def _challenge(request: Request) -> Challenge:
    if request.headers.get("content-type") != "application/json":
        raise MessageMalformed(call="/sign")  # what a form can send needs no leave of the browser
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST:
            raise MessageTooLarge(limit=MOST)
    try:
        asked = msgspec.json.decode(body, type=_Asked)
        return decode(b64decode(asked.challenge, validate=True), Challenge)
    except (msgspec.DecodeError, ValueError) as fault:
        raise MessageMalformed(call="/sign") from fault


def _showable(challenge: Challenge) -> bool:
    """Nothing in it can move the cursor of a terminal or hide text."""
    return challenge.purpose.isprintable() and challenge.client.isprintable()


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _refusal(problem: Problem) -> Response:
    said = {"problem": problem.code, "title": problem.title}
    return Response(msgspec.json.encode(said), problem.status, media_type="application/json")
