"""The hop: check everything, write it down, multiply, sign, pass on (spec/lcx.md section 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from kakine.contracts import converter as contract
from kakine.contracts import mailbox
from kakine.contracts.converter import Convert, Converted, Hop, Read
from kakine.crypto.group import Scalar, group
from kakine.crypto.hashing import digest
from kakine.parties.converter import store
from kakine.parties.converter.keys import hop_keys, opening_key
from kakine.parties.converter.office import Office
from kakine.parties.converter.quota import spend
from kakine.parties.converter.recording import record_batch
from kakine.parties.converter.store import Seen
from kakine.parties.converter.uses import count_asked
from kakine.protocols.chain import HopKeys, factors, release_value
from kakine.protocols.gates import WINDOW_MS, check_lengths, check_window, leg_count
from kakine.protocols.gazette import Law
from kakine.runtime.database import Connection
from kakine.values.labels import HASH, DomainName, PartyName
from kakine.values.problems import (
    BatchMalformed,
    BatchReused,
    BootFence,
    CallerNotAllowed,
    EpochNotInForce,
    GroundUnfit,
    HopMismatch,
    OpeningMismatch,
    SealNotAllowed,
)
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import COMMITMENT, PAYLOAD, Entry, split_entries
from kakine.wire.envelope import Envelope
from kakine.wire.request import (
    NO_RECIPIENT,
    SUITE,
    HopRecord,
    Kind,
    Mode,
    PublicPart,
    RecordPart,
    ask_digest,
    points_digest,
    public_digest,
    request_digest,
)

GROUNDS = {
    Kind.ISSUE: "ISSUE",
    Kind.ENROL: "ENROL",
    Kind.MIGRATE: "MIGRATE",
    Kind.RETIRE: "RETIRE",
    Kind.READ: "OWN-HISTORY",
    Kind.SUCCEED: "ENROL",
    Kind.SWITCH: "RETIRE",
    Kind.OBJECT: "OBJECTION",
    Kind.LOGIN: "LOGIN",
    Kind.ATTRIBUTES: "LOGIN-ATTRIBUTES",
    Kind.VOUCH: "LOGIN-VOUCHER",
    Kind.OWN_DATA: "OWN-DATA",
    Kind.DECISION: "OWN-DECISION",
    Kind.INSTRUCT: "OWN-ACCOUNT",
}


_AT_ONCE = NO_RECIPIENT | {Kind.ENROL, Kind.SUCCEED}
"""Kinds of which the record keepers hear before anything else is done: no outcome follows, or codes change by them."""


@dataclass(frozen=True)
class Asked:
    """A decoded request and its digest."""

    public: PublicPart
    record: RecordPart
    ask: bytes
    request: bytes

    @staticmethod
    def of(public: bytes, record: bytes) -> Asked:
        """From the canonical bytes of both parts."""
        decoded = decode(record, RecordPart)
        hidden = public_digest(public)
        return Asked(
            decode(public, PublicPart),
            decoded,
            ask_digest(hidden, decoded.batch, decoded.blinded),
            request_digest(hidden, record),
        )


def permit(law: Law, asked: Asked, now_ms: int) -> None:
    """Raise what is missing unless the gazette in force allows this conversion."""
    public, kind = asked.public, asked.record.kind
    requester, recipient = DomainName(public.requester), DomainName(public.recipient)
    # Gate 1 believes the signatures of the parties named here, so a requester must not be able to name itself, or to
    # leave a record keeper out.
    if public.suite != SUITE or [each.name for each in public.keepers] != [each.name for each in law.keepers]:
        raise GroundUnfit(kind=kind.name)
    if (kind in NO_RECIPIENT) != (recipient == public.keepers[0].name):
        raise GroundUnfit(kind=kind.name)
    named = (public.requester_epoch, public.recipient_epoch, public.keepers)
    if named != (law.epoch(requester), law.epoch(recipient), law.keepers):
        raise EpochNotInForce()
    if len(asked.record.to_keepers) != len(public.keepers):
        raise BatchMalformed()
    if kind is Kind.EXCHANGE:
        law.permit(requester, recipient, public.ground, public.rows, now_ms)
        law.permit_seal(public.rows, asked.record.count, public.time_ms, public.sealed_until)
    elif public.sealed_until:
        raise SealNotAllowed(what="kind", kind=kind.name)
    elif public.ground != GROUNDS[kind] or public.rows:
        raise GroundUnfit(kind=kind.name, ground=public.ground)
    elif kind is Kind.LOGIN:
        law.permit_login(requester, recipient, now_ms)
    else:
        law.permit_ground(public.ground, requester, recipient, now_ms)


def requester_party(public: PublicPart) -> PartyName:
    """Who runs the requesting domain; the hash domain is the registry's way in, so its recipient's party asks."""
    domain = public.recipient if public.requester == HASH else public.requester
    return DomainName(domain).party


def _came_from(office: Office, caller: PartyName, message: Convert, asked: Asked) -> None:
    """The first hop comes from the requester itself, the others from the converter before."""
    position = office.settings.position
    expected = requester_party(asked.public) if position == 1 else office.settings.others[position - 2]
    if caller != expected:
        raise CallerNotAllowed(call="convert")
    if len(message.hops) != position - 1:
        raise HopMismatch(hops=len(message.hops))


def _legs_in(office: Office, message: Convert, asked: Asked) -> list[bytes]:
    """Every input leg. At the first hop all are Q itself: that binds the records to the person asked about."""
    count = leg_count(asked.record.kind, len(asked.public.keepers))
    if office.settings.position == 1:
        if message.legs:
            raise BatchMalformed()
        return [message.blinded] * count
    before = decode(message.hops[-1].record, HopRecord)
    if list(before.outs) != [points_digest(leg) for leg in message.legs]:
        raise HopMismatch()
    return message.legs


def _sealed_as_said(message: Convert, asked: Asked) -> None:
    """The public log says of each entry what the law was asked about: no entry is withheld that need not be here."""
    heads = {entry[: COMMITMENT.start]: entry for entry in split_entries(message.entries)}
    if any(Entry.decode(each).sealed_until != asked.public.sealed_until for each in heads.values()):
        raise OpeningMismatch(part="seal")


def _own_shares_open(office: Office, message: Convert, asked: Asked) -> None:
    """A record that nobody could open is refused before it is filed: this converter opens its own shares."""
    if len(message.envelopes) != asked.record.count:
        raise BatchMalformed()
    index = office.settings.position - 1
    context = None
    for j, (data, entry) in enumerate(zip(message.envelopes, split_entries(message.entries), strict=True)):
        envelope = Envelope.parse(data)
        if envelope.ask != asked.ask or envelope.position != j:
            raise BatchMalformed()
        if context is None:
            context = envelope.opener(index, opening_key(office, envelope.month))
            first = envelope
        elif (envelope.enc, envelope.month) != (first.enc, first.month):
            raise BatchMalformed()
        if entry[PAYLOAD] != envelope.digest:
            raise BatchMalformed()
        envelope.open_share(index, context, entry[COMMITMENT])


def request_keys(office: Office, seen: Seen) -> HopKeys:
    """This converter's keys for the link and the record keepers of a request it has taken part in."""
    recipient = None if seen.kind in NO_RECIPIENT else (seen.recipient, seen.recipient_epoch)
    return hop_keys(office, (seen.requester, seen.requester_epoch), seen.ends, recipient)


