"""The rules of erasure: what may go when, and what everybody can check afterwards (spec/retention.md).

Pure. That entries stand in the log is for the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from kakine.crypto.hashing import digest
from kakine.crypto.signing import VerifyKey
from kakine.protocols import published
from kakine.protocols.index import has_record
from kakine.protocols.logs import Logs, logs_at
from kakine.values.calendar import RETENTION_MONTHS, has_expired, months_since_2000
from kakine.values.labels import PartyName
from kakine.values.problems import ErasureMismatch, HoldInvalid, RetentionRunning
from kakine.wire.canonical import decode
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.erasure import (
    DESTROYED,
    DROPPED,
    HOLD,
    LIFT,
    ORDER,
    Destroyed,
    Dropped,
    Hold,
    Lift,
    Notice,
    Order,
    Signed,
    Tallies,
    Tally,
    hold_digest,
    notice_digest,
    order_digest,
)
from kakine.wire.request import Place

KeyOf = Callable[[PartyName], VerifyKey]
"""The key a party signs with, by the law in force. Raises a problem for a party that has none."""


"""Of an entry: the origin of its log, and its index there."""

Counted = Mapping[str, Mapping[int, Tally]]
"""By the origin of the log, in the order of the logs, and by expiry month."""

ERASED = bytes(32)
"""What a converter gives in place of a share of what has been erased."""


def tallied(
    origin: str, entries: Iterable[tuple[int, Entry]], before: Mapping[int, Tally]
) -> dict[int, Tally]:
    """`before` and these entries of a log (ascending by place), by expiry month. Anybody can count: it needs the log
    alone."""
    tallies = dict(before)
    for place, entry in entries:
        if has_record(entry):
            tallies[entry.expiry_months] = tallies.get(entry.expiry_months, Tally(origin)).after(place)
    return tallies


def of_month(counted: Counted, expiry: int) -> Tallies:
    """What each log has of a month."""
    return tuple(months.get(expiry, Tally(origin)) for origin, months in counted.items())


def due(counted: Counted, now_ms: int) -> range:
    """Every expiry month that is over, from the first that a log has on; also those without an entry, for which keys
    may have been made all the same."""
    present = months_since_2000(now_ms)
    return range(min((month for months in counted.values() for month in months), default=present), present)


def exchange_month(expiry: int) -> int:
    """The month whose keys seal the records that expire with this one. Raises `ErasureMismatch` for one before 2000."""
    if expiry < RETENTION_MONTHS:
        raise ErasureMismatch(part="expiry")
    return expiry - RETENTION_MONTHS


def open_order(order: Signed, commission: VerifyKey, logs: Logs, now_ms: int) -> Order:
    """The commission's order, which counts each of the logs, and not before its month is over by the clock of who asks.

    Raises `SignatureInvalid`, `NotCanonical`, `ErasureMismatch`, `RetentionRunning`.
    """
    said = order.opened(Order, ORDER, commission)
    exchange_month(said.expiry)
    _check_origins(said, logs)
    if not has_expired(said.expiry, now_ms):
        raise RetentionRunning(expiry=said.expiry)
    return said


def _check_origins(order: Order, logs: Logs) -> None:
    counted = [log.origin for log in logs_at(logs, order.time_ms)]
    if [tally.origin for tally in order.counts] != counted:
        raise ErasureMismatch(part="origin")
    if len(order.sizes) != len(counted):
        raise ErasureMismatch(part="sizes")


def open_hold(hold: Signed, commission: VerifyKey, logs: Logs) -> Hold:
    """Raises `SignatureInvalid`, `NotCanonical`, `HoldInvalid`."""
    said = hold.opened(Hold, HOLD, commission)
    said.check()
    if said.origin not in {log.origin for log in logs}:
        raise HoldInvalid(part="origin")
    return said


def open_lift(lift: Signed, commission: VerifyKey, logs: Logs) -> Lift:
    """Raises `SignatureInvalid`, `NotCanonical`, `HoldInvalid`."""
    said = lift.opened(Lift, LIFT, commission)
    if said.origin not in {log.origin for log in logs}:
        raise HoldInvalid(part="origin")
    return said


def check_hold_logged(entry: bytes, published_digest: bytes) -> None:
    """Raise `HoldInvalid` unless this entry is that of the hold, or of the end of one. That it is in the log is for the
    caller."""
    if not published.is_of(Entry.decode(entry), EntryKind.GOVERNANCE, published_digest):
        raise HoldInvalid(part="entry")


def places_of(hold: Hold) -> list[Place]:
    """What a hold keeps on."""
    return [Place(hold.origin, index) for index in hold.places]


def held_places(order: Order, holds: Sequence[Signed], commission: VerifyKey, logs: Logs) -> list[Place]:
    """The places that an order leaves out, which must be those of exactly these holds; ascending. Raises
    `ErasureMismatch`."""
    opened = [open_hold(hold, commission, logs) for hold in holds]
    if tuple(sorted(hold_digest(hold.data) for hold in holds)) != order.holds:
        raise ErasureMismatch(part="holds")
    places = sorted({place for hold in opened for place in places_of(hold)})
    if len(places) != order.held or any(hold.expiry != order.expiry for hold in opened):
        raise ErasureMismatch(part="held")
    return places


def check_dropped(
    order: Signed, dropped: Sequence[Signed], keepers: Sequence[PartyName], key_of: KeyOf
) -> None:
    """Raise `ErasureMismatch` unless every record keeper has stated that it dropped what the order counts."""
    said = decode(order.data, Order)
    if len(dropped) != len(keepers):
        raise ErasureMismatch(part="keepers")
    for name, each in zip(keepers, dropped, strict=True):
        stated = each.opened(Dropped, DROPPED, key_of(name))
        if stated.keeper != name or stated.order != order_digest(order.data):
            raise ErasureMismatch(part="order", party=name)
        if stated.counts != said.counts:
            raise ErasureMismatch(part="count", party=name)
        if stated.held != said.held:
            raise ErasureMismatch(part="held", party=name)
        _check_time(said, stated.time_ms, name)


def check_destroyed(
    order: Signed, destroyed: Sequence[Signed], converters: Sequence[PartyName], key_of: KeyOf
) -> None:
    """Raise `ErasureMismatch` unless every converter has stated that it destroyed its key of the order's month."""
    said = decode(order.data, Order)
    if len(destroyed) != len(converters):
        raise ErasureMismatch(part="converters")
    for name, each in zip(converters, destroyed, strict=True):
        stated = each.opened(Destroyed, DESTROYED, key_of(name))
        if stated.converter != name or stated.order != order_digest(order.data):
            raise ErasureMismatch(part="order", party=name)
        if stated.month != exchange_month(said.expiry):
            raise ErasureMismatch(part="month", party=name)
        if stated.held != said.held:
            raise ErasureMismatch(part="held", party=name)
        _check_time(said, stated.time_ms, name)


