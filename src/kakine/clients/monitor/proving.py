"""What a folder of evidence proves to somebody who has the policy and nothing else. No network, no country."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kakine.clients.monitor.evidence import Bundle
from kakine.clients.monitor.findings import LACKS, Code, Finding, Said
from kakine.clients.monitor.index_checks import SEALED
from kakine.crypto.merkle import leaf_hash, verify_consistency, verify_inclusion
from kakine.crypto.signing import VerifyKey
from kakine.protocols.counting import check_chain as check_counts
from kakine.protocols.index_check import check_chain
from kakine.values.calendar import month_name
from kakine.values.problems import (
    CheckpointInvalid,
    CountChainBroken,
    IndexChainBroken,
    LogNotInPolicy,
    NotCanonical,
    NotEvidence,
    Problem,
    SignatureInvalid,
)
from kakine.wire import checkpoint as notes
from kakine.wire import counting, index
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.counting import Count
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.erasure import ORDER, Order, Signed
from kakine.wire.index import IndexRoot
from kakine.wire.policy import NamedKey, Policy
from kakine.wire.proof import Proof
from kakine.wire.standing import Remade, Standing, opened

Logs = Mapping[str, NamedKey]
"""Those of the policy, by origin."""


class Level(StrEnum):
    """How far evidence reaches.

    PROVEN follows from the log's own signatures. WORD is what somebody signed with a key that the bundle names and the
    policy does not. REPORTED is the monitor's own word. BROKEN does not even show what it says.
    """

    PROVEN = "proven"
    WORD = "word"
    REPORTED = "reported"
    BROKEN = "broken"


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
        _require(not finding.log, "log")
        return _TOGETHER[finding.code](finding, logs)
    if finding.code in _PROVERS:
        _require(bool(finding.log), "log")
        return _PROVERS[finding.code](finding, logs[finding.log])
    return Level.REPORTED


def _require(holds: bool, part: str) -> None:
    if not holds:
        raise NotEvidence(part=part)


def _heads(finding: Finding, log: NamedKey, count: int) -> list[Checkpoint]:
    _require(len(finding.evidence.notes) == count, "notes")
    return [notes.open(note, log.name, log.key) for note in finding.evidence.notes]


def _forked(finding: Finding, log: NamedKey) -> Level:
    """Two heads of one log. Of one size: other roots. Else the larger tree provably began with another root."""
    older, newer = _heads(finding, log, 2)
    _require(finding.facts.get("other_size") == older.size, "other_size")
    _require(finding.facts.get("size") == newer.size, "size")
    if older.size == newer.size:
        _require(older.root != newer.root, "same head")
        return Level.PROVEN
    if not finding.evidence.growth:
        return Level.REPORTED
    began, *proof = finding.evidence.growth
    verify_consistency(older.size, newer.size, proof, began, newer.root)
    _require(began != older.root, "same beginning")
    return Level.PROVEN


def _rolled_back(finding: Finding, log: NamedKey) -> Level:
    """Both heads are the log's. Nothing in them says which was shown later."""
    served, seen = _heads(finding, log, 2)
    _require((finding.facts.get("size"), finding.facts.get("other_size")) == (served.size, seen.size), "size")
    _require(served.size < seen.size, "size")
    return Level.REPORTED


def _unsigned(finding: Finding, log: NamedKey) -> Level:
    """Anybody can write a note without a signature, so this can never be more than a report."""
    _require(len(finding.evidence.notes) == 1, "notes")
    try:
        notes.open(finding.evidence.notes[0], log.name, log.key)
    except (CheckpointInvalid, SignatureInvalid):
        return Level.REPORTED
    raise NotEvidence(part="signed")


def _entries(finding: Finding, log: NamedKey) -> list[tuple[int, bytes]]:
    """(index, entry) of each receipt, all in the tree of one signed head."""
    receipts = [Proof.decode(data) for data in finding.evidence.receipts]
    _require(len({receipt.note for receipt in receipts}) == 1, "heads")
    for receipt in receipts:
        at = notes.open(receipt.note, log.name, log.key)
        verify_inclusion(leaf_hash(receipt.entry), receipt.index, at.size, receipt.path, at.root)
    return [(receipt.index, receipt.entry) for receipt in receipts]


def _malformed(finding: Finding, log: NamedKey) -> Level:
    if not finding.evidence.receipts:
        return Level.REPORTED
    ((index, entry),) = _exactly(_entries(finding, log), 1)
    _require(index == finding.facts.get("index"), "index")
    try:
        Entry.decode(entry)
    except NotCanonical:
        return Level.PROVEN
    raise NotEvidence(part="well formed")


def _exactly(found: list[tuple[int, bytes]], count: int) -> list[tuple[int, bytes]]:
    _require(len(found) == count, "receipts")
    return found


def _two_times(finding: Finding, log: NamedKey) -> tuple[int, int, int]:
    """(index, index, minutes from the first to the second)."""
    (before, old), (index, new) = _exactly(_entries(finding, log), 2)
    _require((before, index) == (finding.facts.get("before"), finding.facts.get("index")), "index")
    return before, index, Entry.decode(new).minutes - Entry.decode(old).minutes


