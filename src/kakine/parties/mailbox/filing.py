"""File a converted batch, or its outcome: gate, store, sign. It is in nobody's list until the log has it."""

from __future__ import annotations

import msgspec

from kakine.contracts.mailbox import File, FiledHere, FileOutcome
from kakine.crypto.hashing import digest
from kakine.parties.mailbox import partitions, store
from kakine.parties.mailbox.gate import ADDS, Opened, check_about, gate, opened
from kakine.parties.mailbox.numbering import checked, number, resume
from kakine.parties.mailbox.office import Office
from kakine.parties.mailbox.proofs import check_linear
from kakine.parties.mailbox.store import RESERVED
from kakine.protocols.audit import ENROLS, blind_digest
from kakine.protocols.chain import person_blind
from kakine.protocols.gates import NO_HOPS, NO_LEGS, check_tags, filed_legs, hops_digest
from kakine.protocols.records import HEAD, entry_kind
from kakine.runtime.database import Connection
from kakine.values.calendar import RETENTION_MONTHS, minutes, months_since_2000
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    CallerNotAllowed,
    FilingUnknown,
    OutcomeConflict,
    SealNotAllowed,
)
from kakine.wire import filing as filings
from kakine.wire.canonical import plain
from kakine.wire.entry import LENGTH, PAYLOAD, Entry, EntryKind, split_entries
from kakine.wire.envelope import Envelope
from kakine.wire.filing import filing_of
from kakine.wire.request import Kind, Mode, Place, ask_digest, outcome_id, points_digest

_encoder = msgspec.msgpack.Encoder(enc_hook=plain)

CHANGES = ADDS | {Kind.RETIRE, Kind.SWITCH}
"""Kinds that change codes, once they are logged."""

ALONE = frozenset(
    {
        Kind.READ,
        Kind.OBJECT,
        Kind.LOGIN,
        Kind.ATTRIBUTES,
        Kind.VOUCH,
        Kind.DECISION,
        Kind.OWN_DATA,
        Kind.INSTRUCT,
    }
)
"""Kinds that concern one person and no other."""

CLOCK_MINUTES = 3
"""How far the minutes in an entry may be from this clock."""


def _check_envelopes(ask: bytes | None, kind: EntryKind, message: File | FileOutcome, now: int) -> None:
    """Each envelope is the one its entry names, and each entry is of this kind and of this minute; both are of one
    month, and expire together."""
    entries = split_entries(message.entries)
    if len(message.envelopes) != len(entries):
        raise BatchMalformed()
    first = Entry.decode(entries[0])
    if first.kind is not kind or abs(first.minutes - now) > CLOCK_MINUTES:
        raise BatchMalformed()
    month = months_since_2000(first.minutes * 60_000)
    if first.expiry_months != month + RETENTION_MONTHS:
        raise BatchMalformed()  # else a record would go with a month in which nobody expects it
    head = entries[0][:HEAD]
    for entry, data in zip(entries, message.envelopes, strict=True):
        sealed = Envelope.parse(data)
        if sealed.month != month:
            raise BatchMalformed()
        if entry[:HEAD] != head or entry[PAYLOAD] != sealed.digest or ask not in (None, sealed.ask):
            raise BatchMalformed()


def _sealed_until(entries: bytes) -> int:
    """The day until which a batch is withheld, whose entries all have one head; 0 for none."""
    return Entry.decode(entries[:LENGTH]).sealed_until


async def file(office: Office, caller: PartyName, message: File) -> FiledHere:
    """This record keeper's signed filing of a batch. A repeat of the same request gives the same."""
    if caller != office.settings.converters[-1]:
        raise CallerNotAllowed(call="file")
    batch = opened(office, message)
    record, request = batch.record, batch.request
    if record.kind in ALONE and record.count != 1:
        raise BatchMalformed()
    if record.kind is Kind.DECISION and record.mode is not Mode.S1:
        raise BatchMalformed()  # nobody can object to it later: it is proved before it is filed, or not filed
    if batch.about is not None:
        await _hear_of_earlier(office, batch.about)
    known = store.find_filing(office.db.read(), request)
    again = known is not None
    if known is None:
        now = minutes(office.clock())
        ask = ask_digest(message.public, record.batch, record.blinded)
        if _sealed_until(message.entries) and (record.kind is not Kind.EXCHANGE or record.count != 1):
            raise SealNotAllowed(what="people")
        _check_envelopes(ask, entry_kind(record.kind), message, now)
        if record.mode is Mode.S1:
            gate(office, office.db.read(), batch)
            await check_linear(office, batch, message)
        signed = filings.sign(
            filing_of(
                request=request,
                points=filed_legs([points_digest(leg) for leg in message.legs]),
                entries=message.entries,
                tags=message.tags,
                hops=hops_digest([hop.record for hop in message.hops]),
                minutes=now,
            ),
            office.settings.domain.party,
            office.identity.signing,
        )
        tokens = b"".join(batch.tokens) if record.kind in CHANGES else b""
        given = record.session, batch.about
        filed = store.new_filing(request, record.kind, signed, message.entries, message.tags, tokens, *given)
        known = await office.db.write(lambda db: _store(office, db, batch, filed, message))
    return FiledHere(known.signed(office.settings.domain.party), again)


