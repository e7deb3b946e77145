"""What a party starts from, and what it is once it has started: the same in one process and apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from kakine.protocols.gazette import LawBook
from kakine.protocols.logs import LogBook
from kakine.protocols.witnessing import Opened
from kakine.runtime.database import Database
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.runtime.schedule import Chore
from kakine.values.labels import PartyName

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000

Send = Callable[[PartyName, str, bytes], Awaitable[tuple[int, str, bytes]]]
"""A POST to a party for a protocol that is not ours: path and body; status, media type and body come back."""


@dataclass(frozen=True)
class Footing:
    """Where one party stands. `database` is its SQLite file, or the file with its server's address, in a folder that
    exists; `converters` in chain order; `law` and `logs` are its own, brought up to date from outside."""

    database: Path
    identity: Identity
    law: LawBook
    logs: LogBook
    peers: Peers
    clock: Clock
    entropy: Entropy
    converters: Sequence[PartyName]

    @property
    def common(self) -> tuple[Path, Identity, LawBook, Peers, Clock, Entropy]:
        """What most parties take in this order."""
        return self.database, self.identity, self.law, self.peers, self.clock, self.entropy


async def nothing() -> None:
    """There is nothing to do."""


@dataclass(frozen=True)
class Working:
    """A party as its process runs it. `prepare` is done before anybody's certificate can be looked up, `begin` when the
    others can be called; either may be tried again. `chores` follow, for good. `believe` holds the last head of a log
    against what was seen of it, for who keeps heads; `pages` are for people, over another socket. `store` is looked at
    again and again: a process whose store another has opened takes no calls any more. `faults` says how many its audit
    has found of late, for who audits."""

    app: Callable[[], ASGIApp]
    close: Callable[[], None]
    prepare: Callable[[], Awaitable[None]] = nothing
    begin: Callable[[], Awaitable[None]] = nothing
    chores: Sequence[Chore] = ()
    believe: Callable[[Opened, bool], Awaitable[None]] | None = None
    pages: ASGIApp | None = None
    store: Database | None = None
    faults: Callable[[], int] | None = None


@dataclass(frozen=True)
class Site:
    """What the process of a party has besides its place: the folder that is its own, and the road for protocols that
    are not ours."""

    folder: Path
    send: Send
