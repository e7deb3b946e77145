"""From a request to its log entries and sealed records, and back (spec/lcx.md section 6).

`request_batch` is the one function that makes entries and envelopes: the requester runs it to file, the recipient runs
it again to see that what was filed is what was asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.crypto.sealing import SealKey
from kakine.values.calendar import RETENTION_MONTHS, minutes, months_since_2000
from kakine.values.problems import BatchMalformed, OpeningMismatch, RecordMismatch
from kakine.wire.canonical import encode
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.envelope import Envelopes
from kakine.wire.record import (
    XID_OPENING,
    OutcomeCommon,
    OutcomePersonal,
    OutcomeRecord,
    RequestCommon,
    RequestPersonal,
    RequestRecord,
    Seeds,
    batch_seeds,
    commitment,
    disclosed_root,
    open_xid,
    outcome_siblings,
    person_key,
    person_seed,
    personal_root,
    request_siblings,
    withheld_root,
    xid_opened,
)
from kakine.wire.request import Payload, PublicPart

ENTRY = 80
TAG = 32
ALL_CONVERTERS = 0b111

MonthKeys = Callable[[int], Sequence[SealKey]]
"""The converters' sealing keys of a month (months since 2000-01), in chain order."""


@dataclass(frozen=True)
class Batch:
    """m entries, their tags, and what is filed with them."""

    entries: bytes
    tags: bytes
    envelopes: list[bytes]


@dataclass(frozen=True)
class Openings:
    """What converters are shown so that they can recompute every C themselves."""

    disclosed: bytes
    withheld: bytes
    people: bytes


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


def _entry(kind: EntryKind, time_ms: int, committed: bytes, envelope: bytes) -> bytes:
    return Entry(
        kind=kind,
        converters=ALL_CONVERTERS,
        expiry_months=months_since_2000(time_ms) + RETENTION_MONTHS,
        flags=EntryFlags(0),
        minutes=minutes(time_ms),
        commitment=committed,
        payload_digest=hashlib.sha256(envelope).digest(),
    ).encode()


def request_batch(public: PublicPart, payload: Payload, ask: bytes, months: MonthKeys) -> Batch:
    """Entries, tags and envelopes of a request; a function of its arguments and nothing else."""
    common = request_common(public, payload, ask)
    disclosed, withheld = batch_seeds(payload.root)
    siblings = request_siblings(common, disclosed, withheld)
    seal = Envelopes(payload.root, ask, common.month, months(common.month))
    entries, tags, envelopes = [], [], []
    for j, person in enumerate(payload.people):
        personal = RequestPersonal(person.xid, person.official, person.case, person.parent)
        seeds = Seeds(disclosed, withheld, person_seed(payload.root, j))
        committed = commitment(personal_root(personal, seeds.person), siblings)
        record = encode(RequestRecord(common, personal, seeds.disclosed, seeds.withheld, seeds.person))
        envelope = seal.make(j, person_key(payload.root, j), committed, record)
        entries.append(_entry(EntryKind.REQUEST, public.time_ms, committed, envelope))
        tags.append(tag(person.xid))
        envelopes.append(envelope)
    return Batch(b"".join(entries), b"".join(tags), envelopes)


def request_openings(public: PublicPart, payload: Payload, ask: bytes) -> Openings:
    """What the requester shows converters at gate 1."""
    common = request_common(public, payload, ask)
    disclosed, withheld = batch_seeds(payload.root)
    people = [
        open_xid(
            RequestPersonal(p.xid, p.official, p.case, p.parent),
            person_seed(payload.root, j),
        )
        for j, p in enumerate(payload.people)
    ]
    return Openings(disclosed, withheld_root(common, withheld), b"".join(people))


def check_openings(
    public: PublicPart, ask: bytes, entries: bytes, tags: bytes, shown: Openings
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
    siblings = (first, _node(second, shown.withheld))
    xids = []
    for j in range(count):
        xid, personal = xid_opened(shown.people[j * XID_OPENING : (j + 1) * XID_OPENING])
        entry = Entry.decode(entries[j * ENTRY : (j + 1) * ENTRY])
        if (
            entry.commitment != commitment(personal, siblings)
            or entry.kind is not EntryKind.REQUEST
            or entry.minutes != minutes(public.time_ms)
            or tag(xid) != tags[j * TAG : (j + 1) * TAG]
        ):
            raise OpeningMismatch(position=j)
        xids.append(xid)
    return xids


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def outcome_batch(
    common: OutcomeCommon, people: Sequence[OutcomePersonal], root: bytes, months: MonthKeys
) -> Batch:
    """Entries, tags and envelopes of the outcomes, in the order of the request."""
    disclosed, _ = batch_seeds(root)
    siblings = outcome_siblings(common, disclosed)
    seal = Envelopes(root, common.request, common.month, months(common.month))
    entries, tags, envelopes = [], [], []
    for j, personal in enumerate(people):
        seed = person_seed(root, j)
        committed = commitment(personal_root(personal, seed), siblings)
        record = encode(OutcomeRecord(common, personal, disclosed, seed))
        envelope = seal.make(j, person_key(root, j), committed, record)
        entries.append(_entry(EntryKind.OUTCOME, common.time_ms, committed, envelope))
        tags.append(outcome_tag(personal.xid))
        envelopes.append(envelope)
    return Batch(b"".join(entries), b"".join(tags), envelopes)


def check_request_batch(
    batch: Batch, public: PublicPart, payload: Payload, ask: bytes, months: MonthKeys
) -> None:
    """Raise `RecordMismatch` unless entries and tags are what this request makes (guarantee G3).

    The envelopes themselves are compared through their digests in the entries.
    """
    made = request_batch(public, payload, ask, months)
    if made.entries != batch.entries or made.tags != batch.tags:
        raise RecordMismatch()


def check_outcome_batch(
    entries: bytes, common: OutcomeCommon, people: Sequence[OutcomePersonal], root: bytes
) -> None:
    """Raise `RecordMismatch` unless the outcome entries commit to these outcomes. The requester runs it on R2."""
    disclosed, _ = batch_seeds(root)
    siblings = outcome_siblings(common, disclosed)
    if len(entries) != len(people) * ENTRY:
        raise BatchMalformed()
    for j, personal in enumerate(people):
        committed = commitment(personal_root(personal, person_seed(root, j)), siblings)
        entry = Entry.decode(entries[j * ENTRY : (j + 1) * ENTRY])
        if entry.commitment != committed or entry.kind is not EntryKind.OUTCOME:
            raise RecordMismatch(position=j)
