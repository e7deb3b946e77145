"""One HTTP request to an application in this process: the same bytes as over a socket. Not for party calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. Header names are in lower case; each may stand several times."""

    status: int
    headers: Mapping[str, list[str]]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """What the address of a redirect carries; empty where there is none."""
        (address, *_) = self.headers.get("location") or [""]
        return dict(parse_qsl(urlsplit(address).query))


async def http(
    app: ASGIApp, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Ask. Redirects are not followed, cookies not kept."""
    parts = urlsplit(url)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme or "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": None,
        "server": None,
    }
    status, found, answer = 0, dict[str, list[str]](), b""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, answer
        if message["type"] == "http.response.start":
            status = message["status"]
            for name, value in message["headers"]:
                found.setdefault(name.decode(), []).append(value.decode())
        else:
            answer += message.get("body", b"")

    await app(scope, receive, send)
    return Answer(status, found, answer)
