"""Asking a record keeper what it holds, page by page, and where it does not hold what the log has."""

from __future__ import annotations

from dataclasses import dataclass, field

from kakine.clients.monitor.findings import Said
from kakine.clients.monitor.sources import Keeper, Source
from kakine.contracts.mailbox import AskStanding
from kakine.values.problems import NotCanonical, OutsideWindow, Problem, RangeOutside
from kakine.wire.entry import Entry, EntryKind
from kakine.wire.standing import COUNTED, MOST_ENTRIES, Counts, Standing, opened
from kakine.wire.tiles import WIDTH

_FRESH_MS = 5 * 60_000
_MOST_LACKING = 16


@dataclass(frozen=True)
class Lacking:
    """An entry of the log that the keeper, by its own word, does not hold. `unlogged` is what it says is on its way."""

    index: int
    kind: EntryKind
    minutes: int
    unlogged: int
    said: Said


@dataclass
class Answer:
    """A keeper's word about one page, beside the log's counts; `problem` is the code of what was wrong with it.

    `heads` are those under which it has more entries than the log: receipts of another history.
    """

    keeper: str
    first: int
    end: int
    counts: Counts
    standing: Standing | None = None
    said: Said | None = None
    problem: str = ""
    lacking: list[Lacking] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)


async def at_large(keeper: Keeper, older_ms: int, now_ms: int) -> tuple[Standing, Said]:
    """The keeper's word about the whole log: its newest head and what is owed. Raises what it refuses with."""
    return await _standing(keeper, AskStanding(keeper.origin, 0, 0, older_ms), now_ms)


async def _standing(keeper: Keeper, asked: AskStanding, now_ms: int) -> tuple[Standing, Said]:
    given = await keeper.standing(asked)
    standing = opened(given.statement, given.signature, keeper.key)
    said = standing.origin, standing.first, standing.end, standing.older_ms
    if said != (asked.origin, asked.first, asked.end, asked.older_ms):
        raise RangeOutside(most=MOST_ENTRIES)
    # An old statement would hide what has been lost since.
    if abs(standing.time_ms - now_ms) > _FRESH_MS:
        raise OutsideWindow()
    return standing, Said(given.statement, given.signature, bytes(keeper.key))


async def ask_all(
    keeper: Keeper,
    source: Source,
    pages: dict[int, Counts],
    size: int,
    older_ms: int,
    now_ms: int,
) -> list[Answer]:
    """The keeper's word about every page of the log, narrowed down where it counts less than the log."""
    answers = []
    for number, counts in sorted(pages.items()):
        first, end = number * MOST_ENTRIES, min((number + 1) * MOST_ENTRIES, size)
        answer = Answer(keeper.name, first, end, counts)
        answers.append(answer)
        search = _Search(keeper, older_ms, now_ms)
        try:
            answer.standing, answer.said = await search.ask(first, end)
            if answer.standing.counts != counts:
                search.entries = await _decoded(source, first, end)
                await search.narrow(first, end)
        except Problem as problem:
            answer.problem = problem.code
        answer.lacking, answer.heads = search.lacking, search.heads
    return answers


async def _decoded(source: Source, first: int, end: int) -> dict[int, Entry]:
    entries: dict[int, Entry] = {}
    for at in range(first, end, WIDTH):
        for index, data in enumerate(await source.entries(at, min(at + WIDTH, end)), at):
            try:
                entries[index] = Entry.decode(data)
            except NotCanonical:
                continue  # another check names it
    return entries


@dataclass
class _Search:
    """Halving a page until the entries stand alone that the keeper does not hold."""

    keeper: Keeper
    older_ms: int
    now_ms: int
    entries: dict[int, Entry] = field(default_factory=dict)
    lacking: list[Lacking] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    async def ask(self, first: int, end: int) -> tuple[Standing, Said]:
        return await _standing(
            self.keeper, AskStanding(self.keeper.origin, first, end, self.older_ms), self.now_ms
        )

    async def narrow(self, first: int, end: int) -> None:
        standing, said = await self.ask(first, end)
        if standing.counts == self._counts(first, end):
            return
        if end - first == 1:
            self._note(first, standing, said)
            return
        middle = (first + end) // 2
        await self.narrow(first, middle)
        if len(self.lacking) + len(self.heads) < _MOST_LACKING:
            await self.narrow(middle, end)

    def _counts(self, first: int, end: int) -> Counts:
        return Counts.of([self.entries[index].kind for index in range(first, end) if index in self.entries])

    def _note(self, index: int, standing: Standing, said: Said) -> None:
        entry = self.entries.get(index)
        if entry is None or sum(standing.counts) > 1:
            self.heads += standing.checkpoints
        elif not any(standing.counts) and entry.kind in COUNTED:
            self.lacking.append(Lacking(index, entry.kind, entry.minutes, standing.unlogged, said))
