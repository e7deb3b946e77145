"""One party's calls as an ASGI application, and the in-process road between parties.

The same encoded bytes travel in one process and between machines. The only difference is who stamps the caller's
identity: here `InProcess` does, over a socket the border, by the certificate (`runtime.border`). Problems become
RFC 9457 documents in one place (`_answer`) and become exceptions again in one place (`Peers.ask`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kakine.contracts.call import Body, Call
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BY_CODE,
    CallerNotAllowed,
    CallerUnknown,
    Fact,
    InternalFault,
    MessageMalformed,
    MessageTooLarge,
    PartyUnavailable,
    Problem,
    RouteUnknown,
)
from kakine.wire.canonical import UNDECODABLE, plain

log = logging.getLogger("kakine")

MEDIA = "application/msgpack"
PROBLEM_MEDIA = "application/problem+json"
CALLER = "kakine.caller"
_MEDIA = (b"content-type", MEDIA.encode())

Takes = TypeVar("Takes", bound=Body)
Gives = TypeVar("Gives", bound=Body)


@dataclass(frozen=True)
class Duty(Generic[Takes, Gives]):
    """A call and the use case that serves it. The use case gets the verified caller and the decoded message."""

    call: Call[Takes, Gives]
    serve: Callable[[PartyName, Takes], Awaitable[Gives]]


RolesOf = Callable[[PartyName], AbstractSet[str]]
"""Which roles the law in force gives a party; empty for a stranger."""


class ProblemDocument(msgspec.Struct, omit_defaults=True):
    """RFC 9457. `type` is `urn:kakine:problem:<code>`; `facts` holds no personal data (values/problems.py)."""

    type: str
    title: str
    status: int
    facts: dict[str, str | int | list[str | int]] = {}


_TOLD = re.compile(r"(?!.*(?<![0-9A-Za-z])[0-9]{8,}(?![0-9A-Za-z]))[\x20-\x7e]{0,120}\Z")
"""What a fact may say over the border: what names of the law, of parties and of fields are made of, and no long number.
Many a fact is a name that the caller has sent; what was sent in a name's place may be anything, and a person's."""


def _plain(facts: Mapping[str, Fact]) -> dict[str, str | int | list[str | int]]:
    """Facts without our own kinds of text, which the encoder does not know, and without those that may not be told."""
    one = {
        name: _one(fact) if isinstance(fact, str | int) else [*map(_one, fact)]
        for name, fact in facts.items()
    }
    return {name: fact for name, fact in one.items() if all(map(_may_be_told, _each(fact)))}


def _one(fact: str | int) -> str | int:
    return str.__str__(fact) if isinstance(fact, str) else fact


def _each(fact: str | int | list[str | int]) -> list[str | int]:
    return fact if isinstance(fact, list) else [fact]


def _may_be_told(one: str | int) -> bool:
    return isinstance(one, int) or _TOLD.match(one) is not None


def problem_response(problem: Problem) -> Response:
    """The RFC 9457 document of a problem."""
    document = ProblemDocument(
        f"urn:kakine:problem:{problem.code}", problem.title, problem.status, _plain(problem.facts)
    )
    return Response(msgspec.json.encode(document), problem.status, media_type=PROBLEM_MEDIA)


def _served(duty: Duty[Any, Any], roles_of: RolesOf) -> ASGIApp:
    call = duty.call
    decoder = msgspec.msgpack.Decoder(call.takes)
    encoder = msgspec.msgpack.Encoder(enc_hook=plain)

    async def given(scope: Scope, receive: Receive) -> bytes:
        caller = scope.get(CALLER)
        if caller is None:
            raise CallerUnknown()
        if not roles_of(caller) & call.callers:
            raise CallerNotAllowed(call=call.path)
        body = await _body(scope, receive, call)
        try:
            message = decoder.decode(body)
        except UNDECODABLE as fault:
            raise MessageMalformed(call=call.path) from fault
        return encoder.encode(await duty.serve(caller, message))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await given(scope, receive)
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        except Exception as fault:  # noqa: BLE001 - the border: a fault must not show its text to the caller
            # Only the class goes to the log: a message could hold a value of somebody.
            log.error("fault", extra={"call": call.path, "fault": type(fault).__name__})
            await problem_response(InternalFault())(scope, receive, send)
            return
        head = [(b"content-length", b"%d" % len(body)), _MEDIA]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    return answer


async def _body(scope: Scope, receive: Receive, call: Call[Any, Any]) -> bytes:
    for name, value in scope["headers"]:
        if name == b"content-length" and not (value.isdigit() and int(value) <= call.limit):
            raise MessageTooLarge(limit=call.limit)
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise MessageMalformed(call=call.path)
        part = message.get("body", b"")
        body = body + part if body else part
        if len(body) > call.limit:
            raise MessageTooLarge(limit=call.limit)
        more = message.get("more_body", False)
    return body


async def _unknown(request: Request, fault: Exception) -> Response:
    return problem_response(RouteUnknown())


class Application:
    """Calls by their paths. What is none of them, and the routes of another protocol, is Starlette's. `routes` are all
    there are."""

    def __init__(self, calls: Mapping[str, ASGIApp], others: Sequence[Route]) -> None:
        self._calls = calls
        known = [Route(path, app, methods=["POST"]) for path, app in calls.items()]
        self._rest = Starlette(routes=[*known, *others], exception_handlers={404: _unknown, 405: _unknown})
        # A path with a slash too many must get a problem, not a redirect.
        self._rest.router.redirect_slashes = False
        self.routes = self._rest.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        post = scope["type"] == "http" and scope["method"] == "POST"
        await ((self._calls.get(scope["path"]) if post else None) or self._rest)(scope, receive, send)


def application(duties: list[Duty[Any, Any]], roles_of: RolesOf, others: Sequence[Route] = ()) -> ASGIApp:
    """The ASGI application that serves `duties`. Every answer is 200 with msgpack or an RFC 9457 problem.

    `others` are routes of another protocol that this party speaks too; they look after their own answers.
    """
    return Application({duty.call.path: _served(duty, roles_of) for duty in duties}, others)


class Road(Protocol):
    """How bytes get to a party: in one process, or over mutual TLS (`runtime.network`)."""

    async def post(self, to: PartyName, path: str, body: bytes) -> tuple[int, bytes]:
        """(HTTP status, body). Raises `PartyUnavailable` when no answer came."""


class InProcess:
    """Carries requests of one caller to the applications of the others in this process, over ASGI."""

    def __init__(self, caller: PartyName, parties: Mapping[PartyName, ASGIApp]) -> None:
        self._caller = caller
        self._parties = parties

    async def post(self, to: PartyName, path: str, body: bytes) -> tuple[int, bytes]:
        app = self._parties.get(to)
        if app is None:
            raise PartyUnavailable(party=to)
        return await carried(app, self._caller, path, body)


async def carried(app: ASGIApp, caller: PartyName, path: str, body: bytes) -> tuple[int, bytes]:
    """(HTTP status, body) of one call to an application in this process. Whoever uses this vouches for `caller`."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", MEDIA.encode()), (b"content-length", b"%d" % len(body))],
        "client": None,
        "server": None,
        CALLER: caller,
    }
    status = 0
    answer = b""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, answer
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            answer += message.get("body", b"")

    await app(scope, receive, send)
    return status, answer


