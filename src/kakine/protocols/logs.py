"""The logs that count: which ledger writes which, and under whose key its heads are signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.signing import VerifyKey
from kakine.protocols.gazette import Law
from kakine.values.labels import PartyName


@dataclass(frozen=True)
class Log:
    """A log by its `origin`, and the ledger that writes it."""

    ledger: PartyName
    origin: str


Logs = tuple[Log, ...]
"""In the order in which they are asked to append. A receipt of any of them counts."""

LogKeys = Mapping[str, VerifyKey]
"""By origin, the key under which heads of that log are signed."""


def log_keys(law: Law, logs: Sequence[Log]) -> LogKeys:
    """The keys that `law` gives. Raises `PartyUnknown` for a ledger that it does not know."""
    return {log.origin: law.log_key(log.ledger) for log in logs}
