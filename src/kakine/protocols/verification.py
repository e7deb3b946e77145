"""What somebody who trusts nothing but a policy can say of a receipt file and a record file (spec/verify.md).

A verdict is the same list of steps every time. Each step holds, fails with a reason, is absent because there is nothing
to check, or is open because an earlier step failed. `web/static/history/verify.js` gives the same verdict, reason for
reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from kakine.crypto.merkle import leaf_hash, verify_inclusion
from kakine.protocols.witnessing import cosigners
from kakine.values.problems import LogNotInPolicy, OpeningMismatch, Problem, SignatureInvalid
from kakine.wire import checkpoint as notes
from kakine.wire import policy as policies
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.opening import RecordFile, Value
from kakine.wire.policy import NamedKey, Policy
from kakine.wire.proof import Proof


class State(StrEnum):
    """What came of a step."""

    HELD = "held"
    FAILED = "failed"
    ABSENT = "absent"
    OPEN = "open"


@dataclass(frozen=True)
class Step:
    """One step. `why` is empty unless it failed: the code of a problem, and after a slash the part that is wrong."""

    name: str
    state: State
    why: str = ""


@dataclass
class Shown:
    """What the files say, for a reader; worth something only after every step."""

    policy: Policy = field(default_factory=Policy)
    proof: Proof = field(default_factory=lambda: Proof(b"", 0, (), b""))
    logs: list[NamedKey] = field(default_factory=list)
    log: NamedKey | None = None
    head: Checkpoint = field(default_factory=lambda: Checkpoint(0, b""))
    witnesses: dict[str, int] = field(default_factory=dict)
    entry: Entry | None = None
    record: RecordFile | None = None

    def values(self) -> dict[str, Value]:
        """The record's fields by name; none without a record."""
        return self.record.values() if self.record else {}


@dataclass(frozen=True)
class Verdict:
    """All steps in order."""

    steps: tuple[Step, ...]
    shown: Shown

    @property
    def good(self) -> bool:
        """No step failed, so none is open."""
        return all(step.state is not State.FAILED for step in self.steps)

    @property
    def witnessed(self) -> bool:
        """All held, and the policy's quorum of witnesses has signed; a policy that asks for none gives no quorum."""
        return self.good and any(step == Step("witnesses", State.HELD) for step in self.steps)


def verify(policy: bytes, receipt: bytes, record: bytes | None = None) -> Verdict:
    """The verdict on a receipt file, and on a record file if there is one, under a policy.

    Does not check that the policy's keys are the right ones, that the head extends one seen elsewhere, how old anything
    is, that the envelope opens to the record, or that what the record says is true. Raises nothing.
    """
    shown, steps = Shown(), list[Step]()
    given = _Given(policy, receipt, record)
    for name, check in _CHECKS.items():
        failed = any(step.state is State.FAILED for step in steps)
        steps.append(Step(name, State.OPEN) if failed else _step(name, check, shown, given))
    return Verdict(tuple(steps), shown)


@dataclass(frozen=True)
class _Given:
    policy: bytes
    receipt: bytes
    record: bytes | None


_Check = Callable[[Shown, _Given], State]


def _step(name: str, check: _Check, shown: Shown, given: _Given) -> Step:
    try:
        return Step(name, check(shown, given))
    except Problem as refusal:  # every refusal is an answer here, and the codes are permanent
        part = refusal.facts.get("part", "")
        return Step(name, State.FAILED, f"{refusal.code}/{part}" if part else refusal.code)


def _policy(shown: Shown, given: _Given) -> State:
    shown.policy = policies.decode(given.policy)
    return State.HELD


def _receipt(shown: Shown, given: _Given) -> State:
    shown.proof = Proof.decode(given.receipt)
    return State.HELD


def _log(shown: Shown, _: _Given) -> State:
    origin = shown.proof.note.partition(b"\n")[0]
    shown.logs = [log for log in shown.policy.logs if log.name.encode() == origin]
    if not shown.logs:
        raise LogNotInPolicy()
    return State.HELD


def _checkpoint(shown: Shown, _: _Given) -> State:
    for log in shown.logs:
        try:
            head = notes.open(shown.proof.note, log.name, log.key)
        except SignatureInvalid as fault:
            if fault.facts.get("part") != "missing":
                raise
        else:
            # A log has several keys when they change. All that have signed must have signed well; the first is shown.
            shown.head, shown.log = head, shown.log or log
    if shown.log is None:
        raise SignatureInvalid(part="missing")
    return State.HELD


def _witnesses(shown: Shown, _: _Given) -> State:
    shown.witnesses = cosigners(shown.proof.note, shown.policy)
    shown.policy.check_quorum(shown.witnesses)
    return State.ABSENT if shown.policy.quorum == policies.NONE else State.HELD


def _entry(shown: Shown, _: _Given) -> State:
    shown.entry = Entry.decode(shown.proof.entry)
    return State.HELD


def _inclusion(shown: Shown, _: _Given) -> State:
    proof = shown.proof
    verify_inclusion(leaf_hash(proof.entry), proof.index, shown.head.size, proof.path, shown.head.root)
    return State.HELD


def _record(shown: Shown, given: _Given) -> State:
    if given.record is None:
        return State.ABSENT
    shown.record = RecordFile.decode(given.record)
    return State.HELD


def _commitment(shown: Shown, _: _Given) -> State:
    if shown.record is None or shown.entry is None:
        return State.ABSENT
    if shown.entry.kind not in _KINDS[shown.record.kind]:
        raise OpeningMismatch(part="kind")
    if shown.record.committed() != shown.entry.commitment:
        raise OpeningMismatch(part="commitment")
    if shown.values().get("seal") not in (None, shown.entry.sealed_until):
        raise OpeningMismatch(part="seal")
    return State.HELD


def _envelope(shown: Shown, _: _Given) -> State:
    if shown.record is None or shown.entry is None or not shown.record.envelope:
        return State.ABSENT
    if hashlib.sha256(shown.record.sealed()).digest() != shown.entry.payload_digest:
        raise OpeningMismatch(part="envelope")
    return State.HELD


_KINDS = {
    "request": frozenset({EntryKind.REQUEST, EntryKind.VIEWED, EntryKind.ANNOTATION}),
    "outcome": frozenset({EntryKind.OUTCOME}),
}
"""Under entries of which kinds a record may stand: a view and an objection are requests that end at record keepers."""

_CHECKS: dict[str, _Check] = {
    "policy": _policy,
    "receipt": _receipt,
    "log": _log,
    "checkpoint": _checkpoint,
    "witnesses": _witnesses,
    "entry": _entry,
    "inclusion": _inclusion,
    "record": _record,
    "commitment": _commitment,
    "envelope": _envelope,
}

STEPS = tuple(_CHECKS)
"""Names of the steps in order."""
