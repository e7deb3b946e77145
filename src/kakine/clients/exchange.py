"""The requester's side of an exchange: prepare, convert, release, deliver (spec/lcx.md sections 5 to 8)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from kakine.clients.domains import Domain, MonthKeys
from kakine.contracts import converter, gateway
from kakine.contracts.converter import Convert, Converted, Release, Released
from kakine.contracts.gateway import Deliver, Delivered
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import aead_open, seal
from kakine.protocols.chain import blind
from kakine.protocols.gates import check_filings
from kakine.protocols.gazette import LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Logs, log_keys
from kakine.protocols.records import (
    Batch,
    check_outcome_batch,
    outcome_tag,
    request_batch,
)
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Entropy, Identity
from kakine.values.calendar import months_since_2000
from kakine.values.codes import CodeVector
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import BatchMalformed, RecordRefused, SignatureInvalid
from kakine.wire.answer import Answered, Answers, Kept, Prepared
from kakine.wire.canonical import decode, encode
from kakine.wire.record import OutcomeCommon, OutcomePersonal
from kakine.wire.request import (
    NO_RECIPIENT,
    SUITE,
    AskedPerson,
    KeeperSeed,
    Kind,
    Mode,
    Payload,
    Place,
    PublicPart,
    RecordPart,
    Refusal,
    ask_digest,
    keeper_info,
    points_digest,
    public_digest,
    recipient_info,
    request_digest,
)


@dataclass(frozen=True)
class Wish:
    """What is wanted: people by code, from whom, under which ground. One request has one of each but for people.
    `about` is the place of what is objected to (kind OBJECT), `sealed_until` the day until which the person is not
    shown it (kind EXCHANGE), 0 for none."""

    kind: Kind
    mode: Mode
    ground: str
    rows: tuple[str, ...]
    recipient: DomainName
    codes: CodeVector
    people: tuple[AskedPerson, ...]
    items: tuple[str, ...] = ()
    unit: str = ""
    channel: int = 2
    session: bytes = b""
    about: Place | None = None
    sealed_until: int = 0


@dataclass(frozen=True)
class Network:
    """Who the others are, for any requester or recipient."""

    converters: Sequence[PartyName]
    logs: Logs


@dataclass(frozen=True)
class Seat:
    """What any party asks and answers with: its keys, the law as it knows it, its way to the others."""

    identity: Identity
    network: Network
    law: LawBook
    months: MonthKeys
    peers: Peers
    clock: Clock
    entropy: Entropy


class Requester:
    """One domain as the asking side. Its party keeps the `Prepared` before the first call and until the answer."""

    def __init__(self, domain: Domain, epoch: int, seat: Seat) -> None:
        self._domain = domain
        self._epoch = epoch
        self._identity = seat.identity
        self._network = seat.network
        self._law = seat.law
        self._months = seat.months
        self._peers = seat.peers
        self._clock = seat.clock
        self._entropy = seat.entropy
        self._heads = Heads()

    async def prepare(self, wish: Wish) -> Prepared:
        """Blind, seal, build records, sign. Nothing leaves yet; checks of law are the converters' and the recipient's,
        and the caller's own before it asks."""
        if not wish.people or wish.codes.size != len(wish.people):
            raise BatchMalformed()
        now_ms = self._clock()
        await self._months.fetch(months_since_2000(now_ms))
        batch, seed = self._entropy(16), self._entropy(32)
        keys = await self._domain.mask_keys(self._epoch)
        blinded = blind(wish.codes, seed, batch, keys)
        payload = Payload(
            seed,
            self._entropy(32),
            self._entropy(32),
            wish.unit,
            wish.channel,
            wish.items,
            wish.people,
        )
        return self._signed(wish, now_ms, batch, blinded, payload)

    def _signed(self, wish: Wish, now_ms: int, batch: bytes, blinded: bytes, payload: Payload) -> Prepared:
        law = self._law.in_force(now_ms)
        public = PublicPart(
            SUITE,
            self._domain.name,
            self._epoch,
            wish.recipient,
            law.epoch(wish.recipient),
            law.keepers,
            wish.ground,
            wish.rows,
            now_ms,
            bytes(32),
            wish.sealed_until,
        )
        points, sealed_payload = points_digest(blinded), encode(payload)
        to_recipient = b""
        if wish.kind not in NO_RECIPIENT:
            info = recipient_info(public, batch, points)
            to_recipient = seal(law.seal_key(wish.recipient.party), info, sealed_payload)
        seed, info = encode(KeeperSeed(payload.seed, wish.about)), keeper_info(batch, points)
        to_keepers = tuple(seal(law.seal_key(name), info, seed) for name in law.keeper_parties)
        public = _with_digest(public, to_recipient)
        public_bytes = encode(public)
        ask = ask_digest(public_digest(public_bytes), batch, points)
        made = request_batch(public, wish.kind, payload, ask, self._months)
        record = encode(
            RecordPart(
                wish.kind,
                wish.mode,
                batch,
                wish.codes.size,
                points,
                digest("entries", made.entries),
                digest("tags", made.tags),
                tuple(digest("sealed", each) for each in to_keepers),
                wish.session,
            )
        )
        request = request_digest(public_digest(public_bytes), record)
        signature = self._identity.signing.sign("request", request)
        kept = Kept(public_bytes, record, signature, to_recipient, to_keepers, bytes(blinded), sealed_payload)
        return _prepared(kept, made)

    async def restore(self, kept: Kept) -> Prepared:
        """The request again, byte for byte, from what was kept of it."""
        public, record = decode(kept.public, PublicPart), decode(kept.record, RecordPart)
        await self._months.fetch(months_since_2000(public.time_ms))
        ask = ask_digest(public_digest(kept.public), record.batch, record.blinded)
        payload = decode(kept.payload, Payload)
        return _prepared(kept, request_batch(public, record.kind, payload, ask, self._months))

    async def convert(self, prepared: Prepared) -> Converted:
        """Through the chain to the record keepers and the log. Raises the problem of whoever refused; a refusal of a
        record keeper is checked for its signature first."""
        try:
            first = self._network.converters[0]
            return await self._peers.ask(first, converter.CONVERT, as_convert(prepared))
        except RecordRefused as refused:
            self._check_refusal(prepared, refused)
            raise

    def _check_refusal(self, prepared: Prepared, problem: RecordRefused) -> None:
        try:
            said = base64.b64decode(str(problem.facts.get("statement", "")))
            signature = base64.b64decode(str(problem.facts.get("signature", "")))
        except ValueError as fault:
            raise SignatureInvalid() from fault
        refusal, law = decode(said, Refusal), self._law.in_force(self._clock())
        if refusal.keeper not in law.keeper_parties:
            raise SignatureInvalid()
        law.signing_key(refusal.keeper).verify(signature, "refusal", said)
        if refusal.request != request_of(prepared) or list(refusal.indexes) != problem.facts.get("indexes"):
            raise SignatureInvalid()

    async def release(self, prepared: Prepared, converted: Converted) -> list[Released]:
        """Show the receipt to every converter (gate 1); their values for the recipient, in chain order."""
        message = Release(
            prepared.public,
            prepared.record,
            prepared.entries,
            prepared.tags,
            converted.filed,
            converted.hops,
            prepared.disclosed,
            prepared.withheld,
            prepared.openings,
            converted.growth,
        )
        asked = (self._peers.ask(name, converter.RELEASE, message) for name in self._network.converters)
        return list(await asyncio.gather(*asked))

    def delivery(self, prepared: Prepared, converted: Converted, released: list[Released]) -> Deliver:
        """What goes to the recipient."""
        return Deliver(
            prepared.public,
            prepared.record,
            prepared.signature,
            prepared.entries,
            prepared.tags,
            prepared.to_recipient,
            converted.recipient_leg,
            converted.filed,
            converted.hops,
            released,
        )

    async def deliver(self, prepared: Prepared, converted: Converted, released: list[Released]) -> Delivered:
        """Hand the batch to the recipient's gateway (gate 2 is there)."""
        to = DomainName(decode(prepared.public, PublicPart).recipient).party
        return await self._peers.ask(to, gateway.DELIVER, self.delivery(prepared, converted, released))

    def check_filed(self, prepared: Prepared, converted: Converted) -> None:
        """Raise what does not hold unless every record keeper has signed for this very request and it is in the log.
        For kinds that end there: of the others the converters check it before they release."""
        public = decode(prepared.public, PublicPart)
        law, filed = self._law.in_force(self._clock()), converted.filed
        keepers = [DomainName(keeper.name).party for keeper in public.keepers]
        entries, tags, hops = prepared.entries, prepared.tags, [hop.record for hop in converted.hops]
        check_filings(filed.filings, keepers, law.signing_key, request_of(prepared), entries, tags, hops)
        receipt, keys = filed.receipt, log_keys(law, self._network.logs)
        self._heads.verify(receipt.first, receipt.proof, receipt.checkpoint, entries, keys)

    def open(self, prepared: Prepared, converted: Converted, delivered: Delivered) -> tuple[Answered, ...]:
        """The answers, but only with a valid receipt of their outcome: signed by the record keeper, in the log, and
        committing to exactly these answers. Raises otherwise and gives nothing."""
        payload = decode(prepared.payload, Payload)
        public = decode(prepared.public, PublicPart)
        request = request_of(prepared)
        law = self._law.in_force(self._clock())
        filed = delivered.filed
        keepers = [DomainName(keeper.name).party for keeper in public.keepers]
        entries, tags = delivered.entries, delivered.tags
        check_filings(filed.filings, keepers, law.signing_key, request, entries, tags, ())
        receipt = filed.receipt
        keys = log_keys(law, self._network.logs)
        self._heads.verify(receipt.first, receipt.proof, receipt.checkpoint, delivered.entries, keys)
        provider = law.signing_key(DomainName(public.recipient).party)
        covered = digest("entries", delivered.entries), digest("tags", delivered.tags)
        provider.verify(delivered.signature, "outcome", request, *covered)
        answers = decode(aead_open(payload.answer_key, bytes(12), request, delivered.sealed), Answers)
        return self._checked(payload, public, request, converted, delivered, answers)

    def _checked(
        self,
        payload: Payload,
        public: PublicPart,
        request: bytes,
        converted: Converted,
        delivered: Delivered,
        answers: Answers,
    ) -> tuple[Answered, ...]:
        if len(answers.people) != len(payload.people):
            raise BatchMalformed()
        people = outcome_people(payload, converted.filed.receipt.first, answers)
        common = outcome_common(request, public.recipient, answers.time_ms)
        check_outcome_batch(delivered.entries, common, people, answers.root, public.sealed_until)
        if delivered.tags != b"".join(outcome_tag(person.xid) for person in people):
            raise BatchMalformed()
        return answers.people


