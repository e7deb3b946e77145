"""Sealed entries: what opens one, and what anybody counts from the log alone (spec/seals.md). Pure.

An entry says in the open until which day it is withheld from its person. On that day the record keepers log one of
kind 6 whose two digests are that of the place it opens, so anybody can tell which sealed entries are still closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.protocols import published
from kakine.values.problems import UnsealMismatch
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.request import Place

DAY_MS = 86_400_000
_DAY_MINUTES = 1440

Rows = Mapping[tuple[str, int], Entry]
"""Entries by the origin of their log and their place in it."""


def opening_of(place: Place) -> bytes:
    """C and D of the entry that opens the sealed one at this place. No secret: anybody makes it from the place."""
    return digest("unseal", place.log.encode(), place.index.to_bytes(8, "big"))


def entry_of(place: Place, now_ms: int) -> bytes:
    """The 80 bytes with which the record keepers open the sealed entry at this place. They are kept for ever: there is
    no record behind them that could be erased."""
    return published.entry_of(EntryKind.UNSEAL, opening_of(place), now_ms)


def tag_of(place: Place) -> bytes:
    """The tag under which they file it: one log takes one such entry for a place."""
    return digest("unseal-filed", place.log.encode(), place.index.to_bytes(8, "big"))


def is_due(until: int, now_ms: int) -> bool:
    """Whether the day (since 1970 UTC) has come."""
    return now_ms >= until * DAY_MS


def is_overdue(until: int, now_ms: int) -> bool:
    """Whether the day is over, so that the record keepers have had all of it."""
    return is_due(until + 1, now_ms)


def check_opens(opening: Entry, place: Place, until: int) -> None:
    """Raise `UnsealMismatch` unless this entry opens the sealed one at `place`, not before its day."""
    if not published.is_of(opening, EntryKind.UNSEAL, opening_of(place)):
        raise UnsealMismatch(part="entry", index=place.index)
    if opening.minutes < until * _DAY_MINUTES:
        raise UnsealMismatch(part="early", index=place.index)


# --- the person -----------------------------------------------------------------------------------------------


def check_opened(rows: Rows) -> dict[tuple[str, int], list[tuple[str, int]]]:
    """By place of each sealed row of one history the places of the rows that open it.

    Raises `UnsealMismatch` where a sealed row has none, where one opens no row that is shown, and where it is of before
    the day. That all stand in the log is for the caller.
    """
    found: dict[tuple[str, int], list[tuple[str, int]]] = {}
    openings = {place: entry for place, entry in rows.items() if entry.kind is EntryKind.UNSEAL}
    unused = set(openings)
    for (log, index), entry in rows.items():
        if not entry.sealed_until:
            continue
        place = Place(log, index)
        own = [at for at, each in openings.items() if each.payload_digest == opening_of(place)]
        if not own:
            raise UnsealMismatch(part="unopened", index=index)
        for at in own:
            check_opens(openings[at], place, entry.sealed_until)
        found[log, index] = own
        unused -= set(own)
    if unused:
        raise UnsealMismatch(part="nothing", index=min(unused)[1])
    return found


# --- anybody --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sealed:
    """A sealed entry of a log, and whether it has been opened."""

    place: Place
    kind: EntryKind
    until: int
    opened: bool


@dataclass(frozen=True)
class Seals:
    """Every sealed entry, in the order of the logs, and the places of entries of kind 6 that open none of them, that
    open one a second time in their log, or that say they did before its day."""

    every: tuple[Sealed, ...]
    stray: tuple[Place, ...]

    @property
    def closed(self) -> tuple[Sealed, ...]:
        """Those that their persons have not been shown."""
        return tuple(each for each in self.every if not each.opened)

    def overdue(self, now_ms: int) -> tuple[Sealed, ...]:
        """Those whose day is over all the same."""
        return tuple(each for each in self.closed if is_overdue(each.until, now_ms))


def counted(logs: Iterable[tuple[str, Mapping[int, Entry]]]) -> Seals:
    """The seals of all logs, each (origin, all its entries by place). One may be opened in each log: a lost answer can
    do that."""
    sealed: dict[bytes, tuple[Place, Entry]] = {}
    openings: list[tuple[Place, Entry]] = []
    for origin, entries in logs:
        for index in sorted(entries):
            entry, place = entries[index], Place(origin, index)
            if entry.sealed_until:
                sealed[opening_of(place)] = place, entry
            elif entry.kind is EntryKind.UNSEAL:
                openings.append((place, entry))
    used, stray = set[tuple[str, bytes]](), list[Place]()
    for at, opening in openings:
        found = sealed.get(opening.payload_digest)
        key = at.log, opening.payload_digest
        try:
            if found is None or key in used:
                raise UnsealMismatch(part="nothing", index=at.index)
            check_opens(opening, found[0], found[1].sealed_until)
        except UnsealMismatch:
            stray.append(at)
        else:
            used.add(key)
    opened = {each for _, each in used}
    every = (
        Sealed(place, entry.kind, entry.sealed_until, name in opened)
        for name, (place, entry) in sealed.items()
    )
    return Seals(tuple(every), tuple(stray))
