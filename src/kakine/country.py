"""The whole country in one process: the only module that sees all parties.

Each party has its own folder of keys, its own SQLite file, its own law book, and reaches the others over in-process
HTTP with the same bytes as over a network. Nothing here has a way around a gate: it founds, starts and stops.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from starlette.types import ASGIApp

from kakine.clients import carrier
from kakine.clients.gazette import Sources, nothing_seen, refresh
from kakine.clients.standing import PublishedStatus
from kakine.clients.witnessing import Gathered, WitnessSite
from kakine.contracts.call import Nothing, Role
from kakine.contracts.ledger import CHECKPOINT
from kakine.crypto import files
from kakine.crypto.signing import VerifyKey
from kakine.crypto.webkeys import TokenKey
from kakine.institutions.ledgers import Ledgers
from kakine.institutions.ledgers import signer_of as signer_of
from kakine.institutions.watchers import Watchers, country_policy
from kakine.parties.authority import start as authority
from kakine.parties.authority.app import Authority
from kakine.parties.commission import start as commission
from kakine.parties.converter import start as converter
from kakine.parties.converter.app import Converter
from kakine.parties.gateway import start as gateway
from kakine.parties.gateway.app import Gateway
from kakine.parties.ledger.app import Ledger
from kakine.parties.ledger.attest import Seen
from kakine.parties.ledger.start import seen_by
from kakine.parties.mailbox import start as mailbox
from kakine.parties.ministry import start as ministry
from kakine.parties.portal import start as portal
from kakine.parties.portal.app import Portal
from kakine.parties.portal.login.office import Office as Login
from kakine.parties.registry import start as registry
from kakine.parties.signer.app import Signer
from kakine.protocols.gazette import Anchors, LawBook
from kakine.protocols.gazette_genesis import PartyKeys, genesis
from kakine.protocols.gazette_pack import Pack
from kakine.protocols.log_list import check_seen, next_origin, opening_of
from kakine.protocols.logs import Log, LogBook, log_of, open_logs
from kakine.protocols.words import words_of
from kakine.runtime.database import store_of
from kakine.runtime.footing import Footing
from kakine.runtime.http import InProcess, Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.runtime.layouts import Layouts
from kakine.runtime.witness_roads import InProcessRoad
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import LedgerBehind, LedgerDiverged, LedgerForked, LogAlive, LogNotOver, Problem
from kakine.wire import checkpoint as notes
from kakine.wire import gazette as gazette_wire
from kakine.wire.canonical import encode
from kakine.wire.erasure import Order
from kakine.wire.log_list import LABEL, Reason
from kakine.wire.policy import LOG, vkey
from kakine.wire.policy import decode as decode_policy
from kakine.wire.request import Place

DOMAIN = "kakine.example"
CONVERTERS = (PartyName("converter-1"), PartyName("converter-2"), PartyName("converter-3"))
KEEPERS = (DomainName("mailbox-a/records"), DomainName("mailbox-b/records"))
REGISTRY = DomainName("registry/residents")
LOGIN = DomainName("portal/login")
LOGS = (
    Log(PartyName("ledger-a"), "ledger.kakine.example/2026/a"),
    Log(PartyName("ledger-b"), "ledger.kakine.example/2026/b"),
)
SETTLED_MS = 12 * 60_000
"""How long what is in a log must have been there before the log is closed: as long as the counting audit waits."""
LEDGER, ORIGIN = LOGS[0].ledger, LOGS[0].origin
"""The one that is asked first."""
COMMISSION = PartyName("commission")
MINISTRY = PartyName("ministry")
AUTHORITY = PartyName("authority")
POLICY = "policy.txt"
"""In the country's folder: whose signatures to believe (c2sp.org/tlog-policy)."""


