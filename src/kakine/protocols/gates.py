"""The double gate (spec/lcx.md section 8): what a receipt must show before a converter releases its share, and again
before the recipient opens anything. Fail-closed, in a fixed order, pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from kakine.crypto.hashing import digest
from kakine.crypto.signing import VerifyKey
from kakine.values.problems import (
    BatchMalformed,
    HopMismatch,
    OutsideWindow,
    ReceiptMismatch,
    SignatureInvalid,
)
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import LENGTH
from kakine.wire.filing import TAG, Filing, SignedFiling, filing_of, opened
from kakine.wire.request import NO_RECIPIENT, HopRecord, Kind, RecordPart, points_digest

WINDOW_MS = 120_000
"""How far a request's time may be from the clock of who checks it, and how old a receipt may be."""

NO_HOPS = digest("hops")
NO_LEGS = bytes(32)


def check_window(time_ms: int, now_ms: int) -> None:
    """Raise `OutsideWindow` unless |now - time| <= WINDOW_MS."""
    if abs(now_ms - time_ms) > WINDOW_MS:
        raise OutsideWindow()


def leg_count(kind: Kind, keepers: int) -> int:
    """How many legs a request has."""
    return keepers + (kind not in NO_RECIPIENT)


def check_tags(tags: bytes) -> None:
    """Raise `BatchMalformed` if a tag stands twice in a batch: what is filed under it, no log would take."""
    each = [tags[at : at + TAG] for at in range(0, len(tags), TAG)]
    if len(set(each)) != len(each):
        raise BatchMalformed()


def check_lengths(
    record: RecordPart, entries: bytes, tags: bytes, blinded: bytes, legs: Sequence[bytes]
) -> None:
    """Raise `BatchMalformed` unless vectors have the length the record part says, their digests are in it, and no tag
    stands twice."""
    check_tags(tags)
    if (
        len(entries) != record.count * LENGTH
        or len(tags) != record.count * TAG
        or len(blinded) != record.count * 32
        or len(legs) != leg_count(record.kind, len(record.to_keepers))
        or any(len(leg) != record.count * 32 for leg in legs)
        or points_digest(blinded) != record.blinded
        or digest("entries", entries) != record.entries
        or digest("tags", tags) != record.tags
    ):
        raise BatchMalformed()


def filed_legs(outs: Sequence[bytes]) -> bytes:
    """What a filing binds of the output legs, from their digests."""
    return digest("filed-legs", *outs)


def hops_digest(hops: Sequence[bytes]) -> bytes:
    """What a filing binds of the hop records."""
    return digest("hops", *hops)


def check_hops(
    hops: Sequence[tuple[bytes, bytes]],
    keys: Sequence[VerifyKey],
    request: bytes,
    blinded: bytes,
    outs: Sequence[bytes],
) -> list[HopRecord]:
    """The decoded hop records, if they are signed by `keys` in order, lead on every leg from H(Q) to `outs`, and are
    all for `request`. Point arguments are digests."""
    if len(hops) != len(keys):
        raise HopMismatch(hops=len(hops))
    before = (blinded,) * len(outs)
    records = []
    for position, ((data, signature), key) in enumerate(zip(hops, keys, strict=True), 1):
        key.verify(signature, "hop", data)
        hop = decode(data, HopRecord)
        if hop.request != request or hop.position != position or hop.ins != before:
            raise HopMismatch(position=position)
        if not len(hop.outs) == len(hop.factors) == len(outs):
            raise HopMismatch(position=position)
        before = hop.outs
        records.append(hop)
    if before != tuple(outs):
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


Keys = Callable[[str], VerifyKey]
"""The key a party signs with; raises for one that the law does not know."""


def check_filings(
    filings: Sequence[SignedFiling],
    keepers: Sequence[str],
    key_of: Keys,
    request: bytes,
    entries: bytes,
    tags: bytes,
    hops: Sequence[bytes],
) -> Filing:
    """The filing, if every record keeper of `keepers` (parties, in order) has signed one for exactly this request,
    these entries and these hop records. Raises `ReceiptMismatch`. They may differ in the minute alone."""
    if [each.party for each in filings] != list(keepers):
        raise ReceiptMismatch(what="keepers")
    expected = filing_of(
        request=request, points=bytes(32), entries=entries, tags=tags, hops=hops_digest(hops), minutes=0
    )
    found: list[Filing] = []
    for each in filings:
        try:
            filed = opened(each.filing, each.signature, key_of(each.party))
        except SignatureInvalid as fault:
            raise ReceiptMismatch(what="signature") from fault
        if replace(filed, points=expected.points, minutes=0) != expected:
            raise ReceiptMismatch(what="filing")
        if found and filed.points != found[0].points:
            raise ReceiptMismatch(what="filing")
        found.append(filed)
    return found[0]
