"""The sequencer under faults: released receipts hold, indices have no gap, repeats get no second place.

Each fault is a row of a table: where it strikes, and what it raises. The shipped verifier is the oracle.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kakine.contracts.ledger import Appended
from kakine.crypto.hashing import digest
from kakine.crypto.merkle import verify_consistency
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import METADATA, Growth, Store
from kakine.protocols import receipts
from kakine.runtime.database import Database
from kakine.values.problems import InternalFault, LedgerDiverged, PartyUnavailable, StoreFailed
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint

ORIGIN = "ledger.example/2026/a"
KEY = SigningKey(b"L" * 32)

Strike = Callable[[], None]


def entry(number: int) -> bytes:
    return digest("a", number.to_bytes(8, "big")) + digest("b") + bytes(16)


def tag(number: int) -> bytes:
    return digest("tag", number.to_bytes(8, "big"))


def append(sequencer: Sequencer, numbers: Sequence[int]) -> Appended:
    return asyncio.run(sequencer.append([entry(n) for n in numbers], [tag(n) for n in numbers]))


class Released:
    """The receipts that left the ledger."""

    def __init__(self) -> None:
        self.given: list[tuple[list[int], Appended]] = []

    def ask(self, sequencer: Sequencer, numbers: list[int]) -> Appended:
        receipt = append(sequencer, numbers)
        self.given.append((numbers, receipt))
        return receipt

    def hold(self, sequencer: Sequencer, store: Store) -> None:
        """Every receipt verifies under a head that begins the present one; repeats stand still."""
        present = sequencer.head().at
        assert len(list(store.all_entries())) == present.size
        taken: dict[int, int] = {}
        for numbers, receipt in self.given:
            head = receipts.verify(
                first=receipt.first,
                proof=receipt.proof,
                checkpoint=receipt.checkpoint,
                entries=b"".join(entry(n) for n in numbers),
                origin=ORIGIN,
                key=KEY.public,
            )
            proof = sequencer.head().consistency(head.size).proof
            verify_consistency(head.size, present.size, proof, head.root, present.root)
            assert append(sequencer, numbers).first == receipt.first
            for at, number in enumerate(numbers, receipt.first):
                assert taken.setdefault(at, number) == number
        assert sequencer.head().at == present


@contextmanager
def running(path: Path, kind: Callable[[Database], Store] = Store) -> Iterator[tuple[Sequencer, Store]]:
    with closing(Database.open(path, METADATA)) as database:
        store = kind(database)
        yield Sequencer(store, ORIGIN, KEY), store


def raising(fault: Exception) -> Strike:
    def strike() -> None:
        raise fault

    return strike


def store_fault(code: int) -> Strike:
    fault = sqlite3.OperationalError("planted")
    fault.sqlite_errorcode = code
    return raising(fault)


class Struck:
    """A connection on which one statement, counted from 0, meets a fault before or after it is done."""

    def __init__(self, connection: sqlite3.Connection, statement: int, before: bool, strike: Strike) -> None:
        self._connection, self._left, self._before, self._strike = connection, statement, before, strike

    def _run(self, method: Callable[..., sqlite3.Cursor], *arguments: Any) -> sqlite3.Cursor:
        struck = self._left == 0
        self._left -= 1
        if struck and self._before:
            self._strike()
        cursor = method(*arguments)
        if struck:
            self._strike()
        return cursor

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return self._run(self._connection.execute, *arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        return self._run(self._connection.executemany, *arguments)


class StruckDatabase:
    """The real database; the next write meets a fault in one of its statements."""

    def __init__(self, database: Database, statement: int, before: bool, strike: Strike) -> None:
        self._database = database
        self._armed: tuple[int, bool, Strike] | None = (statement, before, strike)

    async def write(self, work: Callable[[Any], Any]) -> Any:
        armed, self._armed = self._armed, None
        if armed is None:
            return await self._database.write(work)
        return await self._database.write(lambda connection: work(Struck(connection, *armed)))

    def read(self) -> sqlite3.Connection:
        return self._database.read()


STRIKES = {
    "disk full": store_fault(sqlite3.SQLITE_FULL),
    "input output error": store_fault(sqlite3.SQLITE_IOERR_WRITE),
    "some other fault": raising(RuntimeError("planted")),
}


@pytest.mark.parametrize("strike", STRIKES.values(), ids=STRIKES.keys())
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("statement", range(3), ids=["head", "entries", "checkpoint"])
def test_a_fault_at_any_statement_of_a_step_leaves_nothing_of_it(
    tmp_path: Path, statement: int, before: bool, strike: Strike
) -> None:
    released = Released()
    path = tmp_path / "ledger"
    with running(path) as (sequencer, _):
        released.ask(sequencer, [1, 2, 3])
    with running(
        path, lambda database: Store(StruckDatabase(database, statement, before, strike))
    ) as running_:  # type: ignore[arg-type]
        sequencer, store = running_
        with pytest.raises((StoreFailed, InternalFault)):
            append(sequencer, [4, 5])
        assert sequencer.head().at.size == 3
        assert store.find(tag(4)) is None
    with running(path) as (sequencer, store):
        assert released.ask(sequencer, [4, 5]).first == 3
        released.hold(sequencer, store)


@pytest.mark.parametrize("statement", range(4), ids=["plant", "head", "entries", "checkpoint"])
def test_a_fault_in_the_very_first_step_leaves_an_empty_log(tmp_path: Path, statement: int) -> None:
    strike = raising(RuntimeError("planted"))
    with running(
        tmp_path / "ledger",
        lambda database: Store(StruckDatabase(database, statement, False, strike)),  # type: ignore[arg-type]
    ) as (sequencer, store):
        with pytest.raises(InternalFault):
            append(sequencer, [1])
        assert sequencer.head().at.size == 0
        assert append(sequencer, [1]).first == 0
        assert len(list(store.all_entries())) == 1


class Faulty(Store):
    """A store that fails once at the place its class names."""

    armed = True

    def fire(self) -> bool:
        armed, self.armed = self.armed, False
        return armed


class BeforeCommit(Faulty):
    async def grow(self, growth: Growth) -> None:
        if self.fire():
            raise StoreFailed()
        await super().grow(growth)


class AnswerLost(Faulty):
    """The commit is durable, its acknowledgement gets lost."""

    async def grow(self, growth: Growth) -> None:
        await super().grow(growth)
        if self.fire():
            raise StoreFailed()


class ReadBackFails(Faulty):
    def entries(self, first: int, count: int) -> list[bytes]:
        if self.fire():
            raise sqlite3.OperationalError
        return super().entries(first, count)


class ReadBackDiffers(Faulty):
    def entries(self, first: int, count: int) -> list[bytes]:
        found = super().entries(first, count)
        return [bytes(80), *found[1:]] if self.fire() else found


class HeadMoved(Faulty):
    """Another writer was there in between."""

    async def grow(self, growth: Growth) -> None:
        if self.fire():
            await super().grow(growth)
        await super().grow(growth)


@pytest.mark.parametrize("kind", [BeforeCommit, AnswerLost, ReadBackFails, ReadBackDiffers, HeadMoved])
def test_a_fault_around_the_commit_is_never_answered_with_a_receipt_and_a_repeat_stands_once(
    tmp_path: Path, kind: type[Faulty]
) -> None:
    released = Released()
    path = tmp_path / "ledger"
    with running(path) as (sequencer, _):
        released.ask(sequencer, [1, 2, 3])
    with running(path, kind) as (sequencer, store):
        with pytest.raises((StoreFailed, InternalFault, LedgerDiverged)):
            append(sequencer, [4, 5])
        assert released.ask(sequencer, [4, 5]).first == 3
        assert released.ask(sequencer, [6]).first == 5
        released.hold(sequencer, store)
    with running(path) as (sequencer, store):
        released.hold(sequencer, store)


def test_a_fault_fails_only_the_group_it_struck(tmp_path: Path) -> None:
    with running(tmp_path / "ledger", BeforeCommit) as (sequencer, store):

        async def scene() -> list[Appended | BaseException]:
            early = [asyncio.ensure_future(sequencer.append([entry(n)], [tag(n)])) for n in range(3)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            late = [asyncio.ensure_future(sequencer.append([entry(n)], [tag(n)])) for n in range(3, 6)]
            return await asyncio.gather(*early, *late, return_exceptions=True)

        outcomes = asyncio.run(scene())
        assert all(isinstance(outcome, StoreFailed) for outcome in outcomes[:3])
        assert [outcome.first for outcome in outcomes[3:] if isinstance(outcome, Appended)] == [0, 1, 2]
        assert store.find(tag(0)) is None


class NeverEnds(Faulty):
    """The write is carried out, but its answer does not come."""

    async def grow(self, growth: Growth) -> None:
        await super().grow(growth)
        if self.fire():
            await asyncio.Event().wait()


def test_a_sequencer_that_is_cancelled_while_it_waits_tells_its_callers_and_goes_on_from_the_store(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "ledger", NeverEnds) as (sequencer, store):

        async def scene() -> None:
            waiting = asyncio.ensure_future(sequencer.append([entry(1)], [tag(1)]))
            while store.armed:
                await asyncio.sleep(0.001)
            queued = asyncio.ensure_future(sequencer.append([entry(2)], [tag(2)]))
            await asyncio.sleep(0)
            assert sequencer._task is not None
            sequencer._task.cancel()
            for each in (waiting, queued):
                with pytest.raises(PartyUnavailable):
                    await each
            assert (await sequencer.append([entry(1)], [tag(1)])).first == 0
            assert (await sequencer.append([entry(2)], [tag(2)])).first == 1

        asyncio.run(scene())


def test_no_reader_sees_a_head_that_is_not_durable(tmp_path: Path) -> None:
    seen: list[int] = []

    class Watched(Store):
        async def grow(self, growth: Growth) -> None:
            seen.append(sequencer.head().at.size)
            seen.append(notes.open(sequencer.head().receipt(0, 1).checkpoint, ORIGIN, KEY.public).size)
            await super().grow(growth)

    path = tmp_path / "ledger"
    with running(path) as (sequencer, _):
        append(sequencer, [1, 2])
    with running(path, Watched) as (sequencer, _):
        append(sequencer, [3, 4])
        assert seen == [2, 2]
        assert sequencer.head().at.size == 4


def test_of_two_sequencers_on_one_store_the_one_that_is_behind_is_stopped(tmp_path: Path) -> None:
    with running(tmp_path / "ledger") as (first, store):
        second = Sequencer(store, ORIGIN, KEY)
        append(first, [1, 2])
        with pytest.raises(LedgerDiverged):
            append(second, [3])
        assert append(second, [3]).first == 2
        with pytest.raises(LedgerDiverged):
            append(first, [4])
        assert len(list(store.all_entries())) == 3


def test_a_step_from_a_head_that_is_not_the_stored_one_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "ledger") as (sequencer, store):
        append(sequencer, [1, 2])
        stored = sequencer.head().at
        for old in (Checkpoint(7, stored.root), Checkpoint(2, bytes(32))):
            new = Checkpoint(old.size + 1, bytes(32))
            with pytest.raises(LedgerDiverged):
                asyncio.run(store.grow(Growth(old, new, [entry(9)], [tag(9)], b"note")))
        assert store.head() == stored
        assert store.find(tag(9)) is None


CHILD = """
import asyncio, os, sys
from pathlib import Path
import msgspec
sys.path.insert(0, sys.argv[1])
import test_ledger_faults as scene
from kakine.runtime.database import Database
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import METADATA, Store

