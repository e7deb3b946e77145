"""A small public log and record keepers that index it, for tests: no country, only entries and lists.

log = PublicLog.of([(REQUEST, 0, minutes), …])      kind, person (None: nobody's), minute
keeper = Keeper("mailbox", log)
keeper.index_to(end)                                one more index, logged
keeper.shown(person)                                what the person is given of every index
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from kakine.protocols.index import Index, Listed, day_of, opened_row, stands_in_a_list, tag_of
from kakine.protocols.index_check import Shown, entry_of
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.index import GENESIS, IndexRoot, OpenedRow

ORIGIN = "ledger.example/2026/a"
NOON = 20_500 * 1440 + 720
"""A minute in the middle of a day."""
MIDNIGHT = 20_501 * 1440
TODAY, TOMORROW = 20_500, 20_501

Planned = tuple[EntryKind, int | None, int]


def sha(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def made(number: int, kind: EntryKind, minutes: int, converters: int = 7, until: int = 0) -> Entry:
    flags = EntryFlags.SEALED if until else EntryFlags(0)
    return Entry(kind, converters, 400, flags, minutes, sha(f"c{number}"), sha(f"d{number}"), until)


@dataclass
class PublicLog:
    """Entries in their places, and whose each is, which the log itself does not say."""

    entries: dict[int, Entry] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, planned: Sequence[Planned]) -> PublicLog:
        log = cls()
        for kind, person, minutes in planned:
            log.add(made(len(log.entries), kind, minutes), person)
        return log

    def add(self, entry: Entry, person: int | None = None) -> int:
        index = len(self.entries)
        self.entries[index] = entry
        if person is not None and stands_in_a_list(entry):
            self.owners[index] = person
        return index

    def rows(self, person: int) -> dict[int, Entry]:
        """The history that an honest keeper gives."""
        return {index: self.entries[index] for index, owner in self.owners.items() if owner == person}


class Keeper:
    """A record keeper. `owners` is what it believes; a test that plays a liar changes it before indexing."""

    def __init__(self, name: str, log: PublicLog) -> None:
        self.name, self.log = name, log
        self.owners = dict(log.owners)
        self.indexes: list[Index] = []
        self.roots: list[IndexRoot] = []
        self.places: list[int] = []

    def key(self, person: int) -> bytes:
        """The key of a person's list: other keepers have another."""
        return sha(f"{self.name} {person}")

    def lists(self, start: int, end: int) -> list[Listed]:
        found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for index in sorted(self.owners):
            if start <= index < end:
                found[self.owners[index], day_of(self.log.entries[index].minutes)].append(index)
        return [Listed(self.key(person), day, own) for (person, day), own in found.items()]

    def index_to(self, end: int, file: bool = True) -> IndexRoot:
        """Index up to `end`, and log it."""
        start = self.roots[-1].end if self.roots else 0
        made = Index(ORIGIN, start, end, self.lists(start, end))
        sealed = sum(bool(self.log.entries[index].sealed_until) for index in range(start, end))
        root = made.root(self.name, self.roots[-1].digest if self.roots else GENESIS, sealed)
        return self.take(made, root, file)

    def take(self, made: Index, root: IndexRoot, file: bool = True) -> IndexRoot:
        self.indexes.append(made)
        self.roots.append(root)
        if file:
            self.places.append(self.log.add(Entry.decode(entry_of(root, NOON * 60_000))))
        return root

    def shown(self, person: int) -> list[Shown]:
        return [
            Shown(
                root,
                place,
                self.log.entries[place],
                {d.day: made.prove(tag_of(self.key(person), ORIGIN, root.start, d.day)) for d in root.days},
            )
            for made, root, place in zip(self.indexes, self.roots, self.places, strict=True)
        ]

    def opened(self, number: int = -1) -> list[OpenedRow]:
        """What the auditor is given of one index."""
        root = self.roots[number]
        rows = [opened_row(each, ORIGIN, root.start) for each in self.lists(root.start, root.end)]
        return sorted(rows, key=lambda row: row.tag)
