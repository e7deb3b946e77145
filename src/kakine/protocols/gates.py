"""The double gate (spec/lcx.md section 8): what a receipt must show before a converter releases its share, and again
before the recipient opens anything. Fail-closed, in a fixed order, pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from kakine.crypto.hashing import digest
from kakine.crypto.signing import VerifyKey
from kakine.protocols.records import ENTRY, TAG
from kakine.values.problems import (
    BatchMalformed,
    HopMismatch,
    OutsideWindow,
    ReceiptMismatch,
    SignatureInvalid,
)
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.filing import Filing
from kakine.wire.request import ONE_LEG, HopRecord, Kind, RecordPart, points_digest

WINDOW_MS = 120_000
"""How far a request's time may be from the clock of who checks it, and how old a receipt may be."""

NO_HOPS = digest("hops")
NO_POINTS = bytes(32)


def check_window(time_ms: int, now_ms: int) -> None:
    """Raise `OutsideWindow` unless |now - time| <= WINDOW_MS."""
    if abs(now_ms - time_ms) > WINDOW_MS:
        raise OutsideWindow()


def check_lengths(
    record: RecordPart,
    entries: bytes,
    tags: bytes,
    blinded: bytes,
    legs: Sequence[bytes],
    to_keeper: bytes,
) -> None:
    """Raise `BatchMalformed` unless vectors have the length the record part says and their digests are in it."""
    expected = 0 if record.kind is Kind.READ else record.count
    first, second = legs
    if (
        len(entries) != expected * ENTRY
        or len(tags) != expected * TAG
        or len(blinded) != record.count * 32
        or len(second) != record.count * 32
        or len(first) != (0 if record.kind in ONE_LEG else record.count * 32)
        or points_digest(blinded) != record.blinded
        or digest("entries", entries) != record.entries
        or digest("tags", tags) != record.tags
        or digest("sealed", to_keeper) != record.to_keeper
    ):
        raise BatchMalformed()


def filed_points(recipient_leg: bytes, keeper_leg: bytes) -> bytes:
    """What a filing binds of the two output legs, from their digests."""
    return digest("filed-points", recipient_leg, keeper_leg)


def hops_digest(hops: Sequence[bytes]) -> bytes:
    """What a filing binds of the hop records."""
    return digest("hops", *hops)


def check_hops(
    hops: Sequence[tuple[bytes, bytes]],
    keys: Sequence[VerifyKey],
    request: bytes,
    blinded: bytes,
    recipient_out: bytes,
    keeper_out: bytes,
) -> list[HopRecord]:
    """The decoded hop records, if they are signed by `keys` in order, link up from H(Q) to both outputs, and are all
    for `request`. Point arguments are digests; an absent leg has the digest of no points."""
    if len(hops) != len(keys):
        raise HopMismatch(hops=len(hops))
    no_points = points_digest(b"")
    before = (blinded if recipient_out != no_points else no_points, blinded)
    records = []
    for position, ((data, signature), key) in enumerate(zip(hops, keys, strict=True), 1):
        key.verify(signature, "hop", data)
        hop = decode(data, HopRecord)
        if hop.request != request or hop.position != position or (hop.recipient_in, hop.keeper_in) != before:
            raise HopMismatch(position=position)
        before = (hop.recipient_out, hop.keeper_out)
        records.append(hop)
    if before != (recipient_out, keeper_out):
        raise HopMismatch()
    return records


def head_parts(origin: str, head: Checkpoint) -> tuple[bytes, ...]:
    """What a converter signs of a head (label "head"): it is on the one history of this log that it has seen.

    No C2SP cosignature: that would also say that the head is the largest, which one of many receipts need not have.
    """
    return origin.encode(), head.size.to_bytes(8, "big"), head.root


def check_heads(
    origin: str, head: Checkpoint, statements: Sequence[bytes], keys: Sequence[VerifyKey]
) -> None:
    """Raise `ReceiptMismatch` unless each key signed, in order, that it has seen this head on one history."""
    if len(statements) != len(keys):
        raise ReceiptMismatch(what="head")
    for position, (key, statement) in enumerate(zip(keys, statements, strict=True), 1):
        try:
            key.verify(statement, "head", *head_parts(origin, head))
        except SignatureInvalid as fault:
            raise ReceiptMismatch(what="head", position=position) from fault


def check_filing(
    filing: bytes,
    signature: bytes,
    keeper: VerifyKey,
    request: bytes,
    entries: bytes,
    tags: bytes,
    hops: Sequence[bytes],
) -> Filing:
    """The filing, if the record keeper signed it for exactly this request, these entries and these hop records."""
    try:
        keeper.verify(signature, "filing", filing)
    except SignatureInvalid as fault:
        raise ReceiptMismatch(what="signature") from fault
    filed = decode(filing, Filing)
    if (
        filed.request != request
        or filed.count != len(entries) // ENTRY
        or filed.entries != digest("entries", entries)
        or filed.tags != digest("tags", tags)
        or filed.hops != hops_digest(hops)
    ):
        raise ReceiptMismatch(what="filing")
    return filed