def request_factors(office: Office, seen: Seen) -> list[Scalar]:
    """This converter's factors for such a request, by leg. They follow from it, so nothing is stored."""
    release = release_value(office.release_key, seen.request)
    return factors(request_keys(office, seen), seen.request, seen.batch, release)


def _not_replayed(office: Office, asked: Asked, now_ms: int) -> Seen | None:
    db = office.db.read()
    known = store.find_seen(db, asked.request)
    if known is not None:
        return known
    store.require_new(db, asked.record.batch, asked.public.time_ms)
    check_window(asked.public.time_ms, now_ms)
    return None


async def _raise_fence(office: Office) -> None:
    """At the start, and where the store was away: what was written last may be gone from it."""
    if (reached := office.db.reached) != office.fenced:
        at_ms = office.booted_ms if office.fenced < 0 else office.clock()
        await office.db.write(lambda db: store.raise_fence(db, at_ms, WINDOW_MS))
        office.fenced = reached


async def hop(office: Office, caller: PartyName, message: Convert) -> tuple[Asked, Convert]:
    """This converter's turn: the request as decoded, and the message for the next in the chain.

    The same request again gives the same output; another one under its batch id, or an unknown one from before
    this converter started, is refused. The request is on disk before anything leaves.
    """
    now_ms = office.clock()
    asked = Asked.of(message.public, message.record)
    law = office.law.in_force(now_ms)
    _came_from(office, caller, message, asked)
    law.signing_key(requester_party(asked.public)).verify(message.signature, "request", asked.request)
    permit(law, asked, now_ms)
    legs = _legs_in(office, message, asked)
    check_lengths(asked.record, message.entries, message.tags, message.blinded, legs)
    if [digest("sealed", each) for each in message.to_keepers] != list(asked.record.to_keepers):
        raise BatchMalformed()
    _sealed_as_said(message, asked)
    await _raise_fence(office)
    known = _not_replayed(office, asked, now_ms)
    _own_shares_open(office, message, asked)
    seen = known or _as_seen(asked)
    made = request_factors(office, seen)
    outs = [group.mul_each(factor, leg) for factor, leg in zip(made, legs, strict=True)]
    record = _hop_record(office, asked, legs, outs, made)
    if known is None:
        count, limit = asked.record.count, office.settings.daily_limit
        row = replace(seen, hop=record)
        await office.db.write(partial(_write_down, office, row, asked.public, count, limit))
    elif known.hop != record:
        raise BatchReused()
    signed = Hop(record, office.identity.signing.sign("hop", record))
    return asked, msgspec.structs.replace(message, legs=outs, hops=[*message.hops, signed])


