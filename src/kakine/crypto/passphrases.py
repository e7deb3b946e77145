"""Passphrases at rest: scrypt (RFC 7914) with N = 2^15, r = 8, p = 1, some tenth of a second and 32 MiB a try."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

SALT = 16
"""Bytes of a salt."""
_MEMORY = 64 * 1024 * 1024


def passphrase_digest(passphrase: str, salt: bytes) -> bytes:
    """32 bytes. The text is taken in its form NFKC, so that it does not matter how a keyboard composes a sign."""
    text = unicodedata.normalize("NFKC", passphrase).encode()
    return hashlib.scrypt(text, salt=salt, n=1 << 15, r=8, p=1, maxmem=_MEMORY, dklen=32)


def same_passphrase(passphrase: str, salt: bytes, kept: bytes) -> bool:
    """Whether this is the passphrase; the comparison takes the same time wherever they differ."""
    return hmac.compare_digest(passphrase_digest(passphrase, salt), kept)
