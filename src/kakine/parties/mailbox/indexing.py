"""The completeness index of this record keeper: made, stored, signed, logged, and shown (spec/index.md)."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections import defaultdict
from collections.abc import Iterable

from kakine.clients.log import entries_between
from kakine.contracts.ledger import APPEND, Append
from kakine.contracts.mailbox import INDEXES, IndexesAsked, IndexesGiven, IndexRowsAsked, IndexRowsGiven
from kakine.crypto.hashing import digest
from kakine.crypto.sealing import SealKey, seal
from kakine.parties.mailbox import store
from kakine.parties.mailbox.numbering import resume, take_twin
from kakine.parties.mailbox.office import Office
from kakine.parties.mailbox.store import KeptIndex
from kakine.protocols.index import Index, Listed, day_of, has_record, opened_row, stands_in_a_list, tag_of
from kakine.protocols.index_check import check_totals, entry_of, log_tag
from kakine.protocols.logs import Log, log_keys
from kakine.runtime.database import Connection
from kakine.values.labels import PartyName
from kakine.values.problems import FilingUnknown, IndexRowsInvalid
from kakine.wire import filing as filings
from kakine.wire import index as wire
from kakine.wire.canonical import decode, encode
from kakine.wire.entry import Entry
from kakine.wire.filing import filing_of
from kakine.wire.index import GENESIS, Indexed, IndexRoot, ListShown, RootShown

errors = logging.getLogger("kakine")

_MOST_ROWS = 4096
_AGAIN_MS = 3_600_000
_NOTHING = bytes(32)
STEP = 256
"""Entries of a log that are looked for at once."""

Held = tuple[int, int, Entry]
"""Place in the log, list, entry."""


def list_key(office: Office, person: int) -> bytes:
    """The key of a list, which this record keeper and the person have."""
    return office.identity.local_key("index-list", person.to_bytes(8, "big"))


async def make(office: Office, log: Log, end: int) -> IndexRoot | None:
    """The index up to place `end` of a log, logged there; the last one where there is nothing new, None where nothing.

    Raises `IndexTotalWrong` where the log has entries of people that this record keeper has not, and nothing is signed.
    """
    before = store.indexes(office.db.read(), log.origin)
    last = before[-1] if before else None
    if last and last.shown is None:
        await _log(office, log, last)
    start, previous = (last.end, decode(last.root, IndexRoot).digest) if last else (0, GENESIS)
    if end <= start:
        return decode(last.root, IndexRoot) if last else None
    await resume(office)
    keys = log_keys(office.law.in_force(office.clock()), office.settings.logs)
    entries = await entries_between(office.peers, log, office.heads, keys, start, end)
    held = await _take_twice_logged(office, log, start, end, entries)
    lists = _lists(held)
    index = _index(office, log.origin, start, end, lists)
    root = index.root(office.settings.domain.party, previous, _sealed(held))
    check_totals(root, entries)
    signed = wire.sign(root, office.identity.signing)
    made = KeptIndex(log.origin, start, end, *signed, entry_of(root, office.clock()), None)
    packed = [(person, day, _packed(places)) for person, day, places in lists]
    await office.db.write(lambda db: store.add_index(db, made, packed))
    await _log(office, log, made)
    return root


async def ends_of(office: Office, keeper: PartyName, log: Log) -> list[int]:
    """Where another record keeper has ended indexes of a log beyond this one's last, by its signed roots. Raises what
    `wire.index.opened` raises."""
    before = store.indexes(office.db.read(), log.origin)
    asked = IndexesAsked(log.origin, before[-1].end if before else 0)
    given = await office.peers.ask(keeper, INDEXES, asked)
    key = office.law.in_force(office.clock()).signing_key(keeper)
    shown = (decode(each, RootShown) for each in given.roots)
    return [wire.opened(each.root, each.signature, key).end for each in shown]


def remade(office: Office, origin: str, start: int, end: int) -> bytes:
    """The root that the stored rows of an index give (zeros where they give none), at most an hour old.

    It is told to anybody beside the signed root, so that lost rows show before somebody misses theirs.
    """
    now_ms = office.clock()
    known = office.remade.get((origin, start))
    if known is None or now_ms - known[0] >= _AGAIN_MS:
        known = office.remade[origin, start] = now_ms, _root_now(office, origin, start, end)
    return known[1]


def _root_now(office: Office, origin: str, start: int, end: int) -> bytes:
    try:
        found = store.rows_of_index(office.db.read(), origin, start)
        lists = [(person, day, _unpacked(places)) for person, day, places in found]
        return _index(office, origin, start, end, lists).root("", GENESIS).root
    except (IndexRowsInvalid, struct.error):
        return _NOTHING


def check_own(office: Office) -> None:
    """Make every index anew and write into the party's log which ones are not what was signed.

    The record keeper runs on: exchanges do not hang on indexes, and who asks is told of it (`standing`).
    """
    for origin in (each.origin for each in office.settings.logs):
        for kept in store.indexes(office.db.read(), origin):
            if remade(office, origin, kept.start, kept.end) != decode(kept.root, IndexRoot).root:
                errors.error("rows of the index from %d are lost", kept.start, extra={"log": origin})


async def _take_twice_logged(
    office: Office, log: Log, start: int, end: int, entries: dict[int, Entry]
) -> list[Held]:
    """What this record keeper has of a stretch, once it has numbered what another log had by then as well: a lost
    answer made such filings stand in both. In steps, between which everybody else is served: after a restore, or when
    the other log has died, the stretch may be long."""
    held = list[Held]()
    for first in range(start, end, STEP):
        stretch = first, min(first + STEP, end)
        known = {place for place, *_ in store.places_between(office.db.read(), log.origin, *stretch)}
        lacking = [
            place
            for place in range(*stretch)
            if place not in known and (has_record(entries[place]) or stands_in_a_list(entries[place]))
        ]
        begun = store.begun_by(office.db.read(), [entries[each].encode() for each in lacking], log.origin)
        for place, filings_ in zip(lacking, begun, strict=True):
            for filed in filings_:
                if place not in known:
                    known |= set(await take_twin(office, log, place, filed))
        found = store.places_between(office.db.read(), log.origin, *stretch)
        held += [(place, person, Entry.decode(entry)) for place, person, entry in found]
        await asyncio.sleep(0)
    return held


def _lists(held: Iterable[Held]) -> list[tuple[int, int, list[int]]]:
    """(list, day, places). What is withheld is in none, also once it has been opened."""
    found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for place, person, entry in held:
        if stands_in_a_list(entry):
            found[person, day_of(entry.minutes)].append(place)
    return [(person, day, sorted(places)) for (person, day), places in found.items()]


def _sealed(held: Iterable[Held]) -> int:
    """How many entries that this record keeper holds are withheld, or were."""
    return sum(bool(entry.sealed_until) for _, _, entry in held)


def _index(
    office: Office, origin: str, start: int, end: int, lists: Iterable[tuple[int, int, list[int]]]
) -> Index:
    rows = (Listed(list_key(office, person), day, places) for person, day, places in lists)
    return Index(origin, start, end, rows)


async def _log(office: Office, log: Log, made: KeptIndex) -> None:
    """Under a tag of its own and with the entry that was kept: a repeat finds it where it stands."""
    entry, tag = made.entry, log_tag(decode(made.root, IndexRoot))
    filed = filing_of(
        request=_NOTHING,
        points=_NOTHING,
        entries=entry,
        tags=tag,
        hops=_NOTHING,
        minutes=Entry.decode(entry).minutes,
    )
    signed = filings.sign(filed, office.settings.domain.party, office.identity.signing)
    receipt = await office.peers.ask(log.ledger, APPEND, Append(entry, tag, [signed]))
    keys = log_keys(office.law.in_force(office.clock()), office.settings.logs)
    office.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, entry, keys)
    place = receipt.first, tuple(receipt.proof), receipt.checkpoint
    shown = encode(RootShown(made.root, made.signature, entry, *place))
    await office.db.write(lambda db: store.set_shown(db, made.log, made.start, shown))


def _packed(places: list[int]) -> bytes:
    return struct.pack(f">{len(places)}Q", *places)


def _unpacked(data: bytes) -> list[int]:
    return list(struct.unpack(f">{len(data) // 8}Q", data))


async def indexes(office: Office, caller: PartyName, asked: IndexesAsked) -> IndexesGiven:
    """What anybody may see: signed roots and where they stand in the log."""
    made = store.indexes(office.db.read(), asked.origin, asked.after)
    return IndexesGiven([each.shown for each in made if each.shown is not None])


async def rows(office: Office, caller: PartyName, asked: IndexRowsAsked) -> IndexRowsGiven:
    """An index opened for the auditor: which entries stand together in a list of nobody in particular."""
    origin, start = asked.origin, asked.start
    found = store.rows_of_index(office.db.read(), origin, start)
    if not found:
        raise FilingUnknown()
    lists = [(list_key(office, person), day, _unpacked(places)) for person, day, places in found]
    opened = sorted((opened_row(Listed(*each), origin, start) for each in lists), key=lambda row: row.tag)
    return IndexRowsGiven([encode(row) for row in opened[asked.first : asked.first + _MOST_ROWS]])


def shown_to(office: Office, person: int, request: bytes, session: bytes) -> bytes:
    """What a reader is shown of the indexes: keys of the own lists and proofs, sealed to the session."""
    db, logs = office.db.read(), [log.origin for log in office.settings.logs]
    made = [each for log in logs for each in store.indexes(db, log) if each.shown is not None]
    lists = store.lists_of(db, person)
    proofs: dict[int, list[tuple[wire.Proof, ...]]] = {each: [] for each in lists}
    for kept in made:
        root, index = decode(kept.root, IndexRoot), _kept_index(office, kept)
        for each in lists:
            tags = [tag_of(list_key(office, each), root.origin, root.start, day.day) for day in root.days]
            proofs[each].append(tuple(index.prove(tag) for tag in tags))
    told = Indexed(
        tuple(decode(each.shown, RootShown) for each in made if each.shown is not None),
        tuple(
            ListShown(
                list_key(office, each),
                {log: places for log in logs if (places := _places(db, log, each))},
                tuple(proofs[each]),
            )
            for each in lists
        ),
    )
    info = digest("indexed", request, office.settings.domain.party.encode())
    return seal(SealKey(session), info, encode(told))


def _places(db: Connection, log: str, person: int) -> tuple[int, ...]:
    return tuple(place for data in store.indexed_places(db, log, person) for place in _unpacked(data))


def _kept_index(office: Office, made: KeptIndex) -> Index:
    """An index as it was signed, out of its stored rows: lists may have been joined since."""
    known = office.indexes.get((made.log, made.start))
    if known is None:
        found = store.rows_of_index(office.db.read(), made.log, made.start)
        kept = [(person, day, _unpacked(places)) for person, day, places in found]
        known = office.indexes[made.log, made.start] = _index(office, made.log, made.start, made.end, kept)
        if len(office.indexes) > _KEPT:
            office.indexes.pop(next(iter(office.indexes)))
    return known


_KEPT = 64
"""Indexes held in memory to answer readers with."""
