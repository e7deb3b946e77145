"""What the mailbox's duties work with, and the problems only it raises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kakine.crypto.wrapping import WrapKey
from kakine.protocols.gazette import LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.index import Index
from kakine.protocols.logs import Logs
from kakine.runtime.database import Database
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import DomainName, PartyName


@dataclass(frozen=True)
class Settings:
    """`converters` in chain order."""

    domain: DomainName
    converters: Sequence[PartyName]
    logs: Logs


@dataclass
class Office:
    """The mailbox at work. `mask_keys` are those it shares with each converter, in chain order; `looks` counts how
    often a filing that no log is known to have was looked for."""

    settings: Settings
    identity: Identity
    db: Database
    law: LawBook
    peers: Peers
    clock: Clock
    entropy: Entropy
    wrap: WrapKey
    heads: Heads
    mask_keys: Sequence[bytes] = ()
    looks: dict[bytes, int] = field(default_factory=dict)
    remade: dict[tuple[str, int], tuple[int, bytes]] = field(default_factory=dict)
    indexes: dict[tuple[str, int], Index] = field(default_factory=dict)