def _prepared(kept: Kept, made: Batch) -> Prepared:
    shown = made.openings
    return Prepared(
        kept,
        made.entries,
        made.tags,
        tuple(made.envelopes),
        shown.disclosed,
        shown.withheld,
        shown.people,
    )


def _with_digest(public: PublicPart, to_recipient: bytes) -> PublicPart:
    return msgspec.structs.replace(public, to_recipient=digest("sealed", to_recipient))


def request_of(prepared: Prepared) -> bytes:
    """hR."""
    return request_digest(public_digest(prepared.public), prepared.record)


def as_convert(prepared: Prepared) -> Convert:
    """The message for the first converter."""
    return Convert(
        prepared.public,
        prepared.record,
        prepared.signature,
        prepared.entries,
        prepared.tags,
        list(prepared.envelopes),
        list(prepared.to_keepers),
        prepared.blinded,
    )


def outcome_common(request: bytes, provider: str, time_ms: int) -> OutcomeCommon:
    """The fields that the outcome records of a batch share."""
    return OutcomeCommon(request, provider, time_ms, months_since_2000(time_ms))


def outcome_people(payload: Payload, first: int, answers: Answers) -> list[OutcomePersonal]:
    """The personal parts of the outcome records: which request entry, what result, which items, digest of the data."""
    return [
        OutcomePersonal(
            person.xid, first + j, (answer.result, *answer.items), digest("response", answer.data)
        )
        for j, (person, answer) in enumerate(zip(payload.people, answers.people, strict=True))
    ]