async def worker(sequencer, start):
    for at in range(start, start + 100_000, 3):
        numbers = list(range(at, at + 1 + at % 3))
        receipt = await sequencer.append([scene.entry(n) for n in numbers], [scene.tag(n) for n in numbers])
        os.write(1, msgspec.json.encode((numbers, receipt)) + b"\\n")

async def main():
    sequencer = Sequencer(Store(Database.open(Path(sys.argv[2]), METADATA)), scene.ORIGIN, scene.KEY)
    await asyncio.gather(*(worker(sequencer, int(sys.argv[3]) + 100_000 * w) for w in range(16)))

asyncio.run(main())
"""


def killed(path: Path, start: int, after_s: float) -> list[tuple[list[int], Appended]]:
    """Run a ledger in a process of its own, kill it, and give the receipts that left it."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(path), str(start)],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    lines = [child.stdout.readline()]
    os.set_blocking(child.stdout.fileno(), True)
    deadline = time.monotonic() + after_s
    while time.monotonic() < deadline:
        lines.append(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    lines += child.stdout.readlines()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    whole = [line for line in lines if line.endswith(b"\n")]
    return [msgspec.json.decode(line, type=tuple[list[int], Appended]) for line in whole]


def test_after_kill_9_at_four_moments_every_released_receipt_holds_and_repeats_stand_still(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger"
    released = Released()
    for number, after_s in enumerate((0.05, 0.13, 0.21, 0.34)):
        released.given += killed(path, number * 10_000_000, after_s)
        with running(path) as (sequencer, store):
            assert sequencer.head().at.size >= sum(len(numbers) for numbers, _ in released.given)
    assert len(released.given) > 100
    released.given = released.given[:: max(1, len(released.given) // 400)]
    with running(path) as (sequencer, store):
        released.hold(sequencer, store)
