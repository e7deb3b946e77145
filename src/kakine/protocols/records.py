"""From a request to its log entries and sealed records, and back (spec/lcx.md section 6).

`request_batch` is the one function that makes entries and envelopes: the requester runs it to file, the recipient runs
it again to see that what was filed is what was asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.crypto.merkle import node_hash
from kakine.crypto.sealing import SealKey
from kakine.values.calendar import RETENTION_MONTHS, minutes, months_since_2000
from kakine.values.problems import BatchMalformed, OpeningMismatch, RecordMismatch
from kakine.wire.canonical import encode
from kakine.wire.entry import COMMITMENT, Entry, EntryFlags, EntryKind
from kakine.wire.entry import LENGTH as ENTRY
from kakine.wire.envelope import Envelopes
from kakine.wire.filing import TAG
from kakine.wire.record import (
    XID_OPENING,
    OutcomeCommon,
    OutcomePersonal,
    OutcomeRecord,
    RequestCommon,
    RequestPersonal,
    RequestRecord,
    batch_seeds,
    commitment,
    disclosed_root,
    outcome_siblings,
    person_secrets,
    personal_opened,
    personal_root,
    withheld_root,
    xid_opened,
)
from kakine.wire.request import Kind, Payload, PublicPart

HEAD = COMMITMENT.start
"""Bytes before C, the same in all entries of a batch."""
ALL_CONVERTERS = 0b111

MonthKeys = Callable[[int], Sequence[SealKey]]
"""The converters' sealing keys of a month (months since 2000-01), in chain order."""


@dataclass(frozen=True)
class Openings:
    """What converters are shown so that they can recompute every C themselves."""

    disclosed: bytes
    withheld: bytes
    people: bytes


@dataclass(frozen=True)
class Batch:
    """m entries and their tags, what is filed with them, and what opens them at gate 1 (requests only)."""

    entries: bytes
    tags: bytes
    envelopes: list[bytes]
    openings: Openings


NOTHING_SHOWN = Openings(b"", b"", b"")


def entry_kind(kind: Kind) -> EntryKind:
    """What kind of entry a request leaves: a reading is a view, an objection an annotation, all else a request."""
    return _LEAVES.get(kind, EntryKind.REQUEST)


_LEAVES = {Kind.READ: EntryKind.VIEWED, Kind.OBJECT: EntryKind.ANNOTATION}


def tag(xid: bytes) -> bytes:
    """The ledger's idempotency key of an exchange. xid is random, so this tells nothing."""
    return digest("xid", xid)


def outcome_tag(xid: bytes) -> bytes:
    """The same for the outcome of that exchange."""
    return digest("xid-outcome", xid)


def request_common(public: PublicPart, payload: Payload, ask: bytes) -> RequestCommon:
    """The fields that all records of a batch share."""
    return RequestCommon(
        public.requester,
        public.recipient,
        public.ground,
        public.rows,
        ask,
        public.time_ms,
        months_since_2000(public.time_ms),
        0,
        payload.unit,
        payload.channel,
        payload.items,
        digest("details", *(person.detail for person in payload.people)),
    )


def entry_head(kind: EntryKind, time_ms: int) -> bytes:
    """The first 16 bytes of every entry of a batch: all but C and D."""
    entry = Entry(
        kind=kind,
        converters=ALL_CONVERTERS,
        expiry_months=months_since_2000(time_ms) + RETENTION_MONTHS,
        flags=EntryFlags(0),
        minutes=minutes(time_ms),
        commitment=bytes(32),
        payload_digest=bytes(32),
    )
    return entry.encode()[:HEAD]


def request_batch(public: PublicPart, kind: Kind, payload: Payload, ask: bytes, months: MonthKeys) -> Batch:
    """Entries, tags, envelopes and openings of a request; a function of its arguments and nothing else."""
    common = request_common(public, payload, ask)
    disclosed, withheld = batch_seeds(payload.root)
    first, second = disclosed_root(common, disclosed)
    third = withheld_root(common, withheld)
    siblings = (first, node_hash(second, third))
    seal = Envelopes(payload.root, ask, common.month, months(common.month))
    head = entry_head(entry_kind(kind), public.time_ms)
    entries, tags, envelopes, openings = [], [], [], []
    for j, person in enumerate(payload.people):
        personal = RequestPersonal(person.xid, person.official, person.case, person.parent)
        seed, key = person_secrets(payload.root, j)
        own, opening = personal_opened(personal, seed)
        committed = commitment(own, siblings)
        record = encode(RequestRecord(common, personal, disclosed, withheld, seed))
        envelope = seal.make(j, key, committed, record)
        entries.append(head + committed + hashlib.sha256(envelope).digest())
        tags.append(tag(person.xid))
        envelopes.append(envelope)
        openings.append(opening)
    shown = Openings(disclosed, third, b"".join(openings))
    return Batch(b"".join(entries), b"".join(tags), envelopes, shown)


