"""What this converter has released, stated, logged and never contradicted (spec/counting.md)."""

from __future__ import annotations

from kakine.contracts.converter import (
    MOST_STATEMENTS,
    CountAsked,
    Counted,
    StatementsAsked,
    StatementsGiven,
)
from kakine.contracts.ledger import APPEND, ENTRIES, RECEIPT, Append, ByIndex, ByTag, Proved
from kakine.parties.converter import store
from kakine.parties.converter.office import Office
from kakine.protocols import counting
from kakine.protocols.logs import Log, log_keys
from kakine.runtime.database import Connection
from kakine.runtime.identity import Identity
from kakine.values.calendar import minutes
from kakine.values.labels import PartyName
from kakine.values.problems import (
    CheckpointInvalid,
    CountConflict,
    NotCanonical,
    OutsideWindow,
    RangeOutside,
    TagUnknown,
)
from kakine.wire import counting as wire
from kakine.wire import filing
from kakine.wire.canonical import decode, encode
from kakine.wire.checkpoint import origin_of
from kakine.wire.counting import Count
from kakine.wire.entry import Entry, EntryKind

SETTLED_MINUTES = 10
"""How old the last entry of a statement must be. Nothing is released two minutes after its request, and the clocks that
an entry's minutes come from are three minutes apart at most; a release that came later still would be refused."""

_NOTHING = bytes(32)


def salt_of(identity: Identity, origin: str, start: int) -> bytes:
    """Of the statement about a log that begins here."""
    return identity.local_key("count-salt", origin.encode(), start.to_bytes(8, "big"))


def check_own(db: Connection, origin: str, identity: Identity) -> None:
    """Raise `CountConflict` where the releases in the store are not those that its statements about a log are over: a
    table was put back from a backup, or changed. Compares the number of all and the places of the last statement."""
    if store.count_used(db, origin, store.stated_end(db, origin)) != store.stated_count(db, origin):
        raise CountConflict(what="number")
    last = _last(db, origin)
    if last is None:
        return
    places, salt = store.places_used(db, origin, last.start, last.end), salt_of(identity, origin, last.start)
    if wire.places_root(places, salt) != last.root:
        raise CountConflict(what="places")


def _last(db: Connection, origin: str) -> Count | None:
    found = store.find_stated(db, origin, store.stated_end(db, origin))
    return decode(found[0], Count) if found else None


def _log_of(office: Office, origin: str) -> Log:
    for log in office.settings.logs:
        if log.origin == origin:
            return log
    raise CheckpointInvalid(part="origin")


async def check_logged(office: Office, origin: str) -> None:
    """Raise `CountConflict` where a log has a statement of this converter that its store does not know of: the store
    was put back from a backup, and lacks what was released since. Raises what a call raises."""
    log, start = _log_of(office, origin), store.stated_end(office.db.read(), origin)
    try:
        await office.peers.ask(
            log.ledger, RECEIPT, ByTag(counting.tag_from(office.identity.name, origin, start))
        )
    except TagUnknown:
        return
    raise CountConflict(what="log")


async def state(office: Office, caller: PartyName, asked: CountAsked) -> Counted:
    """The statement that ends at `asked.end`, made now or before, logged, with the places it is over.

    A new one begins where the last one ended, which is in the log by then. Raises `RangeOutside` for an end that lies
    behind the log or inside an earlier statement, `OutsideWindow` where entries are too young, `CountConflict` where
    the store contradicts what this converter has signed or logged.
    """
    db, log = office.db.read(), _log_of(office, asked.origin)
    found = store.find_stated(db, log.origin, asked.end)
    if found is None:
        await _check_settled(office, log, asked.end)
        last = _last(db, log.origin)
        if last:
            await _logged(office, log, last)
        found = await office.db.write(lambda db: _make(office, db, log.origin, asked.end))
    count = decode(found[0], Count)
    proved = await _logged(office, log, count)
    places = wire.pack_places(store.places_used(office.db.read(), log.origin, count.start, count.end))
    salt = salt_of(office.identity, log.origin, count.start)
    return Counted(*found, proved.entries, proved.receipt, places, salt)