def _went_back(finding: Finding, log: NamedKey) -> Level:
    if not finding.evidence.receipts:
        return Level.REPORTED
    before, index, minutes = _two_times(finding, log)
    _require(before < index and minutes == -int(finding.facts.get("minutes", 0)), "minutes")
    _require(-minutes > int(finding.facts.get("allowed", 0)) >= 0, "allowed")
    return Level.PROVEN


def _silent(finding: Finding, log: NamedKey) -> Level:
    """That these two stand next to each other, so far apart. That less was promised is for the reader to know."""
    if not finding.evidence.receipts:
        return Level.REPORTED
    before, index, minutes = _two_times(finding, log)
    _require(before + 1 == index and minutes == finding.facts.get("minutes"), "minutes")
    _require((minutes - 1) * 60 > int(finding.facts.get("promised", 0)), "promised")
    return Level.PROVEN


def _spoken(finding: Finding, log: NamedKey) -> list[Standing]:
    """Statements of a record keeper about this log."""
    _require(bool(finding.evidence.said), "statements")
    standings = [_opened(said) for said in finding.evidence.said]
    _require(all(standing.origin == log.name for standing in standings), "origin")
    return standings


def _opened(said: Said) -> Standing:
    return opened(said.statement, said.signature, VerifyKey(said.key))


