"""The receipt of one entry as a file: c2sp.org/tlog-proof@v1 with the entry as its extra data.

    c2sp.org/tlog-proof@v1 \\n extra <entry, base64> \\n index <decimal> \\n
    <hash, base64> \\n ...   the audit path of RFC 6962 section 2.1.1, leaf's sibling first
    \\n <checkpoint>

C2SP makes the extra line optional; a receipt needs it, for the entry stands nowhere else in the file.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from kakine.values.problems import ReceiptMalformed

HEADER = "c2sp.org/tlog-proof@v1"
MOST_BYTES = 1 << 18
SUFFIX = ".tlog-proof"

_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proof:
    """`entry` is to stand at `index` of the tree that `note`, a signed checkpoint kept as it came, heads.

    `path` holds hashes of 32 bytes. Nothing here says that any of it is true.
    """

    entry: bytes
    index: int
    path: Sequence[bytes]
    note: bytes

    def encode(self) -> bytes:
        """The file."""
        lines = [HEADER, f"extra {_text(self.entry)}", f"index {self.index}", *map(_text, self.path)]
        return "\n".join(lines).encode() + b"\n\n" + self.note

    @classmethod
    def decode(cls, data: bytes) -> Proof:
        """The receipt in `data`; `ReceiptMalformed` for any other form, with the part that is wrong.

        Looks at neither the entry's fields nor the checkpoint.
        """
        head, note = _halves(data)
        lines = head.split("\n")
        if lines[0] != HEADER:
            raise ReceiptMalformed(part="header")
        entry = _labelled(lines[1:2], "extra")
        index = _labelled(lines[2:3], "index")
        if not _INDEX.match(index) or int(index) >= 1 << 63:
            raise ReceiptMalformed(part="index")
        return cls(_data(entry, "extra"), int(index), tuple(_hash(line) for line in lines[3:]), note.encode())


def unbase64(text: str) -> bytes:
    """What canonical standard base64 (RFC 4648 section 4) stands for; raises `ValueError` for any other text.

    The library lets padding bits pass that are not zero, so the text is made again and compared.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as fault:
        raise ValueError("base64") from fault
    if _text(data) != text:
        raise ValueError("base64")
    return data


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _halves(data: bytes) -> tuple[str, str]:
    if len(data) > MOST_BYTES:
        raise ReceiptMalformed(part="length")
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        raise ReceiptMalformed(part="encoding") from fault
    head, blank, note = text.partition("\n\n")
    if not blank:
        raise ReceiptMalformed(part="form")
    return head, note


def _labelled(line: Sequence[str], label: str) -> str:
    if not line or not line[0].startswith(f"{label} "):
        raise ReceiptMalformed(part=label)
    return line[0].removeprefix(f"{label} ")


def _hash(line: str) -> bytes:
    found = _data(line, "hash")
    if len(found) != 32:
        raise ReceiptMalformed(part="hash")
    return found


def _data(text: str, part: str) -> bytes:
    try:
        return unbase64(text)
    except ValueError as fault:
        raise ReceiptMalformed(part=part) from fault
