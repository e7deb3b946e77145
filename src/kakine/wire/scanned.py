"""Receipts, records and signed pages on paper: a file as the text of QR codes, and back.

    KAKINE1/letter/base45(zlib(file))                         a receipt (E) or a record (R), in one code
    KAKINE1/P/number/of/mark/part of base45(zlib(file))       a signed page, in as many codes as it takes

in capital letters and digits only (RFC 9285), so that a keyboard-like scanner of a library types it as it stands. The
mark is the same in all codes of one page. What is unpacked is the file byte for byte; whether it says the truth is
found out by verifying that.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import base45  # type: ignore[import-untyped]

from kakine.values.problems import ScanUnreadable

_MARK = "KAKINE1"
_MOST = 1 << 18
"""Bytes of the longest file: no receipt or record is near it, and what unpacks to more is meant to do harm."""
MOST_TEXT = 1 << 20
"""Signs of the longest text with codes."""
_PART = 1152
"""Signs of a page in one code. A multiple of three, so that no part ends in a blank, which a scanner may lose."""
_MOST_PARTS = 64
_PIECE = re.compile(r"([1-9][0-9]?)/([1-9][0-9]?)/([0-9A-F]{16})/(.+)", re.DOTALL)
_BEGINS = re.compile(r"(?=KAKINE1/[ERP]/)")


class Scanned(StrEnum):
    """What the file is."""

    RECEIPT = "E"
    RECORD = "R"
    PAGE = "P"


@dataclass(frozen=True)
class Scans:
    """What some codes hold together: a receipt, a record, or both of one line; or a page."""

    receipt: bytes | None = None
    record: bytes | None = None
    page: bytes | None = None


def pack(kind: Scanned, data: bytes) -> str:
    """The text for the QR code of a receipt or a record."""
    return f"{_MARK}/{kind}/{_body(data)}"


def pack_page(data: bytes) -> list[str]:
    """The texts for the QR codes of a page. Raises `ScanUnreadable` for one that needs more than 64."""
    body = _body(data)
    parts = [body[at : at + _PART] for at in range(0, len(body), _PART)]
    if len(parts) > _MOST_PARTS:
        raise ScanUnreadable(part="length")
    mark = _mark(data)
    return [f"{_MARK}/{Scanned.PAGE}/{j}/{len(parts)}/{mark}/{part}" for j, part in enumerate(parts, 1)]


def is_scan(data: bytes) -> bool:
    """Whether a file holds such texts and is not the receipt, record or page itself."""
    return data.lstrip().startswith(f"{_MARK}/".encode())


def unpack(text: str, kind: Scanned) -> bytes:
    """The file of a receipt or record; blanks and line ends around the text do not matter. Raises `ScanUnreadable`."""
    head, _, body = text.strip().partition(f"/{kind}/")
    if head != _MARK:
        raise ScanUnreadable()
    return _file(body)


def read_scans(text: str) -> Scans:
    """What the codes in a text hold, one after another in any order, the same code as often as it was read.

    Raises `ScanUnreadable`: with part `mixed` for codes that are not of one receipt, one record or one page, with part
    `missing` for a page of which a code is not there.
    """
    if len(text) > MOST_TEXT:
        raise ScanUnreadable(part="length")
    found: dict[Scanned, set[str]] = {kind: set() for kind in Scanned}
    for each in _texts(text):
        kind = next((kind for kind in Scanned if each.startswith(f"{_MARK}/{kind}/")), None)
        if kind is None:
            raise ScanUnreadable()
        found[kind].add(each)
    receipts, records, pages = (found[kind] for kind in Scanned)
    if len(receipts) > 1 or len(records) > 1 or (pages and (receipts or records)):
        raise ScanUnreadable(part="mixed")
    if not (receipts or records or pages):
        raise ScanUnreadable()
    return Scans(
        unpack(receipts.pop(), Scanned.RECEIPT) if receipts else None,
        unpack(records.pop(), Scanned.RECORD) if records else None,
        _page(pages) if pages else None,
    )


def _texts(text: str) -> Iterator[str]:
    for line in re.split(r"[\r\n]+", text):
        yield from (each.strip() for each in _BEGINS.split(line) if each.strip())


def _page(texts: set[str]) -> bytes:
    pieces = [_PIECE.fullmatch(each.removeprefix(f"{_MARK}/{Scanned.PAGE}/")) for each in texts]
    parts: dict[int, str] = {}
    sets = set[tuple[str, str]]()
    for piece in pieces:
        if piece is None:
            raise ScanUnreadable()
        parts[int(piece[1])] = piece[4]
        sets.add((piece[2], piece[3]))
    if len(sets) != 1 or len(parts) != len(pieces):
        raise ScanUnreadable(part="mixed")
    ((of, mark),) = sets
    if set(parts) != set(range(1, int(of) + 1)):
        raise ScanUnreadable(part="missing")
    data = _file("".join(parts[j] for j in sorted(parts)))
    if _mark(data) != mark:
        raise ScanUnreadable(part="mixed")
    return data


def _mark(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16].upper()


def _body(data: bytes) -> str:
    return str(base45.b45encode(zlib.compress(data, 9)).decode())


def _file(body: str) -> bytes:
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base45.b45decode(body), _MOST)
    except (ValueError, zlib.error) as fault:
        raise ScanUnreadable() from fault
    if not unpacking.eof or unpacking.unused_data:
        raise ScanUnreadable()
    return data
