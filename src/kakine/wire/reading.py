"""A whole reading of an own history in one message each way, as a browser asks and is answered (spec/browser.md).

Canonical MessagePack like all that is signed, so that a reader in another language has one form to take and refuses
every other. Nothing in it can be believed before it is verified (`protocols/reading.py`, static/history/history.js).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kakine.wire.canonical import Message
from kakine.wire.request import Digest, Name

Place = Annotated[int, Meta(ge=0, lt=1 << 53)]
"""An index of a log, a size, or a number of a blob: below 2^53, which every language counts without loss."""
Path = Annotated[tuple[Digest, ...], Meta(max_length=128)]
EntryBytes = Annotated[bytes, Meta(min_length=80, max_length=80)]

MEDIA = "application/vnd.kakine.history+msgpack"
MOST_ASKED = 1 << 16
"""Bytes of a `HistoryAsked`."""


class Remembered(Message, frozen=True):
    """A log, and the size of the head of it that the reader kept."""

    origin: Name
    size: Place


class HistoryAsked(Message, frozen=True):
    """The X25519 key of the reader's session, and what heads it has: proofs from these to those of now come along."""

    session: Digest
    since: Annotated[tuple[Remembered, ...], Meta(max_length=64)] = ()


class KeptRow(Message, frozen=True):
    """A row of one record keeper's list. `envelope` and `note` are numbers of blobs."""

    entry: EntryBytes
    envelope: Place
    index: Place
    proof: Path
    note: Place
    holds: tuple[Name, ...]


class Kept(Message, frozen=True):
    """One record keeper's list, as `contracts.converter.History`."""

    statement: bytes
    signature: bytes
    rows: tuple[KeptRow, ...]
    indexed: bytes


class ProvedRow(Message, frozen=True):
    """A fresh range proof of a row under the note with this number."""

    proof: Path
    note: Place


class LogNow(Message, frozen=True):
    """One log as it is served now: its present checkpoint, the largest one that met the policy (empty if none did), the
    last head of it that each converter has seen, and the consistency proof from the size that the reader remembers.

    `unasked` says that the log or a converter did not answer, `served` is empty where the log did not.
    """

    origin: Name
    served: bytes
    witnessed: bytes
    seen: tuple[bytes, ...]
    since: Path
    unasked: bool


class TrustedKeeper(Message, frozen=True):
    """A record keeper by its party, and the key it signs with."""

    keeper: Name
    key: Digest


class TrustedLog(Message, frozen=True):
    """A log, its key, and its last checkpoint once it has ended (empty before). `dead`: not all of it may be
    readable."""

    origin: Name
    key: Digest
    final: bytes
    dead: bool


class TrustedCommission(Message, frozen=True):
    """The key that the commission signs answers with, and the one that objections are sealed to."""

    key: Digest
    seal: Digest


class Trust(Message, frozen=True):
    """Whose signatures a reader believes: record keepers and logs as the gazette has them, the policy of witnesses
    (c2sp.org/tlog-policy), and the commission, which answers objections."""

    keepers: Annotated[tuple[TrustedKeeper, ...], Meta(min_length=1, max_length=8)]
    logs: Annotated[tuple[TrustedLog, ...], Meta(min_length=1, max_length=1024)]
    policy: bytes
    commission: TrustedCommission


class HistoryGiven(Message, frozen=True):
    """The answer. `request` is hR of the reading, `blobs` envelopes and notes, each once; `proved` one for each place
    of the lists in the order of first appearance; `shares` what each converter sealed to the session, in chain order;
    `trust` an encoded `Trust`."""

    request: Digest
    blobs: tuple[bytes, ...]
    lists: tuple[Kept, ...]
    shares: tuple[bytes, ...]
    proved: tuple[ProvedRow, ...]
    logs: tuple[LogNow, ...]
    trust: bytes
