"""A browser without script at the pages of another process on this machine."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from login_site import Answer
from web.kit import Plain


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Pages are asked for over a socket."""


@dataclass
class SocketPlain(Plain):
    """As `Plain`; `origin` says the port, and the address is always 127.0.0.1."""

    app: Any = field(default=_nowhere, init=False)

    def __init__(self, origin: str, cookie: str = "") -> None:
        super().__init__(_nowhere, origin)
        self.cookie = cookie

    def _over(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", urlsplit(self.origin).port, timeout=60)
        try:
            line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {**headers, **({"content-length": str(len(body))} if body else {})}.items():
                line.putheader(name, value)
            line.endheaders(body or None)
            given = line.getresponse()
            told: dict[str, list[str]] = {}
            for name, value in given.getheaders():
                told.setdefault(name.lower(), []).append(value)
            return self._kept(Answer(given.status, told, given.read()))
        finally:
            line.close()

    def get(self, path: str, **headers: str) -> Answer:
        """A page."""
        return self._over("GET", path, self._headers(**headers))

    def post(self, to: str, fields: Any, **headers: str) -> Answer:
        """Any form, with the headers of a browser unless told otherwise; "" leaves one out."""
        told = {"origin": self.origin, "content-type": "application/x-www-form-urlencoded"} | headers
        sent = self._headers(**{name: value for name, value in told.items() if value})
        return self._over("POST", to, sent, urlencode(fields).encode())
