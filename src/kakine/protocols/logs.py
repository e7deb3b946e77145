"""The logs that count: which ledger writes which, under whose key its heads are signed, and which have ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import overload

from kakine.crypto.signing import VerifyKey
from kakine.protocols.gazette import Law
from kakine.values.labels import PartyName
from kakine.values.problems import CheckpointInvalid
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.log_list import GENESIS


class LogKey(VerifyKey):
    """The key of a log that has ended, and the last head that counts under it."""

    final: Checkpoint

    @classmethod
    def ended(cls, key: VerifyKey, final: Checkpoint) -> LogKey:
        """`key`, good up to `final`."""
        made = cls(key)
        made.final = final
        return made


@dataclass(frozen=True)
class Log:
    """A log by its `origin`, and the name under which its ledger is called. Run by `operator`, which is the ledger's
    own name for a first log.

    `key` is the one its opening names; None for a first log, whose key is the law's for that ledger, until it has
    ended: then `final` is its last checkpoint, and `key` the one that signed it, with the head. It took the place of
    `follows` at `since_ms`, nothing and 0 for a first log. `dead` says that it ended by a fault: not all of it may be
    readable.
    """

    ledger: PartyName
    origin: str
    operator: PartyName | None = None
    key: VerifyKey | None = None
    final: bytes | None = None
    follows: str = ""
    since_ms: int = 0
    dead: bool = False

    @property
    def by(self) -> PartyName:
        """The party that runs it."""
        return self.operator or self.ledger

    def key_in(self, law: Law) -> VerifyKey:
        """The key under which its heads are signed. Raises `PartyUnknown` for a ledger that `law` does not know."""
        return self.key or law.log_key(self.by)

    def ended(self, key: VerifyKey, final: bytes, head: Checkpoint, *, dead: bool) -> Log:
        """The same log, closed for good."""
        return replace(self, key=LogKey.ended(key, head), final=final, dead=dead)


Logs = Sequence[Log]
"""In the order in which they are asked to append. A receipt of any of them counts."""

LogKeys = Mapping[str, VerifyKey]
"""By origin, the key under which heads of that log are signed; a `LogKey` for one that has ended."""


def log_keys(law: Law, logs: Logs) -> LogKeys:
    """The keys that `law` and the openings give. Raises `PartyUnknown` for a ledger that `law` does not know."""
    return {log.origin: log.key_in(law) for log in logs}


def open_logs(logs: Logs) -> Sequence[Log]:
    """Those that may still be appended to."""
    return [log for log in logs if log.final is None]


def log_of(logs: Logs, origin: str) -> Log:
    """The log of this origin. Raises `CheckpointInvalid` for one that is not among them."""
    for log in logs:
        if log.origin == origin:
            return log
    raise CheckpointInvalid(part="origin")


def logs_at(logs: Logs, time_ms: int) -> Sequence[Log]:
    """Those that had been opened by then."""
    return [log for log in logs if log.since_ms <= time_ms]


def present(logs: Logs, log: Log) -> Log:
    """The log that has taken the place of this one by now; itself while it is open."""
    while log.final is not None:
        log = next(each for each in logs if each.follows == log.origin)
    return log


class LogBook(Sequence[Log]):
    """One party's list of logs: those a country was founded with, then each that was opened, in that order.

    It changes under whoever holds it (`log_list.take`); read it anew rather than keep a copy.
    """

    def __init__(self, founding: Logs) -> None:
        self._logs = list(founding)
        self.number = 0
        self.last = GENESIS

    @overload
    def __getitem__(self, at: int) -> Log: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Log]: ...
    def __getitem__(self, at: int | slice) -> Log | Sequence[Log]:
        return self._logs[at]

    def __len__(self) -> int:
        return len(self._logs)

    def __iter__(self) -> Iterator[Log]:
        return iter(tuple(self._logs))

    def turn(self, ended: Log, opened: Log, digest: bytes) -> None:
        """One log takes the place of another. Nothing is checked here."""
        self._logs = [ended if log.origin == ended.origin else log for log in self._logs]
        self._logs.append(opened)
        self.number, self.last = self.number + 1, digest