def _lacks(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed that it holds nothing at this index; the log has an entry of this kind there."""
    (standing,) = _one(_spoken(finding, log))
    place = finding.facts.get("index")
    _require((standing.first, standing.end) == (place, int(place or 0) + 1), "range")
    _require(not any(standing.counts), "counts")
    if finding.evidence.receipts:
        ((found, entry),) = _exactly(_entries(finding, log), 1)
        kind = Entry.decode(entry).kind
        _require(found == place and LACKS.get(kind) is finding.code, "entry")
    return Level.WORD


def _one(standings: list[Standing]) -> list[Standing]:
    _require(len(standings) == 1, "statements")
    return standings


def _owed(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed that this request has no outcome."""
    (standing,) = _one(_spoken(finding, log))
    _require(finding.facts.get("index") in standing.unanswered, "index")
    _require(standing.older_ms == int(finding.facts.get("minutes", 0)) * 60_000, "minutes")
    return Level.WORD


def _differs(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed these counts; the log's own are the monitor's word until the reader counts."""
    (standing,) = _one(_spoken(finding, log))
    facts = finding.facts
    said = {"first": standing.first, "last": standing.end - 1, **standing.counts._asdict()}
    _require(said.items() <= facts.items(), "counts")
    return Level.WORD


def _sums(finding: Finding, logs: Logs) -> Level:
    """The keeper signed of each log how many of its requests are answered; how many outcomes the logs have is the
    monitor's word until the reader counts."""
    said = finding.evidence.said
    _require(bool(said) and len({each.key for each in said}) == 1, "statements")
    standings = [_opened(each) for each in said]
    origins = [standing.origin for standing in standings]
    _require(len(set(origins)) == len(origins) and set(origins) <= logs.keys(), "origin")
    _require(all(standing.first == standing.end for standing in standings), "range")
    answered = sum(standing.awaited - standing.owed for standing in standings)
    _require(answered == finding.facts.get("answered"), "counts")
    return Level.WORD


def _erased_otherwise(finding: Finding, logs: Logs) -> Level:
    """The commission signed this number; that of the logs is the monitor's word until the reader counts."""
    _require(len(finding.evidence.said) == 1, "statements")
    (said,) = finding.evidence.said
    order = Signed(said.statement, said.signature).opened(Order, ORDER, VerifyKey(said.key))
    facts, stated = finding.facts, sum(tally.count for tally in order.counts)
    _require((month_name(order.expiry), stated) == (facts.get("month"), facts.get("stated")), "counts")
    _require({tally.origin for tally in order.counts} <= logs.keys(), "origin")
    return Level.WORD


def _indexes(*said: Said) -> list[IndexRoot]:
    return [index.opened(each.statement, each.signature, VerifyKey(each.key)) for each in said]


def _out_of_line(finding: Finding, log: NamedKey) -> Level:
    """One keeper signed two indexes that do not follow each other; or one, as its first, that is none."""
    said, number = finding.evidence.said, finding.facts.get("number")
    _require(len(said) == (2 if number else 1) and len({each.key for each in said}) == 1, "statements")
    *before, last = _indexes(*said)
    _require(last.start == finding.facts.get("start"), "start")
    try:
        check_chain([last], before[0] if before else None)
    except IndexChainBroken as problem:
        _require(problem.facts.get("part") == finding.facts.get("part"), "part")
        return Level.WORD
    raise NotEvidence(part="in line")


def _miscounted(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed this number; that of the log is the monitor's word until the reader counts."""
    _require(len(finding.evidence.said) == 1, "statements")
    (root,) = _indexes(*finding.evidence.said)
    facts = finding.facts
    _require((root.start, root.end - 1) == (facts.get("start"), facts.get("last")), "range")
    by_day = sum(day.total for day in root.days if day.day == facts.get("day"))
    stated = root.sealed if facts.get("day") == SEALED else by_day
    _require(stated == facts.get("stated") != facts.get("log"), "counts")
    return Level.WORD


def _indexes_differ(finding: Finding, log: NamedKey) -> Level:
    _require(len(finding.evidence.said) == 2, "statements")
    one, other = _indexes(*finding.evidence.said)
    facts = finding.facts
    _require((one.keeper, other.keeper) == (facts.get("party"), facts.get("other")), "parties")
    _require(one.start == other.start == facts.get("start"), "start")
    _require((one.end, one.days) != (other.end, other.days), "same")
    return Level.WORD


def _counts(*said: Said) -> list[Count]:
    return [counting.opened(each.statement, each.signature, VerifyKey(each.key)) for each in said]


def _count_out_of_line(finding: Finding, log: NamedKey) -> Level:
    """One converter signed two statements that do not follow each other; or one, as its first, that is none."""
    said, number = finding.evidence.said, finding.facts.get("number")
    _require(len(said) == (2 if number else 1) and len({each.key for each in said}) == 1, "statements")
    *before, last = _counts(*said)
    _require((last.start, last.origin) == (finding.facts.get("start"), log.name), "start")
    try:
        check_counts([last], before[0] if before else None)
    except CountChainBroken:
        return Level.WORD
    raise NotEvidence(part="follows")


def _too_many(finding: Finding, log: NamedKey) -> Level:
    """The converter signed this number; that of the log is the monitor's word until the reader counts."""
    _require(len(finding.evidence.said) == 1, "statements")
    (count,) = _counts(*finding.evidence.said)
    facts = finding.facts
    _require((count.origin, count.converter) == (log.name, facts.get("party")), "name")
    _require((count.start, count.end - 1) == (facts.get("start"), facts.get("last")), "range")
    _require(count.count == facts.get("stated") and count.count > int(facts.get("log", 0)), "counts")
    return Level.WORD


def _published(finding: Finding, log: NamedKey) -> Level:
    """That such an entry stands there is proven; that nobody shows what it is of is the monitor's word."""
    if finding.evidence.receipts:
        ((found, entry),) = _exactly(_entries(finding, log), 1)
        fits = found == finding.facts.get("index") and Entry.decode(entry).kind is _KINDS[finding.code]
        _require(fits, "entry")
    return Level.REPORTED


def _rows_lost(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed an index, and that it can make none or another one now."""
    _require(len(finding.evidence.said) == 2, "statements")
    now, then = finding.evidence.said
    _require(now.key == then.key, "keys")
    standing, (root,) = _opened(now), _indexes(then)
    _require((root.start, root.end - 1) == (finding.facts.get("start"), finding.facts.get("last")), "range")
    _require(standing.first <= root.start < standing.end, "page")
    _require(Remade(root.start, root.root) not in standing.indexes, "same")
    return Level.WORD


_KINDS = {
    Code.INDEX_HIDDEN: EntryKind.INDEX_ROOT,
    Code.INDEX_OF_NOBODY: EntryKind.INDEX_ROOT,
    Code.COUNT_HIDDEN: EntryKind.STATEMENT,
}

_PROVERS: dict[Code, Callable[[Finding, NamedKey], Level]] = {
    Code.HEAD_FORKED: _forked,
    Code.HEAD_ROLLED_BACK: _rolled_back,
    Code.HEAD_UNSIGNED: _unsigned,
    Code.REPORTED_HEAD_UNSIGNED: _unsigned,
    Code.ENTRY_MALFORMED: _malformed,
    Code.TIME_WENT_BACK: _went_back,
    Code.LOG_SILENT: _silent,
    Code.KEEPER_LACKS_REQUEST: _lacks,
    Code.KEEPER_LACKS_OUTCOME: _lacks,
    Code.KEEPER_LACKS_VIEW: _lacks,
    Code.KEEPER_DIFFERS: _differs,
    Code.OUTCOME_MISSING: _owed,
    Code.INDEX_OUT_OF_LINE: _out_of_line,
    Code.INDEX_COUNTS_WRONG: _miscounted,
    Code.INDEXES_DIFFER: _indexes_differ,
    Code.INDEX_ROWS_LOST: _rows_lost,
    Code.INDEX_HIDDEN: _published,
    Code.INDEX_OF_NOBODY: _published,
    Code.COUNT_HIDDEN: _published,
    Code.COUNT_OUT_OF_LINE: _count_out_of_line,
    Code.COUNT_TOO_MANY: _too_many,
}

_TOGETHER: dict[Code, Callable[[Finding, Logs], Level]] = {
    Code.OUTCOMES_DIFFER: _sums,
    Code.ERASURE_DIFFERS: _erased_otherwise,
}
"""What is of all logs together."""
