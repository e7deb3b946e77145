"""Hashing with labels (spec/lcx.md section 2).

`H(label, p1, ...) = SHA-256("LCX-v1/" ‖ len8(label) ‖ label ‖ len32(p1) ‖ p1 ‖ ...)`, lengths big-endian: no two
different argument lists give the same input, so nothing signed or hashed for one purpose fits another.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = b"LCX-v1/"


def digest(label: str, *parts: bytes) -> bytes:
    """32 bytes, H(label, parts...)."""
    name = label.encode("ascii")
    state = hashlib.sha256(PREFIX + bytes([len(name)]) + name)
    for part in parts:
        state.update(len(part).to_bytes(4, "big"))
        state.update(part)
    return state.digest()


def framed(label: str, *parts: bytes) -> bytes:
    """The input of `digest` as bytes, for MACs and key derivation contexts."""
    name = label.encode("ascii")
    out = [PREFIX, bytes([len(name)]), name]
    for part in parts:
        out += [len(part).to_bytes(4, "big"), part]
    return b"".join(out)


def mac(key: bytes, label: str, *parts: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) of the framed parts, 32 bytes."""
    return hmac.digest(key, framed(label, *parts), "sha256")


def derive(key: bytes, label: str, *parts: bytes, length: int = 32) -> bytes:
    """HKDF-SHA-256 (RFC 5869) with an empty salt and the framed parts as info.

    `key` must have at least 128 bits of entropy; that is not checked.
    """
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=framed(label, *parts)).derive(key)


def stretch(key: bytes, label: str, *parts: bytes, length: int) -> bytes:
    """SHAKE-256 (FIPS 202) of the key, which must be 32 uniform bytes, and the framed parts: `length` bytes.

    One call gives all small keys of one person's record. A sponge keyed by a fixed-length prefix is a PRF without the
    nesting that HMAC needs; that the key is uniform is not checked.
    """
    return hashlib.shake_256(key + framed(label, *parts)).digest(length)
