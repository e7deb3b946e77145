"""The road between parties as a test sees it: what crossed it, raw calls, and parties that are away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kakine.country import Country
from kakine.runtime.http import CALLER, InProcess
from kakine.values.labels import PartyName


@dataclass(frozen=True)
class Passage:
    """One call that crossed the road, with the bytes both ways."""

    caller: str
    to: str
    path: str
    body: bytes
    status: int
    answer: bytes


@contextmanager
def recorded() -> Iterator[list[Passage]]:
    """Everything that crosses the in-process road meanwhile."""
    passages: list[Passage] = []
    post = InProcess.post

    async def watched(self: InProcess, to: PartyName, path: str, body: bytes) -> tuple[int, bytes]:
        status, answer = await post(self, to, path, body)
        passages.append(Passage(self._caller, to, path, body, status, answer))
        return status, answer

    InProcess.post = watched  # type: ignore[method-assign]
    try:
        yield passages
    finally:
        InProcess.post = post  # type: ignore[method-assign]


@dataclass(frozen=True)
class Reply:
    """What came back on the wire."""

    status: int
    media: str
    body: bytes


async def raw_call(
    app: ASGIApp, caller: str | None, path: str, body: bytes, length: str | None = None, method: str = "POST"
) -> Reply:
    """One request with any bytes; `caller` None is a call without a verified identity."""
    declared = length if length is not None else str(len(body))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-length", declared.encode())],
        "client": None,
        "server": None,
    }
    if caller is not None:
        scope[CALLER] = PartyName(caller)
    reply: dict[str, bytes | int] = {"status": 0, "media": b"", "body": b""}

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            reply["status"] = message["status"]
            reply["media"] = dict(message["headers"]).get(b"content-type", b"")
        else:
            reply["body"] = bytes(reply["body"]) + message.get("body", b"")  # type: ignore[arg-type]

    await app(scope, receive, send)
    media = bytes(reply["media"]).decode()  # type: ignore[arg-type]
    return Reply(int(reply["status"]), media.partition(";")[0], bytes(reply["body"]))  # type: ignore[arg-type]


@dataclass
class Away:
    """A party behind a proxy that answers for it with a page of its own: nothing reaches the party.

    `bodies` are the calls that came, as path and bytes.
    """

    bodies: list[tuple[str, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        self.bodies.append((scope["path"], body))
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": b"<h1>Service Unavailable</h1>"})


@contextmanager
def away(country: Country, party: str) -> Iterator[Away]:
    """The party answers nobody meanwhile."""
    with instead(country, party, Away()) as page:
        assert isinstance(page, Away)
        yield page


@contextmanager
def instead(country: Country, party: str, app: ASGIApp) -> Iterator[ASGIApp]:
    """Another application stands at the party's place meanwhile."""
    name = PartyName(party)
    own = country.apps[name]
    country.apps[name] = app
    try:
        yield app
    finally:
        country.apps[name] = own
