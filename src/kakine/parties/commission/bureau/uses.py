"""Counts of uses: collected from every converter by day, held against each other, and a row suspended by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from kakine.contracts.call import Role as CallRole
from kakine.contracts.commission import Narrow, Stop
from kakine.contracts.converter import USES, UsesAsked
from kakine.parties.commission.bureau import store
from kakine.parties.commission.bureau.bureau import Bureau
from kakine.parties.commission.bureau.store import CLOCK
from kakine.protocols.gazette import Law
from kakine.protocols.uses import Cell, Idle, due, idle
from kakine.runtime.database import Connection
from kakine.runtime.http import Peers
from kakine.values.calendar import day_in_japan
from kakine.values.labels import PartyName
from kakine.values.problems import Problem, UsesConflict
from kakine.wire import uses as wire
from kakine.wire.gazette import Subject
from kakine.wire.uses import Refused, Uses

_SETTLED_MS = 12 * 60_000
"""So long after a day is over, nothing of it is released any more."""
MOST_DAYS = 99
"""Days asked for at once where the commission was away. Converters forget what is older: then counting begins anew."""


@dataclass(frozen=True)
class Counting:
    """The commission asking converters."""

    bureau: Bureau
    peers: Peers

    @property
    def converters(self) -> Sequence[PartyName]:
        """Those of the law in force, by name."""
        law = self.bureau.book.in_force(self.bureau.clock())
        return sorted(law.with_role(CallRole.CONVERTER))


async def collect(counting: Counting) -> dict[PartyName, str]:
    """Ask every converter for each day that is not over and told; the codes of the problems there were.

    A converter that takes back what it has counted is among them (`uses-conflict`): nothing of that day is taken.
    """
    faults: dict[PartyName, str] = {}
    touched: set[int] = set()
    for name in counting.converters:
        try:
            await _collect(counting, name, touched)
        except Problem as problem:
            faults[name] = problem.code
    for day in sorted(touched):
        await counting.bureau.db.write(partial(_together, day=day))
    return faults


async def _collect(counting: Counting, name: PartyName, touched: set[int]) -> None:
    bureau, now_ms = counting.bureau, counting.bureau.clock()
    today, over = day_in_japan(now_ms), day_in_japan(now_ms - _SETTLED_MS)
    key = bureau.book.in_force(now_ms).signing_key(name)
    reached, begun = store.day_reached(bureau.db.read(), name), store.first_day(bureau.db.read(), name)
    first = (today if begun is None else begun) if reached is None else reached + 1
    for day in range(max(first, today - MOST_DAYS), today + 1):
        given = await counting.peers.ask(name, USES, UsesAsked(day))
        said = wire.opened(given.statement, given.signature, key)
        if (said.converter, said.day) != (name, day):
            raise UsesConflict(converter=str(name), day=day)
        kept = given.statement, given.signature
        await bureau.db.write(partial(_take, said=said, kept=kept, over=day < over))
        touched.add(day)


def _take(db: Connection, said: Uses, kept: tuple[bytes, bytes], over: bool) -> None:
    before = store.put_said(db, said, *kept, over=over)
    if before is not None and not _grows(before, said):
        raise UsesConflict(converter=said.converter, day=said.day)


def _grows(before: Uses, now: Uses) -> bool:
    later = {each.key: each for each in now.uses}
    for old in before.uses:
        new = later.get(old.key)
        if new is None or (new.asked, new.released, new.people) < (old.asked, old.released, old.people):
            return False
    return True


def _together(db: Connection, day: int) -> None:
    """Of each line the most that any converter says: a row counts as used if one of them released it."""
    cells: dict[tuple[str, str, str, str], Cell] = {}
    refused: dict[tuple[str, str], int] = {}
    for said in store.said_on(db, day):
        for use in said.uses:
            old = cells.get(use.key, Cell(day, *use.key, 0, 0, 0))
            most = max(old.asked, use.asked), max(old.released, use.released), max(old.people, use.people)
            cells[use.key] = Cell(day, *use.key, *most)
        for each in said.refused:
            key = each.party, each.code
            refused[key] = max(refused.get(key, 0), each.times)
    store.put_cells(db, day, cells.values(), [Refused(*key, times) for key, times in refused.items()])


@dataclass(frozen=True)
class Differs:
    """A line of a day of which converters say different numbers of released requests."""

    day: int
    key: tuple[str, str, str, str]
    said: tuple[tuple[str, int], ...]


def differing(db: Connection, days: range) -> list[Differs]:
    """Where converters differ. An exchange that stopped between two of them makes a difference and no fault."""
    found = []
    for day in days:
        every = store.said_on(db, day)
        tables = [(said.converter, {use.key: use.released for use in said.uses}) for said in every]
        for key in sorted({key for _, table in tables for key in table}):
            told = tuple((name, table.get(key, 0)) for name, table in tables)
            if len({times for _, times in told}) > 1:
                found.append(Differs(day, key, told))
    return found


# --- rows that nobody uses --------------------------------------------------------------------------------------


def counted_from(counting: Counting) -> int | None:
    """The first day that every converter has told of; None while one has told nothing."""
    firsts = [store.first_day(counting.bureau.db.read(), name) for name in counting.converters]
    known = [day for day in firsts if day is not None]
    return max(known) if known and len(known) == len(firsts) else None


def counted_to(counting: Counting) -> int | None:
    """The last day that is over and that every converter has told of."""
    reached = [store.day_reached(counting.bureau.db.read(), name) for name in counting.converters]
    known = [day for day in reached if day is not None]
    return min(known) if known and len(known) == len(reached) else None


def idle_rows(counting: Counting) -> list[Idle]:
    """Every row in force with the day since when it is unused. While a converter has told nothing no row is due."""
    bureau, now_ms = counting.bureau, counting.bureau.clock()
    laws: list[Law] = bureau.book.held(now_ms)
    today, first = day_in_japan(now_ms), counted_from(counting)
    last = store.last_uses(bureau.db.read())
    rule = bureau.sunset_rule()
    found = idle(laws, last, today if first is None else first, now_ms, today, rule)
    return found if first is not None else [Idle(each.row, each.since, 0) for each in found]


async def suspend_unused(counting: Counting) -> list[str]:
    """Suspend what is due by the rule that two people have signed; the rows.

    Not while a widening waits, which any version would drop, and not on a day up to which somebody's counts are
    missing. The version says that it was made by the clock, and under which rule.
    """
    bureau, now_ms = counting.bureau, counting.bureau.clock()
    today, to = day_in_japan(now_ms), counted_to(counting)
    rule = bureau.sunset_rule()
    if not rule.months or bureau.book.pending(now_ms) is not None or to is None or to < today - 2:
        return []
    rows = due(idle_rows(counting), today)
    if not rows:
        return []
    asked = Narrow(
        [Stop(Subject.ROW.value, row) for row in rows],
        [],
        f"{rule.months}か月間使われなかったため、規則により自動で停止する",
        f"not used for {rule.months} months: suspended by the clock under the commission's rule",
    )
    await bureau.duties.publish_narrowing(asked)
    note = partial(
        store.note, now_ms=now_ms, doer=CLOCK, what="unused", about=str(len(rows)), fact=" ".join(rows)
    )
    await bureau.db.write(note)
    return rows
