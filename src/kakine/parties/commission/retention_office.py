"""What the commission works with when it erases and holds, and how it logs what it orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.clients.logs import append
from kakine.contracts.call import Role
from kakine.contracts.ledger import Append, Appended
from kakine.protocols.gazette import Law, LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.logs import LogKeys, Logs, log_keys
from kakine.runtime.database import Database
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.labels import PartyName
from kakine.wire import filing
from kakine.wire.entry import Entry

_NOTHING = bytes(32)


@dataclass(frozen=True)
class Office:
    """The commission at work on what expires."""

    identity: Identity
    logs: Logs
    heads: Heads
    db: Database
    book: LawBook
    peers: Peers
    clock: Clock
    entropy: Entropy

    @property
    def law(self) -> Law:
        """The law in force."""
        return self.book.in_force(self.clock())

    @property
    def keepers(self) -> Sequence[PartyName]:
        """The record keepers, by name."""
        return sorted(self.law.keeper_parties)

    @property
    def converters(self) -> Sequence[PartyName]:
        """The converters, by name."""
        return sorted(self.law.with_role(Role.CONVERTER))

    @property
    def log_keys(self) -> LogKeys:
        """The keys the logs are signed with."""
        return log_keys(self.law, self.logs)

    async def log(self, entry: bytes, tag: bytes) -> Appended:
        """The receipt of an entry of the commission's own. The same entry again gives the same place, while the log
        that has it can be reached."""
        filed = filing.filing_of(
            request=_NOTHING,
            points=_NOTHING,
            entries=entry,
            tags=tag,
            hops=_NOTHING,
            minutes=Entry.decode(entry).minutes,
        )
        signed = filing.sign(filed, self.identity.name, self.identity.signing)
        receipt = await append(self.peers, self.logs, Append(entry, tag, [signed]), again=True)
        self.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, entry, self.log_keys)
        return receipt
