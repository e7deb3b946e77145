"""Acts that weigh: told before they wait, done once, taken back once, whatever is interrupted and in whatever order
(spec/visits.md section 3). The engine alone, over a real store; the history and another party are played.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table

from kakine.parties.portal.acts import store
from kakine.parties.portal.acts.engine import MOST_OPEN, ActKind, Acts
from kakine.parties.portal.acts.store import Act, State
from kakine.runtime.database import Database
from kakine.values.problems import ActOver, ActsTooMany, ActUnknown, PartyUnavailable, Problem, StoreFailed
from kakine.wire.decision import ActAsked, ActUndone

from land import Entropy

ACCOUNT, OTHER = b"account", b"other"
DAY = 86_400_000
LOCAL, REMOTE = "local", "remote"


class Cut(BaseException):
    """The power goes."""


def tables() -> MetaData:
    own = store.act_tables(MetaData())
    Table("effect", own, Column("id", LargeBinary, primary_key=True), Column("count", Integer))
    return own


@dataclass
class World:
    """A store, a history that files each context once, and another party that does what it is sent once."""

    db: Database
    now_ms: int = 0
    filed: dict[bytes, ActAsked | ActUndone] = field(default_factory=dict)
    remote: dict[bytes, list[bool]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    writes: int = 0
    cut_at: tuple[int, str] = (-1, "")
    seen_early: list[bytes] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    undone: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.entropy = Entropy(b"acts")
        self.begin()

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[World]:
        with TemporaryDirectory() as folder:
            world = cls(Database.open(Path(folder) / "acts.sqlite", tables()))
            try:
                yield world
            finally:
                world.db.close()

    def begin(self) -> None:
        """The engine starts, with nothing but the store."""
        cutting = _Cutting(self)
        self.acts = Acts(cutting, lambda: self.now_ms, self.entropy, self.tell)  # type: ignore[arg-type]
        self.acts.register(ActKind(LOCAL, "", "", self.do, self.undo))
        self.acts.register(ActKind(REMOTE, "", "", self.do, self.undo, send=self.send))
        self.acts.register(ActKind("counter", "", "", self.do, self.undo, at_counter=True))

    def _fault(self, *possible: str) -> str:
        return self.faults.pop() if self.faults and self.faults[-1] in possible else ""

    async def tell(self, account: bytes, decision: ActAsked | ActUndone, context: bytes) -> None:
        await asyncio.sleep(0)
        if self._fault("unheard"):
            raise PartyUnavailable()
        self.filed.setdefault(context, decision)
        await asyncio.sleep(0)
        if self._fault("unanswered"):
            raise PartyUnavailable()
        await _Cutting(self).write(lambda db: self.acts.note(db, context))

    async def send(self, act: Act, forth: bool) -> None:
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        await asyncio.sleep(0)
        if self._fault("unheard"):
            raise PartyUnavailable()
        done = self.remote.setdefault(act.id, [])
        if forth not in done:
            done.append(forth)
        await asyncio.sleep(0)
        if self._fault("unanswered"):
            raise PartyUnavailable()

    def do(self, db: sqlite3.Connection, act: Act) -> None:
        if act.id not in {each.act for each in self.filed.values() if isinstance(each, ActAsked)}:
            self.seen_early.append(act.id)
        db.execute("INSERT INTO effect VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1", (act.id,))

    def undo(self, db: sqlite3.Connection, act: Act) -> None:
        db.execute("UPDATE effect SET count = count - 1 WHERE id = ?", (act.id,))

    def effect(self, id_: bytes) -> int:
        row = self.db.read().execute("SELECT count FROM effect WHERE id = ?", (id_,)).fetchone()
        return row[0] if row else 0

    def act(self, id_: bytes) -> Act:
        found = store.find(self.db.read(), id_)
        assert found is not None
        return found

    def all(self) -> Sequence[Act]:
        return self.acts.of_account(ACCOUNT)

    def check(self) -> None:
        """What always holds."""
        assert self.seen_early == []
        for act in self.all():
            in_force = act.state in (State.DONE, State.UNDOING)
            assert self.effect(act.id) == in_force, act.state

    def check_quiet(self) -> None:
        """What holds once nothing is left to be carried on."""
        self.check()
        for act in self.all():
            assert act.state in (State.WAITING, State.DONE, State.UNDONE)
            assert act.id not in self.undone or act.state is State.UNDONE
            told = [type(each) for each in self.filed.values() if each.act == act.id]
            assert told == [ActAsked] + [ActUndone] * (act.state is State.UNDONE)
            if act.kind == REMOTE and self.remote.get(act.id):
                assert self.remote[act.id] == [True] + [False] * (act.state is State.UNDONE)


class _Cutting:
    """The store, before or after one of whose writes the power goes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.read = world.db.read

    async def write(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        world = self._world
        world.writes += 1
        number, when = world.cut_at
        if number == world.writes and when == "before":
            raise Cut
        value = await world.db.write(work)
        if number == world.writes:
            raise Cut
        return value


@pytest.fixture
def world() -> Iterator[World]:
    with World.opened() as opened:
        yield opened


def run(work: Any) -> Any:
    return asyncio.run(work)


def ask(world: World, kind: str = LOCAL, **said: Any) -> bytes:
    given: bytes = run(world.acts.ask(ACCOUNT, kind, b"", **said))
    return given


@pytest.mark.parametrize("kind", [LOCAL, REMOTE])
def test_an_act_waits_in_sight_and_is_done_once(world: World, kind: str) -> None:
    id_ = ask(world, kind)
    (told,) = world.filed.values()
    assert isinstance(told, ActAsked)
    assert (told.act, told.due_ms, told.until_ms) == (id_, 3 * DAY, 33 * DAY)
    world.now_ms = 3 * DAY - 1
    run(world.acts.tick())
    assert (world.act(id_).state, world.effect(id_)) == (State.WAITING, 0)
    world.now_ms += 1
    run(world.acts.tick())
    run(world.acts.tick())
    assert (world.act(id_).state, world.effect(id_)) == (State.DONE, 1)
    assert world.remote.get(id_, []) == ([True] if kind == REMOTE else [])


@pytest.mark.parametrize("kind", [LOCAL, REMOTE])
@pytest.mark.parametrize("day", [0, 2, 3, 32])
def test_an_act_is_undone_before_and_after(world: World, kind: str, day: int) -> None:
    id_ = ask(world, kind)
    world.now_ms = day * DAY
    run(world.acts.tick())
    run(world.acts.undo(ACCOUNT, id_))
    run(world.acts.undo(ACCOUNT, id_))
    world.now_ms = 33 * DAY
    run(world.acts.tick())
    assert (world.act(id_).state, world.effect(id_)) == (State.UNDONE, 0)
    world.check_quiet()


def test_after_its_time_it_cannot_be_undone_and_is_forgotten(world: World) -> None:
    id_ = ask(world)
    world.now_ms = 3 * DAY
    run(world.acts.tick())
    world.now_ms = 33 * DAY
    with pytest.raises(ActOver):
        run(world.acts.undo(ACCOUNT, id_))
    world.now_ms += 1
    run(world.acts.tick())
    assert world.all() == []
    assert world.effect(id_) == 1


def test_the_wait_begins_when_it_is_told(world: World) -> None:
    """While the record keepers are away nobody hears of it, so nothing happens."""
    world.faults = ["unheard"]
    with pytest.raises(PartyUnavailable):
        ask(world)
    (act,) = world.all()
    assert act.state is State.ASKED
    world.now_ms = 10 * DAY
    assert run(world.acts.tick()) == []
    assert (world.act(act.id).state, world.act(act.id).due_ms) == (State.WAITING, 13 * DAY)


def test_one_that_was_never_told_can_be_undone(world: World) -> None:
    world.faults = ["unheard"]
    with pytest.raises(PartyUnavailable):
        ask(world)
    (act,) = world.all()
    run(world.acts.undo(ACCOUNT, act.id))
    world.check_quiet()


def test_who_was_seen_at_a_counter_does_not_wait(world: World) -> None:
    id_ = ask(world, "counter", seen=True)
    assert (world.act(id_).state, world.effect(id_)) == (State.DONE, 1)
    other = ask(world, LOCAL, seen=True)
    assert world.act(other).state is State.WAITING


def test_nobody_undoes_an_act_of_somebody_else(world: World) -> None:
    id_ = ask(world)
    for account, act in ((OTHER, id_), (ACCOUNT, bytes(16))):
        with pytest.raises(ActUnknown):
            run(world.acts.undo(account, act))
    assert world.act(id_).state is State.WAITING


def test_acts_are_bounded_and_undone_ones_do_not_count(world: World) -> None:
    ids = [ask(world) for _ in range(MOST_OPEN)]
    with pytest.raises(ActsTooMany):
        ask(world)
    run(world.acts.undo(ACCOUNT, ids[0]))
    assert ask(world)
    assert run(world.acts.ask(OTHER, LOCAL, b""))


def test_a_kind_has_one_name(world: World) -> None:
    with pytest.raises(ValueError, match=LOCAL):
        world.acts.register(ActKind(LOCAL, "", "", world.do, world.undo))
    with pytest.raises(ActUnknown):
        ask(world, "unknown")


def test_a_fault_of_one_act_does_not_stop_the_others(world: World) -> None:
    ids = [ask(world, REMOTE), ask(world, REMOTE), ask(world)]
    world.now_ms = 3 * DAY
    world.faults = ["unheard"]
    assert [type(each) for each in run(world.acts.tick())] == [PartyUnavailable]
    assert sum(world.act(each).state is State.DONE for each in ids) == 2
    assert run(world.acts.tick()) == []
    assert all(world.act(each).state is State.DONE for each in ids)


async def _story(world: World, kind: str, undone_on: int) -> None:
    """Asked for, due, undone on that day: each step may be cut."""
    acts = world.acts
    id_ = await acts.ask(ACCOUNT, kind, b"")
    for day in range(5):
        world.now_ms = day * DAY
        if day == undone_on:
            await acts.undo(ACCOUNT, id_)
        await acts.tick()


@pytest.mark.parametrize("kind", [LOCAL, REMOTE])
@pytest.mark.parametrize("undone_on", [1, 3, 4, 9])
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_power_may_go_at_any_write(kind: str, undone_on: int, when: str) -> None:
    with World.opened() as world:
        run(_story(world, kind, undone_on))
        writes = world.writes
    for number in range(1, writes + 1):
        with World.opened() as world:
            world.cut_at = number, when
            with pytest.raises(Cut):
                run(_story(world, kind, undone_on))
            world.check()
            world.cut_at = -1, ""
            world.begin()
            world.now_ms = max(world.now_ms, 9 * DAY)
            for _ in range(3):
                assert run(world.acts.tick()) == []
            world.check_quiet()
            for act in world.all():
                run(world.acts.undo(ACCOUNT, act.id))
                assert world.effect(act.id) == 0
            world.check_quiet()


@pytest.mark.parametrize("fault", ["", "unheard", "unanswered"])
def test_an_undo_while_it_is_on_its_way_takes_it_back(world: World, fault: str) -> None:
    """It arrives, and comes back; so it does where the answer was lost meanwhile."""
    id_ = ask(world, REMOTE)
    world.now_ms = 3 * DAY
    undoing: list[asyncio.Task[None]] = []

    async def meanwhile() -> None:
        undoing.append(asyncio.create_task(world.acts.undo(ACCOUNT, id_)))
        while world.act(id_).state is State.DOING:
            await asyncio.sleep(0.001)
        world.faults = [fault] * bool(fault)

    async def race() -> None:
        world.meanwhile = meanwhile
        await world.acts.tick()
        await asyncio.gather(*undoing, return_exceptions=True)

    run(race())
    assert run(world.acts.tick()) == []
    assert (world.act(id_).state, world.effect(id_)) == (State.UNDONE, 0)
    world.check_quiet()


@pytest.mark.parametrize("first", ["undo", "tick"])
def test_of_an_undo_and_an_effect_at_one_moment_the_other_sees_the_first(world: World, first: str) -> None:
    id_ = ask(world)
    world.now_ms = 3 * DAY

    async def race() -> None:
        undo, tick = world.acts.undo(ACCOUNT, id_), world.acts.tick()
        await asyncio.gather(*((undo, tick) if first == "undo" else (tick, undo)))

    run(race())
    assert (world.act(id_).state, world.effect(id_)) == (State.UNDONE, 0)
    world.check_quiet()


FAULTS = st.sampled_from(["", "", "unheard", "unanswered"])
STEP = st.tuples(st.sampled_from(["ask", "askremote", "tick", "undo", "day", "restart"]), st.integers(0, 3))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.lists(st.tuples(FAULTS, st.lists(STEP, min_size=1, max_size=3)), min_size=1, max_size=12))
def test_no_order_of_asking_undoing_and_carrying_on_does_or_undoes_anything_twice(
    rounds: list[tuple[str, list[tuple[str, int]]]],
) -> None:
    """The steps of a round run at the same time, each with stops wherever it waits."""
    with World.opened() as world:
        for fault, steps in rounds:
            world.faults = [fault] * bool(fault)
            run(_together(world, steps))
            world.check()
        world.faults = []
        for _ in range(3):
            assert run(world.acts.tick()) == []
            world.now_ms += 4 * DAY
        world.check_quiet()
        assert all(act.state is not State.WAITING for act in world.all())


async def _together(world: World, steps: Sequence[tuple[str, int]]) -> None:
    for outcome in await asyncio.gather(*(_step(world, *each) for each in steps), return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, Problem):
            raise outcome
        assert not isinstance(outcome, StoreFailed)


async def _step(world: World, what: str, which: int) -> None:
    known = world.all()
    for _ in range(which):
        await asyncio.sleep(0)
    match what:
        case "ask" | "askremote":
            await world.acts.ask(ACCOUNT, REMOTE if what == "askremote" else LOCAL, b"")
        case "tick":
            await world.acts.tick()
        case "undo" if known:
            id_ = known[which % len(known)].id
            await world.acts.undo(ACCOUNT, id_)
            world.undone.add(id_)
        case "day":
            world.now_ms += (1 + which) * DAY
        case "restart":
            world.begin()
