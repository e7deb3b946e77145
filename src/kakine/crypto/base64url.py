"""base64url without padding (RFC 7515 appendix C)."""

from __future__ import annotations

import binascii
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode

from kakine.values.problems import SignatureInvalid


def base64url(data: bytes) -> str:
    """Without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    """Raises `SignatureInvalid` for anything but what `base64url` writes."""
    try:
        data = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as fault:
        raise SignatureInvalid() from fault
    if base64url(data) != text:
        raise SignatureInvalid()
    return data


def from_base64url(text: str) -> bytes:
    """The bytes, from text that the caller has checked to be base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
