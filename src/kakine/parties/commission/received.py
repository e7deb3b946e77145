"""Evidence that people's browsers send: kept beside that of monitors, in the same form (spec/monitor.md section 4).

Nothing of what was sent is kept but heads that a log has signed itself, each without the lines of others, and only
where two of them do not belong to one history: so it carries no content, whoever sends it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import combinations
from pathlib import Path

from kakine.clients.monitor import evidence as folders
from kakine.clients.monitor.findings import Code, Evidence, Fact, Finding
from kakine.contracts.commission_audit import EvidenceSent, EvidenceTaken
from kakine.contracts.ledger import CONSISTENCY, Between
from kakine.crypto.hashing import digest
from kakine.crypto.merkle import verify_consistency
from kakine.crypto.signing import VerifyKey
from kakine.parties.commission.audit_office import Office
from kakine.protocols.logs import Log
from kakine.values.labels import PartyName
from kakine.values.problems import CheckpointInvalid, NotEvidence, Problem, SignatureInvalid
from kakine.wire import checkpoint as notes
from kakine.wire import evidence as wire
from kakine.wire.checkpoint import Checkpoint

MOST_UNPROVEN = 200
"""Folders of browsers after which only what proves itself is taken."""
PREFIX = "browser-"

Head = tuple[Checkpoint, bytes]


async def take(office: Office, caller: PartyName, sent: EvidenceSent) -> EvidenceTaken:
    """Keep it, and sign that it is here. The same again is the same. Raises `EvidenceMalformed`, and `NotEvidence`
    where nothing in it contradicts itself, or it proves nothing and there is too much of that already."""
    accused = wire.decode(sent.data)
    found = [finding for each in accused.logs async for finding in _findings(office, each)]
    if not found or office.findings is None:
        raise NotEvidence(part="nothing")
    if not any(_proves(each) for each in found) and _received(office.findings) >= MOST_UNPROVEN:
        raise NotEvidence(part="too-many")
    shown = digest("evidence-folder", *(note for each in found for note in each.evidence.notes))
    folders.write(office.findings / f"{PREFIX}{shown.hex()[:32]}", found)
    return EvidenceTaken(office.identity.signing.sign(wire.LABEL, sent.data))


def _received(folder: Path) -> int:
    return sum(1 for each in folder.glob(f"{PREFIX}*")) if folder.is_dir() else 0


def _proves(finding: Finding) -> bool:
    return finding.facts.get("size") == finding.facts.get("other_size")


async def _findings(office: Office, accused: wire.Accused) -> AsyncIterator[Finding]:
    log = office.log_of(accused.log)
    key = log.key_in(office.law.in_force(office.clock()))
    served = _heads(log, key, [accused.served])
    every = dict(_heads(log, key, [accused.before, accused.served, *accused.seen]))
    for (one, first), (two, second) in combinations(every.items(), 2):
        (old, older), (new, newer) = sorted([(one, first), (two, second)], key=lambda each: each[0].size)
        facts: dict[str, Fact] = {"size": new.size, "other_size": old.size}
        if old.size == new.size or not await _extends(office, log, old, new):
            yield Finding(Code.HEAD_FORKED, facts, Evidence(notes=(older, newer)), log.origin)
        elif [old] == [head for head, _ in served] and accused.problem == "log-behind":
            facts = {"size": old.size, "other_size": new.size}
            yield Finding(Code.HEAD_ROLLED_BACK, facts, Evidence(notes=(older, newer)), log.origin)


def _heads(log: Log, key: VerifyKey, given: list[str | None]) -> list[Head]:
    """Those that the log has signed, each under its own line alone. Others prove nothing about it."""
    found = []
    for each in given:
        try:
            data = notes.only((each or "").encode(), log.origin, [key])
            found.append((notes.open(data, log.origin, key), data))
        except (CheckpointInvalid, SignatureInvalid):
            continue
    return found


async def _extends(office: Office, log: Log, old: Checkpoint, new: Checkpoint) -> bool:
    """Whether the log itself shows that the newer tree begins with the older one."""
    try:
        given = await office.peers.ask(log.ledger, CONSISTENCY, Between(old.size, new.size))
        verify_consistency(old.size, new.size, given.proof, old.root, new.root)
    except Problem:
        return False
    return True
