"""The counting audit: what converters say they released, held against each other and the log (spec/counting.md).

What may be expected of the public entries, and why no more:

- A released place is a request with that converter's bit. A request without a release is no fault: gate 1 may have
  refused it, its requester may have stopped, and kinds with one leg release nothing.
- A release by some converters only opens nothing and is no fault either. It is counted.
- An outcome needs a request that **every** converter released, and stands behind it. Which outcome belongs to which
  request the log does not say, so they are counted from the left: never more outcomes than such requests.

A converter that releases without a record also leaves it out of its statement. That alone nobody sees here; it opens
nothing without the other converters, whose statements, and the outcome, then tell. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.hashing import digest
from kakine.protocols import published
from kakine.protocols.index_check import Entries
from kakine.values.problems import CountChainBroken, CountMismatch, OutcomeUnreleased
from kakine.wire.counting import GENESIS, Count, places_root
from kakine.wire.entry import Entry, EntryKind


def count_of(
    converter: str,
    position: int,
    origin: str,
    span: tuple[int, int],
    places: Sequence[int],
    before: Count | None,
    salt: bytes,
) -> Count:
    """The statement over the released `places` (ascending) of the entries span[0] … span[1] - 1. `salt` (32 bytes) is
    another one for each statement, and known to nobody but the auditor."""
    previous = before.digest if before else GENESIS
    return Count(converter, position, origin, *span, len(places), places_root(places, salt), previous)


def entry_of(count: Count, now_ms: int) -> bytes:
    """The 80 bytes with which a converter logs its statement; the mask says which converter."""
    return published.entry_of(EntryKind.STATEMENT, count.digest, now_ms, 1 << (count.position - 1))


def log_tag(count: Count) -> bytes:
    """The tag under which it files them: one statement from each place on. A converter whose store was put back, and
    which would say something else of the same stretch, finds the tag taken."""
    return tag_from(count.converter, count.origin, count.start)


def tag_from(converter: str, origin: str, start: int) -> bytes:
    """The tag of a converter's statement about a log from this place on."""
    return digest("count-filed", converter.encode(), origin.encode(), start.to_bytes(8, "big"))


def check_logged(count: Count, index: int, entry: Entry) -> None:
    """Raise `CountMismatch` unless this entry, at `index` of the log, is the statement's and is behind its range."""
    expected = published.is_of(entry, EntryKind.STATEMENT, count.digest)
    if not expected or entry.converters != 1 << (count.position - 1) or index < count.end:
        raise CountMismatch(converter=count.converter, part="entry")


def check_is_of(count: Count, converter: str, position: int, origin: str) -> None:
    """Raise `CountMismatch` unless the statement names this converter, its place in the chain, and this log."""
    if (count.converter, count.position, count.origin) != (converter, position, origin):
        raise CountMismatch(converter=converter, part="name")


def check_chain(counts: Sequence[Count], before: Count | None = None) -> None:
    """Raise `CountChainBroken` unless these are of one converter and one log, each begins where the one before it ended
    and names it, and the first follows `before`, or begins the log."""
    end, previous = (before.end, before.digest) if before else (0, GENESIS)
    first = before or (counts[0] if counts else None)
    for number, count in enumerate(counts):
        same = first is not None and (
            (count.converter, count.position, count.origin) == (first.converter, first.position, first.origin)
        )
        if not same or count.start != end or count.previous != previous:
            raise CountChainBroken(converter=count.converter, number=number, at=end)
        end, previous = count.end, count.digest


def check_places(count: Count, places: Sequence[int], entries: Entries, salt: bytes) -> None:
    """Raise `CountMismatch` unless `places` are those of the statement, ascend, lie in its range, and each is a request
    with this converter's bit. `entries` must have those at `places`."""
    if len(places) != count.count or places_root(places, salt) != count.root:
        raise CountMismatch(converter=count.converter, part="root")
    if list(places) != sorted(set(places)) or any(not count.start <= place < count.end for place in places):
        raise CountMismatch(converter=count.converter, part="places")
    for place in places:
        entry = entries.get(place)
        if entry is None or entry.kind is not EntryKind.REQUEST or not _names(entry, count.position):
            raise CountMismatch(converter=count.converter, part="entry", index=place)


def check_number(count: Count, requests: int) -> None:
    """Raise `CountMismatch` where more releases are stated than the stretch has requests that name the converter, whose
    number anybody can count in the log."""
    if count.count > requests:
        raise CountMismatch(converter=count.converter, part="number", stated=count.count, log=requests)


def _names(entry: Entry, position: int) -> bool:
    return bool(entry.converters >> (position - 1) & 1)


@dataclass(frozen=True)
class Agreed:
    """`common` places were released by every converter, `partial` by some (mask of those that did). A request in
    neither of them was released by none."""

    common: frozenset[int]
    partial: Mapping[int, int]


def agree(stated: Sequence[tuple[Count, Sequence[int]]]) -> Agreed:
    """What the statements of all converters over one range say together. Raises `CountMismatch` where the ranges, or
    the logs, differ, or a converter stands there twice. `check_places` of each is for the caller."""
    spans = {(count.origin, count.start, count.end) for count, _ in stated}
    positions = {count.position for count, _ in stated}
    if len(spans) != 1 or len(positions) != len(stated):
        raise CountMismatch(part="range")
    masks: dict[int, int] = {}
    for count, places in stated:
        for place in places:
            masks[place] = masks.get(place, 0) | 1 << (count.position - 1)
    every = sum(1 << (position - 1) for position in positions)
    common = frozenset(place for place, mask in masks.items() if mask == every)
    return Agreed(common, {place: mask for place, mask in masks.items() if mask != every})


def check_outcomes(common: Iterable[int], entries: Entries, span: tuple[int, int], carried: int = 0) -> int:
    """How many requests that all released are still without an outcome at the end of span[0] … span[1] - 1.

    `carried` is what this gave for all before. Raises `OutcomeUnreleased` with the first place at which the log has
    more outcomes than such requests before it, or misses an entry.
    """
    released, waiting = frozenset(common), carried
    for place in range(*span):
        entry = entries.get(place)
        if entry is None:
            raise CountMismatch(part="entries", index=place)
        if place in released:
            waiting += 1
        elif entry.kind is EntryKind.OUTCOME:
            waiting -= 1
        if waiting < 0:
            raise OutcomeUnreleased(index=place)
    return waiting