async def shown(office: Office, caller: PartyName, asked: StatementsAsked) -> StatementsGiven:
    """What anybody may see: signed statements and where they stand in the log, without the places they are over."""
    log = _log_of(office, asked.origin)
    given: list[bytes] = []
    for data, signature in store.all_stated(office.db.read(), log.origin, asked.first, MOST_STATEMENTS):
        tag = counting.log_tag(decode(data, Count))
        try:
            proved = await office.peers.ask(log.ledger, RECEIPT, ByTag(tag))
        except TagUnknown:
            break  # the last one, which is not logged yet
        at = proved.receipt
        place = at.first, tuple(at.proof), at.checkpoint
        given.append(encode(wire.CountShown(data, signature, proved.entries, *place)))
    return StatementsGiven(given)


async def _check_settled(office: Office, log: Log, end: int) -> None:
    proved = await office.peers.ask(log.ledger, ENTRIES, ByIndex(end - 1))
    if proved.receipt.first != end - 1:
        raise RangeOutside()
    _verify(office, log, proved)
    if Entry.decode(proved.entries).minutes > minutes(office.clock()) - SETTLED_MINUTES:
        raise OutsideWindow()


def _verify(office: Office, log: Log, proved: Proved) -> None:
    if origin_of(proved.receipt.checkpoint) != log.origin:
        raise CheckpointInvalid(part="origin")
    keys, receipt = log_keys(office.law.in_force(office.clock()), office.settings.logs), proved.receipt
    office.heads.verify(receipt.first, receipt.proof, receipt.checkpoint, proved.entries, keys)


def _make(office: Office, db: Connection, origin: str, end: int) -> tuple[bytes, bytes]:
    """In one transaction with every release: what is stated here is not released any more once this is stored."""
    known = store.find_stated(db, origin, end)
    if known is not None:
        return known
    check_own(db, origin, office.identity)
    last = _last(db, origin)
    start = last.end if last else 0
    if end <= start:
        raise RangeOutside(size=start)
    places = store.places_used(db, origin, start, end)
    name, position = office.identity.name, office.settings.position
    salt = salt_of(office.identity, origin, start)
    count = counting.count_of(name, position, origin, (start, end), places, last, salt)
    data, signature = wire.sign(count, office.identity.signing)
    store.add_stated(db, origin, end, count.count, data, signature)
    return data, signature


async def _logged(office: Office, log: Log, count: Count) -> Proved:
    """The entry of a stored statement, filed if it is not there yet. What the log has under its tag must be this
    statement: a store put back from a backup would state something else from the same place on."""
    tag = counting.log_tag(count)
    try:
        proved = await office.peers.ask(log.ledger, RECEIPT, ByTag(tag))
    except TagUnknown:
        proved = await _file(office, log, count, tag)
    _verify(office, log, proved)
    try:
        entry = Entry.decode(proved.entries)
    except NotCanonical as fault:
        raise CountConflict(what="log") from fault
    if (entry.kind, entry.payload_digest) != (EntryKind.STATEMENT, count.digest):
        raise CountConflict(what="log")
    return proved


async def _file(office: Office, log: Log, count: Count, tag: bytes) -> Proved:
    now_ms = office.clock()
    entry = counting.entry_of(count, now_ms)
    filed = filing.filing_of(
        request=_NOTHING,
        points=_NOTHING,
        entries=entry,
        tags=tag,
        hops=_NOTHING,
        minutes=minutes(now_ms),
    )
    append = Append(entry, tag, [filing.sign(filed, office.identity.name, office.identity.signing)])
    return Proved(entry, await office.peers.ask(log.ledger, APPEND, append))
