"""What one look has read of a log: what everybody shows at present, and what the monitor makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from kakine.clients.monitor.counts import CountShelf
from kakine.clients.monitor.findings import Code, Evidence, Fact, Finding, Said
from kakine.clients.monitor.indexes import Shelf
from kakine.clients.monitor.keepers import Answer
from kakine.clients.monitor.memory import Known, Seen
from kakine.clients.monitor.sources import Keeper, Source, Stater, Witness
from kakine.clients.monitor.tail import Tail
from kakine.crypto.merkle import EMPTY, Tree
from kakine.crypto.signing import VerifyKey
from kakine.protocols.tiles import Tiler
from kakine.values.problems import Problem
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.erasure import Tally
from kakine.wire.standing import Counts, Standing


@dataclass(frozen=True)
class Limits:
    """What the monitor lets pass. `heartbeat_s` and `index_minutes` are what is promised, None where nothing is."""

    skew_minutes: int = 10
    owed_minutes: int = 10
    heartbeat_s: int | None = None
    index_minutes: int | None = None
    erased_days: int = 31


@dataclass(frozen=True)
class Watched:
    """One log and who can be asked about it. `reported` are (who, note) as others have them, bytes as they came."""

    origin: str
    key: VerifyKey
    source: Source
    keepers: Sequence[Keeper] = ()
    reported: Sequence[tuple[str, bytes]] = ()
    witnesses: Sequence[Witness] = ()
    converters: Sequence[Stater] = ()

    @property
    def publishing(self) -> list[str]:
        """Those who publish indexes or statements about stretches of the log."""
        return [*(each.name for each in self.keepers), *(each.name for each in self.converters)]


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

    def finding(self) -> Finding:
        """As it is told."""
        return Finding(Code.PARTY_REFUSED, {"party": self.party, "problem": self.problem, "part": self.part})


@dataclass
class Reading:
    """All that one round has read. `at` is None if the head was not signed or not given, `tail` if there is none.

    `roots` maps sizes to what the served entries give, `whole` is the tree of all served entries where it was needed,
    `pages` are the counts by page of the whole log once it fits its head. `shelves` hold what each record keeper shows
    of its indexes, `owners` who filed the index roots of the log that nobody shows, by their place.
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
    pages: dict[int, Counts] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    shelves: list[Shelf] = field(default_factory=list)
    owners: dict[int, str] = field(default_factory=dict)
    counted: list[CountShelf] = field(default_factory=list)
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

    def published(self, kind: EntryKind) -> dict[int, bytes]:
        """All entries of one of the `PUBLISHED` kinds in the log, by their place."""
        return {index: entry for index, entry in self._published.items() if entry[1] == kind}

    @property
    def seals(self) -> dict[int, Entry]:
        """Every sealed entry of the log and every one that opens one, by their place."""
        read = {index: Entry.decode(entry) for index, entry in self._published.items()}
        return {
            index: entry
            for index, entry in read.items()
            if entry.sealed_until or entry.kind is EntryKind.UNSEAL
        }

    @property
    def _published(self) -> dict[int, bytes]:
        new = self.tail.published if self.tail is not None else {}
        return {**self.known.published, **new} if self.goes_on else new

    @property
    def index_entries(self) -> dict[int, bytes]:
        """All entries of kind 5."""
        return self.published(EntryKind.INDEX_ROOT)

    @property
    def months(self) -> dict[int, Tally]:
        """How many entries of people in the whole log expire with each month."""
        return self.tail.months if self.tail is not None else {}

    @property
    def unindexed(self) -> Tail:
        """The entries from where some record keeper's indexes have not been found right yet."""
        tail = self.tail or Tail(0)
        return self.known.open.followed_by(tail) if self.goes_on else tail

    def finding(self, code: Code, *entries: int, said: tuple[Said, ...] = (), **facts: Fact) -> Finding:
        """A finding with the present head, and these entries to be proved under it."""
        return Finding(code, facts, Evidence((self.note,), entries, said=said))

    def grown(self, indexed: dict[str, int]) -> Known:
        """What to keep for the next round, with where the indexes of each record keeper were found right; call it only
        if `fits`."""
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
        since = min((indexed.get(name, 0) for name in self.watched.publishing), default=at.size)
        left = self.unindexed.since(since)
        return Known(edge, latest, last, heads, self.pages, indexed, left, self._published, self.months)