def _check_time(order: Order, time_ms: int, name: PartyName) -> None:
    if not has_expired(order.expiry, time_ms):
        raise ErasureMismatch(part="time", party=name)


def check_signed(
    notice: Notice,
    commission: PartyName,
    keepers: Sequence[PartyName],
    converters: Sequence[PartyName],
    key_of: KeyOf,
) -> Order:
    """The order of a notice that all have signed, with the same counts. Nothing is held against the logs. Raises
    `ErasureMismatch`, `SignatureInvalid`, `NotCanonical`."""
    order = notice.order.opened(Order, ORDER, key_of(commission))
    check_dropped(notice.order, notice.keepers, sorted(keepers), key_of)
    check_destroyed(notice.order, notice.converters, sorted(converters), key_of)
    return order


def check_logged(notice: bytes, entry: bytes) -> None:
    """Raise `ErasureMismatch` unless this entry is that of the encoded notice. That a log has it is for the caller."""
    if not published.is_of(Entry.decode(entry), EntryKind.ERASURE, notice_digest(notice)):
        raise ErasureMismatch(part="entry")


def check_notice(
    notice: Notice,
    commission: PartyName,
    keepers: Sequence[PartyName],
    converters: Sequence[PartyName],
    key_of: KeyOf,
    counted: Counted,
    logs: Logs = (),
) -> Order:
    """The order of a notice, once everything in it fits: the signatures, the counts of the record keepers, the
    converters' months, and what anybody counts in the public logs (`counted`, all of them). One of `logs` that was
    opened after the order need not be counted in it: it can have nothing that had expired by then.

    Keepers and converters sorted by name. Raises `ErasureMismatch`, `SignatureInvalid`, `NotCanonical`. Does not show
    that anything was erased, only who has signed that it was.
    """
    order = check_signed(notice, commission, keepers, converters, key_of)
    later = {log.origin for log in logs} - {log.origin for log in logs_at(logs, order.time_ms)}
    known = {origin: months for origin, months in counted.items() if origin not in later}
    found = of_month(known, order.expiry)
    if order.counts != found:
        stated = [tally.count for tally in order.counts]
        raise ErasureMismatch(
            part="log", expiry=order.expiry, stated=stated, log=[tally.count for tally in found]
        )
    return order


def notice_entry(published_digest: bytes, now_ms: int) -> bytes:
    """The 80 bytes with which the commission logs a notice."""
    return published.entry_of(EntryKind.ERASURE, published_digest, now_ms)


def notice_tag(expiry: int) -> bytes:
    """One notice a month: a log refuses another under this tag."""
    return digest("erasure-filed", expiry.to_bytes(2, "big"))


def check_noticed(entries: Mapping[Place, Entry], notices: Mapping[Place, bytes]) -> None:
    """Raise `ErasureMismatch` unless the erasure entries of the logs (`entries`, all of them) are those of exactly
    these notices (place -> digest): no notice is kept back, none is shown that the logs do not have.

    A lost answer can make the entry of one notice stand in two logs.
    """
    logged = {place: entry for place, entry in entries.items() if entry.kind is EntryKind.ERASURE}
    for place, shown in notices.items():
        if place not in logged or not published.is_of(logged[place], EntryKind.ERASURE, shown):
            raise ErasureMismatch(part="notice", log=place.log, index=place.index)
    said = {logged[place].encode() for place in notices}
    for place, entry in logged.items():
        if entry.encode() not in said:
            raise ErasureMismatch(part="notice", log=place.log, index=place.index)


def hold_entry(published_digest: bytes, now_ms: int) -> bytes:
    """The 80 bytes with which the commission logs a hold, or its end."""
    return published.entry_of(EntryKind.GOVERNANCE, published_digest, now_ms)


def hold_tag(published_digest: bytes) -> bytes:
    """Under which it files them."""
    return digest("hold-filed", published_digest)
