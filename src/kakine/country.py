"""The whole country in one process: the only module that sees all parties.

Each party has its own folder of keys, its own SQLite file, its own law book, and reaches the others over in-process
HTTP with the same bytes as over a network. Nothing here has a way around a gate: it founds, starts and stops.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from starlette.types import ASGIApp

from kakine.clients import carrier
from kakine.clients.exchange import Network
from kakine.clients.gazette import Sources, refresh
from kakine.clients.witnessing import Gathered, WitnessSite
from kakine.contracts.call import Nothing, Role
from kakine.contracts.converter import HEAD, LastHead
from kakine.contracts.ledger import CHECKPOINT
from kakine.crypto.signing import VerifyKey
from kakine.crypto.webkeys import TokenKey
from kakine.institutions.watchers import Watchers, country_policy
from kakine.parties.commission.app import Commission
from kakine.parties.commission.audit import Auditor, AuditSettings
from kakine.parties.commission.settings import CommissionSettings
from kakine.parties.converter.app import Converter
from kakine.parties.converter.office import Settings as ConverterSettings
from kakine.parties.gateway.app import Gateway
from kakine.parties.ledger.app import Ledger
from kakine.parties.ledger.attest import Seen
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.mailbox.app import Mailbox
from kakine.parties.mailbox.office import Settings as MailboxSettings
from kakine.parties.ministry.app import Ministry
from kakine.parties.ministry.settings import MinistrySettings
from kakine.parties.portal.app import Portal
from kakine.parties.registry.app import Registry
from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.protocols.gazette import Anchors, LawBook
from kakine.protocols.gazette_genesis import PartyKeys, genesis
from kakine.protocols.gazette_pack import Pack
from kakine.protocols.logs import Log
from kakine.runtime.http import InProcess, Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.runtime.layouts import Layouts
from kakine.runtime.witness_roads import InProcessRoad
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import NoLawInForce, PartyUnknown
from kakine.wire import checkpoint as notes
from kakine.wire import gazette as gazette_wire
from kakine.wire.erasure import Order
from kakine.wire.policy import LOG, vkey
from kakine.wire.policy import decode as decode_policy

DOMAIN = "kakine.example"
CONVERTERS = (PartyName("converter-1"), PartyName("converter-2"), PartyName("converter-3"))
KEEPERS = (DomainName("mailbox-a/records"), DomainName("mailbox-b/records"))
REGISTRY = DomainName("registry/residents")
LOGIN = DomainName("portal/login")
LOGS = (
    Log(PartyName("ledger-a"), "ledger.kakine.example/2026/a"),
    Log(PartyName("ledger-b"), "ledger.kakine.example/2026/b"),
)
LEDGER, ORIGIN = LOGS[0].ledger, LOGS[0].origin
"""The one that is asked first."""
COMMISSION = PartyName("commission")
MINISTRY = PartyName("ministry")
POLICY = "policy.txt"
"""In the country's folder: whose signatures to believe (c2sp.org/tlog-policy)."""


def signer_of(log: Log) -> PartyName:
    """The party that signs for a ledger here. The law says so too, once there is one."""
    return PartyName(f"{log.ledger}-signer")


def system_clock() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def identity(folder: Path, name: PartyName, entropy: Entropy) -> Identity:
    """A party's keys from its seed file (mode 600), made when it is not there. For development only."""
    path = folder / f"{name}.seed"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / f"{name}.seed.new"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(entropy(32))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    return Identity.from_seed(name, path.read_bytes())


class Open(Protocol):
    """Something that holds a store."""

    def close(self) -> None:
        """Stop; what is queued is stored."""


class Party(Open, Protocol):
    """A party that runs: its calls, and its end."""

    @property
    def app(self) -> ASGIApp:
        """The ASGI application."""


Running = TypeVar("Running", bound=Party)


@dataclass(frozen=True)
class Site:
    """Where a country lives and what it is made of."""

    folder: Path
    pack: Pack
    clock: Clock = system_clock
    entropy: Entropy = secrets.token_bytes


