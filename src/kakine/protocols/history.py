"""A person's history: opened with the session key, every entry verified (spec/lcx.md section 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, open_sealed
from kakine.crypto.signing import VerifyKey
from kakine.protocols.heads import Heads
from kakine.protocols.logs import LogKeys
from kakine.values.problems import HistoryIncomplete
from kakine.wire.canonical import decode
from kakine.wire.entry import Entry
from kakine.wire.envelope import Envelope
from kakine.wire.history import GENESIS, Statement, chained
from kakine.wire.record import OutcomeRecord, RequestRecord


@dataclass(frozen=True)
class SealedRow:
    """One row as it comes: log entry (80 bytes), envelope, and the entry's own inclusion proof."""

    entry: bytes
    envelope: bytes
    index: int
    proof: Sequence[bytes]
    checkpoint: bytes


@dataclass(frozen=True)
class OpenedRow:
    """One verified row: its place in the log, what happened when, and the record the person may read."""

    index: int
    entry: Entry
    record: RequestRecord | OutcomeRecord


@dataclass(frozen=True)
class Line:
    """A request with its outcome: one line a person understands. `outcome` is None while delivery is not confirmed."""

    request: OpenedRow
    outcome: OpenedRow | None


@dataclass(frozen=True)
class Keys:
    """Whose signatures the reader believes, from the gazette."""

    keeper: VerifyKey
    logs: LogKeys


def open_history(
    request: bytes,
    statement: bytes,
    signature: bytes,
    rows: Sequence[SealedRow],
    shares: Sequence[bytes],
    session: OpenKey,
    keys: Keys,
    before: Statement | None = None,
) -> list[OpenedRow]:
    """Every row, opened and verified, or a problem: nothing is shown that does not verify.

    `request` is hR of the reading, `shares` what each converter sealed to the session, in chain order, `before` the
    statement of an earlier visit, if the person kept it: a list may only grow. Raises `HistoryIncomplete` when count or
    head differ, and the problem of the first proof or seal that does not hold.

    Does not show that the record keeper wrote every row down: that needs the second record keeper and the public
    index, which are not built yet.
    """
    keys.keeper.verify(signature, "history", statement)
    said = decode(statement, Statement)
    _check_complete(request, said, rows, before)
    opened = [
        open_sealed(session, digest("shares", request, bytes([i + 1])), sealed)
        for i, sealed in enumerate(shares)
    ]
    if any(len(part) != 32 * len(rows) for part in opened):
        raise HistoryIncomplete(what="shares")
    heads = Heads()
    return [
        _opened(row, [part[32 * j : 32 * j + 32] for part in opened], heads, keys.logs)
        for j, row in enumerate(rows)
    ]


def _check_complete(
    request: bytes, said: Statement, rows: Sequence[SealedRow], before: Statement | None
) -> None:
    head, passed = GENESIS, before is None or before.count == 0
    for number, row in enumerate(rows, 1):
        head = chained(head, row.entry)
        if before is not None and number == before.count:
            passed = head == before.head
    if said.request != request or said.count != len(rows) or said.head != head:
        raise HistoryIncomplete(what="count")
    if not passed:
        raise HistoryIncomplete(what="earlier rows")


def _opened(row: SealedRow, shares: Sequence[bytes], heads: Heads, logs: LogKeys) -> OpenedRow:
    heads.verify(row.index, row.proof, row.checkpoint, row.entry, logs)
    entry, envelope = Entry.decode(row.entry), Envelope.parse(row.envelope)
    if envelope.digest != entry.payload_digest:
        raise HistoryIncomplete(what="envelope")
    return OpenedRow(row.index, entry, envelope.open(shares, entry.commitment))


def lines(rows: Sequence[OpenedRow]) -> list[Line]:
    """Requests in order, each with its outcome where there is one."""
    outcomes = {
        (row.record.personal.xid, row.record.personal.index): row
        for row in rows
        if isinstance(row.record, OutcomeRecord)
    }
    return [
        Line(row, outcomes.get((row.record.personal.xid, row.index)))
        for row in rows
        if isinstance(row.record, RequestRecord)
    ]
