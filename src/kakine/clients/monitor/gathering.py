"""Reading a log and all that is said about it. Judging comes after.

The order matters: what others say, of all logs, is read before any log itself, so an honest log is never behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from kakine.clients.monitor.counts import count_shelf
from kakine.clients.monitor.indexes import elsewhere, owners, shelf
from kakine.clients.monitor.keepers import ask_all, at_large
from kakine.clients.monitor.memory import Known
from kakine.clients.monitor.reading import Limits, Reading, Refusal, Reported, Watched, Word
from kakine.clients.monitor.sources import Keeper, Source, Witness
from kakine.clients.monitor.tail import Tail
from kakine.crypto.merkle import Tree, leaf_hash, verify_consistency
from kakine.protocols.tiles import Tiler
from kakine.values.problems import ConsistencyInvalid, Problem, RangeOutside, TileInvalid, TileMissing
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import LENGTH, EntryKind
from kakine.wire.tiles import WIDTH, Tile

_MOST_TILE_FAULTS = 8


async def begun(watched: Watched, known: Known, limits: Limits, now_ms: int) -> Reading:
    """What others say and have of a log, before it is read itself. Raises `MonitorMemoryInvalid`; what others refuse is
    in it."""
    reading = Reading(watched, limits, now_ms, known, tiler=known.tiler())
    reading.roots |= {seen.at.size: seen.at.root for seen in known.heads}
    for keeper in watched.keepers:
        await _report_keeper(reading, keeper)
    for witness in watched.witnesses:
        await _report_witness(reading, witness)
    for who, note in watched.reported:
        _report(reading, who, note)
    if known.heads:
        _report(reading, "monitor", known.heads[-1].note)
    return reading


async def finish(reading: Reading, *, again: bool = False) -> None:
    """Read the log, and what record keepers say of its parts. `again` reads from the first entry on."""
    watched, known = reading.watched, reading.known
    again = again or any(known.indexed.get(name, 0) < known.open.first for name in watched.publishing)
    try:
        doubtful = await _place_old_heads(reading)
        reading.note = await watched.source.checkpoint()
        _open_head(reading)
        if reading.at is not None:
            await _read_tail(reading, reading.at, again)
            if doubtful or reading.roots.get(reading.at.size) != reading.at.root:
                await read_whole(reading)
    except Problem as problem:
        reading.refusals.append(Refusal.of(watched.source.name, problem))
    if reading.fits:
        await _ask_keepers(reading)


async def _report_keeper(reading: Reading, keeper: Keeper) -> None:
    try:
        standing, said = await at_large(keeper, reading.limits.owed_minutes * 60_000, reading.now_ms)
        reading.words.append(Word(keeper.name, standing, said))
        for note in standing.checkpoints:
            _report(reading, keeper.name, note)
    except Problem as problem:
        reading.refusals.append(Refusal.of(keeper.name, problem))


async def _report_witness(reading: Reading, witness: Witness) -> None:
    try:
        for note in await witness.heads():
            _report(reading, witness.name, note)
    except Problem as problem:
        reading.refusals.append(Refusal.of(witness.name, problem))


async def _ask_keepers(reading: Reading) -> None:
    assert reading.tail is not None  # noqa: S101 - `fits` has said so
    assert reading.at is not None  # noqa: S101
    reading.pages = reading.tail.pages(reading.known.pages)
    older_ms, size = reading.limits.owed_minutes * 60_000, reading.at.size
    log = reading.watched.origin, reading.watched.key
    for keeper in reading.watched.keepers:
        answers = await ask_all(keeper, reading.watched.source, reading.pages, size, older_ms, reading.now_ms)
        reading.answers += answers
        for note in dict.fromkeys(head for answer in answers for head in answer.heads):
            _report(reading, keeper.name, note)
        # Behind the statements: what those say is on its way may be shown by now, and nothing is lost in between.
        try:
            reading.shelves.append(await shelf(keeper, *log))
        except Problem as problem:
            reading.refusals.append(Refusal.of(keeper.name, problem))
    await _find_owners(reading)
    await _ask_converters(reading)
    contradicting = list(_elsewhere(reading, size))
    for who, note in contradicting:
        _report(reading, who, note)
    if contradicting or any(answer.heads for answer in reading.answers):
        try:
            await read_whole(reading)
        except Problem as problem:
            reading.refusals.append(Refusal.of(reading.watched.source.name, problem))


def _elsewhere(reading: Reading, size: int) -> Iterator[tuple[str, bytes]]:
    """(who, head) of what was published and stands in another history of the log."""
    statements = reading.published(EntryKind.STATEMENT)
    for index in reading.shelves:
        yield from ((index.keeper, each.note) for each in elsewhere(reading.index_entries, index, size))
    for counted in reading.counted:
        yield from ((counted.converter, each.note) for each in counted.elsewhere(statements, size))


async def _ask_converters(reading: Reading) -> None:
    for each in reading.watched.converters:
        try:
            reading.counted.append(await count_shelf(each, reading.watched.origin, reading.watched.key))
        except Problem as problem:
            reading.refusals.append(Refusal.of(each.name, problem))


async def _find_owners(reading: Reading) -> None:
    try:
        reading.owners = await owners(
            reading.watched.source, reading.watched.origin, reading.index_entries, reading.shelves
        )
    except Problem as problem:
        reading.refusals.append(Refusal.of(reading.watched.source.name, problem))


def _report(reading: Reading, who: str, note: bytes) -> None:
    at, problem = _opened(reading.watched, note)
    reading.heads.append(Reported(who, note, at, problem))


def _opened(watched: Watched, note: bytes) -> tuple[Checkpoint | None, str]:
    try:
        return notes.open(note, watched.origin, watched.key), ""
    except Problem as problem:
        return None, problem.code


def _open_head(reading: Reading) -> None:
    reading.at, reading.head_problem = _opened(reading.watched, reading.note)


async def _place_old_heads(reading: Reading) -> bool:
    """Ask for proofs about reported heads that the new entries will not pass; True if one of them does not hold."""
    doubtful = False
    for head in list(reading.heads):
        if head.at is None or head.at.size >= reading.known.at.size or head.at.size in reading.roots:
            continue
        try:
            proof, note = await reading.watched.source.consistency(head.at.size)
        except RangeOutside:
            doubtful = True  # the log is shorter than this head
            continue
        _report(reading, reading.watched.source.name, note)
        later = reading.heads[-1].at
        try:
            if later is None:
                raise ConsistencyInvalid(part="head")
            verify_consistency(head.at.size, later.size, proof, head.at.root, later.root)
        except ConsistencyInvalid:
            doubtful = True
            continue
        reading.roots[head.at.size] = head.at.root
    return doubtful


async def _read_tail(reading: Reading, at: Checkpoint, again: bool) -> None:
    """Grow the tree from what is known to `at`, noting the roots at all sizes that somebody has reported."""
    onward = not again and at.size >= reading.known.at.size
    if not onward:
        reading.tiler = Tiler()
    tiler = reading.tiler
    stops = {head.at.size for head in reading.heads if head.at is not None}
    if not onward:
        stops |= {seen.at.size for seen in reading.known.heads}
    tail = Tail(tiler.size, months=reading.known.months if tiler.size else {})
    for first, end in pairwise(_bounds(tiler.size, at.size, stops)):
        entries = await _entries(reading.watched.source, first, end)
        for tile, hashes in tiler.grow([leaf_hash(entry) for entry in entries]):
            await _hold(reading, tile, hashes)
        tail.take(entries, reading.watched.origin)
        if end in stops or end == at.size:
            reading.roots[end] = tiler.root()
    for tile, hashes in tiler.edge():
        await _hold(reading, tile, hashes)
    reading.roots[at.size] = tiler.root()
    reading.tail = tail


def _bounds(first: int, end: int, stops: Collection[int]) -> list[int]:
    within = {stop for stop in stops if first < stop < end}
    return sorted({first, end, *within, *range((first // WIDTH + 1) * WIDTH, end, WIDTH)})


async def _entries(source: Source, first: int, end: int) -> list[bytes]:
    entries = await source.entries(first, end)
    if len(entries) != end - first or any(len(each) != LENGTH for each in entries):
        raise TileInvalid(part="entries")
    return entries


async def _hold(reading: Reading, tile: Tile, hashes: bytes) -> None:
    try:
        await reading.watched.source.hold(tile, hashes)
    except (TileInvalid, TileMissing) as problem:
        if len(reading.tile_faults) < _MOST_TILE_FAULTS:
            reading.tile_faults.append((tile.path, problem.code))


async def read_whole(reading: Reading) -> None:
    """Read all entries up to the head. If they give it, `roots` are those of this tree from now on."""
    assert reading.at is not None  # noqa: S101 - there is no whole without a head
    tree, size = Tree(), reading.at.size
    for first in range(0, size, WIDTH):
        entries = await _entries(reading.watched.source, first, min(first + WIDTH, size))
        tree.append([leaf_hash(entry) for entry in entries])
    if tree.root() == reading.at.root:
        reading.whole = tree
        for known in (*reading.heads, *(Reported("monitor", s.note, s.at) for s in reading.known.heads)):
            if known.at is not None and known.at.size <= size:
                reading.roots[known.at.size] = tree.root(known.at.size)
        reading.roots[size] = tree.root()