class Peers:
    """The other parties, as the party that holds this object may call them."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._encoder = msgspec.msgpack.Encoder(enc_hook=plain)
        self._decoders: dict[type[Body], msgspec.msgpack.Decoder[Any]] = {}

    async def ask(self, to: PartyName, call: Call[Takes, Gives], message: Takes) -> Gives:
        """The answer of `to`. Raises the very problem it answered, or `PartyUnavailable` (nothing concluded)."""
        status, body = await self._road.post(to, call.path, self._encoder.encode(message))
        if status != 200:
            raise _problem(body)
        decoder = self._decoders.get(call.gives)
        if decoder is None:
            decoder = self._decoders[call.gives] = msgspec.msgpack.Decoder(call.gives)
        try:
            given: Gives = decoder.decode(body)
        except UNDECODABLE as fault:
            raise PartyUnavailable(party=to, call=call.path) from fault
        return given


def _problem(body: bytes) -> Problem:
    try:
        document = msgspec.json.decode(body, type=ProblemDocument)
    except UNDECODABLE:
        return PartyUnavailable()
    kind = BY_CODE.get(document.type.removeprefix("urn:kakine:problem:"))
    if kind is None:
        return PartyUnavailable()
    problem = kind()
    problem.facts = dict(document.facts)  # not as keywords: their names are the other party's choice
    return problem
