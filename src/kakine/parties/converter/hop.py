"""The hop: check everything, write it down, multiply, sign, pass on (spec/lcx.md section 5)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

import msgspec

from kakine.contracts import converter as contract
from kakine.contracts import mailbox
from kakine.contracts.call import Role
from kakine.contracts.converter import Convert, Converted, Hop, Read
from kakine.crypto.group import group
from kakine.parties.converter import store
from kakine.parties.converter.keys import hop_keys, opening_key
from kakine.parties.converter.office import Office
from kakine.parties.converter.quota import spend
from kakine.parties.converter.store import Seen
from kakine.protocols.chain import Factors, factors, release_value
from kakine.protocols.gates import check_lengths, check_window
from kakine.protocols.gazette import Law
from kakine.values.labels import HASH, DomainName, PartyName
from kakine.values.problems import (
    BatchMalformed,
    BatchReused,
    BootFence,
    CallerNotAllowed,
    EpochNotInForce,
    GroundUnfit,
    HopMismatch,
)
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import COMMITMENT, PAYLOAD, split_entries
from kakine.wire.envelope import Envelope
from kakine.wire.request import (
    ONE_LEG,
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
}


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
    if public.suite != SUITE or (kind in ONE_LEG) != (public.recipient == public.keeper):
        raise GroundUnfit(kind=kind.name)
    # Gate 1 believes the signature of the party named here, so a requester must not be able to name itself.
    if Role.MAILBOX not in law.roles(DomainName(public.keeper).party):
        raise GroundUnfit(kind=kind.name)
    named = (public.requester_epoch, public.recipient_epoch, public.keeper_epoch)
    if named != (law.epoch(requester), law.epoch(recipient), law.epoch(public.keeper)):
        raise EpochNotInForce()
    if kind is Kind.EXCHANGE:
        law.permit(requester, recipient, public.ground, public.rows, now_ms)
    elif public.ground != GROUNDS[kind] or public.rows:
        raise GroundUnfit(kind=kind.name, ground=public.ground)
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


def _legs_in(office: Office, message: Convert, asked: Asked) -> tuple[bytes, bytes]:
    """Both input legs. At the first hop both are Q itself: that binds the record to the person asked about."""
    one_leg = asked.record.kind in ONE_LEG
    if office.settings.position == 1:
        if message.recipient_leg or message.keeper_leg:
            raise BatchMalformed()
        return (b"" if one_leg else message.blinded), message.blinded
    before = decode(message.hops[-1].record, HopRecord)
    legs = message.recipient_leg, message.keeper_leg
    if (before.recipient_out, before.keeper_out) != (points_digest(legs[0]), points_digest(legs[1])):
        raise HopMismatch()
    return legs


def _own_shares_open(office: Office, message: Convert, asked: Asked) -> None:
    """A record that nobody could open is refused before it is filed: this converter opens its own shares."""
    if asked.record.kind is Kind.READ:
        return
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


def request_factors(office: Office, seen: Seen) -> Factors:
    """This converter's factors for a request it has taken part in. They follow from it, so nothing is stored."""
    one_leg = seen.kind in ONE_LEG
    keys = hop_keys(
        office,
        (seen.requester, seen.requester_epoch),
        None if one_leg else (seen.recipient, seen.recipient_epoch),
        (seen.keeper, seen.keeper_epoch),
    )
    return factors(keys, seen.request, seen.batch, release_value(office.release_key, seen.request))


def _not_replayed(office: Office, asked: Asked, now_ms: int) -> Seen | None:
    db = office.db.read()
    known = store.find_seen(db, asked.request)
    if known is not None:
        return known
    if asked.public.time_ms < office.booted_ms:
        raise BootFence()
    if store.batch_seen(db, asked.record.batch):
        raise BatchReused()
    check_window(asked.public.time_ms, now_ms)
    return None


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
    check_lengths(asked.record, message.entries, message.tags, message.blinded, legs, message.to_keeper)
    known = _not_replayed(office, asked, now_ms)
    _own_shares_open(office, message, asked)
    seen = known or _as_seen(asked)
    made = request_factors(office, seen)
    outs = (
        group.mul_each(made.recipient, legs[0]) if made.recipient is not None else b"",
        group.mul_each(made.keeper, legs[1]),
    )
    record = _hop_record(office, asked, legs, outs, made)
    if known is None:
        count, limit = asked.record.count, office.settings.daily_limit
        await office.db.write(lambda db: _write_down(db, replace(seen, hop=record), count, limit))
    elif known.hop != record:
        raise BatchReused()
    signed = Hop(record, office.identity.signing.sign("hop", record))
    onward = msgspec.structs.replace(
        message, recipient_leg=outs[0], keeper_leg=outs[1], hops=[*message.hops, signed]
    )
    return asked, onward


def _write_down(db: sqlite3.Connection, row: Seen, count: int, limit: int) -> None:
    known = store.find_seen(db, row.request)
    if known is not None and known.hop == row.hop:
        return  # the same request twice at the same time
    if known is not None or store.batch_seen(db, row.batch):
        raise BatchReused()
    spend(db, row.requester, row.recipient, row.time_ms, count, limit)
    store.add_seen(db, row)


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
        public.keeper,
        public.keeper_epoch,
        public.time_ms,
        b"",
        public.session,
        record.blinded,
    )


def _hop_record(
    office: Office, asked: Asked, legs: tuple[bytes, bytes], outs: tuple[bytes, bytes], made: Factors
) -> bytes:
    committed = asked.record.mode is not Mode.S0
    return encode(
        HopRecord(
            asked.request,
            office.settings.position,
            points_digest(legs[0]),
            points_digest(legs[1]),
            points_digest(outs[0]),
            points_digest(outs[1]),
            group.mul_base(made.recipient) if committed and made.recipient is not None else b"",
            group.mul_base(made.keeper) if committed else b"",
        )
    )


async def convert(office: Office, caller: PartyName, message: Convert) -> Converted:
    """All kinds but READ: through the rest of the chain to the record keeper, and back with the receipt."""
    asked, onward = await hop(office, caller, message)
    if asked.record.kind is Kind.READ:
        raise GroundUnfit(kind="READ")
    if office.successor is not None:
        return await office.peers.ask(office.successor, contract.CONVERT, onward)
    filed = await office.peers.ask(office.settings.keeper, mailbox.FILE, _for_keeper(onward))
    return Converted(filed, onward.hops, onward.recipient_leg)


async def read(office: Office, caller: PartyName, message: Convert) -> Read:
    """Kind READ: a person's own list, which the record keeper answers instead of filing."""
    asked, onward = await hop(office, caller, message)
    if asked.record.kind is not Kind.READ or asked.record.count != 1:
        raise GroundUnfit(kind=asked.record.kind.name)
    if office.successor is not None:
        return await office.peers.ask(office.successor, contract.READ, onward)
    history = await office.peers.ask(office.settings.keeper, mailbox.READ, _for_keeper(onward))
    return Read(history, onward.hops)


def _for_keeper(message: Convert) -> mailbox.File:
    """Without the public part: the record keeper never learns who asks whom, or why."""
    return mailbox.File(
        public_digest(message.public),
        message.record,
        message.entries,
        message.tags,
        message.envelopes,
        message.to_keeper,
        message.blinded,
        message.recipient_leg,
        message.keeper_leg,
        message.hops,
    )
