"""Wiring of a gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from kakine.clients.carrier import disputable
from kakine.clients.domains import Domain, MonthKeys
from kakine.clients.exchange import Network
from kakine.clients.rekey import first_epoch
from kakine.contracts import agency, gateway
from kakine.contracts.claims import CLAIM
from kakine.crypto.passkeys import Site
from kakine.crypto.wrapping import WrapKey
from kakine.parties.gateway import answering, claims, front, store
from kakine.parties.gateway.asking import Desk
from kakine.parties.gateway.bulk.calls import Jobs
from kakine.parties.gateway.bulk.store import drop_unbegun
from kakine.parties.gateway.desk.calls import DeskCalls
from kakine.parties.gateway.desk.office import CaseDesk, Names, Rules
from kakine.parties.gateway.office import Office, Validate
from kakine.parties.gateway.office import Site as DomainSite
from kakine.protocols.gazette import LawBook
from kakine.runtime.database import Database
from kakine.runtime.http import Duty, Peers, application
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.runtime.layouts import Layouts
from kakine.runtime.replicas import Watch, everybody, whoever
from kakine.values.labels import DomainName


class Gateway:
    """One agency's gateway with all its domains."""

    def __init__(
        self,
        domains: Sequence[DomainName],
        network: Network,
        path: Path,
        identity: Identity,
        law: LawBook,
        peers: Peers,
        clock: Clock,
        entropy: Entropy,
        validate: Validate,
    ) -> None:
        db = Database.open(path, store.metadata)
        sites = {
            name: DomainSite(
                name,
                Domain(name, identity, db, peers, network.converters),
                WrapKey(identity.local_key("wrap", name.encode(), length=64)),
            )
            for name in domains
        }
        months = MonthKeys(peers, law, clock, network.converters)
        self.office = Office(identity, network, db, law, months, peers, clock, entropy, validate, sites)
        self.desk = Desk(self.office)
        self.jobs = Jobs(self.office, self.desk)
        self.desks: dict[DomainName, CaseDesk] = {}
        self._watch = Watch(db)

    @property
    def app(self) -> ASGIApp:
        """The ASGI application."""
        office = self.office
        duties: list[Duty[Any, Any]] = [
            Duty(gateway.DELIVER, partial(answering.deliver, office)),
            Duty(gateway.DISPUTABLE, partial(disputable, office.db)),
            Duty(agency.ASK, partial(front.ask, office, self.desk)),
            Duty(agency.PAPER, partial(front.paper, office, self.desk)),
            Duty(agency.KEEP, partial(front.keep, office)),
            *self.jobs.duties,
            *DeskCalls(office, self.desks).duties,
            Duty(CLAIM, partial(claims.take, office)),
        ]
        return application(duties, lambda name: office.law.in_force(office.clock()).roles(name))

    def case_desk(
        self,
        domain: DomainName,
        layouts: Layouts,
        files: Mapping[str, Names],
        site: Site,
        rules: Rules | None = None,
    ) -> CaseDesk:
        """The desk of one domain's case workers (spec/desk.md), whose pages are at `site`; what the agency's systems
        tell it comes here from now on. Raises `DomainNotRun`."""
        made = CaseDesk(domain, self.office, self.desk, layouts, files, site, rules or Rules())
        self.desks[domain] = made
        return made

    async def start(self) -> None:
        """Begin, enrol, and take up what a crash left open."""
        left = await self.begin()
        await self.enrol()
        await self.desk.resume(of=left)

    async def begin(self) -> str:
        """Before the first call is taken: make what a crash left open this process's own, of an earlier one in its
        place and not of a replica that lives. Under which name it is to be taken up."""
        office = self.office
        await office.db.write(drop_unbegun)
        me = office.db.replica
        return await self.desk.take_over(whoever((me, "")) if me else everybody)

    async def enrol(self) -> None:
        """Enrol the domains with the converters where that is not done."""
        office = self.office
        law = office.law.in_force(office.clock())
        for name, site in office.sites.items():
            epoch = law.epoch(name)
            await site.domain.mask_keys(epoch)
            await office.db.write(partial(first_epoch, domain=name, epoch=epoch))

    async def watch(self) -> str:
        """Take over what a replica has left that has been silent for too long: whose. It is taken up with all that is
        open (`Desk.go_on`)."""
        ended = await self._watch.ended()
        for name in ended:
            await self.desk.take_over(whoever((name,)), name)
        return ", ".join(ended)

    def close(self) -> None:
        """Close the store. What is being taken up stays open."""
        self.desk.carrier.stop()
        self.office.db.close()
