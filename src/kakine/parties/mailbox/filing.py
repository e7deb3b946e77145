"""File a converted batch: open it, pass it through the table of valid codes, store, sign, log, answer."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Sequence

import msgspec

from kakine.clients.logs import append
from kakine.contracts.converter import Filed
from kakine.contracts.ledger import Append, Appended
from kakine.contracts.mailbox import File, FileOutcome
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import open_sealed
from kakine.parties.mailbox import store
from kakine.parties.mailbox.office import Office
from kakine.parties.mailbox.proofs import check_linear
from kakine.parties.mailbox.store import ACTIVE, RETIRED, WAITING
from kakine.protocols.audit import ENROLS, blind_digest
from kakine.protocols.chain import keeper_mask, person_blind, unmask
from kakine.protocols.gates import (
    NO_HOPS,
    NO_POINTS,
    check_hops,
    check_lengths,
    filed_points,
    hops_digest,
)
from kakine.protocols.logs import log_keys
from kakine.protocols.records import HEAD
from kakine.values.calendar import minutes
from kakine.values.codes import MaskedVector, WrappedCode
from kakine.values.labels import PartyName
from kakine.values.problems import (
    BatchMalformed,
    CallerNotAllowed,
    FilingUnknown,
    OutcomeConflict,
    RecordRefused,
)
from kakine.wire.canonical import decode, encode, plain
from kakine.wire.entry import PAYLOAD, Entry, EntryKind, split_entries
from kakine.wire.envelope import Envelope
from kakine.wire.filing import Filing
from kakine.wire.history import chained
from kakine.wire.request import (
    HopRecord,
    KeeperSeed,
    Kind,
    Mode,
    RecordPart,
    Refusal,
    ask_digest,
    keeper_info,
    points_digest,
    request_digest,
)

_encoder = msgspec.msgpack.Encoder(enc_hook=plain)

_REPEATABLE = frozenset({Kind.EXCHANGE, Kind.ISSUE, Kind.READ})
"""Kinds that change no code: two questions about one person may travel in one batch."""

CLOCK_MINUTES = 3
"""How far the minutes in an entry may be from this clock."""


def opened(office: Office, message: File) -> tuple[RecordPart, bytes, list[HopRecord], list[WrappedCode]]:
    """(record part, hR, hop records, wrapped codes) of a batch whose hop records are signed and link up."""
    record = decode(message.record, RecordPart)
    request = request_digest(message.public, message.record)
    legs = message.recipient_leg, message.keeper_leg
    check_lengths(record, message.entries, message.tags, message.blinded, legs, message.to_keeper)
    law = office.law.in_force(office.clock())
    hops = check_hops(
        [(hop.record, hop.signature) for hop in message.hops],
        [law.signing_key(name) for name in office.settings.converters],
        request,
        record.blinded,
        points_digest(message.recipient_leg),
        points_digest(message.keeper_leg),
    )
    info = keeper_info(record.batch, record.blinded)
    sealed = open_sealed(office.identity.opening, info, message.to_keeper)
    masks = [keeper_mask(key, request) for key in office.mask_keys]
    codes = unmask(MaskedVector(message.keeper_leg), decode(sealed, KeeperSeed).seed, masks)
    domain = office.settings.domain
    tokens = [office.wrap.wrap(codes.code(j), domain) for j in range(codes.size)]
    return record, request, hops, tokens


def _passes(kind: Kind, position: int, state: str | None) -> bool:
    if kind in (Kind.ENROL, Kind.SUCCEED):
        return state is None
    if kind in (Kind.MIGRATE, Kind.SWITCH):
        return state == (ACTIVE if position % 2 == 0 else WAITING)
    return state == ACTIVE


def gate(
    office: Office, db: sqlite3.Connection, record: RecordPart, request: bytes, tokens: Sequence[bytes]
) -> list[int]:
    """All-or-nothing: the list of each code (none yet for new ones), or a signed `RecordRefused` with the positions.

    Scaled, summed, foreign, retired and unknown codes look the same here and in the answer.
    """
    found = [store.find_code(db, token) or (0, None) for token in tokens]
    refused = [j for j, (_, state) in enumerate(found) if not _passes(record.kind, j, state)]
    if record.kind not in _REPEATABLE and len(set(tokens)) != len(tokens):
        refused = refused or list(range(len(tokens)))
    if record.kind in (Kind.MIGRATE, Kind.SWITCH) and len(tokens) % 2:
        refused = refused or [len(tokens) - 1]
    if refused:
        said = encode(Refusal(request, tuple(refused)))
        signature = office.identity.signing.sign("refusal", said)
        raise RecordRefused(
            indexes=refused,
            statement=base64.b64encode(said).decode(),
            signature=base64.b64encode(signature).decode(),
        )
    return [person for person, _ in found]


def _check_envelopes(ask: bytes | None, kind: EntryKind, message: File | FileOutcome, now: int) -> None:
    """Each envelope is the one its entry names, and each entry is of this kind and of this minute."""
    entries = split_entries(message.entries)
    if len(message.envelopes) != len(entries):
        raise BatchMalformed()
    first = Entry.decode(entries[0])
    if first.kind is not kind or abs(first.minutes - now) > CLOCK_MINUTES:
        raise BatchMalformed()
    head = entries[0][:HEAD]
    for entry, data in zip(entries, message.envelopes, strict=True):
        sealed = Envelope.parse(data)
        if entry[:HEAD] != head or entry[PAYLOAD] != sealed.digest or ask not in (None, sealed.ask):
            raise BatchMalformed()


def _apply(
    office: Office,
    db: sqlite3.Connection,
    record: RecordPart,
    request: bytes,
    tokens: Sequence[bytes],
    filed: store.Filed,
    message: File,
) -> None:
    """In one transaction: the gate once more, the change of codes that the kind means, the sealed records."""
    if store.find_filing(db, filed.id) is not None:
        return  # the same request twice at the same time
    lists = gate(office, db, record, request, tokens)
    if record.kind is Kind.ENROL:
        lists = [store.add_code(db, token, ACTIVE) for token in tokens]
    elif record.kind is Kind.SUCCEED:
        lists = [store.add_code(db, token, WAITING) for token in tokens]
    store.add_filing(db, filed, lists, message.envelopes)
    if record.kind is Kind.RETIRE:
        for token, person in zip(tokens, lists, strict=True):
            store.set_code(db, token, RETIRED, person)
    if record.kind is Kind.SWITCH:
        for j in range(0, len(tokens), 2):
            _switch(db, tokens[j], tokens[j + 1])
    if record.mode is Mode.S0_PLUS:
        legs = message.recipient_leg, message.keeper_leg
        store.add_vectors(db, request, message.blinded, legs, _encoder.encode(message.hops))
    if record.kind in ENROLS:
        store.add_blinds(db, request, _blinds(office, record, request, message))


def _blinds(office: Office, record: RecordPart, request: bytes, message: File) -> bytes:
    info = keeper_info(record.batch, record.blinded)
    seed = decode(open_sealed(office.identity.opening, info, message.to_keeper), KeeperSeed).seed
    return b"".join(blind_digest(request, j, person_blind(seed, j)) for j in range(record.count))


async def file(office: Office, caller: PartyName, message: File) -> Filed:
    """The receipt of a batch. A repeat of the same request gives the same filing and place in the log."""
    if caller != office.settings.converters[-1]:
        raise CallerNotAllowed(call="file")
    record, request, hops, tokens = opened(office, message)
    if record.kind is Kind.READ:
        raise BatchMalformed()
    known = store.find_filing(office.db.read(), request)
    again = known is not None
    if known is None:
        now = minutes(office.clock())
        ask = ask_digest(message.public, record.batch, record.blinded)
        _check_envelopes(ask, EntryKind.REQUEST, message, now)
        if record.mode is Mode.S1:
            gate(office, office.db.read(), record, request, tokens)
            await check_linear(office, record, request, hops, message)
        points = filed_points(points_digest(message.recipient_leg), points_digest(message.keeper_leg))
        hop_bytes = [hop.record for hop in message.hops]
        filed = _signed(office, request, points, hops_digest(hop_bytes), record.count, now, message)
        await office.db.write(lambda db: _apply(office, db, record, request, tokens, filed, message))
        known = store.find_filing(office.db.read(), request) or filed
    return await log(office, known, again=again)


def _signed(
    office: Office,
    identity: bytes,
    points: bytes,
    hops: bytes,
    count: int,
    now: int,
    message: File | FileOutcome,
    request: bytes | None = None,
) -> store.Filed:
    filing = encode(
        Filing(
            request=request or identity,
            points=points,
            entries=digest("entries", message.entries),
            tags=digest("tags", message.tags),
            hops=hops,
            count=count,
            minutes=now,
        )
    )
    signature = office.identity.signing.sign("filing", filing)
    return store.Filed(identity, filing, signature, message.entries, message.tags, None, None, None, None)


async def log(office: Office, filed: store.Filed, *, again: bool = False) -> Filed:
    """Append a stored filing to a log, number its records in their lists, and give the receipt.

    The first receipt that is stored stays the one of this filing, whatever other log has the entries too.
    """
    if (kept := _kept(filed)) is not None:
        return kept
    asked = Append(filed.entries, filed.tags, filed.filing, filed.signature)
    receipt = await append(office.peers, office.settings.logs, asked, again=again)
    keys = log_keys(office.law.in_force(office.clock()), office.settings.logs)
    head = office.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, filed.entries, keys)
    await office.db.write(lambda db: _number(db, filed, receipt, head.size))
    stored = store.find_filing(office.db.read(), filed.id)
    return (stored and _kept(stored)) or Filed(filed.filing, filed.signature, receipt)


def _kept(filed: store.Filed) -> Filed | None:
    if filed.first is None or filed.proof is None or filed.checkpoint is None:
        return None
    proof = [filed.proof[k : k + 32] for k in range(0, len(filed.proof), 32)]
    return Filed(filed.filing, filed.signature, Appended(filed.first, proof, filed.checkpoint))


def _number(db: sqlite3.Connection, filed: store.Filed, receipt: Appended, size: int) -> None:
    present = store.find_filing(db, filed.id)
    if present is None or present.first is not None:
        return
    store.set_receipt(db, filed.id, receipt.first, b"".join(receipt.proof), receipt.checkpoint, size)
    entries = split_entries(filed.entries)
    for j, person in enumerate(store.lists_of_filing(db, filed.id)):
        count, head = store.find_list(db, person)
        store.add_place(db, person, count, filed.id, j)
        store.set_list(db, person, count + 1, chained(head, entries[j]))


def _switch(db: sqlite3.Connection, old: bytes, new: bytes) -> None:
    """The old code is retired; the waiting one becomes active and takes the old list, its own rows behind it."""
    before, after = store.find_code(db, old), store.find_code(db, new)
    assert before is not None  # noqa: S101 - both have just passed the gate
    assert after is not None  # noqa: S101
    count, head = store.find_list(db, before[0])
    moved = store.rows_of_list(db, after[0])
    for filing, position, _ in moved:
        filed = store.find_filing(db, filing)
        if filed is not None:
            head = chained(head, filed.entries[position * 80 : position * 80 + 80])
    store.move_rows(db, after[0], before[0], count)
    store.set_list(db, before[0], count + len(moved), head)
    store.set_code(db, old, RETIRED, before[0])
    store.set_code(db, new, ACTIVE, before[0])


def outcome_id(request: bytes) -> bytes:
    """Under what the outcome of a request is filed."""
    return digest("outcome-of", request)


async def file_outcome(office: Office, caller: PartyName, message: FileOutcome) -> Filed:
    """The outcome of a filed request, in the same lists. One outcome a request; a repeat gives the same receipt."""
    covered = digest("entries", message.entries), digest("tags", message.tags)
    law = office.law.in_force(office.clock())
    law.signing_key(caller).verify(message.signature, "outcome-relay", message.request, *covered)
    db = office.db.read()
    asked = store.find_filing(db, message.request)
    if asked is None or asked.first is None:
        raise FilingUnknown()
    identity = outcome_id(message.request)
    known = store.find_filing(db, identity)
    again = known is not None
    if known is None:
        now = minutes(office.clock())
        _check_envelopes(None, EntryKind.OUTCOME, message, now)
        count = len(asked.entries) // 80
        if len(message.entries) != count * 80 or len(message.tags) != count * 32:
            raise BatchMalformed()
        filed = _signed(office, identity, NO_POINTS, NO_HOPS, count, now, message, message.request)
        known = await office.db.write(lambda db: _store_outcome(db, filed, message))
    if known.entries != message.entries or known.tags != message.tags:
        raise OutcomeConflict()
    return await log(office, known, again=again)


def _store_outcome(db: sqlite3.Connection, filed: store.Filed, message: FileOutcome) -> store.Filed:
    known = store.find_filing(db, filed.id)
    if known is None:
        lists = store.lists_of_filing(db, message.request)
        store.add_filing(db, filed, lists, message.envelopes)
    return known or filed


async def resume(office: Office) -> int:
    """Log what was stored before a crash; how many filings that were. Nothing stored is ever lost."""
    pending = store.pending_filings(office.db.read())
    for filed in pending:
        await log(office, filed, again=True)
    return len(pending)
