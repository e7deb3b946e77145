"""What every duty of the authority works with."""

from __future__ import annotations

from dataclasses import dataclass

from kakine.parties.authority.roots import Issuer, Roots
from kakine.parties.authority.settings import AuthoritySettings
from kakine.protocols.gazette import LawBook
from kakine.runtime.database import Database
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.certificates import Profile


@dataclass(frozen=True)
class Office:
    """One authority."""

    settings: AuthoritySettings
    identity: Identity
    db: Database
    roots: Roots
    law: LawBook
    peers: Peers
    clock: Clock
    entropy: Entropy

    @property
    def now_s(self) -> int:
        """Seconds since 1970."""
        return self.clock() // 1000

    def root_of(self, profile: Profile, partition: str) -> Issuer:
        """The root of a partition: its name begins with the root's generation."""
        return self.roots.of_generation(profile, int(partition.partition("-")[0]))
