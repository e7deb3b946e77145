"""What a gateway's duties work with, and the problems only it raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from kakine.clients.domains import Domain, MonthKeys
from kakine.clients.exchange import Network, Requester, Seat
from kakine.clients.recipient import Recipient
from kakine.clients.rekey import Move, require_settled
from kakine.crypto.wrapping import WrapKey
from kakine.parties.gateway.store import move_person
from kakine.protocols.gazette import LawBook
from kakine.runtime.database import Database
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.codes import Code, WrappedCode
from kakine.values.labels import DomainName
from kakine.values.problems import DomainNotRun

Validate = Callable[[str, int, object], None]
"""Raises `LayoutViolated` unless the data (decoded JSON) fits the item's layout in this version."""


@dataclass
class Site:
    """One domain of this gateway."""

    name: DomainName
    domain: Domain
    wrap: WrapKey

    def wrapped(self, code: Code) -> WrappedCode:
        """The form of a code at rest in this domain."""
        return self.wrap.wrap(code, self.name)

    def unwrapped(self, token: bytes) -> Code:
        """The code, for the time of one request."""
        return self.wrap.unwrap(WrappedCode(token), self.name)


@dataclass
class Office:
    """A gateway at work."""

    identity: Identity
    network: Network
    db: Database
    law: LawBook
    months: MonthKeys
    peers: Peers
    clock: Clock
    entropy: Entropy
    validate: Validate
    sites: Mapping[DomainName, Site] = field(default_factory=dict)
    _requesters: dict[tuple[str, int], Requester] = field(default_factory=dict)
    _recipients: dict[tuple[str, int], Recipient] = field(default_factory=dict)

    def site(self, domain: str) -> Site:
        """Raises `DomainNotRun`."""
        found = self.sites.get(DomainName(domain))
        if found is None:
            raise DomainNotRun()
        return found

    def epoch(self, domain: str) -> int:
        """The epoch in force. Raises `DomainMoving` while the codes at rest are of another."""
        epoch = self.law.in_force(self.clock()).epoch(domain)
        require_settled(self.db.read(), domain, epoch)
        return epoch

    def move(self, domain: str) -> Move:
        """The way of a domain to its next epoch."""
        site = self.site(domain)
        return Move(
            site.domain,
            site.wrap,
            self.identity,
            self.db,
            self.law,
            self.peers,
            self.network.converters,
            self.clock,
            self.entropy,
            partial(move_person, domain=site.name),
        )

    @property
    def seat(self) -> Seat:
        """What the domains of this gateway ask and answer with."""
        return Seat(self.identity, self.network, self.law, self.months, self.peers, self.clock, self.entropy)

    def requester(self, domain: str) -> Requester:
        """The asking side of a domain in its present epoch."""
        site, epoch = self.site(domain), self.epoch(domain)
        found = self._requesters.get((domain, epoch))
        if found is None:
            found = self._requesters[domain, epoch] = Requester(site.domain, epoch, self.seat)
        return found

    def recipient(self, domain: str) -> Recipient:
        """The answering side of a domain in its present epoch."""
        site, epoch = self.site(domain), self.epoch(domain)
        found = self._recipients.get((domain, epoch))
        if found is None:
            found = self._recipients[domain, epoch] = Recipient(site.domain, epoch, self.seat)
        return found
