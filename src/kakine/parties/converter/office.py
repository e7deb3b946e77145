"""What a converter's duties work with: its keys, its store, the law, the others, a clock and randomness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kakine.crypto.group import Scalar
from kakine.protocols.gazette import LawBook
from kakine.runtime.database import Database
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import PartyName
from kakine.values.problems import Problem
from kakine.wire.checkpoint import Checkpoint


class BootFence(Problem):
    code = "boot-fence"
    status = 409
    title = "an unknown request from before this converter started; ask anew"


class BatchReused(Problem):
    code = "batch-reused"
    status = 409
    title = "this batch id has been used for another request"


class RequestUnknown(Problem):
    code = "request-unknown"
    status = 404
    title = "this party has taken part in no such request"


class LinkWithheld(Problem):
    code = "link-withheld"
    status = 403
    title = "a converter withholds its share of this link"


class DomainNotEnrolled(Problem):
    code = "domain-not-enrolled"
    title = "a converter holds no share for this domain and epoch"


class AlreadyEnrolled(Problem):
    code = "domain-already-enrolled"
    status = 409
    title = "this domain and epoch have their keys already; they are handed out once"


class ExchangeUsed(Problem):
    code = "exchange-used"
    status = 409
    title = "this exchange has been released under another request or position"


class GroundUnfit(Problem):
    code = "ground-unfit"
    title = "this ground does not cover this kind of conversion"


@dataclass(frozen=True)
class Settings:
    """One converter's place in the chain. `others` are all converters in chain order, this one included."""

    position: int
    others: Sequence[PartyName]
    ledger: PartyName
    ledger_origin: str
    keeper: PartyName


@dataclass
class Office:
    """One converter at work. Shares are kept in memory once read; `withheld` mirrors the store."""

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
    shares: dict[tuple[str, int], tuple[Scalar, bytes]] = field(default_factory=dict)
    months: dict[int, bytes] = field(default_factory=dict)
    withheld: set[tuple[str, str]] = field(default_factory=set)
    heads: dict[bytes, Checkpoint] = field(default_factory=dict)

    @property
    def successor(self) -> PartyName | None:
        """The next converter; None for the last."""
        others = self.settings.others
        return others[self.settings.position] if self.settings.position < len(others) else None

