"""The rules of erasure: what may go when, and what everybody can check afterwards (spec/retention.md).

Pure. That entries stand in the log is for the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.crypto.signing import VerifyKey
from kakine.protocols import published
from kakine.protocols.index import COUNTED
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
    hold_digest,
    order_digest,
)

KeyOf = Callable[[PartyName], VerifyKey]
"""The key a party signs with, by the law in force. Raises a problem for a party that has none."""


@dataclass(frozen=True)
class Tally:
    """How many entries of people have one expiry month, and the first and last place of them (zeros if none)."""

    count: int = 0
    first: int = 0
    last: int = 0

    def after(self, place: int) -> Tally:
        """With one more entry, at a later place."""
        return Tally(self.count + 1, self.first if self.count else place, place)


NONE = Tally()

ERASED = bytes(32)
"""What a converter gives in place of a share of what has been erased."""


def tallied(entries: Iterable[tuple[int, Entry]], before: Mapping[int, Tally]) -> dict[int, Tally]:
    """`before` and these entries (ascending by place), by expiry month. Anybody can count: it needs the log alone."""
    tallies = dict(before)
    for place, entry in entries:
        if entry.kind in COUNTED:
            tallies[entry.expiry_months] = tallies.get(entry.expiry_months, NONE).after(place)
    return tallies


def due(tallies: Mapping[int, Tally], now_ms: int) -> range:
    """Every expiry month that is over, from the first that the log has on; also those without an entry, for which keys
    may have been made all the same."""
    present = months_since_2000(now_ms)
    return range(min(tallies, default=present), present)


def exchange_month(expiry: int) -> int:
    """The month whose keys seal the records that expire with this one. Raises `ErasureMismatch` for one before 2000."""
    if expiry < RETENTION_MONTHS:
        raise ErasureMismatch(part="expiry")
    return expiry - RETENTION_MONTHS


def open_order(order: Signed, commission: VerifyKey, origin: str, now_ms: int) -> Order:
    """The commission's order, for this log, and not before its month is over by the clock of who asks.

    Raises `SignatureInvalid`, `NotCanonical`, `ErasureMismatch`, `RetentionRunning`.
    """
    said = order.opened(Order, ORDER, commission)
    exchange_month(said.expiry)
    if said.origin != origin:
        raise ErasureMismatch(part="origin")
    if not has_expired(said.expiry, now_ms):
        raise RetentionRunning(expiry=said.expiry)
    return said


def open_hold(hold: Signed, commission: VerifyKey, origin: str) -> Hold:
    """Raises `SignatureInvalid`, `NotCanonical`, `HoldInvalid`."""
    said = hold.opened(Hold, HOLD, commission)
    said.check()
    if said.origin != origin:
        raise HoldInvalid(part="origin")
    return said


def open_lift(lift: Signed, commission: VerifyKey, origin: str) -> Lift:
    """Raises `SignatureInvalid`, `NotCanonical`, `HoldInvalid`."""
    said = lift.opened(Lift, LIFT, commission)
    if said.origin != origin:
        raise HoldInvalid(part="origin")
    return said


def check_hold_logged(entry: bytes, published_digest: bytes) -> None:
    """Raise `HoldInvalid` unless this entry is that of the hold, or of the end of one. That it is in the log is for the
    caller."""
    if not published.is_of(Entry.decode(entry), EntryKind.ANNOTATION, published_digest):
        raise HoldInvalid(part="entry")


def held_places(order: Order, holds: Sequence[Signed], commission: VerifyKey) -> list[int]:
    """The places that an order leaves out, which must be those of exactly these holds. Raises `ErasureMismatch`."""
    opened = [open_hold(hold, commission, order.origin) for hold in holds]
    if tuple(sorted(hold_digest(hold.data) for hold in holds)) != order.holds:
        raise ErasureMismatch(part="holds")
    places = sorted({place for hold in opened for place in hold.places})
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
        if (stated.count, stated.first, stated.last) != (said.count, said.first, said.last):
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


def check_notice(
    notice: Notice,
    commission: PartyName,
    keepers: Sequence[PartyName],
    converters: Sequence[PartyName],
    key_of: KeyOf,
    counted: Tally,
) -> Order:
    """The order of a notice, once everything in it fits: the signatures, the counts of the record keepers, the
    converters' months, and what anybody counts in the public log (`counted`: the entries of the order's expiry month).

    Keepers and converters sorted by name. Raises `ErasureMismatch`, `SignatureInvalid`, `NotCanonical`. Does not show
    that anything was erased, only who has signed that it was.
    """
    order = notice.order.opened(Order, ORDER, key_of(commission))
    check_dropped(notice.order, notice.keepers, sorted(keepers), key_of)
    check_destroyed(notice.order, notice.converters, sorted(converters), key_of)
    if Tally(order.count, order.first, order.last) != counted:
        raise ErasureMismatch(part="log", expiry=order.expiry, stated=order.count, log=counted.count)
    return order


def notice_entry(published_digest: bytes, now_ms: int) -> bytes:
    """The 80 bytes with which the commission logs a notice."""
    return published.entry_of(EntryKind.ERASURE, published_digest, now_ms)


def notice_tag(origin: str, expiry: int) -> bytes:
    """One notice a month: the log refuses another under this tag."""
    return digest("erasure-filed", origin.encode(), expiry.to_bytes(2, "big"))


def check_noticed(entries: Mapping[int, Entry], notices: Mapping[int, bytes]) -> None:
    """Raise `ErasureMismatch` unless the erasure entries of the log (`entries`, all of it) are those of exactly these
    notices (place -> digest): no notice is kept back, none is shown that the log does not have."""
    logged = {place: entry for place, entry in entries.items() if entry.kind is EntryKind.ERASURE}
    for place in sorted(logged.keys() | notices.keys()):
        entry, shown = logged.get(place), notices.get(place)
        if entry is None or shown is None or not published.is_of(entry, EntryKind.ERASURE, shown):
            raise ErasureMismatch(part="notice", index=place)


def hold_entry(published_digest: bytes, now_ms: int) -> bytes:
    """The 80 bytes with which the commission logs a hold, or its end."""
    return published.entry_of(EntryKind.ANNOTATION, published_digest, now_ms)


def hold_tag(published_digest: bytes) -> bytes:
    """Under which it files them."""
    return digest("hold-filed", published_digest)
