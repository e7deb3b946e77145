"""Whether a head is of now: who has signed it lately, and that nobody has seen a later one (spec/witness.md section 4).

A receipt proves for ever. That nothing newer is kept back from a reader is another claim, which needs a young head.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from kakine.crypto.merkle import verify_consistency
from kakine.protocols.witnessing import cosigners
from kakine.values.problems import ConsistencyInvalid, HeadForked, HeadStale, LogBehind, QuorumMissing
from kakine.wire.checkpoint import Checkpoint, origin_of
from kakine.wire.policy import Policy

FRESH_MS = 300_000
"""How old a cosignature may be that counts for a fresh view."""

AHEAD_MS = 60_000
"""How far ahead of the reader's clock. One that is dated later would look young for too long."""


def young(times: Mapping[str, int], now_ms: int, limit_ms: int = FRESH_MS) -> Collection[str]:
    """Those whose cosignature (name, seconds since 1970) is at most so old."""
    return [name for name, s in times.items() if now_ms - limit_ms <= s * 1000 <= now_ms + AHEAD_MS]


def check_fresh(note: bytes, policy: Policy, now_ms: int, limit_ms: int = FRESH_MS) -> None:
    """Raise `HeadStale`, with the age of the youngest cosignature in seconds, unless a quorum of the policy has signed
    this note lately. `note` must be a good note of its log. Raises `SignatureInvalid` for a wrong line."""
    times = cosigners(note, policy)
    try:
        policy.check_quorum(young(times, now_ms, limit_ms))
    except QuorumMissing as few:
        age = now_ms // 1000 - max(times.values(), default=0)
        raise HeadStale(log=origin_of(note), seconds=age) from few


def check_latest(origin: str, served: Checkpoint, seen: Iterable[Checkpoint]) -> None:
    """Raise `LogBehind` or `HeadForked` if somebody has seen a later head of the log, or another one of this size.

    The heads in `seen` must have been asked for before the one served, or an honest log would seem to be behind.
    """
    for each in seen:
        if each.size > served.size:
            raise LogBehind(log=origin, size=each.size)
        if each.size == served.size and each.root != served.root:
            raise HeadForked(log=origin, size=each.size)


def check_grown(origin: str, before: Checkpoint, served: Checkpoint, proof: Sequence[bytes]) -> None:
    """Raise `HeadForked` unless the log that was seen `before` is the beginning of the one `served`, as the consistency
    proof between their sizes shows. That it is not shorter is for `check_latest`."""
    try:
        verify_consistency(before.size, served.size, proof, before.root, served.root)
    except ConsistencyInvalid as fault:
        raise HeadForked(log=origin, size=before.size) from fault