async def _hear_of_earlier(office: Office, about: Place) -> None:
    """An earlier objection to the same entry may stand in the log without this record keeper having heard of it."""
    for filed in store.objections_to(office.db.read(), about):
        for person in set(store.lists_of_filing(office.db.read(), filed.id)):
            await resume(office, person)


def _store(office: Office, db: Connection, batch: Opened, filed: store.Filed, message: File) -> store.Filed:
    """In one transaction: the gate once more, the codes that are reserved by it, the sealed records."""
    present = store.find_filing(db, filed.id)
    if present is not None:
        return present  # the same request twice at the same time
    lists = gate(office, db, batch)
    if lists:
        check_about(db, batch, lists[0])
    record = batch.record
    if record.kind in ADDS:
        lists = [store.add_code(db, token, RESERVED) for token in batch.tokens]
    store.add_filing(db, filed, lists)
    partitions.add(db, filed.expiry, filed.id, message.envelopes)
    if record.mode is Mode.S0_PLUS:
        hops = _encoder.encode(message.hops)
        store.add_vectors(db, batch.request, message.blinded, b"".join(message.legs), hops)
    if record.kind in ENROLS:
        store.add_blinds(db, batch.request, _blinds(batch))
    return filed


def _blinds(batch: Opened) -> bytes:
    positions = range(batch.record.count)
    return b"".join(blind_digest(batch.request, j, person_blind(batch.seed, j)) for j in positions)


async def file_outcome(office: Office, caller: PartyName, message: FileOutcome) -> FiledHere:
    """The outcome of a logged request, for the same lists. One outcome a request; a repeat gives the same filing. A
    request that this record keeper has not heard of again is numbered by the receipt that comes along."""
    covered = digest("entries", message.entries), digest("tags", message.tags)
    law = office.law.in_force(office.clock())
    law.signing_key(caller).verify(message.signature, "outcome-relay", message.request, *covered)
    asked = store.find_filing(office.db.read(), message.request)
    if asked is None:
        raise FilingUnknown()
    size = checked(office, asked, message.receipt) if asked.first is None else 0
    identity = outcome_id(message.request)
    known = store.find_filing(office.db.read(), identity)
    again = known is not None
    if known is None:
        now = minutes(office.clock())
        _check_envelopes(None, EntryKind.OUTCOME, message, now)
        if _sealed_until(message.entries) != _sealed_until(asked.entries):
            raise BatchMalformed()  # else the one would show the other before its day, or hide it for longer
        if len(message.entries) != len(asked.entries) or len(message.tags) != len(asked.tags):
            raise BatchMalformed()
        check_tags(message.tags)
        signed = filings.sign(
            filing_of(
                request=message.request,
                points=NO_LEGS,
                entries=message.entries,
                tags=message.tags,
                hops=NO_HOPS,
                minutes=now,
            ),
            office.settings.domain.party,
            office.identity.signing,
        )
        filed = store.new_filing(identity, 0, signed, message.entries, message.tags)
        known = await office.db.write(lambda db: _store_outcome(db, filed, message, size))
    if known.entries != message.entries or known.tags != message.tags:
        raise OutcomeConflict()
    return FiledHere(known.signed(office.settings.domain.party), again)


def _store_outcome(db: Connection, filed: store.Filed, message: FileOutcome, size: int) -> store.Filed:
    number(db, message.request, message.receipt, size)
    known = store.find_filing(db, filed.id)
    if known is None:
        store.add_filing(db, filed, store.lists_of_filing(db, message.request))
        partitions.add(db, filed.expiry, filed.id, message.envelopes)
    return known or filed
