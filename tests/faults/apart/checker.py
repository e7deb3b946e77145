"""What must be true after a run, whatever was done to the country: each rule by a name, each breach with its place.

Nothing of the country's own reasoning is used but its formats and its verifier of receipts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from faults.apart.outcome import CONVERTERS, KEEPERS, Outcome
from kakine.clients.carrier import filed_of
from kakine.crypto.hashing import digest
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.protocols.heads import Heads
from kakine.values.problems import Problem
from kakine.wire import checkpoint as notes
from kakine.wire import filing as filings
from kakine.wire.entry import LENGTH, Entry, EntryKind

DELIVERED = "delivered"
TAG, HASH = 32, 32


@dataclass(frozen=True)
class Breach:
    """`rule` is broken; `about` says where."""

    rule: str
    about: str


@dataclass(frozen=True)
class Verdict:
    """What was found, and how much was looked at, by what it is."""

    breaches: list[Breach]
    looked_at: Mapping[str, int]


class Checker:
    """One look at an outcome."""

    def __init__(self, outcome: Outcome) -> None:
        self._of = outcome
        self._heads = Heads()
        self.looked_at: Counter[str] = Counter()

    @cached_property
    def _logs(self) -> dict[str, list[tuple[bytes, bytes]]]:
        """By origin, (tag, entry) in order."""
        found: dict[str, list[tuple[bytes, bytes]]] = {}
        for origin, ledger in self._of.rows("SELECT origin, ledger FROM log"):
            text = "SELECT tag, bytes FROM entry WHERE ledger = ? ORDER BY idx"
            found[origin] = self._of.rows(text, ledger)  # type: ignore[assignment]
        return found

    @cached_property
    def _trees(self) -> dict[str, Tree]:
        found = {}
        for origin, entries in self._logs.items():
            found[origin] = Tree()
            found[origin].append([leaf_hash(entry) for _, entry in entries])
        return found

    def verdict(self) -> Verdict:
        """Every rule."""
        found = [Breach(name, about) for name, rule in RULES.items() for about in rule(self)]
        return Verdict(found, self.looked_at)

    # What the callers wrote down.

    def ended(self) -> Iterator[str]:
        """Every question ended, in an answer or in a problem that has a name; once."""
        for number, ends, result, fault in self._of.rows("SELECT number, ends, result, fault FROM call"):
            self.looked_at["questions"] += 1
            if ends != 1:
                yield f"question {number} ended {ends} times"
            elif not result and (not fault or not fault.islower()):
                yield f"question {number} ended in {fault or 'nothing'}"

    def taken_up(self) -> Iterator[str]:
        """Nothing is left open in any gateway."""
        for party, request in self._of.rows("SELECT party, request FROM outgoing"):
            yield f"{party} has a request open: {request.hex()[:16]}"

    def delivered(self) -> Iterator[str]:
        """Every answer that came stands in the list of whom it was about, at both record keepers with its outcome."""
        text = "SELECT number, person, caseno FROM call WHERE result = ? AND person != ''"
        for number, person, case in self._of.rows(text, DELIVERED):
            self.looked_at["answers held against their person's list"] += 1
            seen = "SELECT result, log, place FROM seen_line WHERE person = ? AND caseno = ?"
            lines = self._without_twins(self._of.rows(seen, person, case))
            if [line[0] for line in lines] != [DELIVERED]:
                yield f"answer {number} is in the list {len(lines)} times, as {[line[0] for line in lines]}"
                continue
            for keeper in KEEPERS:
                if not self._listed(keeper, lines[0][1], lines[0][2]):
                    yield f"answer {number} has no record at {keeper}"

    def _without_twins(self, lines: list[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
        """Without the same entry in the other log: a ledger's answer was lost, and the person is shown both."""
        answered = [self._logs[log][place] for result, log, place in lines if result]
        return [line for line in lines if line[0] or self._logs[line[1]][line[2]] not in answered]

    def _listed(self, keeper: str, log: str, place: int) -> bool:
        """Whether the request at this place is in a list there, and its outcome is recorded."""
        text = (
            "SELECT id, first FROM filing WHERE party = ? AND log = ? AND first <= ?"
            " ORDER BY first DESC LIMIT 1"
        )
        found = self._of.rows(text, keeper, log, place)
        if not found:
            return False
        request, first = found[0]
        listed = "SELECT count(*) FROM listed WHERE party = ? AND filing = ? AND position = ?"
        outcome = digest("outcome-of", request)
        return all(
            self._of.one(listed, keeper, each, position) == 1
            for each, position in ((request, place - first), (outcome, place - first))
        )

    def recorded(self) -> Iterator[str]:
        """No agency got more answers than both record keepers have outcomes of its requests."""
        text = "SELECT agency, count(*) FROM call WHERE result = ? GROUP BY agency"
        for agency, answers in self._of.rows(text, DELIVERED):
            self.looked_at["answers"] += answers
            for keeper in KEEPERS:
                known = self._placed(keeper)
                requests = self._of.rows("SELECT request, entries FROM receipt WHERE party = ?", agency)
                there = sum(
                    len(entries) // LENGTH
                    for request, entries in requests
                    if request in known and digest("outcome-of", request) in known
                )
                if there < answers:
                    yield f"{agency} got {answers} answers, {keeper} has {there} outcomes"

    def _placed(self, keeper: str) -> set[bytes]:
        text = "SELECT id FROM filing WHERE party = ? AND first IS NOT NULL"
        return {row[0] for row in self._of.rows(text, keeper)}

    def answered(self) -> Iterator[str]:
        """Nobody decided on an answer whose request was not recorded at both and used at all converters."""
        kept = [self._placed(keeper) for keeper in KEEPERS]
        text = "SELECT DISTINCT request FROM used WHERE party = ?"
        used = [{row[0] for row in self._of.rows(text, name)} for name in CONVERTERS]
        for party, request in self._of.rows("SELECT party, request FROM incoming"):
            self.looked_at["answers decided"] += 1
            if not all(request in each for each in kept):
                yield f"{party} answered {request.hex()[:16]} without its record"
            if not all(request in each for each in used):
                yield f"{party} answered {request.hex()[:16]} without its release"

    # Receipts.

    def receipts(self) -> Iterator[str]:
        """Every receipt that was handed out verifies, and its entries stand where it says."""
        text = "SELECT party, request, filed, entries, tags FROM receipt"
        for party, request, data, entries, tags in self._of.rows(text):
            self.looked_at["receipts of agencies"] += 1
            filed = filed_of(data)
            given = filed.receipt
            if why := self._stands(given.first, given.proof, given.checkpoint, entries, tags):
                yield f"{party}: {why}"
            try:
                for each in filed.filings:
                    said = filings.opened(each.filing, each.signature, self._of.keepers[each.party])
                    said.covers(entries, tags)
                    if said.request != request:
                        yield f"{party}: a filing of another request"
            except (Problem, KeyError) as fault:
                yield f"{party}: {getattr(fault, 'code', 'a stranger')}"

    def filed(self) -> Iterator[str]:
        """What a record keeper has a receipt of stands there, signed by it, and the other has the same."""
        text = (
            "SELECT party, id, filing, signature, entries, tags, first, proof, checkpoint FROM filing"
            " WHERE first IS NOT NULL"
        )
        other: dict[bytes, dict[str, bytes]] = defaultdict(dict)
        for party, name, said, signature, entries, tags, first, proof, note in self._of.rows(text):
            self.looked_at["receipts of record keepers"] += 1
            other[name][party] = entries
            parts = [proof[at : at + HASH] for at in range(0, len(proof), HASH)]
            if why := self._stands(first, parts, note, entries, tags):
                yield f"{party}: {why}"
            try:
                filings.opened(said, signature, self._of.keepers[party]).covers(entries, tags)
            except Problem as fault:
                yield f"{party}: {fault.code}"
        for name, by in other.items():
            if sorted(by) != sorted(KEEPERS) or len(set(by.values())) != 1:
                yield f"{name.hex()[:16]} is recorded by {sorted(by)}"

    def _stands(self, first: int, proof: list[bytes], note: bytes, entries: bytes, tags: bytes) -> str:
        try:
            self._heads.verify(first, proof, note, entries, self._of.log_keys)
        except Problem as fault:
            return fault.code
        there = self._logs[notes.origin_of(note)][first : first + len(entries) // LENGTH]
        if b"".join(entry for _, entry in there) != entries or b"".join(tag for tag, _ in there) != tags:
            return f"the receipt of entry {first} is for what the log does not hold"
        return ""

    # The logs.

    def once(self) -> Iterator[str]:
        """No exchange id is used twice: each has one place, at every converter the same, under its own tag."""
        places: dict[bytes, set[tuple[str, int]]] = defaultdict(set)
        uses: Counter[tuple[str, bytes]] = Counter()
        for party, xid, log, position in self._of.rows("SELECT party, xid, log, position FROM used"):
            self.looked_at["uses of exchange ids"] += 1
            uses[party, xid] += 1
            places[xid].add((log, position))
        for (party, xid), count in uses.items():
            if count != 1:
                yield f"{party} used {xid.hex()[:16]} {count} times"
        taken = Counter(place for each in places.values() for place in each)
        for xid, each in places.items():
            log, position = min(each)
            entries = self._logs[log]
            if len(each) != 1 or taken[log, position] != 1:
                yield f"{xid.hex()[:16]} is used for {sorted(each)}"
            elif position >= len(entries) or entries[position][0] != digest("xid", xid):
                yield f"{xid.hex()[:16]} is not what is filed at {position}"

    def unique(self) -> Iterator[str]:
        """No log holds an entry or a tag twice, or lacks one in between."""
        for ledger, count, tags, entries, last in self._of.rows(
            "SELECT ledger, count(*), count(DISTINCT tag), count(DISTINCT bytes), max(idx) FROM entry"
            " GROUP BY ledger"
        ):
            self.looked_at["entries"] += count
            if not count == tags == entries == last + 1:
                yield f"{ledger} has {count} entries, {tags} tags, {entries} different, the last is {last}"

    def one_history(self) -> Iterator[str]:
        """Every head that was seen, of a signer or with witnesses, is one of the log that is there at the end."""
        for who, note in self._of.rows("SELECT who, note FROM head_seen"):
            self.looked_at["heads"] += 1
            origin = notes.origin_of(note)
            try:
                head = notes.open(note, origin, self._of.log_keys[origin])
            except Problem as fault:
                yield f"{who}: {fault.code}"
                continue
            if not self._is_in(origin, head.size, head.root):
                yield f"{who} has seen another history of {origin} at {head.size}"
        for who, origin, size, root in self._of.rows("SELECT who, log, size, root FROM signed_last"):
            if not self._is_in(origin, size, root):
                yield f"{who} has signed another history of {origin} at {size}"
        for (who,) in self._of.rows("SELECT who FROM fork"):
            yield f"{who} was shown two histories"

    def _is_in(self, origin: str, size: int, root: bytes) -> bool:
        tree = self._trees[origin]
        return size <= tree.size and tree.root(size) == root

    def counted(self) -> Iterator[str]:
        """What a converter released are requests of the log that name it, and no more."""
        for number, name in enumerate(CONVERTERS):
            for log, position in self._of.rows("SELECT log, position FROM used WHERE party = ?", name):
                entry = (
                    Entry.decode(self._logs[log][position][1]) if position < len(self._logs[log]) else None
                )
                if entry is None or entry.kind is not EntryKind.REQUEST or not entry.converters >> number & 1:
                    yield f"{name} released entry {position}, which does not name it"

    # What the country says of itself.

    def watched(self) -> Iterator[str]:
        """The monitor finds nothing."""
        for code, facts in self._of.rows("SELECT code, facts FROM finding"):
            yield f"{code} {facts}"

    def shown(self) -> Iterator[str]:
        """Every person is shown all that the record keepers have signed for, and both show the same."""
        for number, (signed, verified, hidden) in enumerate(
            self._of.rows("SELECT signed, verified, hidden FROM reading")
        ):
            self.looked_at["histories read"] += 1
            if verified < signed or hidden:
                yield f"history {number} shows {verified} of {signed}, {hidden} are not shown by both"

    def alone(self) -> Iterator[str]:
        """Of two sequencers on one store, one is refused or stops."""
        for ledger, ended in self._of.rows("SELECT ledger, ended FROM rival"):
            self.looked_at[f"second sequencers {ended}"] += 1
            if ended not in ("refused", "overtaken", "not begun"):
                yield f"a second process of {ledger}: {ended}"


RULES: dict[str, Callable[[Checker], Iterator[str]]] = {
    "questions-end": Checker.ended,
    "nothing-left-open": Checker.taken_up,
    "answers-in-lists": Checker.delivered,
    "answers-recorded": Checker.recorded,
    "answers-released": Checker.answered,
    "receipts-hold": Checker.receipts,
    "filings-hold": Checker.filed,
    "ids-used-once": Checker.once,
    "entries-once": Checker.unique,
    "one-history": Checker.one_history,
    "counts-agree": Checker.counted,
    "monitor-clean": Checker.watched,
    "lists-agree": Checker.shown,
    "one-sequencer": Checker.alone,
}


def check(outcome: Outcome) -> Verdict:
    """Every rule over an outcome."""
    return Checker(outcome).verdict()
