"""One round of reading: what everybody shows at present, and what the monitor makes of it. Judging comes after.

The order matters: heads that others report are read before the log's own, so an honest log is never behind them.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise

from kakine.clients.monitor.findings import Said
from kakine.clients.monitor.keepers import Answer, ask_all, at_large
from kakine.clients.monitor.memory import Known, Seen
from kakine.clients.monitor.sources import Keeper, Source
from kakine.crypto.merkle import EMPTY, Tree, leaf_hash, verify_consistency
from kakine.crypto.signing import VerifyKey
from kakine.protocols.tiles import Tiler
from kakine.values.problems import ConsistencyInvalid, NotCanonical, Problem, TileInvalid, TileMissing
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import LENGTH, Entry, EntryKind
from kakine.wire.standing import MOST_ENTRIES, Standing
from kakine.wire.tiles import WIDTH, Tile

MALFORMED = 0
"""In place of a kind."""

_MOST_TILE_FAULTS = 8


@dataclass(frozen=True)
class Limits:
    """What the monitor lets pass. `heartbeat_s` is what the operator promises, None where nothing is promised."""

    skew_minutes: int = 10
    owed_minutes: int = 10
    heartbeat_s: int | None = None


@dataclass(frozen=True)
class Watched:
    """One log and who can be asked about it. `reported` are (who, note) as others have them, bytes as they came."""

    origin: str
    key: VerifyKey
    source: Source
    keepers: Sequence[Keeper] = ()
    reported: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True)
class Reported:
    """A head as `who` has it; `at` is None if it is not signed by the log, and `problem` says why."""

    who: str
    note: bytes
    at: Checkpoint | None
    problem: str = ""


@dataclass(frozen=True)
class Word:
    """What a record keeper says about the whole log, before the head is read."""

    keeper: str
    standing: Standing
    said: Said


@dataclass(frozen=True)
class Refusal:
    """A party that gave no answer, or did not start."""

    party: str
    problem: str
    part: str = ""

    @classmethod
    def of(cls, party: str, problem: Problem) -> Refusal:
        """Code and part alone: other facts are not the monitor's to repeat."""
        return cls(party, problem.code, str(problem.facts.get("part", "")))


