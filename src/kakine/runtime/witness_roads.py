"""Ways to a witness: over HTTP, and in one process over ASGI with the same bytes."""

from __future__ import annotations

import aiohttp
from starlette.types import ASGIApp, Message

from kakine.runtime.witness import ADD
from kakine.values.problems import PartyUnavailable

_MOST = 1 << 16
_SECONDS = 10


class HttpRoad:
    """A witness at a submission prefix (`https://witness.example/w1`). Redirects are not followed.

    The caller opens and closes the session, which keeps connections.
    """

    def __init__(self, session: aiohttp.ClientSession, prefix: str) -> None:
        self._session = session
        self._url = prefix.rstrip("/") + ADD

    async def add_checkpoint(self, body: bytes) -> tuple[int, str, bytes]:
        """One call, at most 10 s. Raises `PartyUnavailable` for no answer and for one over 64 KiB."""
        limit = aiohttp.ClientTimeout(total=_SECONDS)
        try:
            async with self._session.post(
                self._url, data=body, timeout=limit, allow_redirects=False
            ) as answer:
                given = await answer.content.read(_MOST + 1)
                while len(given) <= _MOST and (more := await answer.content.read(_MOST)):
                    given += more
        except (TimeoutError, aiohttp.ClientError) as fault:
            raise PartyUnavailable() from fault
        if len(given) > _MOST:
            raise PartyUnavailable()
        return answer.status, answer.content_type, given


class InProcessRoad:
    """A witness in this process."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def add_checkpoint(self, body: bytes) -> tuple[int, str, bytes]:
        """One call."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "https",
            "path": ADD,
            "raw_path": ADD.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"content-length", b"%d" % len(body))],
            "client": None,
            "server": None,
        }
        answer: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, send)
        start, *rest = answer
        media = dict(start["headers"]).get(b"content-type", b"").decode().partition(";")[0]
        return start["status"], media, b"".join(each.get("body", b"") for each in rest)
