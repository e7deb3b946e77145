"""The 80 bytes of one ledger entry (spec/ledger.md section 3). Big-endian:

    0 version = 1 · 1 kind · 2..3 converter mask · 4..5 expiry, months since 2000-01 · 6..7 flags
    8..11 minutes since 1970 UTC · 12..15 sealed until, days since 1970 UTC · 16..47 commitment C
    48..79 payload digest D

These bytes are the leaf data of the tree. Nothing in them comes from an identifier or names an organisation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import STRICT, IntEnum, IntFlag

from kakine.values.problems import NotCanonical

LENGTH = 80
VERSION = 1
FOR_EVER = 0xFFFF
"""Expiry month of what nobody may forget."""
HEAD = slice(0, 16)
"""What stands before C, and all that can be malformed."""
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
    """Circumstances that anybody may count. `SEALED`: withheld from the person until a day (spec/seals.md)."""

    SEALED = 1
    BULK = 2
    EMERGENCY = 4
    SECOND_INSTANCE = 8


SEALABLE = frozenset({EntryKind.REQUEST, EntryKind.OUTCOME})
"""Kinds that may be withheld for a time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    `converters` is the bit mask of the converters that issued the token, `expiry_months` counts from 2000-01,
    `minutes` from 1970 UTC. `commitment` and `payload_digest` are 32 bytes each; that they fit any record is
    not checked here. `sealed_until` is the day (since 1970 UTC) until which the person is not shown the entry, and 0
    where it is not sealed.
    """

    kind: EntryKind
    converters: int
    expiry_months: int
    flags: EntryFlags
    minutes: int
    commitment: bytes
    payload_digest: bytes
    sealed_until: int = 0

    @property
    def is_answer(self) -> bool:
        """Whether an annotation is the commission's answer to an objection: no converter took part in it, so its mask
        is zero. An objection has the mask of all."""
        return self.kind is EntryKind.ANNOTATION and not self.converters

    def encode(self) -> bytes:
        """The 80 bytes. Raises `NotCanonical` if a field does not fit its place, or the seal not the rest."""
        if len(self.commitment) != 32 or len(self.payload_digest) != 32:
            raise NotCanonical(message="Entry")
        _check_seal(self)
        try:
            return _LAYOUT.pack(
                VERSION,
                self.kind,
                self.converters,
                self.expiry_months,
                self.flags,
                self.minutes,
                self.sealed_until,
                self.commitment,
                self.payload_digest,
            )
        except struct.error as fault:
            raise NotCanonical(message="Entry") from fault

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """The entry that `data` is.

        Raises `NotCanonical` for another length or version, an unknown kind or flag, or a seal without its flag, its
        day, or a kind that can be sealed. That the day is later than the entry, and lawful, is not checked.
        """
        if len(data) != LENGTH:
            raise NotCanonical(message="Entry")
        version, kind, converters, expiry, flags, minutes, until, commitment, payload = _LAYOUT.unpack(data)
        if version != VERSION:
            raise NotCanonical(message="Entry")
        try:
            read = cls(
                EntryKind(kind), converters, expiry, EntryFlags(flags), minutes, commitment, payload, until
            )
        except ValueError as fault:
            raise NotCanonical(message="Entry") from fault
        _check_seal(read)
        return read


def _check_seal(entry: Entry) -> None:
    """The flag stands exactly where there is a day, so that anybody can count and see what is overdue."""
    sealed = EntryFlags.SEALED in entry.flags
    if sealed != bool(entry.sealed_until) or (sealed and entry.kind not in SEALABLE):
        raise NotCanonical(message="Entry")


def unlike(entries: Iterable[bytes]) -> list[bytes]:
    """Of entries that differ in C and D alone, one: what `Entry.decode` says of it holds for each of them."""
    return list({each[HEAD]: each for each in entries}.values())


def split_entries(blob: bytes) -> list[bytes]:
    """The entries that stand one after another in `blob`, at least one. Their fields are not looked at."""
    if not blob or len(blob) % LENGTH:
        raise NotCanonical(message="entries")
    return [blob[at : at + LENGTH] for at in range(0, len(blob), LENGTH)]
