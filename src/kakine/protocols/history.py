"""A person's history: opened with the session key, every entry verified (spec/lcx.md section 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, open_sealed
from kakine.crypto.signing import VerifyKey
from kakine.protocols.erasure import ERASED
from kakine.protocols.heads import Heads
from kakine.protocols.logs import LogKeys
from kakine.values.calendar import has_expired
from kakine.values.problems import HistoryIncomplete
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import origin_of
from kakine.wire.entry import Entry
from kakine.wire.envelope import Envelope
from kakine.wire.history import GENESIS, Statement, chained
from kakine.wire.record import OutcomeRecord, RequestRecord
from kakine.wire.request import Place


@dataclass(frozen=True)
class SealedRow:
    """One row as it comes: log entry (80 bytes), envelope (empty once erased), the entry's own inclusion proof, and the
    codes of the reasons for which it is held."""

    entry: bytes
    envelope: bytes
    index: int
    proof: Sequence[bytes]
    checkpoint: bytes
    holds: Sequence[str] = ()


class AnyRow(Protocol):
    """A row of a list, sealed."""

    @property
    def entry(self) -> bytes:
        """80 bytes."""

    @property
    def envelope(self) -> bytes:
        """Empty once erased."""


Row = TypeVar("Row", bound=AnyRow)


@dataclass(frozen=True)
class OpenedRow:
    """One verified row: its log and its place there, what happened when, and the record the person may read."""

    origin: str
    index: int
    entry: Entry
    record: RequestRecord | OutcomeRecord


@dataclass(frozen=True)
class ErasedRow:
    """A row whose record went with its month: its log and place, and the entry, still proved to stand there."""

    origin: str
    index: int
    entry: Entry


@dataclass(frozen=True)
class Line:
    """A request with its outcome: one line a person understands. `outcome` is None while delivery is not confirmed."""

    request: OpenedRow
    outcome: OpenedRow | None


@dataclass(frozen=True)
class Keys:
    """Whose signatures the reader believes, from the gazette: of the record keepers by party, and of the ledger."""

    keepers: Mapping[str, VerifyKey]
    logs: LogKeys


@dataclass(frozen=True)
class KeptList:
    """What one record keeper gave: its signed statement and the rows that it counts."""

    statement: bytes
    signature: bytes
    rows: Sequence[SealedRow]


@dataclass(frozen=True)
class Opened:
    """Every verified row that any record keeper has, as they stand in the log; by party the log indices that the others
    have and this one does not, or has no record of before its time; what was erased on schedule; and by log and index
    the codes of the reasons for which a record is held beyond its time, as the record keepers say."""

    rows: Sequence[OpenedRow]
    hidden: Mapping[str, Sequence[int]]
    erased: Sequence[ErasedRow] = ()
    held: Mapping[Place, Sequence[str]] = field(default_factory=dict)

    def require_agreed(self) -> None:
        """Raise `HistoryIncomplete` where a record keeper left out a row that another has."""
        for keeper, places in self.hidden.items():
            raise HistoryIncomplete(what="hidden", keeper=keeper, indexes=list(places))


def open_history(
    request: bytes,
    lists: Sequence[KeptList],
    shares: Sequence[bytes],
    session: OpenKey,
    keys: Keys,
    before: Mapping[str, Statement] | None = None,
    now_ms: int = 0,
) -> Opened:
    """All rows of a reading, each of them opened, verified against the log, and counted by who has it.

    A row may come without its record once its month of expiry is over at `now_ms`; without a time, none may.

    `request` is hR of the reading, `shares` what each converter sealed to the session, in chain order: of every entry
    in any list, each once, in the order of first appearance. `before` are the statements of an earlier visit by party,
    if the person kept them: a list may only grow. Raises `HistoryIncomplete` when a list is missing, or its count or
    head differ, and the problem of the first proof or seal that does not hold. What only some have is shown and named.

    Does not show that a row all record keepers left out exists: the public index does.
    """
    said = [_stated(each, keys) for each in lists]
    if sorted(each.keeper for each in said) != sorted(keys.keepers):
        raise HistoryIncomplete(what="keepers")
    for each, given in zip(said, lists, strict=True):
        _check_complete(request, each, given.rows, (before or {}).get(each.keeper))
    union = union_of([given.rows for given in lists])
    parts = [
        open_sealed(session, digest("shares", request, bytes([i + 1])), sealed)
        for i, sealed in enumerate(shares)
    ]
    if any(len(part) != 32 * len(union) for part in parts):
        raise HistoryIncomplete(what="shares")
    heads = Heads()
    own = {entry: [part[32 * j : 32 * j + 32] for part in parts] for j, entry in enumerate(union)}
    # A lost answer can make one entry stand in two logs: it is shown in both places.
    places = {(row.entry, row.checkpoint, row.index): row for given in lists for row in given.rows}
    seen = dict[Place, OpenedRow | ErasedRow]()
    for row in places.values():
        read = _opened(row, union[row.entry].envelope, own[row.entry], heads, keys.logs, now_ms)
        seen[Place(read.origin, read.index)] = read
    hidden = {}
    for each, given in zip(said, lists, strict=True):
        lacking = union.keys() - {row.entry for row in given.rows if row.envelope or _over(row.entry, now_ms)}
        if lacking:
            hidden[each.keeper] = sorted(union[entry].index for entry in lacking)
    rows = sorted(seen.values(), key=lambda row: (row.entry.minutes, row.index))
    return Opened(
        [row for row in rows if isinstance(row, OpenedRow)],
        hidden,
        [row for row in rows if isinstance(row, ErasedRow)],
        _held(lists),
    )


def union_of(lists: Sequence[Sequence[Row]]) -> dict[bytes, Row]:
    """Each entry once, in the order of first appearance, with its record where any list has that."""
    union: dict[bytes, Row] = {}
    for row in (row for rows in lists for row in rows):
        if row.entry not in union or (row.envelope and not union[row.entry].envelope):
            union[row.entry] = row
    return union


def _held(lists: Sequence[KeptList]) -> dict[Place, Sequence[str]]:
    found = dict[Place, set[str]]()
    for row in (row for given in lists for row in given.rows):
        found.setdefault(Place(origin_of(row.checkpoint), row.index), set()).update(row.holds)
    return {place: sorted(reasons) for place, reasons in found.items() if reasons}


def _over(entry: bytes, now_ms: int) -> bool:
    return has_expired(Entry.decode(entry).expiry_months, now_ms)


def _stated(given: KeptList, keys: Keys) -> Statement:
    said = decode(given.statement, Statement)
    key = keys.keepers.get(said.keeper)
    if key is None:
        raise HistoryIncomplete(what="keepers")
    key.verify(given.signature, "history", given.statement)
    return said


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


def _opened(
    row: SealedRow, sealed: bytes, shares: Sequence[bytes], heads: Heads, logs: LogKeys, now_ms: int
) -> OpenedRow | ErasedRow:
    heads.verify(row.index, row.proof, row.checkpoint, row.entry, logs)
    origin, entry = origin_of(row.checkpoint), Entry.decode(row.entry)
    if not sealed or ERASED in shares:
        if not has_expired(entry.expiry_months, now_ms):
            raise HistoryIncomplete(what="erased too early", indexes=[row.index])
        return ErasedRow(origin, row.index, entry)
    envelope = Envelope.parse(sealed)
    if envelope.digest != entry.payload_digest:
        raise HistoryIncomplete(what="envelope")
    return OpenedRow(origin, row.index, entry, envelope.open(shares, entry.commitment))


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
