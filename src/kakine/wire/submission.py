"""What a log sends to a witness: the body of `add-checkpoint`, c2sp.org/tlog-witness.

    old <size, decimal> \\n <hash, base64> \\n ... \\n <checkpoint>

At most 63 hashes: the RFC 9162 consistency proof from the old size to the checkpoint's.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from kakine.values.problems import SubmissionMalformed
from kakine.wire import checkpoint
from kakine.wire.proof import unbase64

MOST_HASHES = 63
MOST_BYTES = checkpoint.MOST_BYTES + 4096

SIZE_MEDIA = "text/x.tlog.size"
"""Media type of the answer that names the size a witness has: decimal, and a newline."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})\Z", re.ASCII)
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n\Z")


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint (`note`, kept as it came) that is to extend the tree of `old` leaves. Nothing says that it does."""

    old: int
    proof: Sequence[bytes]
    note: bytes

    def encode(self) -> bytes:
        """The body."""
        lines = [f"old {self.old}", *(b64encode(each).decode() for each in self.proof)]
        return "\n".join(lines).encode() + b"\n\n" + self.note

    @classmethod
    def decode(cls, data: bytes) -> Submission:
        """The request in `data`; `SubmissionMalformed`, with the part that is wrong, for any other form. The
        checkpoint is not looked at."""
        if len(data) > MOST_BYTES:
            raise SubmissionMalformed(part="length")
        head, blank, note = data.partition(b"\n\n")
        try:
            first, *hashes = head.decode("ascii").split("\n")
        except UnicodeDecodeError as fault:
            raise SubmissionMalformed(part="encoding") from fault
        old = _OLD.match(first)
        if not blank or old is None or int(old[1]) >= 1 << 63:
            raise SubmissionMalformed(part="old")
        if len(hashes) > MOST_HASHES:
            raise SubmissionMalformed(part="hashes")
        return cls(int(old[1]), tuple(map(_hash, hashes)), note)


def _hash(line: str) -> bytes:
    try:
        found = unbase64(line)
    except ValueError as fault:
        raise SubmissionMalformed(part="hash") from fault
    if len(found) != 32:
        raise SubmissionMalformed(part="hash")
    return found


def encode_size(size: int) -> bytes:
    """The body of a 409."""
    return b"%d\n" % size


def decode_size(data: bytes) -> int:
    """The size in the body of a 409. Raises `SubmissionMalformed`."""
    found = _SIZE.match(data)
    if found is None:
        raise SubmissionMalformed(part="size")
    return int(found[1])
