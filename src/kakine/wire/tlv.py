"""Tag, length, value as chips write them (BER-TLV, ISO/IEC 7816-4 section 5.2.2): definite lengths, shortest form."""

from __future__ import annotations

from collections.abc import Iterator

from kakine.values.problems import TlvMalformed


def tlv(tag: int, *parts: bytes) -> bytes:
    """One object; `tag` as a number, `0x5FC105` being three bytes. At most 65,535 bytes of value."""
    value = b"".join(parts)
    name = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    return name + _length(len(value)) + value


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes([count])
    if count < 0x100:
        return bytes([0x81, count])
    return b"\x82" + count.to_bytes(2, "big")


def objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, value) of objects that follow each other. Raises `TlvMalformed`: cut off, or a length not in its
    shortest form."""
    at = 0
    while at < len(data):
        tag, at = _tag(data, at)
        count, at = _count(data, at)
        if at + count > len(data):
            raise TlvMalformed()
        yield tag, data[at : at + count]
        at += count


def value(data: bytes, tag: int) -> bytes:
    """The value of the first object with this tag; `TlvMalformed` if there is none."""
    for found, content in objects(data):
        if found == tag:
            return content
    raise TlvMalformed()


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise TlvMalformed()
    return data[at]


def _tag(data: bytes, at: int) -> tuple[int, int]:
    tag = _byte(data, at)
    at += 1
    if tag & 0x1F != 0x1F:
        return tag, at
    for _ in range(2):
        tag = tag << 8 | (byte := _byte(data, at))
        at += 1
        if byte < 0x80:
            return tag, at
    raise TlvMalformed()


def _count(data: bytes, at: int) -> tuple[int, int]:
    first = _byte(data, at)
    at += 1
    if first < 0x80:
        return first, at
    width = first - 0x80
    if width not in (1, 2) or at + width > len(data):
        raise TlvMalformed()
    count = int.from_bytes(data[at : at + width], "big")
    if len(_length(count)) != width + 1:
        raise TlvMalformed()
    return count, at + width
