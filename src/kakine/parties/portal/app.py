"""Wiring of the portal: readings under "own history", objections, and what its login does outside itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData
from starlette.types import ASGIApp

from kakine.clients.answering import issue, migrate, serve
from kakine.clients.carrier import Carrier, disputable
from kakine.clients.domains import Domain, MonthKeys
from kakine.clients.exchange import Network, Requester, Seat, Wish, as_convert, request_of
from kakine.clients.recipient import Opened, Recipient
from kakine.contracts import converter, gateway
from kakine.contracts.authority import LINK, AskLink
from kakine.contracts.commission_audit import EVIDENCE, OBJECT, EvidenceSent, Objection
from kakine.contracts.converter import Listed, OpenShares
from kakine.contracts.gateway import Deliver, Delivered
from kakine.contracts.login import Standing
from kakine.contracts.portal import SealedHistory, SealedOwnData
from kakine.crypto.passkeys import Passkey
from kakine.crypto.sealing import SealKey
from kakine.crypto.webkeys import TokenKey
from kakine.crypto.wrapping import WrapKey
from kakine.parties.portal import exchanges, vouchers
from kakine.parties.portal.acts import accounts, addresses, shield, ways_in
from kakine.parties.portal.acts.addresses import address_tables
from kakine.parties.portal.acts.areas import Areas, area_tables
from kakine.parties.portal.acts.engine import Acts
from kakine.parties.portal.acts.own import OwnActs
from kakine.parties.portal.acts.shield import shield_tables
from kakine.parties.portal.acts.store import act_tables
from kakine.parties.portal.login import store
from kakine.parties.portal.login.latest import mark_of, release_of
from kakine.parties.portal.login.office import Office as Login
from kakine.parties.portal.login.store import login_tables
from kakine.parties.portal.login.ways import handle_of
from kakine.parties.portal.mandates.book import Mandates
from kakine.parties.portal.mandates.store import mandate_tables
from kakine.parties.portal.mandates.visiting import OwnMandates
from kakine.parties.portal.mandates.visiting import kind as mandate_kind
from kakine.parties.portal.reading import Readings
from kakine.parties.portal.site import House, site
from kakine.parties.portal.usual import UsualFile
from kakine.parties.portal.visits import Visits
from kakine.protocols import decisions
from kakine.protocols.decisions import LONGEST_DAYS
from kakine.protocols.gazette import LawBook
from kakine.protocols.gazette_genesis import DAY_MS
from kakine.protocols.history import union_of
from kakine.protocols.instructions import ACCOUNT_ITEM, account_domain
from kakine.protocols.instructions import GROUND as INSTRUCTION
from kakine.protocols.mandates import use_mark
from kakine.protocols.objections import GROUND
from kakine.protocols.own_data import holders
from kakine.runtime import codebook
from kakine.runtime.database import Connection, Database
from kakine.runtime.http import Duty, Peers, application
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.codes import CodeVector, WrappedCode
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import AccountUnknown, ActImpossible, CallerNotAllowed
from kakine.web.site import Settings
from kakine.wire import evidence
from kakine.wire.answer import Answered, Prepared, Result
from kakine.wire.canonical import decode, encode
from kakine.wire.decision import Decision, LatestWithdrawn, packed
from kakine.wire.objection import Reason
from kakine.wire.own_data import Order, PageAsked, PageGiven, Shown
from kakine.wire.page import Page
from kakine.wire.reading import HistoryAsked
from kakine.wire.request import AskedPerson, Kind, Mode, Place

_tables = mandate_tables(login_tables(codebook.codebook_metadata(MetaData(info={"store": "portal"}))))
METADATA = shield_tables(area_tables(address_tables(act_tables(_tables))))


class Portal:
    """One portal with one login domain."""

    def __init__(
        self,
        name: DomainName,
        network: Network,
        path: Path,
        identity: Identity,
        law: LawBook,
        peers: Peers,
        clock: Clock,
        entropy: Entropy,
        policy: Callable[[], bytes],
    ) -> None:
        """`policy` gives the text of the witnesses' policy in force."""
        self.name = name
        self.db = Database.open(path, METADATA)
        self.mandates = Mandates(self.db, identity, law, clock, entropy, self)
        self._handle_key = identity.local_key("card-handle")
        self._latest_key = identity.local_key("latest-grants")
        self._token_key = identity.local_key("login-tokens", length=48)
        self._signing = identity.signing
        self._network = network
        self._law = law
        self._clock = clock
        self._entropy = entropy
        self._peers = peers
        self._wrap = WrapKey(identity.local_key("wrap", name.encode(), length=64))
        self._domain = Domain(name, identity, self.db, peers, network.converters)
        self._months = MonthKeys(peers, law, clock, network.converters)
        epoch = law.in_force(clock()).epoch(name)
        seat = Seat(identity, network, law, self._months, peers, clock, entropy)
        self._requester = Requester(self._domain, epoch, seat)
        self._recipient = Recipient(self._domain, epoch, seat)
        self.acts = Acts(self.db, clock, entropy, self._tell)
        shown, changed = mandate_kind(self.mandates), accounts.kind(self._instruct)
        self.areas = Areas(self.db, clock, entropy, self._ask_holders)
        for kind in (*ways_in.kinds(clock), addresses.kind(), shown, changed, *self.areas.kinds()):
            self.acts.register(kind)
        self._carrier = Carrier(self.db, clock, self.acts.note)
        self._readings = Readings(network, law, peers, clock, policy)
        self.usual = UsualFile(law, peers, clock)

    @property
    def app(self) -> ASGIApp:
        """The ASGI application."""
        duties: list[Duty[Any, Any]] = [
            Duty(gateway.DELIVER, self._deliver),
            Duty(gateway.DISPUTABLE, partial(disputable, self.db)),
        ]
        return application(duties, lambda name: self._law.in_force(self._clock()).roles(name))

    async def start(self) -> None:
        """Enrol the login domain with the converters where that is not done, and take up what was left open."""
        await self._domain.mask_keys(self._law.in_force(self._clock()).epoch(self.name))
        await self._carrier.resume(lambda _: self._requester)
        await self.acts.tick()

    async def _deliver(self, caller: PartyName, message: Deliver) -> Delivered:
        """Login codes from the registry (issue and migration), and what a municipality's counter vouches for."""
        return await serve(
            message,
            self._recipient,
            self._wrap,
            self.db,
            self._clock,
            self._entropy,
            partial(self._permit, caller),
            self._decide,
        )

    def _permit(self, caller: PartyName, opened: Opened) -> None:
        public, kind = opened.public, opened.record.kind
        if kind is Kind.VOUCH:
            now_ms = self._clock()
            vouchers.permit(self._law.in_force(now_ms), caller, opened, now_ms)
            return
        if kind not in (Kind.ISSUE, Kind.MIGRATE) or public.ground != kind.name:
            raise CallerNotAllowed(call="deliver")
        if DomainName(public.requester).party != caller:
            raise CallerNotAllowed(call="deliver")
        now_ms = self._clock()
        law = self._law.in_force(now_ms)
        law.permit_ground(public.ground, public.requester, public.recipient, now_ms)

    def _decide(
        self, db: Connection, opened: Opened, tokens: Sequence[WrappedCode], now_ms: int
    ) -> Sequence[Answered]:
        if opened.record.kind is Kind.VOUCH:
            handle = partial(handle_of, self._handle_key)
            take = partial(vouchers.take, db, self.name, opened, now_ms, handle, self.mandates)
            return [take(token) for token in tokens]
        if opened.record.kind is Kind.ISSUE:
            return issue(self.name)(db, opened, tokens, now_ms)
        return migrate(self.name, lambda *_: None)(db, opened, tokens, now_ms)

    def _keeper(self) -> DomainName:
        return DomainName(self._law.in_force(self._clock()).keepers[0].name)

    def _codes(self, account: bytes) -> CodeVector:
        token = codebook.token_of(self.db.read(), self.name, account)
        if token is None:
            raise AccountUnknown()
        return CodeVector.of([self._wrap.unwrap(WrappedCode(token), self.name)])

    async def object_to(self, account: bytes, place: Place, xid: bytes, reason: Reason) -> None:
        """File an account's objection to the entry at this place, whose exchange has this xid, into the own list.

        Raises `AccountUnknown`, `ObjectionUnfit`, or the refusal of a converter or record keeper. What was left open by
        a crash is sent again at the next start. The portal learns which place, not what stands there.
        """
        asked = (AskedPerson(self._entropy(16), "", b"", xid, b""),)
        to, codes = self._keeper(), self._codes(account)
        wish = Wish(
            Kind.OBJECT, Mode.S0, GROUND, (), to, codes, asked, (reason.value,), channel=1, about=place
        )
        await self._carrier.send(self._requester, await self._requester.prepare(wish), b"objection")

    async def decide(self, account: bytes, decision: Decision, context: bytes = b"decision") -> None:
        """File what an account's person has decided into the own list, sealed to that person.

        Raises `AccountUnknown`, or the refusal of a converter or record keeper. What was left open by a crash is sent
        again at the next start. Until it is filed, and until the store's own log is emptied, what it says is on this
        disk: `decide_unkept` is for what may not be.
        """
        await self._carrier.send(self._requester, await self._deciding(account, decision), context)

    async def _tell(self, account: bytes, decision: Decision, context: bytes) -> None:
        """As `decide`, once for each context: what is open of it is sent again."""
        if not await self._carrier.take_up(self._requester, context):
            await self.decide(account, decision, context)

    async def _instruct(self, account: bytes, detail: bytes, context: bytes) -> None:
        """Have the register of accounts do what its person wants. What a crash has left open is sent again, while it is
        young; later anew, and the register does nothing twice. Raises `ActImpossible`, and what the chain raises."""
        answers = await self._carrier.again(self._requester, context)
        if answers is None:
            to, codes = account_domain(self._law.in_force(self._clock())), self._codes(account)
            asked = (AskedPerson(self._entropy(16), "", b"", b"", detail),)
            items = (ACCOUNT_ITEM,)
            wish = Wish(Kind.INSTRUCT, Mode.S1, INSTRUCTION, (), to, codes, asked, items, channel=1)
            prepared = await self._requester.prepare(wish)
            answers = await self._carrier.send(self._requester, prepared, context)
        if answers[0].result != Result.DELIVERED:
            raise ActImpossible()

    async def bind_passkey(self, account: bytes, made: Passkey) -> None:
        """Bind a passkey to the account of somebody whom a clerk has seen; it stands in the history."""
        detail = ways_in.NewPasskey(made.id, made.public, made.count)
        await self.acts.ask(account, ways_in.BIND, encode(detail), seen=True)

    async def decide_unkept(self, account: bytes, decision: Decision) -> None:
        """The same for a decision that names a relying party, of which nothing may be on this disk (decision 0036):
        what a crash interrupts has to be decided anew. Raises as `decide`."""
        prepared = await self._deciding(account, decision)
        self._requester.check_filed(prepared, await self._requester.convert(prepared))

    async def release_address(self, account: bytes, number: bytes) -> None:
        """Let somebody have the address of a person whom a clerk has seen (`acts.addresses`): done at once, and seen
        and undone like every act."""
        await self.acts.ask(account, addresses.RELEASE, number, seen=True)

    async def withdraw(self, account: bytes, grant: bytes) -> None:
        """End a consent of this account to the latest items (`wire.decision.LatestAllowed`), by its id (16 bytes).

        It is over once this store has it, also where the withdrawal can then not be filed into the own list and this
        raises as `decide`: it may be called again. A grant that this account never gave can be named, and ends nothing.
        """
        today = self._clock() // DAY_MS
        expires_day, key = today + LONGEST_DAYS + 1, self._latest_key

        def over(db: Connection) -> None:
            store.withdraw(db, mark_of(key, account, grant), today, expires_day)
            addresses.withdraw(db, account, release_of(key, account, grant))

        await self.db.write(over)
        await self.decide(account, LatestWithdrawn(grant))

    async def _deciding(self, account: bytes, decision: Decision) -> Prepared:
        asked = (AskedPerson(self._entropy(16), "", packed(decision), b"", b""),)
        to, codes = self._keeper(), self._codes(account)
        wish = Wish(Kind.DECISION, Mode.S1, decisions.GROUND, (), to, codes, asked, channel=1)
        return await self._requester.prepare(wish)

    async def tell_commission(self, sealed: bytes) -> bytes:
        """Carry a person's objection to the commission, and what it says back; both are sealed against the portal."""
        given = await self._peers.ask(PartyName("commission"), OBJECT, Objection(sealed))
        return given.sealed

    async def send_evidence(self, data: bytes) -> bytes:
        """Carry a reader's evidence against a log to the commission; its signature over these bytes. Only their form is
        looked at. Raises `EvidenceMalformed`, and what the commission refuses with."""
        evidence.decode(data)
        return (await self._peers.ask(PartyName("commission"), EVIDENCE, EvidenceSent(data))).signature

    async def tell_authority(self, sealed: bytes) -> bytes:
        """Carry a holder's wish for a link of certificates to the authority, and its answer; both are sealed against
        the portal, which keeps nothing of either."""
        given = await self._peers.ask(PartyName("authority"), LINK, AskLink(sealed))
        return given.sealed

    async def read_history(
        self, account: bytes, session: SealKey, said: tuple[str, ...] = (), mark: bytes = b""
    ) -> SealedHistory:
        """The sealed history of an account, readable with the session key only. Where somebody else reads it, by a
        mandate, its record says that (`said`) and under which one (`mark`).

        Raises `AccountUnknown`, or the refusal of a converter or the record keeper. Does not check who holds the
        session key, nor whose account it is: what comes from outside goes through `Visits`, where none can be named.
        """
        asked = (self._asked(mark),)
        to, codes = self._keeper(), self._codes(account)
        wish = Wish(
            Kind.READ, Mode.S0, "OWN-HISTORY", (), to, codes, asked, said, channel=1, session=bytes(session)
        )
        prepared = await self._requester.prepare(wish)
        first = self._network.converters[0]
        read = await self._peers.ask(first, converter.READ, as_convert(prepared))
        listed = [
            Listed(each.statement, each.signature, b"".join(row.entry for row in each.rows))
            for each in read.histories
        ]
        union = union_of([each.rows for each in read.histories])
        grant = OpenShares(
            prepared.public,
            prepared.record,
            prepared.entries,
            prepared.tags,
            read.filed,
            read.hops,
            prepared.disclosed,
            prepared.withheld,
            prepared.openings,
            listed,
            [row.envelope for row in union.values()],
        )
        opened = await asyncio.gather(
            *(self._peers.ask(name, converter.OPEN_SHARES, grant) for name in self._network.converters)
        )
        shares = [each.sealed for each in opened]
        return SealedHistory(request_of(prepared), read.filed, read.histories, shares)

    async def reading(self, account: bytes, asked: bytes, mandate: bytes = b"") -> bytes:
        """A `HistoryAsked` answered with a `HistoryGiven`, both encoded: all that a reader needs to verify the history
        alone (spec/browser.md); with the number of a mandate that the account holds, of whoever has given it. Raises
        `NotCanonical` and what `read_history`, a mandate and a log refuse with."""
        wanted = decode(asked, HistoryAsked)
        session = SealKey(wanted.session)
        if mandate:
            sealed = await self.mandates.read_history(account, mandate, session)
        else:
            sealed = await self.read_history(account, session)
        return await self._readings.given(sealed, wanted.since)

    async def own_data(self, account: bytes, area: str, session: SealKey) -> list[SealedOwnData]:
        """What each holder of this area has on the person, pulled now, readable with the session key only. Each asking
        stands in the person's history. Of an area that the person has closed every answer is as of somebody unknown.

        Raises `AreaUnknown`, `AccountUnknown`, or the refusal of a converter, record keeper or holder. Not checked: who
        asks, and whether that is enough for a sensitive area (`protocols.own_data.SENSITIVE`).
        """
        return await self.areas.show(account, area, session)

    async def own_area(self, account: bytes, area: str, asked: bytes) -> bytes:
        """A `PageAsked` answered with a `PageGiven`, both encoded. Raises `NotCanonical` and what `own_data` raises."""
        session = SealKey(decode(asked, PageAsked).session)
        given = await self.own_data(account, area, session)
        return encode(PageGiven(tuple(Shown(each.domain, each.request, each.sealed) for each in given)))

    async def _ask_holders(
        self, account: bytes, area: str, session: SealKey, order: Order
    ) -> list[SealedOwnData]:
        asked, codes = holders(self._law.in_force(self._clock()), area), self._codes(account)
        return [
            await exchanges.own_data(self._requester, holder, codes, session, self._entropy(16), order)
            for holder in asked
        ]

    def _asked(self, mark: bytes = b"", grant: bytes = b"") -> AskedPerson:
        """The personal part of one exchange: as case, under which mandate it is made, as parent, under which consent,
        for their person to tell, who alone knows mark and grant."""
        xid = self._entropy(16)
        case = use_mark(mark, xid) if mark else b""
        parent = decisions.use_mark(grant, xid) if grant else b""
        return AskedPerson(xid, "", case, parent, b"")

    async def subject(
        self, account: bytes, to: DomainName, scopes: tuple[str, ...], mark: bytes = b""
    ) -> str:
        """Under what name the relying party of domain `to` knows the person; nothing of it is kept here."""
        codes = self._codes(account)
        return await exchanges.subject(self._requester, to, codes, scopes, self._asked(mark))

    async def attributes(
        self, account: bytes, items: tuple[str, ...], grant: bytes = b""
    ) -> Mapping[str, Any]:
        """What the registry gives, live; it does not hear what for. No place while the shield is up."""
        law = self._law.in_force(self._clock())
        registry = DomainName(law.party(law.with_role("registry")[0]).domains[0].name)
        codes, asked = self._codes(account), self._asked(grant=grant)
        found = await exchanges.attributes(self._requester, registry, codes, items, asked)
        return shield.kept_back(self.db.read(), account, found)

    def login(self, issuer: str, standing: Standing | None = None) -> Login:
        """The login at this address; `application` of `login.http` serves it. Without `standing` no card can log in."""
        return Login(
            issuer,
            self.name,
            TokenKey(self._token_key),
            self._handle_key,
            self._latest_key,
            self._law,
            self.db,
            self,
            self._clock,
            self._entropy,
            self.mandates,
            standing,
        )

    def visits(self, login: Login) -> Visits:
        """The visits at this portal, by the ways in of this login: the one road to the own history from outside."""
        return Visits(login, self)

    def site(self, login: Login, names: bytes, away: str = "") -> ASGIApp:
        """The resident's site and the login for other services, at the origin of `login` (spec/web.md). `names` is the
        file of names that the history shows (protocols/words.py), `away` where a quick exit leads."""
        settings = Settings(login.issuer, "kakine-portal", self._clock, self._entropy, away)
        return site(self.house(login), settings, names)

    def house(self, login: Login) -> House:
        """What the resident's pages work with."""
        visits = self.visits(login)
        return House(
            visits,
            self.own_acts(visits),
            self.own_mandates(visits),
            self.acts.kind,
            self._stamp,
            lambda: self._network.logs,
            lambda: self.usual.file,
        )

    def _stamp(self, page: Page) -> bytes:
        return page.sign(self._signing)

    def own_acts(self, visits: Visits) -> OwnActs:
        """Acts and ways in of those visitors."""
        return OwnActs(visits, self.acts, self.areas, self.mandates.halt)

    def own_mandates(self, visits: Visits) -> OwnMandates:
        """Mandates of those visitors."""
        return OwnMandates(visits, self.own_acts(visits), self.mandates)

    def close(self) -> None:
        """Close the store."""
        self.db.close()
