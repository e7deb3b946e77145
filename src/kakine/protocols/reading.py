"""A whole reading of an own history, verified from one message (spec/browser.md): what `kakine history` says of it, and
what the page in the resident's browser says, code for code (`web/static/history/history.js`).

Pure: who made the message is not asked, and nothing of it is believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kakine.crypto.hashing import digest
from kakine.crypto.sealing import OpenKey, open_sealed
from kakine.crypto.signing import VerifyKey
from kakine.protocols.completeness import Indexer, Places, check_history
from kakine.protocols.freshness import FRESH_MS, check_fresh, check_grown, check_latest
from kakine.protocols.heads import Heads
from kakine.protocols.history import KeptList, Keys, Opened, SealedRow, open_history, union_of
from kakine.protocols.index_check import Complete
from kakine.protocols.logs import LogKey, LogKeys
from kakine.protocols.witnessing import cosigners
from kakine.values.problems import (
    CheckpointInvalid,
    HeadForked,
    HistoryIncomplete,
    LogBehind,
    NotCanonical,
    NotWitnessed,
    PartyUnavailable,
    Problem,
    QuorumMissing,
    SignatureInvalid,
    TrustChanged,
)
from kakine.wire import checkpoint as notes
from kakine.wire import policy as policies
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import origin_of
from kakine.wire.history import Statement
from kakine.wire.index import Indexed
from kakine.wire.policy import Policy
from kakine.wire.reading import HistoryGiven, Kept, LogNow, Trust, TrustedLog


@dataclass(frozen=True)
class Believed:
    """An opened `Trust`: keys of record keepers and logs, the policy, and which logs are still open."""

    keys: Keys
    policy: Policy
    open: Sequence[str]

    @classmethod
    def of(cls, data: bytes) -> Believed:
        """Raises `NotCanonical`, `PolicyMalformed`, and what the last checkpoint of an ended log refuses with."""
        said = decode(data, Trust)
        policy = policies.decode(said.policy)
        keepers = {each.keeper: VerifyKey(each.key) for each in said.keepers}
        logs = {log.origin: _key(log) for log in said.logs}
        return cls(Keys(keepers, logs), policy, [log.origin for log in said.logs if not log.final])


def _key(log: TrustedLog) -> VerifyKey:
    key = VerifyKey(log.key)
    return LogKey.ended(key, notes.open(log.final, log.origin, key)) if log.final else key


@dataclass(frozen=True)
class Reading:
    """What a message shows. `rows` are those that were verified, one for each place, proved under the newest head that
    could be had; `witnessed` of them under one that meets the policy, each signed by at least `witnesses`. `signed` is
    the largest number of rows that a record keeper has signed for. `confirmed` and `doubts` by record keeper, `stale`,
    `accused` and `grown` (the size at the last visit) by origin of a log."""

    opened: Opened
    rows: Sequence[SealedRow]
    signed: int
    verified: int
    witnessed: int
    witnesses: int
    confirmed: Mapping[str, Complete]
    doubts: Mapping[str, str]
    stale: Mapping[str, Problem] = field(default_factory=dict)
    accused: Mapping[str, Problem] = field(default_factory=dict)
    grown: Mapping[str, int] = field(default_factory=dict)


def read(
    given: bytes,
    session: OpenKey,
    now_ms: int,
    trusted: bytes | None = None,
    before: Mapping[str, bytes] | None = None,
    fresh_ms: int = FRESH_MS,
) -> Reading:
    """Everything that a message shows to the holder of the session key, or the refusal of the first part that fails.

    `trusted` is what the reader believes already, `TrustChanged` where the message names anything else; without it the
    message's own is taken, whose digest the reader must compare with what is published. `before` are notes of an
    earlier visit by log. Raises what `history.open_history` raises, `NotCanonical`, and `HistoryIncomplete` for rows
    without a second proof. What an index or a head lacks is told and not raised: the rows hold without it.
    """
    message = decode(given, HistoryGiven)
    if trusted is not None and message.trust != trusted:
        raise TrustChanged()
    believed = Believed.of(message.trust)
    lists = [KeptList(each.statement, each.signature, _rows(message, each)) for each in message.lists]
    opened = open_history(message.request, lists, message.shares, session, believed.keys, now_ms=now_ms)
    proved = _proved(message, lists)
    witnessed, witnesses = _witnessed(proved, believed)
    places = {(row.origin, row.index): row.entry for row in opened.rows}
    places |= {(row.origin, row.index): row.entry for row in opened.erased}
    places |= {(row.origin, row.index): row.entry for row in opened.openings}
    confirmed, doubts = _confirmed(message, places, session, believed.keys)
    signed = max(decode(each.statement, Statement).count for each in lists)
    counted = signed, len(places), witnessed, witnesses
    return Reading(
        opened,
        proved,
        *counted,
        confirmed,
        doubts,
        *_judged(message, believed, before or {}, now_ms, fresh_ms),
    )


def _blob(message: HistoryGiven, number: int) -> bytes:
    if number >= len(message.blobs):
        raise NotCanonical(message="HistoryGiven")
    return message.blobs[number]


def _rows(message: HistoryGiven, kept: Kept) -> list[SealedRow]:
    return [
        SealedRow(
            row.entry,
            _blob(message, row.envelope),
            row.index,
            row.proof,
            _blob(message, row.note),
            row.holds,
        )
        for row in kept.rows
    ]


def placed(lists: Sequence[KeptList]) -> list[SealedRow]:
    """The row of each place, with the record of its entry where any list has that, in the order of first appearance."""
    rows = [row for each in lists for row in each.rows]
    union = union_of([rows])
    places = {(origin_of(row.checkpoint), row.index): row for row in rows}
    return [replace(row, envelope=union[row.entry].envelope) for row in places.values()]


def _proved(message: HistoryGiven, lists: Sequence[KeptList]) -> list[SealedRow]:
    rows = placed(lists)
    if len(message.proved) != len(rows):
        raise HistoryIncomplete(what="proofs")
    return [
        replace(row, proof=each.proof, checkpoint=_blob(message, each.note))
        for row, each in zip(rows, message.proved, strict=True)
    ]


def _witnessed(rows: Sequence[SealedRow], believed: Believed) -> tuple[int, int]:
    """How many rows stand, proved again at their own log, under a checkpoint that meets the policy, and how many
    witnesses at least have signed each of these. A policy that asks for none makes nothing public (WIT-4.5)."""
    heads, least = Heads(), list[int]()
    for row in rows:
        heads.verify(row.index, row.proof, row.checkpoint, row.entry, believed.keys.logs)
        signers = cosigners(row.checkpoint, believed.policy)
        try:
            believed.policy.check_quorum(signers)
        except QuorumMissing:
            continue
        if believed.policy.quorum != policies.NONE:
            least.append(len(signers))
    return len(least), min(least, default=0)


def _confirmed(
    message: HistoryGiven, places: Places, session: OpenKey, keys: Keys
) -> tuple[dict[str, Complete], dict[str, str]]:
    confirmed, doubts = dict[str, Complete](), dict[str, str]()
    for each in message.lists:
        keeper = decode(each.statement, Statement).keeper
        info = digest("indexed", message.request, keeper.encode())
        by = Indexer(keeper, keys.keepers[keeper], keys.logs)
        try:
            told = decode(open_sealed(session, info, each.indexed), Indexed)
            confirmed[keeper] = check_history(told, places, by)
        except Problem as doubt:  # what does not hold is shown as such, beside rows that do
            doubts[keeper] = doubt.code
    return confirmed, doubts


def _judged(
    message: HistoryGiven, believed: Believed, before: Mapping[str, bytes], now_ms: int, fresh_ms: int
) -> tuple[dict[str, Problem], dict[str, Problem], dict[str, int]]:
    """By origin: why a log is not known to be of now, what accuses it, and from which size it has only grown."""
    stale, accused, grown = dict[str, Problem](), dict[str, Problem](), dict[str, int]()
    logs = {each.origin: each for each in message.logs}
    for origin in believed.keys.logs:
        try:
            if origin in before:
                grown[origin] = _check_since(origin, logs.get(origin), believed.keys.logs, before[origin])
            if origin in believed.open:
                _check_now(origin, logs.get(origin), believed, now_ms, fresh_ms)
        except (LogBehind, HeadForked, CheckpointInvalid, SignatureInvalid) as fault:
            accused[origin] = fault
        except Problem as unknown:  # whoever cannot be asked may have seen more
            stale[origin] = unknown
    return stale, accused, grown


def _check_since(origin: str, now: LogNow | None, keys: LogKeys, before: bytes) -> int:
    """The size of the head of before, out of which the log has grown."""
    key = keys[origin]
    old = notes.open(before, origin, key)
    if now is None or not now.served:
        raise PartyUnavailable()
    served = notes.open(now.served, origin, key)
    check_latest(origin, served, [old])
    check_grown(origin, old, served, now.since)
    return old.size


def _check_now(origin: str, now: LogNow | None, believed: Believed, now_ms: int, fresh_ms: int) -> None:
    if now is None or not now.served:
        raise PartyUnavailable()
    key = believed.keys.logs[origin]
    served = notes.open(now.served, origin, key)
    check_latest(origin, served, [notes.open(each, origin, key) for each in now.seen])
    if now.unasked:
        raise PartyUnavailable()
    if not now.witnessed:
        raise NotWitnessed()
    notes.open(now.witnessed, origin, key)
    check_fresh(now.witnessed, believed.policy, now_ms, fresh_ms)