def _write_down(
    office: Office, row: Seen, public: PublicPart, count: int, limit: int, db: Connection
) -> None:
    known = store.find_seen(db, row.request)
    if known is not None and known.hop == row.hop:
        return  # the same request twice at the same time
    if known is not None:
        raise BatchReused()
    # Once more, in the commit: another process of this converter may have been started meanwhile, and have said no.
    if office.db.reached != office.fenced:
        raise BootFence()
    store.require_new(db, row.batch, row.time_ms)
    spend(db, row.requester, row.recipient, row.time_ms, count, limit)
    store.add_seen(db, row)
    count_asked(db, public)


def _as_seen(asked: Asked) -> Seen:
    public, record = asked.public, asked.record
    return Seen(
        asked.request,
        record.batch,
        record.kind,
        record.mode,
        public.requester,
        public.requester_epoch,
        public.recipient,
        public.recipient_epoch,
        store.keepers_kept(public.keepers),
        public.time_ms,
        b"",
        record.session,
        record.blinded,
    )


def _hop_record(
    office: Office, asked: Asked, legs: Sequence[bytes], outs: Sequence[bytes], made: Sequence[Scalar]
) -> bytes:
    committed = asked.record.mode is not Mode.S0
    return encode(
        HopRecord(
            asked.request,
            office.settings.position,
            tuple(map(points_digest, legs)),
            tuple(map(points_digest, outs)),
            tuple(group.mul_base(factor) if committed else b"" for factor in made),
        )
    )


async def convert(office: Office, caller: PartyName, message: Convert) -> Converted:
    """All kinds but READ: through the rest of the chain, to the record keepers and the log, back with the receipt."""
    asked, onward = await hop(office, caller, message)
    if asked.record.kind is Kind.READ:
        raise GroundUnfit(kind="READ")
    if office.successor is not None:
        return await office.peers.ask(office.successor, contract.CONVERT, onward)
    owed = asked.record.kind not in _AT_ONCE
    filed, growth = await record_batch(office, asked.public.keepers, asked.request, onward, owed=owed)
    if asked.record.kind in NO_RECIPIENT:
        return Converted(filed, onward.hops, b"")
    return Converted(filed, onward.hops, onward.legs[-1], growth)


async def read(office: Office, caller: PartyName, message: Convert) -> Read:
    """Kind READ: a person's own list, once the view stands in it and in the log."""
    asked, onward = await hop(office, caller, message)
    if asked.record.kind is not Kind.READ or asked.record.count != 1:
        raise GroundUnfit(kind=asked.record.kind.name)
    if office.successor is not None:
        return await office.peers.ask(office.successor, contract.READ, onward)
    filed, _ = await record_batch(office, asked.public.keepers, asked.request, onward)
    names = [DomainName(keeper.name).party for keeper in asked.public.keepers]
    lists = (office.peers.ask(name, mailbox.READ, mailbox.Reading(asked.request)) for name in names)
    return Read(filed, onward.hops, list(await asyncio.gather(*lists)))
