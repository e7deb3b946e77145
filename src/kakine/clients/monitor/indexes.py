"""What record keepers show of their indexes, read and opened (spec/index.md section 5); `index_checks` judges it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kakine.clients.monitor.findings import Said
from kakine.clients.monitor.sources import Keeper, Source
from kakine.crypto.signing import VerifyKey
from kakine.protocols.heads import Heads
from kakine.protocols.index_check import check_logged, log_tag_at
from kakine.values.problems import IndexChainBroken, Problem
from kakine.wire.canonical import decode
from kakine.wire.entry import Entry
from kakine.wire.index import IndexRoot, RootShown, opened


@dataclass(frozen=True)
class Placed:
    """An index that its keeper has signed, and where it says that it stands in the log; `problem` is the code of what
    was wrong with its proof of that."""

    root: IndexRoot
    index: int
    entry: bytes
    note: bytes
    said: Said
    problem: str = ""


@dataclass
class Shelf:
    """All indexes of one record keeper, as it shows them. `invalid` are (number, code) of those that are none."""

    keeper: str
    placed: list[Placed] = field(default_factory=list)
    invalid: list[tuple[int, str]] = field(default_factory=list)


async def shelf(keeper: Keeper, origin: str, ledger: VerifyKey) -> Shelf:
    """Ask a record keeper. Raises what it refuses with; what is wrong with single indexes is in the answer."""
    found, heads = Shelf(keeper.name), Heads()
    for number, data in enumerate(await keeper.indexes()):
        try:
            shown = decode(data, RootShown)
            root = opened(shown.root, shown.signature, keeper.key)
            if (root.keeper, root.origin) != (keeper.name, origin):
                raise IndexChainBroken(part="keeper", number=number)
        except Problem as problem:
            found.invalid.append((number, problem.code))
        else:
            said = Said(shown.root, shown.signature, bytes(keeper.key))
            problem_code = _problem(shown, root, heads, ledger)
            found.placed.append(Placed(root, shown.index, shown.entry, shown.note, said, problem_code))
    return found


def _problem(shown: RootShown, root: IndexRoot, heads: Heads, ledger: VerifyKey) -> str:
    try:
        heads.verify(shown.index, shown.path, shown.note, shown.entry, {root.origin: ledger})
        check_logged(root, shown.index, Entry.decode(shown.entry))
    except Problem as problem:
        return problem.code
    return ""


def unshown(entries: Mapping[int, bytes], shelves: Sequence[Shelf]) -> set[int]:
    """Places of the log with an index root that no record keeper shows there."""
    shown = {(each.index, each.entry) for shelf in shelves for each in shelf.placed if not each.problem}
    return {index for index, entry in entries.items() if (index, entry) not in shown}


def elsewhere(entries: Mapping[int, bytes], shelf: Shelf, size: int) -> list[Placed]:
    """Those that prove to stand in a log of that name and key, at a place below `size` where this one has another
    entry: the log has two histories."""
    placed = [each for each in shelf.placed if each.index < size and not each.problem]
    return [each for each in placed if entries.get(each.index) != each.entry]


async def owners(
    source: Source, origin: str, entries: Mapping[int, bytes], shelves: Sequence[Shelf]
) -> dict[int, str]:
    """Who filed the index roots of the log that nobody shows, by place, as far as it can be found out.

    An entry names nobody, but it was filed under a tag that says whose index begins where; where is known from the
    indexes around it, and from those of the others.
    """
    missing = unshown(entries, shelves)
    starts = {
        0,
        *(end for shelf in shelves for each in shelf.placed for end in (each.root.start, each.root.end)),
    }
    found: dict[int, str] = {}
    for shelf in shelves if missing else ():
        for start in sorted(starts - {each.root.start for each in shelf.placed if not each.problem}):
            index = await source.filed(log_tag_at(shelf.keeper, origin, start))
            if index in missing:
                found[index] = shelf.keeper
    return found