def check_openings(
    public: PublicPart, kind: Kind, ask: bytes, entries: bytes, tags: bytes, shown: Openings
) -> list[bytes]:
    """The xids of a batch, after recomputing every commitment from what the public part says and what was opened.

    Raises `OpeningMismatch`. Does not see unit, channel, items, official or case.
    """
    count = len(entries) // ENTRY
    if len(shown.people) != count * XID_OPENING or len(tags) != count * TAG:
        raise BatchMalformed()
    seen = RequestCommon(
        public.requester,
        public.recipient,
        public.ground,
        public.rows,
        ask,
        public.time_ms,
        months_since_2000(public.time_ms),
        0,
        "",
        1,
        (),
        bytes(32),
    )
    first, second = disclosed_root(seen, shown.disclosed)
    siblings = (first, node_hash(second, shown.withheld))
    head = entry_head(entry_kind(kind), public.time_ms)
    xids = []
    for j in range(count):
        xid, personal = xid_opened(shown.people[j * XID_OPENING : (j + 1) * XID_OPENING])
        opened = head + commitment(personal, siblings)
        if entries[j * ENTRY : j * ENTRY + 48] != opened or tag(xid) != tags[j * TAG : (j + 1) * TAG]:
            raise OpeningMismatch(position=j)
        xids.append(xid)
    return xids


def outcome_batch(
    common: OutcomeCommon, people: Sequence[OutcomePersonal], root: bytes, months: MonthKeys
) -> Batch:
    """Entries, tags and envelopes of the outcomes, in the order of the request."""
    disclosed, _ = batch_seeds(root)
    siblings = outcome_siblings(common, disclosed)
    seal = Envelopes(root, common.request, common.month, months(common.month))
    head = entry_head(EntryKind.OUTCOME, common.time_ms)
    entries, tags, envelopes = [], [], []
    for j, personal in enumerate(people):
        seed, key = person_secrets(root, j)
        committed = commitment(personal_root(personal, seed), siblings)
        envelope = seal.make(j, key, committed, encode(OutcomeRecord(common, personal, disclosed, seed)))
        entries.append(head + committed + hashlib.sha256(envelope).digest())
        tags.append(outcome_tag(personal.xid))
        envelopes.append(envelope)
    return Batch(b"".join(entries), b"".join(tags), envelopes, NOTHING_SHOWN)


def check_request_batch(
    entries: bytes,
    tags: bytes,
    public: PublicPart,
    kind: Kind,
    payload: Payload,
    ask: bytes,
    months: MonthKeys,
) -> None:
    """Raise `RecordMismatch` unless entries and tags are what this request makes (guarantee G3).

    The envelopes themselves are compared through their digests in the entries.
    """
    made = request_batch(public, kind, payload, ask, months)
    if made.entries != entries or made.tags != tags:
        raise RecordMismatch()


def check_outcome_batch(
    entries: bytes, common: OutcomeCommon, people: Sequence[OutcomePersonal], root: bytes
) -> None:
    """Raise `RecordMismatch` unless the outcome entries commit to these outcomes. The requester runs it on R2."""
    disclosed, _ = batch_seeds(root)
    siblings = outcome_siblings(common, disclosed)
    if len(entries) != len(people) * ENTRY:
        raise BatchMalformed()
    head = entry_head(EntryKind.OUTCOME, common.time_ms)
    for j, personal in enumerate(people):
        seed, _ = person_secrets(root, j)
        committed = commitment(personal_root(personal, seed), siblings)
        if entries[j * ENTRY : j * ENTRY + 48] != head + committed:
            raise RecordMismatch(position=j)
