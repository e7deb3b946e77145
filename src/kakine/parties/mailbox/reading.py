"""A person's own list, and the vectors that the auditor of windows asks for."""

from __future__ import annotations

import msgspec

from kakine.contracts.converter import History, Hop, ReadRow
from kakine.contracts.mailbox import (
    Blinds,
    BlindsGiven,
    FiledAt,
    FiledThere,
    Reading,
    VectorRow,
    Vectors,
    VectorsGiven,
)
from kakine.crypto.merkle import leaf_hash, narrow
from kakine.parties.mailbox import partitions, store
from kakine.parties.mailbox.holding import reasons
from kakine.parties.mailbox.indexing import shown_to
from kakine.parties.mailbox.numbering import resume
from kakine.parties.mailbox.office import Office
from kakine.values.labels import PartyName
from kakine.values.problems import BatchMalformed, CallerNotAllowed, FilingUnknown
from kakine.wire.canonical import encode
from kakine.wire.entry import split_entries
from kakine.wire.history import Statement
from kakine.wire.request import Kind, Place

_MOST = 256
_hops = msgspec.msgpack.Decoder(list[Hop])


async def read(office: Office, caller: PartyName, asked: Reading) -> History:
    """All rows under the one active code that this reading opened, with a signed count and head. The view itself is
    the last of them, or was when it was filed.

    Each row carries its own inclusion proof, narrowed from the receipt of its batch, so that the reader need not ask
    the ledger for rows one by one and show it which belong together. A row whose month is over has no envelope.
    """
    if caller != office.settings.converters[-1]:
        raise CallerNotAllowed(call="read")
    view = store.find_filing(office.db.read(), asked.request)
    if view is None or view.kind != Kind.READ or view.first is None:
        raise FilingUnknown()
    person = store.lists_of_filing(office.db.read(), asked.request)[0]
    await resume(office, person)
    db = office.db.read()
    count, head = store.find_list(db, person)
    rows = [_row(office, *place) for place in store.rows_of_list(db, person)]
    statement = encode(Statement(office.settings.domain.party, asked.request, count, head, office.clock()))
    signature = office.identity.signing.sign("history", statement)
    return History(statement, signature, rows, shown_to(office, person, asked.request, view.session))


def _row(office: Office, filing: bytes, position: int, expiry: int) -> ReadRow:
    filed = store.find_filing(office.db.read(), filing)
    if (
        filed is None
        or filed.first is None
        or filed.proof is None
        or filed.checkpoint is None
        or filed.size is None
        or filed.log is None
    ):
        raise BatchMalformed()  # a numbered row has its receipt: they are written together
    entries = split_entries(filed.entries)
    proof = [filed.proof[k : k + 32] for k in range(0, len(filed.proof), 32)]
    index = filed.first + position
    leaves = [leaf_hash(entry) for entry in entries]
    own = narrow(leaves, filed.first, filed.size, proof, index)
    envelope = partitions.find(office.db.read(), expiry, filing, position) or b""
    held = reasons(office.db.read(), expiry, Place(filed.log, index))
    return ReadRow(entries[position], envelope, index, own, filed.checkpoint, held)


async def vectors(office: Office, caller: PartyName, asked: Vectors) -> VectorsGiven:
    """Blinded and masked vectors of S0+ requests, in the order of filing: by period, never by link."""
    rows = store.vectors_after(office.db.read(), asked.after, _MOST)
    return VectorsGiven([_vectors(*row) for row in rows])


def _vectors(position: int, request: bytes, blinded: bytes, legs: bytes, hops: bytes) -> VectorRow:
    return VectorRow(position, request, blinded, _legs(legs, len(blinded)), _hops.decode(hops))


async def filed_at(office: Office, caller: PartyName, asked: FiledAt) -> FiledThere:
    """What was filed of an objection, or of an entry that its person has objected to; of nothing else. Whose it is
    stays here."""
    db = office.db.read()
    filed = store.filed_at(db, asked.place)
    if filed is None or filed.first is None:
        raise FilingUnknown()
    if filed.kind != Kind.OBJECT and not any(
        each.first is not None for each in store.objections_to(db, asked.place)
    ):
        raise FilingUnknown()
    kept = store.vectors_of(db, filed.id)
    signed = filed.signed(office.settings.domain.party)
    return FiledThere(signed, filed.entries, filed.tags, filed.first, _vectors(*kept) if kept else None)


def _legs(together: bytes, each: int) -> list[bytes]:
    return [together[at : at + each] for at in range(0, len(together), each)]


async def blinds(office: Office, caller: PartyName, asked: Blinds) -> BlindsGiven:
    """Digests of the blindings an enrolment was opened with, so that the registry cannot name others afterwards.
    They say nothing to whoever lacks the blinding itself."""
    found = store.find_blinds(office.db.read(), asked.request)
    if found is None:
        raise FilingUnknown()
    return BlindsGiven(found)
