"""The 80 bytes of one ledger entry (spec/ledger.md section 3). Big-endian:

    0 version = 1 · 1 kind · 2..3 converter mask · 4..5 expiry, months since 2000-01 · 6..7 flags
    8..11 minutes since 1970 UTC · 12..15 zero · 16..47 commitment C · 48..79 payload digest D

These bytes are the leaf data of the tree. Nothing in them comes from an identifier or names an organisation.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import STRICT, IntEnum, IntFlag

from kakine.values.problems import NotCanonical

LENGTH = 80
VERSION = 1
FOR_EVER = 0xFFFF
"""Expiry month of what nobody may forget."""
COMMITMENT = slice(16, 48)
"""Where C stands."""
PAYLOAD = slice(48, 80)
"""Where D stands."""

_LAYOUT = struct.Struct(">BBHHHII32s32s")


class EntryKind(IntEnum):
    """What happened. Who may file which kind is the ledger's rule, not the format's."""

    REQUEST = 1
    OUTCOME = 2
    GOVERNANCE = 3
    ERASURE = 4
    INDEX_ROOT = 5
    UNSEAL = 6
    ANNOTATION = 7
    VIEWED = 8
    HEARTBEAT = 9
    STATEMENT = 10


class EntryFlags(IntFlag, boundary=STRICT):
    """Circumstances that anybody may count."""

    SEALED = 1
    BULK = 2
    EMERGENCY = 4
    SECOND_INSTANCE = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    `converters` is the bit mask of the converters that issued the token, `expiry_months` counts from 2000-01,
    `minutes` from 1970 UTC. `commitment` and `payload_digest` are 32 bytes each; that they fit any record is
    not checked here.
    """

    kind: EntryKind
    converters: int
    expiry_months: int
    flags: EntryFlags
    minutes: int
    commitment: bytes
    payload_digest: bytes

    @property
    def is_answer(self) -> bool:
        """Whether an annotation is the commission's answer to an objection: no converter took part in it, so its mask
        is zero. An objection has the mask of all."""
        return self.kind is EntryKind.ANNOTATION and not self.converters

    def encode(self) -> bytes:
        """The 80 bytes. Raises `NotCanonical` if a field does not fit its place."""
        if len(self.commitment) != 32 or len(self.payload_digest) != 32:
            raise NotCanonical(message="Entry")
        try:
            return _LAYOUT.pack(
                VERSION,
                self.kind,
                self.converters,
                self.expiry_months,
                self.flags,
                self.minutes,
                0,
                self.commitment,
                self.payload_digest,
            )
        except struct.error as fault:
            raise NotCanonical(message="Entry") from fault

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """The entry that `data` is.

        Raises `NotCanonical` for another length or version, an unknown kind or flag, or a zero field that is
        not.
        """
        if len(data) != LENGTH:
            raise NotCanonical(message="Entry")
        version, kind, converters, expiry, flags, minutes, zero, commitment, payload = _LAYOUT.unpack(data)
        if version != VERSION or zero:
            raise NotCanonical(message="Entry")
        try:
            return cls(EntryKind(kind), converters, expiry, EntryFlags(flags), minutes, commitment, payload)
        except ValueError as fault:
            raise NotCanonical(message="Entry") from fault


def split_entries(blob: bytes) -> list[bytes]:
    """The entries that stand one after another in `blob`, at least one. Their fields are not looked at."""
    if not blob or len(blob) % LENGTH:
        raise NotCanonical(message="entries")
    return [blob[at : at + LENGTH] for at in range(0, len(blob), LENGTH)]
