"""How far evidence reaches, and what every proof of it needs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from kakine.clients.monitor.findings import Finding
from kakine.crypto.merkle import leaf_hash, verify_inclusion
from kakine.values.problems import (
    NotEvidence,
)
from kakine.wire import checkpoint as notes
from kakine.wire.policy import NamedKey
from kakine.wire.proof import Proof

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


def require(holds: bool, part: str) -> None:
    if not holds:
        raise NotEvidence(part=part)


def number(finding: Finding, name: str) -> int:
    """A fact that is a number, 0 where there is none. Raises `NotEvidence` for a text: facts are anybody's."""
    found = finding.facts.get(name, 0)
    if not isinstance(found, int):
        raise NotEvidence(part=name)
    return found


def entries_of(finding: Finding, log: NamedKey) -> list[tuple[int, bytes]]:
    """(index, entry) of each receipt, all in the tree of one signed head."""
    receipts = [Proof.decode(data) for data in finding.evidence.receipts]
    require(len({receipt.note for receipt in receipts}) == 1, "heads")
    for receipt in receipts:
        at = notes.open(receipt.note, log.name, log.key)
        verify_inclusion(leaf_hash(receipt.entry), receipt.index, at.size, receipt.path, at.root)
    return [(receipt.index, receipt.entry) for receipt in receipts]


def exactly(found: list[tuple[int, bytes]], count: int) -> list[tuple[int, bytes]]:
    require(len(found) == count, "receipts")
    return found
