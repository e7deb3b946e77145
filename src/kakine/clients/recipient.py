"""The recipient's side of an exchange: gate 2, opening its own codes, and the outcome before any data leaves."""

from __future__ import annotations

from dataclasses import dataclass

from kakine.clients.domains import Domain
from kakine.clients.exchange import Seat, outcome_common, outcome_people
from kakine.contracts import converter
from kakine.contracts.converter import Outcome
from kakine.contracts.gateway import Deliver, Delivered
from kakine.contracts.ledger import Appended
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import aead_open, aead_seal, open_sealed
from kakine.protocols.chain import recipient_mask, unmask
from kakine.protocols.gates import check_filings, check_window, filed_legs
from kakine.protocols.heads import Heads
from kakine.protocols.logs import log_keys
from kakine.protocols.records import check_request_batch, outcome_batch
from kakine.values.calendar import months_since_2000
from kakine.values.codes import CodeVector, MaskedVector
from kakine.values.labels import HASH, DomainName
from kakine.values.problems import BatchMalformed, ReceiptMismatch
from kakine.wire.answer import Answers
from kakine.wire.canonical import decode, encode
from kakine.wire.checkpoint import origin_of
from kakine.wire.envelope import expand
from kakine.wire.request import (
    HopRecord,
    Payload,
    PublicPart,
    RecordPart,
    ask_digest,
    points_digest,
    public_digest,
    recipient_info,
    request_digest,
)


@dataclass(frozen=True)
class Opened:
    """A batch that has passed gate 2, with the recipient's own codes of its people."""

    request: bytes
    public: PublicPart
    record: RecordPart
    payload: Payload
    codes: CodeVector
    receipt: Appended


class Recipient:
    """One domain as the answering side."""

    def __init__(self, domain: Domain, epoch: int, seat: Seat) -> None:
        self._domain = domain
        self._epoch = epoch
        self._identity = seat.identity
        self._network = seat.network
        self._law = seat.law
        self._months = seat.months
        self._peers = seat.peers
        self._clock = seat.clock
        self._heads = Heads()

    async def open(self, message: Deliver, *, again: bool = False) -> Opened:
        """Gate 2: everything the converters checked, and that the filed record says what is asked here (G3).

        Raises at the first thing that does not hold; the codes are opened last. Does not check the gazette's rows:
        the caller does, with its own refusal. `again` is for a request answered before, which may be old by now.
        """
        public, record = decode(message.public, PublicPart), decode(message.record, RecordPart)
        request = request_digest(public_digest(message.public), message.record)
        if not again:
            check_window(public.time_ms, self._clock())
        self._check_request(message, public, record, request)
        self._check_receipt(message, public, record, request)
        info = recipient_info(public, record.batch, record.blinded)
        payload = decode(open_sealed(self._identity.opening, info, message.to_recipient), Payload)
        await self._check_record(message, public, record, payload)
        keys = await self._domain.mask_keys(self._epoch)
        masks = [
            recipient_mask(key, request, _release_value(key, request, given.sealed))
            for key, given in zip(keys, message.released, strict=True)
        ]
        codes = unmask(MaskedVector(message.recipient_leg), payload.seed, masks)
        return Opened(request, public, record, payload, codes, message.filed.receipt)

    def _check_request(
        self, message: Deliver, public: PublicPart, record: RecordPart, request: bytes
    ) -> None:
        law = self._law.in_force(self._clock())
        asker = public.recipient if public.requester == HASH else public.requester
        law.signing_key(DomainName(asker).party).verify(message.signature, "request", request)
        addressed = (public.recipient, public.recipient_epoch, public.keepers)
        if (
            addressed != (self._domain.name, self._epoch, law.keepers)
            or digest("sealed", message.to_recipient) != public.to_recipient
            or len(message.recipient_leg) != 32 * record.count
            or len(message.released) != len(self._network.converters)
        ):
            raise BatchMalformed()

    def _check_receipt(
        self, message: Deliver, public: PublicPart, record: RecordPart, request: bytes
    ) -> None:
        """Filed by every record keeper over these very points, in the log, under a head all converters have seen."""
        law, filed = self._law.in_force(self._clock()), message.filed
        hops = [hop.record for hop in message.hops]
        filing = check_filings(
            filed.filings,
            [DomainName(keeper.name).party for keeper in public.keepers],
            law.signing_key,
            request,
            message.entries,
            message.tags,
            hops,
        )
        last = decode(hops[-1], HopRecord) if hops else None
        if last is None or len(last.outs) != len(public.keepers) + 1 or last.request != request:
            raise ReceiptMismatch(what="points")
        if last.outs[-1] != points_digest(message.recipient_leg):
            raise ReceiptMismatch(what="points")
        if filing.points != filed_legs(last.outs):
            raise ReceiptMismatch(what="points")
        if digest("entries", message.entries) != record.entries:
            raise ReceiptMismatch(what="entries")
        receipt = filed.receipt
        keys = log_keys(law, self._network.logs)
        head = self._heads.verify(receipt.first, receipt.proof, receipt.checkpoint, message.entries, keys)
        converters = [law.signing_key(each) for each in self._network.converters]
        seen = [given.head for given in message.released]
        self._heads.verify_attested(origin_of(receipt.checkpoint), head, seen, converters)

    async def _check_record(
        self, message: Deliver, public: PublicPart, record: RecordPart, payload: Payload
    ) -> None:
        if len(payload.people) != record.count:
            raise BatchMalformed()
        await self._months.fetch(months_since_2000(public.time_ms))
        ask = ask_digest(public_digest(message.public), record.batch, record.blinded)
        entries, tags = message.entries, message.tags
        check_request_batch(entries, tags, public, record.kind, payload, ask, self._months)

    def outcome(self, opened: Opened, answers: Answers) -> tuple[Outcome, bytes]:
        """The outcome entries of these answers, signed for the relay; and the answers, sealed to the requester."""
        people = outcome_people(opened.payload, opened.receipt.first, answers)
        common = outcome_common(opened.request, opened.public.recipient, answers.time_ms)
        until = opened.public.sealed_until
        made = outcome_batch(common, people, answers.root, self._months, until)
        covered = digest("entries", made.entries), digest("tags", made.tags)
        signature = self._identity.signing.sign("outcome", opened.request, *covered)
        outcome = Outcome(opened.request, made.entries, made.tags, made.envelopes, signature, opened.receipt)
        sealed = aead_seal(opened.payload.answer_key, bytes(12), opened.request, encode(answers))
        return outcome, sealed

    async def conclude(self, outcome: Outcome, sealed: bytes) -> Delivered:
        """File the outcome through a converter, and only then give the sealed answers out."""
        filed = await self._peers.ask(self._network.converters[0], converter.OUTCOME, outcome)
        return Delivered(sealed, outcome.entries, outcome.tags, filed, outcome.signature)


def _release_value(key: bytes, request: bytes, sealed: bytes) -> bytes:
    """w_i as a converter sealed it under the key it shares with this domain."""
    return aead_open(expand(key, "release", request), bytes(12), request, sealed)
