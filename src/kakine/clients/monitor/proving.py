"""What a folder of evidence proves to somebody who has the policy and nothing else. No network, no country."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kakine.clients.monitor import proving_words as words
from kakine.clients.monitor.evidence import Bundle
from kakine.clients.monitor.findings import Code, Finding
from kakine.clients.monitor.levels import Level, Logs, entries_of, exactly, number, require
from kakine.crypto.merkle import verify_consistency
from kakine.values.problems import (
    CheckpointInvalid,
    LogNotInPolicy,
    NotCanonical,
    NotEvidence,
    Problem,
    SignatureInvalid,
)
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry
from kakine.wire.policy import NamedKey, Policy


@dataclass(frozen=True)
class Verdict:
    """On one finding; `why` is the part that failed, or the keys (hex) that the reader has to compare."""

    finding: Finding
    level: Level
    why: str = ""


def check(bundle: Bundle, policy: Policy) -> list[Verdict]:
    """A verdict on each finding. Raises `LogNotInPolicy` for one of a log that the policy does not name."""
    logs = {log.name: log for log in policy.logs}
    if any(finding.log and finding.log not in logs for finding in bundle.findings):
        raise LogNotInPolicy()
    return [_judged(finding, logs) for finding in bundle.findings]


def _judged(finding: Finding, logs: Logs) -> Verdict:
    try:
        level = _proved(finding, logs)
    except NotEvidence as problem:
        return Verdict(finding, Level.BROKEN, str(problem.facts.get("part", "")))
    except Problem as problem:
        return Verdict(finding, Level.BROKEN, problem.code)
    keys = sorted({said.key.hex() for said in finding.evidence.said})
    return Verdict(finding, level, " ".join(keys) if level is Level.WORD else "")


def _proved(finding: Finding, logs: Logs) -> Level:
    if finding.code in _TOGETHER:
        require(not finding.log, "log")
        return _TOGETHER[finding.code](finding, logs)
    if finding.code in _PROVERS:
        require(bool(finding.log), "log")
        return _PROVERS[finding.code](finding, logs[finding.log])
    return Level.REPORTED


def _heads(finding: Finding, log: NamedKey, count: int) -> list[Checkpoint]:
    require(len(finding.evidence.notes) == count, "notes")
    return [notes.open(note, log.name, log.key) for note in finding.evidence.notes]


def _forked(finding: Finding, log: NamedKey) -> Level:
    """Two heads of one log. Of one size: other roots. Else the larger tree provably began with another root."""
    older, newer = _heads(finding, log, 2)
    require(finding.facts.get("other_size") == older.size, "other_size")
    require(finding.facts.get("size") == newer.size, "size")
    if older.size == newer.size:
        require(older.root != newer.root, "same head")
        return Level.PROVEN
    if not finding.evidence.growth:
        return Level.REPORTED
    began, *proof = finding.evidence.growth
    verify_consistency(older.size, newer.size, proof, began, newer.root)
    require(began != older.root, "same beginning")
    return Level.PROVEN


def _rolled_back(finding: Finding, log: NamedKey) -> Level:
    """Both heads are the log's. Nothing in them says which was shown later."""
    served, seen = _heads(finding, log, 2)
    require((finding.facts.get("size"), finding.facts.get("other_size")) == (served.size, seen.size), "size")
    require(served.size < seen.size, "size")
    return Level.REPORTED


def _unsigned(finding: Finding, log: NamedKey) -> Level:
    """Anybody can write a note without a signature, so this can never be more than a report."""
    require(len(finding.evidence.notes) == 1, "notes")
    try:
        notes.open(finding.evidence.notes[0], log.name, log.key)
    except (CheckpointInvalid, SignatureInvalid):
        return Level.REPORTED
    raise NotEvidence(part="signed")


def _malformed(finding: Finding, log: NamedKey) -> Level:
    if not finding.evidence.receipts:
        return Level.REPORTED
    ((index, entry),) = exactly(entries_of(finding, log), 1)
    require(index == finding.facts.get("index"), "index")
    try:
        Entry.decode(entry)
    except NotCanonical:
        return Level.PROVEN
    raise NotEvidence(part="well formed")


def _two_times(finding: Finding, log: NamedKey) -> tuple[int, int, int]:
    """(index, index, minutes from the first to the second)."""
    (before, old), (index, new) = exactly(entries_of(finding, log), 2)
    require((before, index) == (finding.facts.get("before"), finding.facts.get("index")), "index")
    return before, index, Entry.decode(new).minutes - Entry.decode(old).minutes


def _went_back(finding: Finding, log: NamedKey) -> Level:
    if not finding.evidence.receipts:
        return Level.REPORTED
    before, index, minutes = _two_times(finding, log)
    require(before < index and minutes == -number(finding, "minutes"), "minutes")
    require(-minutes > number(finding, "allowed") >= 0, "allowed")
    return Level.PROVEN


def _silent(finding: Finding, log: NamedKey) -> Level:
    """That these two stand next to each other, so far apart. That less was promised is for the reader to know."""
    if not finding.evidence.receipts:
        return Level.REPORTED
    before, index, minutes = _two_times(finding, log)
    require(before + 1 == index and minutes == finding.facts.get("minutes"), "minutes")
    require((minutes - 1) * 60 > number(finding, "promised"), "promised")
    return Level.PROVEN


_PROVERS: dict[Code, Callable[[Finding, NamedKey], Level]] = {
    Code.HEAD_FORKED: _forked,
    Code.HEAD_ROLLED_BACK: _rolled_back,
    Code.HEAD_UNSIGNED: _unsigned,
    Code.REPORTED_HEAD_UNSIGNED: _unsigned,
    Code.ENTRY_MALFORMED: _malformed,
    Code.TIME_WENT_BACK: _went_back,
    Code.LOG_SILENT: _silent,
    Code.KEEPER_LACKS_REQUEST: words.lacks,
    Code.KEEPER_LACKS_OUTCOME: words.lacks,
    Code.KEEPER_LACKS_VIEW: words.lacks,
    Code.KEEPER_DIFFERS: words.differs,
    Code.OUTCOME_MISSING: words.owed,
    Code.INDEX_OUT_OF_LINE: words.out_of_line,
    Code.INDEX_COUNTS_WRONG: words.miscounted,
    Code.INDEXES_DIFFER: words.indexes_differ,
    Code.INDEX_ROWS_LOST: words.rows_lost,
    Code.INDEX_HIDDEN: words.published,
    Code.INDEX_OF_NOBODY: words.published,
    Code.COUNT_HIDDEN: words.published,
    Code.COUNT_OUT_OF_LINE: words.count_out_of_line,
    Code.COUNT_TOO_MANY: words.too_many,
}

_TOGETHER: dict[Code, Callable[[Finding, Logs], Level]] = {
    Code.OUTCOMES_DIFFER: words.sums,
    Code.ERASURE_DIFFERS: words.erased_otherwise,
}
"""What is of all logs together."""
