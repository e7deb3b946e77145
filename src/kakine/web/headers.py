"""What every answer of a site carries: nothing from elsewhere, nothing in a frame, nothing kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import MutableHeaders

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
FOREVER: Final = "public, max-age=31536000, immutable"
"""For what has its content in its address."""


def policy(connect: Sequence[str] = (), then: Sequence[str] = ()) -> str:
    """The content security policy (CSP level 3): our own files, no inline script or style. `connect` are further
    origins that a script may call, `then` those to which a form may lead in the end."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            " ".join(["connect-src 'self'", *connect]),
            " ".join(["form-action 'self'", *then]),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


def secure(headers: MutableHeaders, *, tls: bool) -> None:
    """Add what an answer lacks."""
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", policy())
    if tls:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
