"""The whole country in one process: the only module that sees all parties.

Each party has its own folder of keys, its own SQLite file, its own law book, and reaches the others over in-process
HTTP with the same bytes as over a network. Nothing here has a way around a gate: it founds, starts and stops.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from starlette.types import ASGIApp

from kakine.clients.exchange import Network
from kakine.clients.gazette import Sources, refresh
from kakine.contracts.call import Nothing, Role
from kakine.contracts.ledger import CHECKPOINT
from kakine.crypto.signing import VerifyKey
from kakine.parties.commission.app import Commission
from kakine.parties.commission.audit import Auditor, AuditSettings
from kakine.parties.commission.settings import CommissionSettings
from kakine.parties.converter.app import Converter
from kakine.parties.converter.office import Settings as ConverterSettings
from kakine.parties.gateway.app import Gateway
from kakine.parties.ledger.app import Ledger
from kakine.parties.ledger.settings import LedgerSettings
from kakine.parties.mailbox.app import Mailbox
from kakine.parties.mailbox.office import Settings as MailboxSettings
from kakine.parties.ministry.app import Ministry
from kakine.parties.ministry.settings import MinistrySettings
from kakine.parties.portal.app import Portal
from kakine.parties.registry.app import Registry
from kakine.protocols.gazette import Anchors, LawBook
from kakine.protocols.gazette_genesis import PartyKeys, genesis
from kakine.protocols.gazette_pack import Pack
from kakine.runtime.http import InProcess, Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.runtime.layouts import Layouts
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import NoLawInForce, PartyUnknown, Problem
from kakine.wire import checkpoint as notes
from kakine.wire import gazette as gazette_wire

ORIGIN = "ledger.kakine.example/2026/a"
CONVERTERS = (PartyName("converter-1"), PartyName("converter-2"), PartyName("converter-3"))
KEEPERS = (DomainName("mailbox-a/records"), DomainName("mailbox-b/records"))
REGISTRY = DomainName("registry/residents")
LOGIN = DomainName("portal/login")
LEDGER = PartyName("ledger")
COMMISSION = PartyName("commission")
MINISTRY = PartyName("ministry")


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


@contextmanager
def _turn_of(name: PartyName) -> Iterator[None]:
    """Note on a problem whose start it ended, where several parties run the same code."""
    try:
        yield
    except Problem as problem:
        problem.add_note(name)
        raise


@dataclass(frozen=True)
class Site:
    """Where a country lives and what it is made of."""

    folder: Path
    pack: Pack
    clock: Clock = system_clock
    entropy: Entropy = secrets.token_bytes


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
        self.sources = Sources(COMMISSION, LEDGER, ORIGIN)
        self.network = Network(CONVERTERS, LEDGER, ORIGIN)
        self.layouts = Layouts(site.pack.layouts)
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
        self.mailboxes = {}
        for keeper in KEEPERS:
            settings, name = MailboxSettings(keeper, CONVERTERS, LEDGER), keeper.party
            with _turn_of(name):
                self.mailboxes[name] = self._keep(name, Mailbox(settings, ORIGIN, *self._common(name)))
                await self.mailboxes[name].start()
        self.registry = self._keep("registry", Registry(REGISTRY, self.network, *self._common("registry")))
        self.portal = self._keep("portal", Portal(LOGIN, self.network, *self._common("portal")))
        self.gateways: dict[PartyName, Gateway] = {}
        for name in self._gateway_names():
            with _turn_of(name):
                self.gateways[name] = self._gateway(name)
        await self.portal.start()
        for name, gateway in self.gateways.items():
            with _turn_of(name):
                await gateway.start()
        await self.registry.start()
        self.auditor = Auditor.open(
            AuditSettings(
                self._path("auditor"), CONVERTERS, KEEPERS[0].party, REGISTRY.party, LEDGER, ORIGIN
            ),
            self.identities[COMMISSION],
            self.book("commission"),
            self.peers("commission"),
            self.site.clock,
            self.site.entropy,
        )
        self._closing.append(self.auditor)

    async def _start_law(self) -> None:
        """Ledger, commission and ministry first: the law itself is recorded before it takes effect."""
        folder = self.site.folder
        ledger = Ledger.open(
            LedgerSettings(ORIGIN, folder / "ledger.sqlite", self.identities[LEDGER].signing),
            self._filer_key,
            self._filers,
            self._ledger_roles,
        )
        self.ledger = self._keep("ledger", ledger)
        self.commission = self._keep(
            "commission",
            Commission.open(
                CommissionSettings(folder / "commission.sqlite", LEDGER, ORIGIN),
                self.identities[COMMISSION],
                self.anchors,
                self.peers("commission"),
                self.site.clock,
            ),
        )
        await self.commission.resume()
        self.ministry = self._keep(
            "ministry",
            Ministry.open(
                MinistrySettings(folder / "ministry.sqlite", COMMISSION, LEDGER, ORIGIN),
                self.identities[MINISTRY],
                self.book("ministry"),
                self.peers("ministry"),
                self.site.clock,
            ),
        )
        if not self.commission.book.published:
            await self._found()

    async def _found(self) -> None:
        keys: dict[str, PartyKeys] = {
            name: PartyKeys(bytes(own.signing.public), bytes(own.opening.public))
            for name, own in self.identities.items()
        }
        first = gazette_wire.encode(genesis(self.site.pack, keys, self.site.clock()))
        await self.commission.found(first, await self.ministry.found(first))

    def _filer_key(self, name: PartyName) -> VerifyKey:
        """Before there is a law the ledger knows the founding commission's key; afterwards the law's."""
        try:
            return self.book("ledger").in_force(self.site.clock()).signing_key(name)
        except NoLawInForce:
            if name != COMMISSION:
                raise PartyUnknown() from None
            return self.anchors.commission

    def _filers(self, role: str) -> Sequence[PartyName]:
        try:
            return self.book("ledger").in_force(self.site.clock()).with_role(role)
        except NoLawInForce:
            return (COMMISSION,) if role == Role.COMMISSION else ()

    async def index(self) -> None:
        """Every record keeper indexes the whole log. Apart, each does so every hour."""
        given = await self.peers("portal").ask(LEDGER, CHECKPOINT, Nothing())
        key = self.book("portal").in_force(self.site.clock()).signing_key(LEDGER)
        size = notes.open(given.checkpoint, ORIGIN, key).size
        for mailbox in self.mailboxes.values():
            await mailbox.index(size)

    def _ledger_roles(self, name: PartyName) -> frozenset[str]:
        try:
            return self.book("ledger").in_force(self.site.clock()).roles(name)
        except NoLawInForce:
            return frozenset({Role.COMMISSION}) if name == COMMISSION else frozenset()

    def _start_converters(self) -> None:
        self.converters = {}
        for position, name in enumerate(CONVERTERS, 1):
            settings = ConverterSettings(position, CONVERTERS, LEDGER)
            with _turn_of(name):
                self.converters[name] = self._keep(name, Converter(settings, ORIGIN, *self._common(name)))

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
