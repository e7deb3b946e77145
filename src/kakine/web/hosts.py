"""Several sites behind one socket, or behind several: which is meant, the host in the address says."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send


def by_host(sites: Mapping[str, ASGIApp]) -> ASGIApp:
    """The sites by their origins (scheme, host, port). A host that none has goes to the first, which refuses it with
    the headers of every page (`web.site.Guard`)."""
    apps = {urlsplit(origin).netloc.encode(): app for origin, app in sites.items()}
    first = next(iter(apps.values()))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        named = [value for name, value in scope["headers"] if name == b"host"]
        app = apps.get(named[0], first) if len(named) == 1 else first
        await app(scope, receive, send)

    return serve
