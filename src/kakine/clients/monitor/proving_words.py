"""What somebody signed: record keepers, converters, the commission. Their keys are not in the policy."""

from __future__ import annotations

from kakine.clients.monitor.findings import LACKS, Code, Finding, Said
from kakine.clients.monitor.index_checks import SEALED
from kakine.clients.monitor.levels import Level, Logs, entries_of, exactly, number, require
from kakine.crypto.signing import VerifyKey
from kakine.protocols.counting import check_chain as check_counts
from kakine.protocols.index_check import check_chain
from kakine.values.calendar import month_name
from kakine.values.problems import (
    CountChainBroken,
    IndexChainBroken,
    NotEvidence,
)
from kakine.wire import counting, index
from kakine.wire.counting import Count
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.erasure import ORDER, Order, Signed
from kakine.wire.index import IndexRoot
from kakine.wire.policy import NamedKey
from kakine.wire.standing import Remade, Standing, opened

_KINDS = {
    Code.INDEX_HIDDEN: EntryKind.INDEX_ROOT,
    Code.INDEX_OF_NOBODY: EntryKind.INDEX_ROOT,
    Code.COUNT_HIDDEN: EntryKind.STATEMENT,
}


def _spoken(finding: Finding, log: NamedKey) -> list[Standing]:
    """Statements of a record keeper about this log."""
    require(bool(finding.evidence.said), "statements")
    standings = [_opened(said) for said in finding.evidence.said]
    require(all(standing.origin == log.name for standing in standings), "origin")
    return standings


def _opened(said: Said) -> Standing:
    return opened(said.statement, said.signature, VerifyKey(said.key))


