"""What converters show of their statements, read and opened (spec/counting.md); `count_checks` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kakine.clients.monitor.findings import Said
from kakine.clients.monitor.sources import Stater
from kakine.crypto.signing import VerifyKey
from kakine.protocols.counting import check_is_of, check_logged
from kakine.protocols.heads import Heads
from kakine.values.problems import Problem
from kakine.wire.canonical import decode
from kakine.wire.counting import Count, CountShown, opened
from kakine.wire.entry import Entry


@dataclass(frozen=True)
class Stated:
    """A statement that its converter has signed, and where it proves to stand in the log."""

    count: Count
    index: int
    entry: bytes
    note: bytes
    said: Said


@dataclass
class CountShelf:
    """All statements of one converter, as it shows them. `invalid` are (number, code) of those that are none."""

    converter: str
    position: int
    stated: list[Stated] = field(default_factory=list)
    invalid: list[tuple[int, str]] = field(default_factory=list)

    def elsewhere(self, entries: Mapping[int, bytes], size: int) -> list[Stated]:
        """Those that prove to stand in a log of that name and key, at a place below `size` where this one has another
        entry: the log has two histories."""
        return [each for each in self.stated if each.index < size and entries.get(each.index) != each.entry]

    def unshown(self, entries: Mapping[int, bytes]) -> list[int]:
        """Places of the log with a statement of this converter, by its mask, that it does not show there."""
        shown = {(each.index, each.entry) for each in self.stated}
        own = {
            index
            for index, entry in entries.items()
            if Entry.decode(entry).converters == 1 << (self.position - 1)
        }
        return sorted(index for index in own if (index, entries[index]) not in shown)


async def count_shelf(converter: Stater, origin: str, ledger: VerifyKey) -> CountShelf:
    """Ask a converter. Raises what it refuses with; what is wrong with single statements is in the answer."""
    found, heads = CountShelf(converter.name, converter.position), Heads()
    for number, data in enumerate(await converter.statements()):
        try:
            shown = decode(data, CountShown)
            count = opened(shown.statement, shown.signature, converter.key)
            check_is_of(count, converter.name, converter.position, origin)
            heads.verify(shown.index, shown.path, shown.note, shown.entry, {origin: ledger})
            check_logged(count, shown.index, Entry.decode(shown.entry))
        except Problem as problem:
            found.invalid.append((number, problem.code))
        else:
            said = Said(shown.statement, shown.signature, bytes(converter.key))
            found.stated.append(Stated(count, shown.index, shown.entry, shown.note, said))
    return found
