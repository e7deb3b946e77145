"""Entries as the monitor holds them: by index, five bytes each, and whole only where an index root stands."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kakine.protocols.index import COUNTED, day_of
from kakine.values.problems import NotCanonical
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.standing import MOST_ENTRIES, Counts

MALFORMED = 0
"""In place of a kind."""


@dataclass
class Tail:
    """The entries from index `first` on: their kinds and their minutes, and the bytes of those of kind 5, by index."""

    first: int
    kinds: bytearray = field(default_factory=bytearray)
    minutes: array[int] = field(default_factory=lambda: array("I"))
    roots: dict[int, bytes] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """One past the last."""
        return self.first + len(self.kinds)

    def take(self, entries: Sequence[bytes]) -> None:
        """Decode and count. An entry that does not decode has kind `MALFORMED` and the time of the one before."""
        for entry in entries:
            try:
                read = Entry.decode(entry)
                kind, minutes = int(read.kind), read.minutes
            except NotCanonical:
                kind, minutes = MALFORMED, self.minutes[-1] if self.minutes else 0
            if kind == EntryKind.INDEX_ROOT:
                self.roots[self.end] = entry
            self.kinds.append(kind)
            self.minutes.append(minutes)

    def since(self, first: int) -> Tail:
        """The same from a later index on; the bytes of index roots stay behind."""
        skipped = max(first - self.first, 0)
        return Tail(self.first + skipped, self.kinds[skipped:], self.minutes[skipped:])

    def followed_by(self, other: Tail) -> Tail:
        """This one, and the one that begins where it ends."""
        return Tail(self.first, self.kinds + other.kinds, self.minutes + other.minutes)

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
        pairs = zip(self.kinds[part], self.minutes[part], strict=True)
        return Counter(day_of(minutes) for kind, minutes in pairs if kind in COUNTED)

    def first_counted(self, start: int) -> tuple[int, int] | None:
        """(index, minutes) of the first entry from `start` on that some index must have."""
        for index in range(max(start, self.first), self.end):
            if self.kinds[index - self.first] in COUNTED:
                return index, self.minutes[index - self.first]
        return None
