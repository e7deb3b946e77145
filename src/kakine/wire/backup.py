"""What a party says of a backup of its own: the last thing in the file, signed (docs/operators-guide.md)."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from msgspec import Meta

from kakine.wire.canonical import Message
from kakine.wire.request import Digest, Name

LABEL = "backup"
_NAME = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
PATH = rf"\A({_NAME}/){{0,4}}{_NAME}\Z"
"""Plain names, in at most four folders; the stream takes a hundred bytes in all."""
MOST_FILES = 10_000


class Part(IntEnum):
    """What is in a backup: all but the keys, or the keys alone."""

    STORE = 1
    KEYS = 2


class Member(Message, frozen=True):
    """A file by its path in the party's folder; SHA-256 over its bytes."""

    path: Annotated[str, Meta(pattern=PATH)]
    size: Annotated[int, Meta(ge=0, lt=1 << 50)]
    digest: Digest


class Manifest(Message, frozen=True):
    """All files in their order. `taken_ms` is when the snapshot began, milliseconds since 1970 UTC."""

    party: Name
    kind: Name
    part: Part
    taken_ms: Annotated[int, Meta(ge=0, lt=1 << 62)]
    members: Annotated[tuple[Member, ...], Meta(min_length=1, max_length=MOST_FILES)]
