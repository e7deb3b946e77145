"""What a converter's duties work with: its keys, its store, the law, the others, a clock and randomness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kakine.contracts.mailbox import Logged
from kakine.crypto.group import Scalar
from kakine.crypto.sealing import OpenKey
from kakine.protocols.gazette import LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.logs import LogBook
from kakine.runtime.database import Database
from kakine.runtime.heads import Histories
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import PartyName


@dataclass(frozen=True)
class Settings:
    """One converter's place in the chain. `others` are all converters in chain order, this one included; `daily_limit`
    is how many people one link may convert in a day; `witness_name` the key name under which it cosigns heads.
    `tells_later` is for who has a clock that calls `recording.tell`."""

    position: int
    others: Sequence[PartyName]
    logs: LogBook
    daily_limit: int = 1_000_000
    witness_name: str = "converter.kakine.example"
    tells_later: bool = False


@dataclass
class Office:
    """One converter at work, in this process; others may share its store. So what is in memory is what never changes
    (shares), what is compared with the store when it is used (heads, `months`), or waits to be kept there: `refused`
    counts by day, caller and code (see `uses`), `untold` are receipts for record keepers (see `recording`). `fenced` is
    how often the store had been reached when its fence was raised last."""

    settings: Settings
    identity: Identity
    db: Database
    law: LawBook
    peers: Peers
    clock: Clock
    entropy: Entropy
    booted_ms: int
    release_key: bytes
    nonce_key: bytes
    heads: Heads
    histories: Histories
    shares: dict[tuple[str, int], tuple[Scalar, bytes]] = field(default_factory=dict)
    months: dict[int, OpenKey] = field(default_factory=dict)
    refused: dict[tuple[int, str, str], int] = field(default_factory=dict)
    untold: list[tuple[Sequence[PartyName], Logged]] = field(default_factory=list)
    fenced: int = -1

    @property
    def successor(self) -> PartyName | None:
        """The next converter; None for the last."""
        others = self.settings.others
        return others[self.settings.position] if self.settings.position < len(others) else None