def system_clock() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def identity(folder: Path, name: PartyName, entropy: Entropy) -> Identity:
    """A party's keys from its seed file (mode 600), made when it is not there. For development only."""
    path = folder / f"{name}.seed"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.replace(path, entropy(32))
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
    without: frozenset[str] = frozenset()
    """Ledgers whose open log is not started, because somebody has found that its store is not right."""


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
        self._logs: dict[PartyName, LogBook] = {}
        self.layouts = Layouts(site.pack.layouts)
        founding = COMMISSION, self.anchors.commission
        self.operators = Ledgers(self, site.clock, founding, self._heads_elsewhere)
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

    def path(self, name: str) -> Path:
        """The store of a party: its file, or the file with its server's address where there is one."""
        return store_of(self.site.folder, name)

    def _footing(self, name: str) -> Footing:
        return Footing(
            self.path(name),
            self.identities[PartyName(name)],
            self.book(name),
            self.logs_of(name),
            self.peers(name),
            self.site.clock,
            self.site.entropy,
            CONVERTERS,
        )

    def book(self, name: str) -> LawBook:
        """A party's own law book."""
        return self.books.setdefault(PartyName(name), LawBook(self.anchors))

    def logs_of(self, name: str) -> LogBook:
        """A party's own list of the logs."""
        return self._logs.setdefault(PartyName(name), LogBook(LOGS))

    @property
    def logs(self) -> LogBook:
        """The logs as anybody knows them who asks the commission: those of the founding, and each opened since."""
        return self.logs_of("portal")

    def readable(self) -> list[Log]:
        """The logs that can be read; of a dead one, what is left of it."""
        return [log for log in self.logs if log.ledger in self.apps]

    def sources(self, name: str) -> Sources:
        """Where a party has the law and its list of logs from. A converter believes no end of a log that goes against
        what it has seen."""
        converter = self.converters.get(PartyName(name))
        return Sources(COMMISSION, self.logs_of(name), converter.believe if converter else nothing_seen)

    def console_site(self, origin: str) -> ASGIApp:
        """The commission's console at an origin of its own. In the country's folder `findings` are folders of evidence
        that monitors have written."""
        findings = self.site.folder / "findings"
        return commission.console(self._footing(COMMISSION), self.commission, origin, findings)

    async def refresh(self) -> None:
        """Every party asks the commission what is new. Apart, each does so every few seconds."""
        for name, book in self.books.items():
            await refresh(book, self.peers(name), self.sources(name), self.site.clock)

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
            name = keeper.party
            with _turn_of(name):
                own = mailbox.Own(keeper)
                self.mailboxes[name] = self._keep(name, mailbox.start(self._footing(name), own))
                await self.mailboxes[name].start()
        self.authority = self._start_authority()
        self.registry = self._keep(
            "registry", registry.start(self._footing("registry"), registry.Own(REGISTRY))
        )
        self.portal = self._keep("portal", self._portal())
        self.standing = PublishedStatus(
            self.peers(LOGIN.party), AUTHORITY, self.book(LOGIN.party), self.site.clock
        )
        self.gateways: dict[PartyName, Gateway] = {}
        for name in self._gateway_names():
            with _turn_of(name):
                self.gateways[name] = self._gateway(name)
        await self.portal.start()
        for name, party in self.gateways.items():
            with _turn_of(name):
                await party.start()
        await self.registry.start()
        auditing = commission.Own(
            self.path("auditor"),
            KEEPERS[0].party,
            REGISTRY.party,
            self.site.folder / POLICY,
            self.site.folder / "findings",
        )
        self.auditor = commission.start_auditor(self._footing(COMMISSION), auditing, self.commission)
        self._closing.append(self.auditor)
        self.apps[COMMISSION] = self.commission.app
        await self.finish_opening()

    def _start_watchers(self) -> None:
        """Outside witnesses and the policy that names them: they need nothing of the country but the logs' keys."""
        self._known: dict[str, tuple[VerifyKey, ...]] = {}
        folder = self.site.folder / "witnesses"
        self.watchers = Watchers(folder, self._known, self.site.clock, self.site.entropy)
        self._closing.append(self.watchers)
        self._publish_policy()

    def _publish_policy(self) -> None:
        """Every log there is or was, so that old receipts verify; the witnesses follow those that have not ended."""
        keys = {log.origin: self.operators.key(log) for log in self.logs}
        self._known.update({log.origin: (log.key or keys[log.origin],) for log in self.logs})
        converters = {str(name): party.witness.vkey for name, party in self.converters.items()}
        logs = [vkey(origin, LOG, key) for origin, key in keys.items()]
        self.policy = country_policy(logs, converters, self.watchers.vkeys())
        self.commission.figuring.policy = self.policy
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
        shown = [log for log in self.logs if log.ledger in self.ledgers and not log.dead]
        return [await self.ledgers[log.ledger].witnessing.gather(believed, sites) for log in shown]

    async def _start_ledger(self, log: Log) -> None:
        """A ledger with its signer; of a log that has ended the ledger alone, and nothing of one that is not readable
        any more."""
        if log.final is None:
            self.signers[log.ledger] = self._keep(signer_of(log), self.operators.signer(log))
        try:
            with _turn_of(log.by):
                ledger = await self.operators.open(log, self.commission.openings.of(log.origin))
        except (LedgerBehind, LedgerForked, LedgerDiverged):
            if not log.dead:
                raise
            return
        self.ledgers[log.ledger] = self._keep(log.ledger, ledger)

    async def next_log(self, log: Log) -> Log:
        """The log of the new year in place of `log`, whose year is over in Japan: wound up, counted, indexed, closed.

        To be called twice: nothing is taken about people from the first time on, and what is there must have settled
        for `SETTLED_MS` before the log can be closed. One ledger after the other, so that there is always one that
        logs. Raises `LogNotOver`, and what else stops it; the same again goes on from there.
        """
        await self.finish_opening()
        next_origin(log, Reason.YEAR, now_ms := self.site.clock())
        for other in open_logs(self.logs):
            if other != log and other.ledger in self.ledgers and self.ledgers[other.ledger].ending:
                raise LogNotOver(log=other.origin)
        since_ms = await self.ledgers[log.ledger].wind_up()
        if now_ms < since_ms + SETTLED_MS:
            raise LogNotOver(log=log.origin, settled_ms=since_ms + SETTLED_MS)
        await self.auditor.check_counts()
        await self.index()
        await self.auditor.check_indexes()
        return await self._open_after(log, await self.ledgers[log.ledger].end(), Reason.YEAR)

    async def declare_dead(self, log: Log) -> Log:
        """A new log in place of `log`, whose store is found wrong by the checks of its start and is not repaired.

        Two people must want this: who runs the ledger, and the commission. The last head is the largest that the
        signer, the converters, the witnesses or a receipt at a record keeper show. Raises `LogAlive` if nothing is
        wrong with it, `HeadForked` where two histories were signed.
        """
        await self.finish_opening()
        if log.ledger in self.ledgers:
            raise LogAlive(log=log.origin)
        self.signers[log.ledger] = signer = self._keep(signer_of(log), self.operators.signer(log))
        reason = await self.operators.examine(log)
        notes_seen = [each.note for each in await self._heads_elsewhere(log)]
        notes_seen.append(await self.operators.last_signed(log))
        notes_seen += [note for each in self.mailboxes.values() if (note := each.newest(log.origin))]
        self._drop(signer_of(log), signer)
        return await self._open_after(log, self._largest(log, notes_seen), reason)

    def _largest(self, log: Log, seen: Sequence[bytes]) -> bytes:
        key = log.key_in(self.book("portal").in_force(self.site.clock()))
        opened = [(notes.open(note, log.origin, key), notes.only(note, log.origin, [key])) for note in seen]
        head, final = max(opened, key=lambda each: each[0].size)
        for other, _ in opened:
            check_seen(log.origin, head, other)
        return final

    async def _open_after(self, log: Log, final: bytes, reason: Reason) -> Log:
        own, now_ms = self.logs_of(COMMISSION), self.site.clock()
        following = replace(log, operator=log.by, origin=next_origin(log, reason, now_ms))
        opening = opening_of(own, log, final, reason, self.operators.key(following), now_ms)
        signature = self.identities[log.by].signing.sign(LABEL, opening.digest)
        await self.commission.openings.agree(encode(opening), signature)
        await self.finish_opening()
        return log_of(self.logs, opening.origin)

    async def finish_opening(self) -> None:
        """Carry out what was agreed to: the new ledger starts, its log begins, every party hears of it."""
        opening = self.commission.openings.pending
        if opening is not None:
            name = PartyName(opening.ledger)
            if name not in self.ledgers:
                log = Log(name, opening.origin, PartyName(opening.operator), VerifyKey(opening.key))
                await self._start_ledger(log)
            await self.commission.openings.publish()
            await self.refresh()
            old = log_of(self.logs, opening.follows)
            if old.ledger not in self.ledgers:
                await self._start_ledger(old)
            self._publish_policy()

    async def _heads_elsewhere(self, log: Log) -> list[Seen]:
        """What converters and outside witnesses have seen of a log."""
        if not self.converters:
            return []  # the law comes first, in a country that is being founded
        seen = await seen_by(self.peers(log.by), CONVERTERS, log.origin)
        return [*seen, *(Seen(name, note) for name, note in self.watchers.heads(log.origin).items())]

    async def _start_law(self) -> None:
        """Ledgers, commission and ministry first: the law itself is recorded before it takes effect."""
        self.commission = self._keep(
            "commission",
            commission.start(self._footing(COMMISSION), self.anchors),
        )
        for log in self.logs_of(COMMISSION):
            if log.final is not None or log.by not in self.site.without:
                await self._start_ledger(log)
        self.ministry = self._keep(
            "ministry",
            ministry.start(self._footing(MINISTRY), ministry.Own(COMMISSION)),
        )
        if not self.commission.book.published:
            await self.commission.resume()
        if not self.commission.book.published:
            await self._found()

    async def _start_log(self) -> None:
        """Nothing is logged after a restart before the log has been held against the heads that others keep."""
        for name, ledger in self.ledgers.items():
            with _turn_of(name):
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

    def _start_authority(self) -> Authority:
        """Before the registry, which has news for it. Its keys and roots come to be when they are first needed."""
        own = authority.Own(self.site.folder / "keys" / AUTHORITY, REGISTRY.party, COMMISSION)
        return self._keep(AUTHORITY, authority.start(self._footing(AUTHORITY), own))

    async def publish_status(self) -> None:
        """The authority publishes what is due, then the portal downloads it as every verifier does. Apart, each does so
        by its own clock, whoever logs in."""
        await self.authority.publish()
        await self.standing.refresh()

    def login(self, issuer: str) -> Login:
        """The portal's login at this address. Cards stand by what `publish_status` has brought last."""
        return self.portal.login(issuer, self.standing)

    def portal_site(self, origin: str, away: str = "") -> ASGIApp:
        """The resident's site at this address (scheme, host, port), with the login for other services beside it."""
        return self.portal.site(self.login(origin), words_of(self.site.pack), away)

    def _client_keys(self, party: PartyName) -> dict[str, bytes]:
        mine = [each.id for each in self.site.pack.clients if DomainName(each.domain).party == party]
        return {name: self.client_key(name).public.point for name in mine}

    def client_key(self, client: str) -> TokenKey:
        """The key by which a relying party of the pack proves who it is. For development, like all keys here."""
        domain = next(each.domain for each in self.site.pack.clients if each.id == client)
        own = self.identities[DomainName(domain).party]
        return TokenKey(own.local_key("login-client", client.encode(), length=48))

    async def index(self) -> None:
        """Every record keeper indexes each open log as far as it goes. Apart, each does so every hour."""
        law = self.book("portal").in_force(self.site.clock())
        for log in open_logs(self.logs):
            if log.ledger not in self.apps:
                continue
            given = await self.peers("portal").ask(log.ledger, CHECKPOINT, Nothing())
            size = notes.open(given.checkpoint, log.origin, log.key_in(law)).size
            for keeper in self.mailboxes.values():
                await keeper.index(log, size)

    async def unseal(self) -> dict[PartyName, list[Place]]:
        """Every record keeper opens what was withheld until now; by record keeper the places. Apart, each does so every
        hour. Raises the first problem, after every record keeper has done what it could."""
        await self.refresh()
        opened: dict[PartyName, list[Place]] = {}
        faults: list[Problem] = []
        for name, keeper in self.mailboxes.items():
            try:
                opened[name] = await keeper.unseal()
            except Problem as fault:
                faults.append(fault)
        if faults:
            raise faults[0]
        return opened

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

    def _portal(self) -> Portal:
        own = portal.Own(LOGIN, self.site.folder / POLICY, AUTHORITY)
        return portal.start(self._footing("portal"), own, lambda: self.policy)

    def _start_converters(self) -> None:
        for name in CONVERTERS:
            with _turn_of(name):
                own = converter.Own(f"{name}.{DOMAIN}")
                self.converters[name] = self._keep(name, converter.start(self._footing(name), own))

    def _gateway_names(self) -> list[PartyName]:
        return [PartyName(entry.name) for entry in self.site.pack.parties if Role.GATEWAY in entry.roles]

    def _gateway(self, name: PartyName) -> Gateway:
        entry = next(entry for entry in self.site.pack.parties if entry.name == name)
        own = gateway.Own([DomainName(domain.name) for domain in entry.domain])
        return self._keep(name, gateway.start(self._footing(name), own, self.layouts.validate))

    def _drop(self, name: str, party: Party) -> None:
        del self.apps[PartyName(name)]
        self._closing.remove(party)
        party.close()

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
