"""What the auditor works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kakine.crypto.signing import VerifyKey
from kakine.protocols.gazette import LawBook
from kakine.protocols.logs import Log, LogKeys, Logs, log_keys
from kakine.protocols.objections import ANSWER_MS
from kakine.runtime.database import Database
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import PartyName
from kakine.values.problems import CheckpointInvalid

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Limits:
    """How long an objection may stay unanswered, how long a party may stay silent about it before it is named, and how
    long, from the objection's own minute in the log, an agency has for what was passed on to it."""

    answer_ms: int = 30 * _DAY_MS
    patience_ms: int = 7 * _DAY_MS
    agency_ms: int = ANSWER_MS


@dataclass(frozen=True)
class Office:
    """The auditor at work, under the commission's identity. `converters` in chain order. In `findings` the
    console finds folders of evidence."""

    identity: Identity
    converters: Sequence[PartyName]
    keeper: PartyName
    registry: PartyName
    logs: Logs
    db: Database
    law: LawBook
    peers: Peers
    clock: Clock
    entropy: Entropy
    limits: Limits = field(default_factory=Limits)
    findings: Path | None = None

    def key(self, name: PartyName) -> VerifyKey:
        """The key a party signs with, by the law in force. Raises PartyUnknown."""
        return self.law.in_force(self.clock()).signing_key(name)

    def log_keys(self) -> LogKeys:
        """The keys under which heads of the logs are signed."""
        return log_keys(self.law.in_force(self.clock()), self.logs)

    def log_of(self, origin: str) -> Log:
        """One of the logs. Raises `CheckpointInvalid`."""
        for log in self.logs:
            if log.origin == origin:
                return log
        raise CheckpointInvalid(part="origin")
