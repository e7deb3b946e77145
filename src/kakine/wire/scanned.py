"""Receipts and records on paper: a file as the text of a QR code, and back.

    KAKINE1/receipt letter or record letter/base45(zlib(file))

in capital letters and digits only (RFC 9285), so that a keyboard-like scanner of a library types it as it stands. What
is unpacked is the file byte for byte; whether it says the truth is found out by verifying that.
"""

from __future__ import annotations

import zlib
from enum import StrEnum

import base45  # type: ignore[import-untyped]

from kakine.values.problems import ScanUnreadable

_MARK = "KAKINE1"
_MOST = 1 << 18
"""Bytes of the longest file: no receipt or record is near it, and what unpacks to more is meant to do harm."""


class Scanned(StrEnum):
    """What the file is."""

    RECEIPT = "E"
    RECORD = "R"


def pack(kind: Scanned, data: bytes) -> str:
    """The text for the QR code."""
    return f"{_MARK}/{kind}/{base45.b45encode(zlib.compress(data, 9)).decode()}"


def is_scan(data: bytes) -> bool:
    """Whether a file holds such a text and is not the receipt or record itself."""
    return data.startswith(f"{_MARK}/".encode())


def unpack(text: str, kind: Scanned) -> bytes:
    """The file; blanks and line ends around the text do not matter. Raises `ScanUnreadable`."""
    head, _, body = text.strip().partition(f"/{kind}/")
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base45.b45decode(body), _MOST)
    except (ValueError, zlib.error) as fault:
        raise ScanUnreadable() from fault
    if head != _MARK or not unpacking.eof or unpacking.unused_data:
        raise ScanUnreadable()
    return data