@dataclass
class Tail:
    """The entries that were read in this round, from index `first` on: their kinds and their minutes."""

    first: int
    kinds: bytearray = field(default_factory=bytearray)
    minutes: array[int] = field(default_factory=lambda: array("Q"))

    def take(self, entries: Sequence[bytes]) -> None:
        """Decode and count. An entry that does not decode has kind `MALFORMED` and the time of the one before."""
        for entry in entries:
            try:
                read = Entry.decode(entry)
                kind, minutes = int(read.kind), read.minutes
            except NotCanonical:
                kind, minutes = MALFORMED, self.minutes[-1] if self.minutes else 0
            self.kinds.append(kind)
            self.minutes.append(minutes)

    def pages(self, before: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
        """(requests, outcomes) of each page, added to the counts of the entries before these."""
        pages = dict(before) if self.first else {}
        end = self.first + len(self.kinds)
        cuts = sorted({self.first, end, *range(self.first // MOST_ENTRIES * MOST_ENTRIES, end, MOST_ENTRIES)})
        for low, high in pairwise(cut for cut in cuts if cut >= self.first):
            kinds = self.kinds[low - self.first : high - self.first]
            requests, outcomes = pages.get(low // MOST_ENTRIES, (0, 0))
            more = kinds.count(EntryKind.REQUEST), kinds.count(EntryKind.OUTCOME)
            pages[low // MOST_ENTRIES] = requests + more[0], outcomes + more[1]
        return pages


@dataclass
class Reading:
    """All that one round has read. `at` is None if the head was not signed or not given, `tail` if there is none.

    `roots` maps sizes to what the served entries give, `whole` is the tree of all served entries where it was needed,
    `pages` are (requests, outcomes) by page of the whole log once it fits its head.
    """

    watched: Watched
    limits: Limits
    now_ms: int
    known: Known
    heads: list[Reported] = field(default_factory=list)
    note: bytes = b""
    at: Checkpoint | None = None
    head_problem: str = ""
    tail: Tail | None = None
    tiler: Tiler = field(default_factory=Tiler)
    roots: dict[int, bytes] = field(default_factory=lambda: {0: EMPTY})
    whole: Tree | None = None
    tile_faults: list[tuple[str, str]] = field(default_factory=list)
    pages: dict[int, tuple[int, int]] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def whole_fits(self) -> bool:
        """Whether the served entries give the signed head; only then do `roots` say anything about the log."""
        return self.at is not None and self.tail is not None and self.roots.get(self.at.size) == self.at.root

    @property
    def goes_on(self) -> bool:
        """Whether the new entries stand right behind what was known."""
        return self.tail is not None and self.tail.first > 0

    def root_at(self, size: int) -> bytes | None:
        """The root that the log has at an earlier size, None where that is not known or the log does not hold."""
        return self.roots.get(size) if self.whole_fits else None

    def new_entries(self) -> Iterator[tuple[int, int, int]]:
        """(index, kind, minutes) of each entry read in this round."""
        if self.tail is not None:
            yield from zip(count(self.tail.first), self.tail.kinds, self.tail.minutes)

    @property
    def fits(self) -> bool:
        """Whether the entries give the signed head, and this extends what was known."""
        at, old = self.at, self.known.at
        return (
            self.whole_fits
            and at is not None
            and at.size >= old.size
            and self.roots.get(old.size) == old.root
        )

    def grown(self) -> Known:
        """What to keep for the next round; call it only if `fits`."""
        tail, at = self.tail, self.at
        assert tail is not None  # noqa: S101 - `fits` has said so
        assert at is not None  # noqa: S101
        latest = self.known.latest if tail.first else (0, 0)
        for index, minutes in enumerate(tail.minutes, tail.first):
            latest = max(latest, (index, minutes), key=lambda each: each[1])
        heads = self.known.heads
        if not heads or heads[-1].at.size < at.size:
            heads = [*heads, Seen(at, self.note, self.now_ms)]
        last = tail.minutes[-1] if tail.minutes else self.known.last_minutes
        edge = {tile.level: hashes for tile, hashes in self.tiler.edge()}
        return Known(edge, latest, last, heads, self.pages)


async def read(
    watched: Watched, known: Known, limits: Limits, now_ms: int, *, again: bool = False
) -> Reading:
    """One round. `again` reads from the first entry on. Raises `MonitorMemoryInvalid`; what others refuse is in it."""
    reading = Reading(watched, limits, now_ms, known, tiler=known.tiler())
    reading.roots |= {seen.at.size: seen.at.root for seen in known.heads}
    for keeper in watched.keepers:
        await _report_keeper(reading, keeper)
    for who, note in watched.reported:
        _report(reading, who, note)
    if known.heads:
        _report(reading, "monitor", known.heads[-1].note)
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
    return reading


async def _report_keeper(reading: Reading, keeper: Keeper) -> None:
    try:
        standing, said = await at_large(keeper, reading.limits.owed_minutes * 60_000, reading.now_ms)
        reading.words.append(Word(keeper.name, standing, said))
        for note in standing.checkpoints:
            _report(reading, keeper.name, note)
    except Problem as problem:
        reading.refusals.append(Refusal.of(keeper.name, problem))


async def _ask_keepers(reading: Reading) -> None:
    assert reading.tail is not None  # noqa: S101 - `fits` has said so
    assert reading.at is not None  # noqa: S101
    reading.pages = reading.tail.pages(reading.known.pages)
    older_ms, size = reading.limits.owed_minutes * 60_000, reading.at.size
    for keeper in reading.watched.keepers:
        answers = await ask_all(keeper, reading.watched.source, reading.pages, size, older_ms, reading.now_ms)
        reading.answers += answers
        for note in dict.fromkeys(head for answer in answers for head in answer.heads):
            _report(reading, keeper.name, note)
    if any(answer.heads for answer in reading.answers):
        try:
            await read_whole(reading)
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
        proof, note = await reading.watched.source.consistency(head.at.size)
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
    tail = Tail(tiler.size)
    for first, end in pairwise(_bounds(tiler.size, at.size, stops)):
        entries = await _entries(reading.watched.source, first, end)
        for tile, hashes in tiler.grow([leaf_hash(entry) for entry in entries]):
            await _hold(reading, tile, hashes)
        tail.take(entries)
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
