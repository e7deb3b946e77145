"""Entries as the monitor holds them: by index, eight bytes each, and whole only where something published stands."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kakine.protocols.erasure import tallied
from kakine.protocols.index import day_of, stands_in_a_list
from kakine.values.problems import NotCanonical
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.erasure import Tally
from kakine.wire.standing import MOST_ENTRIES, Counts

MALFORMED = 0
"""In place of a kind."""

NOBODYS, LISTED, WITHHELD = range(3)
"""Whether an index has to have an entry: no; yes; no, because it is sealed."""

PUBLISHED = frozenset({EntryKind.ERASURE, EntryKind.INDEX_ROOT, EntryKind.STATEMENT, EntryKind.UNSEAL})
"""Kinds that stand for something that somebody has to show, or that is in the open."""


@dataclass
class Tail:
    """The entries from index `first` on: their kinds, their minutes, their masks of converters, whether an index has
    them; the bytes of those that are `PUBLISHED` or sealed, by index; and how many entries of people expire with each
    month."""

    first: int
    kinds: bytearray = field(default_factory=bytearray)
    minutes: array[int] = field(default_factory=lambda: array("I"))
    masks: array[int] = field(default_factory=lambda: array("H"))
    listed: bytearray = field(default_factory=bytearray)
    published: dict[int, bytes] = field(default_factory=dict)
    months: dict[int, Tally] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """One past the last."""
        return self.first + len(self.kinds)

    def take(self, entries: Sequence[bytes], origin: str) -> None:
        """Decode and count. An entry that does not decode has kind `MALFORMED` and the time of the one before."""
        read_by_index: list[tuple[int, Entry]] = []
        for entry in entries:
            try:
                read = Entry.decode(entry)
            except NotCanonical:
                self._add(MALFORMED, self.minutes[-1] if self.minutes else 0, 0, NOBODYS)
                continue
            if read.kind in PUBLISHED or read.sealed_until:
                self.published[self.end] = entry
            read_by_index.append((self.end, read))
            self._add(int(read.kind), read.minutes, read.converters, _listed(read))
        self.months = tallied(origin, read_by_index, self.months)

    def _add(self, kind: int, minutes: int, mask: int, listed: int) -> None:
        self.kinds.append(kind)
        self.minutes.append(minutes)
        self.masks.append(mask)
        self.listed.append(listed)

    def since(self, first: int) -> Tail:
        """The same from a later index on, without what is kept of the whole log."""
        skipped = max(first - self.first, 0)
        left = self.kinds[skipped:], self.minutes[skipped:], self.masks[skipped:], self.listed[skipped:]
        return Tail(self.first + skipped, *left)

    def followed_by(self, other: Tail) -> Tail:
        """This one, and the one that begins where it ends."""
        both = self.kinds + other.kinds, self.minutes + other.minutes, self.masks + other.masks
        return Tail(self.first, *both, self.listed + other.listed)

    def pages(self, before: dict[int, Counts]) -> dict[int, Counts]:
        """Counts by page, added to those of the entries before these."""
        pages = dict(before) if self.first else {}
        cuts = {
            self.first,
            self.end,
            *range(self.first // MOST_ENTRIES * MOST_ENTRIES, self.end, MOST_ENTRIES),
        }
        for low, high in pairwise(sorted(cut for cut in cuts if cut >= self.first)):
            more = Counts.of(self.kinds[low - self.first : high - self.first])
            known = pages.get(low // MOST_ENTRIES, Counts(0, 0, 0))
            pages[low // MOST_ENTRIES] = Counts(
                *(one + other for one, other in zip(known, more, strict=True))
            )
        return pages

    def days(self, start: int, end: int) -> Counter[int]:
        """How many entries of each day an index of start … end - 1 must have."""
        part = slice(start - self.first, end - self.first)
        pairs = zip(self.listed[part], self.minutes[part], strict=True)
        return Counter(day_of(minutes) for listed, minutes in pairs if listed == LISTED)

    def withheld(self, start: int, end: int) -> int:
        """How many of start … end - 1 are sealed."""
        return self.listed[start - self.first : end - self.first].count(WITHHELD)

    def named(self, position: int, start: int, end: int) -> int:
        """How many requests among start … end - 1 name the converter at this position."""
        part = slice(max(start - self.first, 0), max(end - self.first, 0))
        pairs = zip(self.kinds[part], self.masks[part], strict=True)
        return sum(kind == EntryKind.REQUEST and mask >> (position - 1) & 1 for kind, mask in pairs)

    def outcomes(self, start: int) -> int:
        """How many outcomes stand from `start` on."""
        return self.kinds[max(start - self.first, 0) :].count(EntryKind.OUTCOME)

    def first_counted(self, start: int) -> tuple[int, int] | None:
        """(index, minutes) of the first entry from `start` on that some index must have."""
        for index in range(max(start, self.first), self.end):
            if self.listed[index - self.first] == LISTED:
                return index, self.minutes[index - self.first]
        return None


def _listed(entry: Entry) -> int:
    if entry.sealed_until:
        return WITHHELD
    return LISTED if stands_in_a_list(entry) else NOBODYS