@dataclass(frozen=True)
class Retained:
    """What went: by party the answers and open requests it had, and the orders under which months were erased."""

    forgotten: Mapping[PartyName, int]
    months: Sequence[Order]


class Country:
    """All parties, running. Use `async with await Country.open(site)`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.apps: dict[PartyName, ASGIApp] = {}
        self.books: dict[PartyName, LawBook] = {}
        names = [PartyName(entry.name) for entry in site.pack.parties]
        self.identities: Mapping[PartyName, Identity] = {
            name: identity(site.folder / "keys", name, site.entropy) for name in names
        }
        self.anchors = Anchors(
            self.identities[MINISTRY].signing.public, self.identities[COMMISSION].signing.public
        )
        self.sources = Sources(COMMISSION, LOGS)
        self.network = Network(CONVERTERS, LOGS)
        self.layouts = Layouts(site.pack.layouts)
        self.ledgers: dict[PartyName, Ledger] = {}
        self.signers: dict[PartyName, Signer] = {}
        self.converters: dict[PartyName, Converter] = {}
        self._closing: list[Open] = []

    @classmethod
    async def open(cls, site: Site) -> Country:
        """Found the country in an empty folder, or go on where it stopped. Raises what a party refuses at start."""
        country = cls(site)
        with ExitStack() as undo:
            undo.callback(country.close)
            await country._start()
            undo.pop_all()
        return country

    async def __aenter__(self) -> Country:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def peers(self, caller: str) -> Peers:
        """The road of one party to the others. `apps` fills up as parties start."""
        return Peers(InProcess(PartyName(caller), self.apps))

    def _path(self, name: str) -> Path:
        return self.site.folder / f"{name}.sqlite"

    def _common(self, name: str) -> tuple[Path, Identity, LawBook, Peers, Clock, Entropy]:
        return (
            self._path(name),
            self.identities[PartyName(name)],
            self.book(name),
            self.peers(name),
            self.site.clock,
            self.site.entropy,
        )

    def book(self, name: str) -> LawBook:
        """A party's own law book."""
        return self.books.setdefault(PartyName(name), LawBook(self.anchors))

    async def refresh(self) -> None:
        """Every party asks the commission what is new. Apart, each does so every few seconds."""
        for name, book in self.books.items():
            await refresh(book, self.peers(name), self.sources, self.site.clock)

    async def _start(self) -> None:
        self.site.folder.mkdir(parents=True, exist_ok=True)
        await self._start_law()
        for name in self.identities:
            self.book(name)
        await self.refresh()
        self._start_converters()
        self._start_watchers()
        await self._start_log()
        self.mailboxes = {}
        for keeper in KEEPERS:
            settings, name = MailboxSettings(keeper, CONVERTERS, LOGS), keeper.party
            self.mailboxes[name] = self._keep(name, Mailbox(settings, *self._common(name)))
            await self.mailboxes[name].start()
        self.registry = self._keep("registry", Registry(REGISTRY, self.network, *self._common("registry")))
        self.portal = self._keep("portal", Portal(LOGIN, self.network, *self._common("portal")))
        self.gateways = {name: self._gateway(name) for name in self._gateway_names()}
        await self.portal.start()
        for gateway in self.gateways.values():
            await gateway.start()
        await self.registry.start()
        self.auditor = Auditor.open(
            AuditSettings(self._path("auditor"), CONVERTERS, KEEPERS[0].party, REGISTRY.party, LOGS),
            self.identities[COMMISSION],
            self.book("commission"),
            self.peers("commission"),
            self.site.clock,
            self.site.entropy,
        )
        self._closing.append(self.auditor)
        self.commission.serve(self.auditor.duties)
        self.apps[COMMISSION] = self.commission.app

    def _start_watchers(self) -> None:
        """Outside witnesses and the policy that names them: they need nothing of the country but the logs' keys."""
        keys = {log.origin: self.identities[signer_of(log)].signing.public for log in LOGS}
        folder, known = self.site.folder / "witnesses", {origin: (key,) for origin, key in keys.items()}
        self.watchers = Watchers(folder, known, self.site.clock, self.site.entropy)
        self._closing.append(self.watchers)
        converters = {str(name): party.witness.vkey for name, party in self.converters.items()}
        logs = [vkey(origin, LOG, key) for origin, key in keys.items()]
        self.policy = country_policy(logs, converters, self.watchers.vkeys())
        published = self.site.folder / POLICY
        if not published.is_file() or published.read_bytes() != self.policy:
            incoming = published.with_suffix(".new")
            incoming.write_bytes(self.policy)
            incoming.replace(published)

    async def have_witnessed(self) -> list[Gathered]:
        """The present head of each log before all witnesses of the policy, whose digest is in a log before.

        Apart, the ledgers' operators do so every few seconds. A witness that is away is among `refused`; no exchange
        waits for any of them.
        """
        await self.commission.publish_text(self.policy)
        believed = decode_policy(self.policy)
        apps = {str(name): self.apps[name] for name in CONVERTERS}
        apps |= {name: self.watchers.party(name).app for name in self.watchers.vkeys()}
        sites = [
            WitnessSite(name, key, InProcessRoad(apps[name])) for name, key in believed.witnesses.items()
        ]
        return [await self.ledgers[log.ledger].witnessing.gather(believed, sites) for log in LOGS]

    async def _open_ledger(self, log: Log) -> Ledger:
        name = signer_of(log)
        key = self.identities[name].signing
        signer = Signer.open(SignerSettings(log.origin, log.ledger, self._path(name), key))
        self.signers[log.ledger] = self._keep(name, signer)
        ledger = await Ledger.open(
            LedgerSettings(log.origin, self._path(log.ledger), name, key.public),
            partial(self._filer_key, log.ledger),
            partial(self._filers, log.ledger),
            partial(self._ledger_roles, log.ledger),
            self.peers(log.ledger),
            self.site.clock,
            partial(self._heads_elsewhere, log),
        )
        return self._keep(log.ledger, ledger)

    async def _heads_elsewhere(self, log: Log) -> list[Seen]:
        """What converters and outside witnesses have seen of a log."""
        if not self.converters:
            return []  # the law comes first, in a country that is being founded
        peers, seen = self.peers(log.ledger), []
        for name in CONVERTERS:
            given = await peers.ask(name, HEAD, LastHead(log.origin))
            if given.size:
                seen.append(Seen(name, given.checkpoint))
        return [*seen, *(Seen(name, note) for name, note in self.watchers.heads(log.origin).items())]

    async def _start_law(self) -> None:
        """Ledgers, commission and ministry first: the law itself is recorded before it takes effect."""
        folder = self.site.folder
        for log in LOGS:
            self.ledgers[log.ledger] = await self._open_ledger(log)
        self.commission = self._keep(
            "commission",
            Commission.open(
                CommissionSettings(folder / "commission.sqlite", LOGS),
                self.identities[COMMISSION],
                self.anchors,
                self.peers("commission"),
                self.site.clock,
                self.site.entropy,
            ),
        )
        self.ministry = self._keep(
            "ministry",
            Ministry.open(
                MinistrySettings(folder / "ministry.sqlite", COMMISSION, LOGS),
                self.identities[MINISTRY],
                self.book("ministry"),
                self.peers("ministry"),
                self.site.clock,
            ),
        )
        if not self.commission.book.published:
            await self.commission.resume()
        if not self.commission.book.published:
            await self._found()

    async def _start_log(self) -> None:
        """Nothing is logged after a restart before the log has been held against the heads that others keep."""
        for ledger in self.ledgers.values():
            await ledger.start()
        await self.commission.resume()
        await self.refresh()

    async def _found(self) -> None:
        keys: dict[str, PartyKeys] = {
            name: PartyKeys(bytes(own.signing.public), bytes(own.opening.public), self._client_keys(name))
            for name, own in self.identities.items()
        }
        first = gazette_wire.encode(genesis(self.site.pack, keys, self.site.clock()))
        await self.commission.found(first, await self.ministry.found(first))

    def _client_keys(self, party: PartyName) -> dict[str, bytes]:
        mine = [each.id for each in self.site.pack.clients if DomainName(each.domain).party == party]
        return {name: self.client_key(name).public.point for name in mine}

    def client_key(self, client: str) -> TokenKey:
        """The key by which a relying party of the pack proves who it is. For development, like all keys here."""
        domain = next(each.domain for each in self.site.pack.clients if each.id == client)
        own = self.identities[DomainName(domain).party]
        return TokenKey(own.local_key("login-client", client.encode(), length=48))

    def _filer_key(self, ledger: PartyName, name: PartyName) -> VerifyKey:
        """Before there is a law the ledger knows the founding commission's key; afterwards the law's."""
        try:
            return self.book(ledger).in_force(self.site.clock()).signing_key(name)
        except NoLawInForce:
            if name != COMMISSION:
                raise PartyUnknown() from None
            return self.anchors.commission

    def _filers(self, ledger: PartyName, role: str) -> Sequence[PartyName]:
        try:
            return self.book(ledger).in_force(self.site.clock()).with_role(role)
        except NoLawInForce:
            return (COMMISSION,) if role == Role.COMMISSION else ()

    async def index(self) -> None:
        """Every record keeper indexes each log as far as it goes. Apart, each does so every hour."""
        law = self.book("portal").in_force(self.site.clock())
        for log in LOGS:
            given = await self.peers("portal").ask(log.ledger, CHECKPOINT, Nothing())
            size = notes.open(given.checkpoint, log.origin, law.log_key(log.ledger)).size
            for mailbox in self.mailboxes.values():
                await mailbox.index(log, size)

    async def retain(self) -> Retained:
        """Erase what has expired by this country's clock. By hand, never at start: nothing here can be taken back.

        Agencies, registry and portal first, then the commission with record keepers and converters. Raises the problem
        of the first step that fails; what was done stays done, and the next call goes on from there.
        """
        await self.refresh()
        stores = {name: gateway.office.db for name, gateway in self.gateways.items()}
        stores |= {REGISTRY.party: self.registry.codes.db, LOGIN.party: self.portal.db}
        now_ms = self.site.clock()
        forgotten = {name: await carrier.forget(db, now_ms) for name, db in stores.items()}
        return Retained(forgotten, await self.commission.retain())

    def _ledger_roles(self, ledger: PartyName, name: PartyName) -> frozenset[str]:
        try:
            return self.book(ledger).in_force(self.site.clock()).roles(name)
        except NoLawInForce:
            return frozenset({Role.COMMISSION}) if name == COMMISSION else frozenset()

    def _start_converters(self) -> None:
        for position, name in enumerate(CONVERTERS, 1):
            settings = ConverterSettings(position, CONVERTERS, LOGS, witness_name=f"{name}.{DOMAIN}")
            self.converters[name] = self._keep(name, Converter(settings, *self._common(name)))

    def _gateway_names(self) -> list[PartyName]:
        return [PartyName(entry.name) for entry in self.site.pack.parties if Role.GATEWAY in entry.roles]

    def _gateway(self, name: PartyName) -> Gateway:
        entry = next(entry for entry in self.site.pack.parties if entry.name == name)
        domains = [DomainName(domain.name) for domain in entry.domain]
        return self._keep(name, Gateway(domains, self.network, *self._common(name), self.layouts.validate))

    def _keep(self, name: str, party: Running) -> Running:
        self.apps[PartyName(name)] = party.app
        self._closing.append(party)
        return party

    def domains(self) -> list[DomainName]:
        """Every domain that may hold codes of residents, other than the registry's and the record keeper's."""
        return [
            DomainName(domain.name)
            for entry in self.site.pack.parties
            for domain in entry.domain
            if domain.name not in (REGISTRY, *KEEPERS)
        ]

    def close(self) -> None:
        """Stop every party; what is queued is stored."""
        while self._closing:
            self._closing.pop().close()
