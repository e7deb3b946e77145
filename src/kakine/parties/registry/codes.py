"""Codes of residents: enrol, issue, migrate, retire. All are conversions (spec/lcx.md section 4).

The local reference of a resident in the registry's own domain is the internal person id (16 bytes). The registry never
sees an agency's code; the agency never sees the registry's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    bindparam,
    insert,
    select,
)

from kakine.clients.answering import serve
from kakine.clients.carrier import UNFILED, Carrier
from kakine.clients.domains import Domain, MonthKeys
from kakine.clients.exchange import Network, Requester, Seat, Wish, request_of
from kakine.clients.recipient import Opened, Recipient
from kakine.contracts.gateway import Deliver, Delivered
from kakine.contracts.registry_audit import INFO, Sample, Sampled
from kakine.crypto.group import group
from kakine.crypto.sealing import seal
from kakine.crypto.wrapping import WrapKey
from kakine.parties.registry import attributes
from kakine.protocols.chain import person_blind
from kakine.protocols.gazette import LawBook
from kakine.runtime import codebook
from kakine.runtime.database import Connection, Database, sql
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.codes import Code, CodeVector, WrappedCode
from kakine.values.labels import HASH, DomainName, PartyName
from kakine.values.problems import (
    BatchMalformed,
    CallerNotAllowed,
    EnrolmentUnknown,
    PersonNotEnrolled,
    Problem,
)
from kakine.wire.answer import Answered, Prepared, Result
from kakine.wire.canonical import decode
from kakine.wire.request import (
    AskedPerson,
    Kind,
    Mode,
    Payload,
    PublicPart,
    RecordPart,
)

MOST = 256
"""People in one conversion."""

_SUCCESSOR = b"successor:"
_SWITCH, _RETIRE = b"switch:", b"retire:"
"""What an open request to the record keeper is for; behind it the person ids, 16 bytes each."""


def enrolment_table(metadata: MetaData) -> Table:
    """Root handles and blindings of enrolled residents, sealed to the commission: the registry cannot read them back.

    They are kept by request and place, which is how the commission draws its sample. `person` is for the registry's
    own recovery with the commission's help; it is never shown.
    """
    Table(
        "enrolment_batch",
        metadata,
        Column("request", LargeBinary, primary_key=True),
        Column("blinded", LargeBinary, nullable=False),
    )
    return Table(
        "enrolment",
        metadata,
        Column("request", LargeBinary, nullable=False),
        Column("item", Integer, nullable=False),
        Column("person", LargeBinary, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        PrimaryKeyConstraint("request", "item"),
    )


_own = MetaData()
_enrolment = enrolment_table(_own)
_batch = _own.tables["enrolment_batch"]
_KEEP = sql(insert(_enrolment))
_KEEP_BATCH = sql(insert(_batch))
_SEALED = sql(
    select(_batch.c.blinded, _enrolment.c.sealed)
    .join_from(_batch, _enrolment, _batch.c.request == _enrolment.c.request)
    .where(_batch.c.request == bindparam("request"), _enrolment.c.item == bindparam("item"))
)


@dataclass
class Codes:
    """The registry as requester (of codes for others) and recipient (of its own)."""

    name: DomainName
    identity: Identity
    network: Network
    db: Database
    law: LawBook
    peers: Peers
    clock: Clock
    entropy: Entropy

    def __post_init__(self) -> None:
        self.wrap = WrapKey(self.identity.local_key("wrap", self.name.encode(), length=64))
        self.months = MonthKeys(self.peers, self.law, self.clock, self.network.converters)
        self.own = self._domain(self.name)
        self.hash = self._domain(HASH)
        self.carrier = Carrier(self.db, self.clock, partial(_succeed, self.name))

    def _domain(self, name: DomainName) -> Domain:
        return Domain(name, self.identity, self.db, self.peers, self.network.converters)

    def _epoch(self) -> int:
        return self.law.in_force(self.clock()).epoch(self.name)

    @property
    def _seat(self) -> Seat:
        return Seat(self.identity, self.network, self.law, self.months, self.peers, self.clock, self.entropy)

    def _requester(self, domain: Domain, epoch: int) -> Requester:
        return Requester(domain, epoch, self._seat)

    def _recipient(self) -> Recipient:
        return Recipient(self.own, self._epoch(), self._seat)

    async def start(self) -> None:
        """Join the converters for both domains, and take up what a crash left open."""
        await self.hash.mask_keys(1)
        await self.own.mask_keys(self._epoch())
        for context, result in await self.carrier.resume(self._requester_of):
            if isinstance(result, UNFILED):
                await self._anew(context)

    async def _anew(self, context: bytes) -> None:
        """What was intended and never filed is asked anew; what is refused then waits for whoever calls again."""
        try:
            if context.startswith(_SWITCH):
                await self._switch(context.removeprefix(_SWITCH))
            elif context.startswith(_RETIRE):
                ids = context.removeprefix(_RETIRE)
                await self.retire([ids[k : k + 16] for k in range(0, len(ids), 16)])
        except Problem:
            return

    def _requester_of(self, context: bytes) -> Requester:
        if context == HASH.encode():
            return self._requester(self.hash, 1)
        return self._requester(self.own, self._epoch())

    async def enrol(self, people: Sequence[bytes]) -> None:
        """Give residents their root handle and the registry its codes of them, at most `MOST` at once.

        u is 32 fresh random bytes and its point a hash output; it is kept only sealed to the commission, which may
        sample enrolments to see that no point was chosen otherwise. Raises what refuses; then nobody is enrolled.
        """
        await self._enrol(Kind.ENROL, people)

    async def _enrol(self, kind: Kind, people: Sequence[bytes]) -> None:
        roots = [self.entropy(32) for _ in people]
        codes = CodeVector.of(Code(group.hash_to_group(root)) for root in roots)
        prefix = _SUCCESSOR if kind is Kind.SUCCEED else b""
        wish = self._wish(kind, "ENROL", self.name, codes, [prefix + person for person in people])
        requester = self._requester(self.hash, 1)
        prepared = await requester.prepare(wish)
        await self._keep_sealed(prepared, people, roots)
        await self.carrier.send(requester, prepared, HASH.encode())

    async def _keep_sealed(self, prepared: Prepared, people: Sequence[bytes], roots: Sequence[bytes]) -> None:
        """Before the request leaves: whatever is enrolled can be sampled."""
        to, request = self.law.in_force(self.clock()).seal_key("commission"), request_of(prepared)
        seed = decode(prepared.payload, Payload).seed
        sealed = [
            {
                "request": request,
                "item": item,
                "person": person,
                "sealed": seal(to, INFO, root + bytes(person_blind(seed, item))),
            }
            for item, (person, root) in enumerate(zip(people, roots, strict=True))
        ]

        def work(db: Connection) -> None:
            db.execute(_KEEP_BATCH, {"request": request, "blinded": prepared.blinded})
            db.executemany(_KEEP, sealed)

        await self.db.write(work)

    def _wish(
        self,
        kind: Kind,
        ground: str,
        recipient: DomainName,
        codes: CodeVector,
        details: Sequence[bytes],
    ) -> Wish:
        people = tuple(AskedPerson(self.entropy(16), "", b"", b"", detail) for detail in details)
        if not people or len(people) > MOST:
            raise BatchMalformed(people=len(people))
        return Wish(kind, Mode.S1, ground, (), recipient, codes, people, channel=3)

    def _keeper(self) -> DomainName:
        """Who stands as recipient where the record keepers are the only ends."""
        return DomainName(self.law.in_force(self.clock()).keepers[0].name)

    def _codes(self, people: Sequence[bytes]) -> CodeVector:
        codes = []
        for position, person in enumerate(people):
            token = codebook.token_of(self.db.read(), self.name, person)
            if token is None:
                raise PersonNotEnrolled(indexes=[position])
            codes.append(self.wrap.unwrap(WrappedCode(token), self.name))
        return CodeVector.of(codes)

    async def issue(self, domain: DomainName, people: Sequence[tuple[bytes, bytes]]) -> list[str]:
        """Give a domain its codes of these people: (person id, the domain's own reference) each.

        Gives the result for each: "delivered", or "refused" where the domain found the person or the reference taken
        already. The registry does not see the code, the domain does not see the id.
        """
        codes = self._codes([person for person, _ in people])
        details = [reference for _, reference in people]
        wish = self._wish(Kind.ISSUE, "ISSUE", domain, codes, details)
        requester = self._requester(self.own, self._epoch())
        answers = await self.carrier.send(requester, await requester.prepare(wish), self.name.encode())
        return [answer.result for answer in answers]

    async def retire(self, people: Sequence[bytes]) -> None:
        """End codes without a successor: death, emigration for good. The record keeper refuses them from then on.

        May be repeated after a failure: it goes on. Where a new code was on its way, that one is retired.
        """
        for person in people:
            await self._under_way(_SWITCH + person)
        context = _RETIRE + b"".join(people)
        if not await self._under_way(context):
            await self._end(Kind.RETIRE, people, context)

    async def _under_way(self, context: bytes) -> bool:
        return await self.carrier.take_up(self._requester(self.own, self._epoch()), context)

    async def _end(self, kind: Kind, people: Sequence[bytes], context: bytes) -> None:
        """A request to the record keeper alone, after which a code is no more: kept until its receipt is."""
        wish = self._wish(kind, "RETIRE", self._keeper(), self._codes(people), [b""] * len(people))
        requester = self._requester(self.own, self._epoch())
        await self.carrier.send(requester, await requester.prepare(wish), context)

    async def _switch(self, person: bytes) -> None:
        await self._end(Kind.SWITCH, [person, _SUCCESSOR + person], _SWITCH + person)

    async def rekey_person(
        self, person: bytes, domains: Sequence[DomainName], left_out: frozenset[DomainName] = frozenset()
    ) -> None:
        """Give a person new codes everywhere (after a leak, for protection): enrol a successor, tell every domain in
        `domains` to replace the old code, then switch at the record keeper, which refuses the old one from then on.

        It goes to domains that do not know the person too, so the registry does not learn who does. Domains in
        `left_out` keep an old code that can no longer be used. May be repeated after a failure: it goes on, and
        from SWITCH on a restart does so by itself.
        """
        if await self._under_way(_SWITCH + person):
            return
        successor = _SUCCESSOR + person
        if codebook.token_of(self.db.read(), self.name, successor) is None:
            await self._enrol(Kind.SUCCEED, [person])
        requester = self._requester(self.own, self._epoch())
        pair = self._codes([person, successor])
        for domain in domains:
            if domain not in left_out:
                wish = self._wish(Kind.MIGRATE, "MIGRATE", domain, pair, [b"", b""])
                await self.carrier.send(requester, await requester.prepare(wish), self.name.encode())
        await self._switch(person)

    async def deliver(self, caller: PartyName, message: Deliver) -> Delivered:
        """The registry's own codes of those it enrols, where it is the recipient as well; and what a person agreed to
        show at a login, of which nothing is kept: that somebody showed something, and when, is the person's to know."""
        return await serve(
            message,
            self._recipient(),
            self.wrap,
            self.db,
            self.clock,
            self.entropy,
            partial(self._permit, caller),
            partial(_decide, self.name),
            keep=decode(message.record, RecordPart).kind is not Kind.ATTRIBUTES,
        )

    def _permit(self, caller: PartyName, opened: Opened) -> None:
        public: PublicPart = opened.public
        if opened.record.kind is Kind.ATTRIBUTES:
            now_ms = self.clock()
            attributes.permit(self.law.in_force(now_ms), caller, opened, now_ms)
            return
        enrols = opened.record.kind in (Kind.ENROL, Kind.SUCCEED)
        if caller != self.identity.name or public.requester != HASH or not enrols:
            raise CallerNotAllowed(call="deliver")

    async def sample(self, caller: PartyName, message: Sample) -> Sampled:
        """What the commission sees of one enrolment it has drawn. Raises `EnrolmentUnknown`."""
        place = {"request": message.request, "item": message.item}
        row = self.db.read().execute(_SEALED, place).fetchone()
        if row is None:
            raise EnrolmentUnknown()
        return Sampled(bytes(row[0]), bytes(row[1]))


def _decide(
    domain: str, db: Connection, opened: Opened, tokens: Sequence[WrappedCode], now_ms: int
) -> list[Answered]:
    if opened.record.kind is Kind.ATTRIBUTES:
        return [attributes.answer(db, domain, opened.payload.items, token, now_ms) for token in tokens]
    return _keep_own(domain, db, opened, tokens, now_ms)


def _keep_own(
    domain: str, db: Connection, opened: Opened, tokens: Sequence[WrappedCode], now_ms: int
) -> list[Answered]:
    answers = []
    for person, token in zip(opened.payload.people, tokens, strict=True):
        known = codebook.token_of(db, domain, person.detail)
        if known is None:
            codebook.add_holding(db, domain, person.detail, token)
        fits = known in (None, token)
        answers.append(Answered(Result.DELIVERED if fits else Result.REFUSED, (), b""))
    return answers


def _succeed(domain: str, db: Connection, context: bytes) -> None:
    """When SWITCH is filed the successor's code takes the person's place; the old one is gone from the registry."""
    if not context.startswith(_SWITCH):
        return
    person = context.removeprefix(_SWITCH)
    new = codebook.token_of(db, domain, _SUCCESSOR + person)
    if new is not None:
        codebook.drop_holding(db, domain, _SUCCESSOR + person)
        codebook.drop_holding(db, domain, person)
        codebook.add_holding(db, domain, person, new)
