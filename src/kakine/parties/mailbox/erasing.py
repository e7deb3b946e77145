"""A month goes: counted, ordered, written down, dropped, stated (spec/retention.md section 3)."""

from __future__ import annotations

from kakine.contracts.retention import (
    Drop,
    Expiring,
    ExpiringAsked,
    HeldAsked,
    HeldGiven,
    HeldRow,
    Said,
)
from kakine.parties.mailbox import partitions, sealed, store
from kakine.parties.mailbox.numbering import resume
from kakine.parties.mailbox.office import Office
from kakine.parties.mailbox.partitions import DROPPED, OPEN
from kakine.protocols.erasure import open_order, places_of
from kakine.protocols.logs import logs_at
from kakine.runtime.database import Connection
from kakine.values.labels import PartyName
from kakine.values.problems import BatchMalformed, ErasureConflict, ErasureMismatch, ErasureOutOfOrder
from kakine.wire.canonical import decode, encode
from kakine.wire.erasure import (
    DROPPED as LABEL,
)
from kakine.wire.erasure import (
    Dropped,
    Hold,
    Order,
    Signed,
    Tallies,
    Tally,
    hold_digest,
    order_digest,
    signed,
)
from kakine.wire.request import Place


async def expiring(office: Office, caller: PartyName, asked: ExpiringAsked) -> Expiring:
    """What this record keeper has of a month, by its own count."""
    await resume(office)
    db = office.db.read()
    _nothing_closed(db, asked.expiry)
    return Expiring(_counts(office, db, asked.expiry, office.clock()), _holds(db, asked.expiry))


def _nothing_closed(db: Connection, expiry: int) -> None:
    """Nothing goes that its person has never been shown. Raises `ErasureOutOfOrder`."""
    if sealed.any_closed(db, expiry):
        raise ErasureOutOfOrder(part="sealed", expiry=expiry)


def _counts(office: Office, db: Connection, expiry: int, now_ms: int) -> Tallies:
    origins = [log.origin for log in logs_at(office.settings.logs, now_ms)]
    return tuple(Tally(origin, *store.expiring(db, origin, expiry)) for origin in origins)


def _holds(db: Connection, expiry: int) -> list[bytes]:
    return [hold_digest(data) for data, _ in partitions.holds(db, expiry)]


async def drop(office: Office, caller: PartyName, message: Drop) -> Said:
    """Drop a month and state it. Nothing is dropped unless the month is over by this clock and the order counts what
    this record keeper counts, and leaves out what is held here.

    First the order is written down, and nothing more is filed with this month; then the table goes, what is held in it
    moves; then the store is emptied of what was deleted; then it is signed. Each step finds what was done before it, so
    that the same order, sent again after a crash at any point, ends in the same statement. Raises `RetentionRunning`,
    `ErasureMismatch`, `ErasureConflict`, and `ErasureOutOfOrder` while something of the month is withheld.
    """
    order = decode(message.order, Signed)
    key = office.law.in_force(office.clock()).signing_key(caller)
    said = open_order(order, key, office.settings.logs, office.clock())
    await resume(office)
    await office.db.write(lambda db: _begin(office, db, said, order.data))
    await office.db.write(lambda db: partitions.drop(db, said.expiry, _kept(db, said.expiry)))
    await office.db.write(lambda db: store.drop_vectors(db, said.expiry))
    await office.db.forget()
    return await _stated(office, said, order.data)


def _begin(office: Office, db: Connection, said: Order, order: bytes) -> None:
    present = partitions.month(db, said.expiry)
    if present.state != OPEN:
        if present.order != order:
            raise ErasureConflict(expiry=said.expiry)
        return
    _nothing_closed(db, said.expiry)
    if _counts(office, db, said.expiry, said.time_ms) != said.counts:
        raise ErasureMismatch(part="count", expiry=said.expiry)
    if tuple(_holds(db, said.expiry)) != said.holds or len(_kept(db, said.expiry)) != said.held:
        raise ErasureMismatch(part="holds", expiry=said.expiry)
    partitions.begin(db, said.expiry, order)


def _kept(db: Connection, expiry: int) -> list[tuple[Place, bytes, int]]:
    """(place, filing, position) of what is held, ascending."""
    said = (decode(data, Hold) for data, _ in partitions.holds(db, expiry))
    kept = []
    for place in sorted({place for each in said for place in places_of(each)}):
        row = store.row_at(db, expiry, place)
        if row is None:
            raise BatchMalformed()  # a hold was only taken for rows that are here
        kept.append((place, row[0], row[1]))
    return kept


async def _stated(office: Office, said: Order, order: bytes) -> Said:
    month = partitions.month(office.db.read(), said.expiry)
    if month.statement is None or month.signature is None:
        name, digest = office.settings.domain.party, order_digest(order)
        stated = Dropped(name, digest, said.counts, said.held, office.clock())
        made = signed(stated, LABEL, office.identity.signing)
        await office.db.write(lambda db: partitions.set_stated(db, said.expiry, made.data, made.signature))
        month = partitions.month(office.db.read(), said.expiry)
    return Said(encode(Signed(month.statement or b"", month.signature or b"")))


async def held(office: Office, caller: PartyName, asked: HeldAsked) -> HeldGiven:
    """The sealed records that outlive a month, for a converter that is about to destroy its key."""
    order = decode(asked.order, Signed)
    said, db = decode(order.data, Order), office.db.read()
    month = partitions.month(db, said.expiry)
    if month.state != DROPPED or month.order != order.data:
        raise ErasureOutOfOrder(expiry=said.expiry)
    return HeldGiven(
        [
            HeldRow(place.log, place.index, envelope)
            for place, envelope in partitions.held_rows(db, said.expiry)
        ]
    )
