"""What a reader's browser sends where a log has shown two histories: the log's own signed heads (spec/browser.md).

JSON, since the same bytes are a file that people keep. There is no field for anything about the reader.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from kakine.values.problems import EvidenceMalformed
from kakine.wire.canonical import UNDECODABLE

FORMAT = "kakine-evidence/v1"
MOST_BYTES = 1 << 18
LABEL = "evidence-received"
"""Under which the commission signs what it has."""

Note = Annotated[str, Meta(max_length=1 << 16)]


class Accused(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One log: the head of before, the one served now and those that converters saw. What else is in the file serves
    whoever reads it, and is not looked at here."""

    log: Annotated[str, Meta(max_length=80)]
    problem: Annotated[str, Meta(max_length=40)]
    key: Annotated[str, Meta(max_length=200)]
    before: Note | None
    served: Note | None
    seen: Annotated[list[Note], Meta(max_length=8)]
    consistency: Annotated[list[Annotated[str, Meta(max_length=44)]], Meta(max_length=64)]


class BrowserEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All accused logs."""

    format: Annotated[str, Meta(max_length=40)]
    logs: Annotated[list[Accused], Meta(min_length=1, max_length=16)]


_decoder = msgspec.json.Decoder(BrowserEvidence)


def decode(data: bytes) -> BrowserEvidence:
    """Raises `EvidenceMalformed` for what has another form, or is too long."""
    if len(data) > MOST_BYTES:
        raise EvidenceMalformed(part="length")
    try:
        found = _decoder.decode(data)
    except UNDECODABLE as fault:
        raise EvidenceMalformed(part="form") from fault
    if found.format != FORMAT:
        raise EvidenceMalformed(part="format")
    return found