def lacks(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed that it holds nothing at this index; the log has an entry of this kind there."""
    (standing,) = _one(_spoken(finding, log))
    place = number(finding, "index")
    require((standing.first, standing.end) == (place, place + 1), "range")
    require(not any(standing.counts), "counts")
    if finding.evidence.receipts:
        ((found, entry),) = exactly(entries_of(finding, log), 1)
        kind = Entry.decode(entry).kind
        require(found == place and LACKS.get(kind) is finding.code, "entry")
    return Level.WORD


def _one(standings: list[Standing]) -> list[Standing]:
    require(len(standings) == 1, "statements")
    return standings


def owed(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed that this request has no outcome."""
    (standing,) = _one(_spoken(finding, log))
    require(finding.facts.get("index") in standing.unanswered, "index")
    require(standing.older_ms == number(finding, "minutes") * 60_000, "minutes")
    return Level.WORD


def differs(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed these counts; the log's own are the monitor's word until the reader counts."""
    (standing,) = _one(_spoken(finding, log))
    facts = finding.facts
    said = {"first": standing.first, "last": standing.end - 1, **standing.counts._asdict()}
    require(said.items() <= facts.items(), "counts")
    return Level.WORD


def sums(finding: Finding, logs: Logs) -> Level:
    """The keeper signed of each log how many of its requests are answered; how many outcomes the logs have is the
    monitor's word until the reader counts."""
    said = finding.evidence.said
    require(bool(said) and len({each.key for each in said}) == 1, "statements")
    standings = [_opened(each) for each in said]
    origins = [standing.origin for standing in standings]
    require(len(set(origins)) == len(origins) and set(origins) <= logs.keys(), "origin")
    require(all(standing.first == standing.end for standing in standings), "range")
    answered = sum(standing.awaited - standing.owed for standing in standings)
    require(answered == finding.facts.get("answered"), "counts")
    return Level.WORD


def erased_otherwise(finding: Finding, logs: Logs) -> Level:
    """The commission signed this number; that of the logs is the monitor's word until the reader counts."""
    require(len(finding.evidence.said) == 1, "statements")
    (said,) = finding.evidence.said
    order = Signed(said.statement, said.signature).opened(Order, ORDER, VerifyKey(said.key))
    facts, stated = finding.facts, sum(tally.count for tally in order.counts)
    require((month_name(order.expiry), stated) == (facts.get("month"), facts.get("stated")), "counts")
    require({tally.origin for tally in order.counts} <= logs.keys(), "origin")
    return Level.WORD


def _indexes(*said: Said) -> list[IndexRoot]:
    return [index.opened(each.statement, each.signature, VerifyKey(each.key)) for each in said]


def out_of_line(finding: Finding, log: NamedKey) -> Level:
    """One keeper signed two indexes that do not follow each other; or one, as its first, that is none."""
    said, number = finding.evidence.said, finding.facts.get("number")
    require(len(said) == (2 if number else 1) and len({each.key for each in said}) == 1, "statements")
    *before, last = _indexes(*said)
    require(last.start == finding.facts.get("start"), "start")
    try:
        check_chain([last], before[0] if before else None)
    except IndexChainBroken as problem:
        require(problem.facts.get("part") == finding.facts.get("part"), "part")
        return Level.WORD
    raise NotEvidence(part="in line")


def miscounted(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed this number; that of the log is the monitor's word until the reader counts."""
    require(len(finding.evidence.said) == 1, "statements")
    (root,) = _indexes(*finding.evidence.said)
    facts = finding.facts
    require((root.start, root.end - 1) == (facts.get("start"), facts.get("last")), "range")
    by_day = sum(day.total for day in root.days if day.day == facts.get("day"))
    stated = root.sealed if facts.get("day") == SEALED else by_day
    require(stated == facts.get("stated") != facts.get("log"), "counts")
    return Level.WORD


def indexes_differ(finding: Finding, log: NamedKey) -> Level:
    require(len(finding.evidence.said) == 2, "statements")
    one, other = _indexes(*finding.evidence.said)
    facts = finding.facts
    require((one.keeper, other.keeper) == (facts.get("party"), facts.get("other")), "parties")
    require(one.start == other.start == facts.get("start"), "start")
    require((one.end, one.days) != (other.end, other.days), "same")
    return Level.WORD


def _counts(*said: Said) -> list[Count]:
    return [counting.opened(each.statement, each.signature, VerifyKey(each.key)) for each in said]


def count_out_of_line(finding: Finding, log: NamedKey) -> Level:
    """One converter signed two statements that do not follow each other; or one, as its first, that is none."""
    said, number = finding.evidence.said, finding.facts.get("number")
    require(len(said) == (2 if number else 1) and len({each.key for each in said}) == 1, "statements")
    *before, last = _counts(*said)
    require((last.start, last.origin) == (finding.facts.get("start"), log.name), "start")
    try:
        check_counts([last], before[0] if before else None)
    except CountChainBroken:
        return Level.WORD
    raise NotEvidence(part="follows")


def too_many(finding: Finding, log: NamedKey) -> Level:
    """The converter signed this number; that of the log is the monitor's word until the reader counts."""
    require(len(finding.evidence.said) == 1, "statements")
    (count,) = _counts(*finding.evidence.said)
    facts = finding.facts
    require((count.origin, count.converter) == (log.name, facts.get("party")), "name")
    require((count.start, count.end - 1) == (facts.get("start"), facts.get("last")), "range")
    require(count.count == facts.get("stated") and count.count > number(finding, "log"), "counts")
    return Level.WORD


def published(finding: Finding, log: NamedKey) -> Level:
    """That such an entry stands there is proven; that nobody shows what it is of is the monitor's word."""
    if finding.evidence.receipts:
        ((found, entry),) = exactly(entries_of(finding, log), 1)
        fits = found == finding.facts.get("index") and Entry.decode(entry).kind is _KINDS[finding.code]
        require(fits, "entry")
    return Level.REPORTED


def rows_lost(finding: Finding, log: NamedKey) -> Level:
    """The keeper signed an index, and that it can make none or another one now."""
    require(len(finding.evidence.said) == 2, "statements")
    now, then = finding.evidence.said
    require(now.key == then.key, "keys")
    standing, (root,) = _opened(now), _indexes(then)
    require((root.start, root.end - 1) == (finding.facts.get("start"), finding.facts.get("last")), "range")
    require(standing.first <= root.start < standing.end, "page")
    require(Remade(root.start, root.root) not in standing.indexes, "same")
    return Level.WORD
