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
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import log_signer
from kakine.contracts.ledger import Appended
from kakine.crypto.hashing import digest
from kakine.crypto.merkle import Tree, verify_consistency
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.attest import Attestor, Signed
from kakine.parties.ledger.head import Head
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import METADATA, Growth, Store
from kakine.parties.signer.app import Signer
from kakine.protocols import receipts
from kakine.runtime.database import Connection, Database
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


def head(sequencer: Sequencer) -> Head:
    return asyncio.run(sequencer.head())


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
        present = head(sequencer).at
        assert len(list(store.all_entries())) == present.size
        taken: dict[int, int] = {}
        for numbers, receipt in self.given:
            under = receipts.verify(
                first=receipt.first,
                proof=receipt.proof,
                checkpoint=receipt.checkpoint,
                entries=b"".join(entry(n) for n in numbers),
                origin=ORIGIN,
                key=KEY.public,
            )
            proof = head(sequencer).consistency(under.size).proof
            verify_consistency(under.size, present.size, proof, under.root, present.root)
            assert append(sequencer, numbers).first == receipt.first
            for at, number in enumerate(numbers, receipt.first):
                assert taken.setdefault(at, number) == number
        assert head(sequencer).at == present


def signer(path: Path) -> Signer:
    """The signer of the log in this file, in another file beside it."""
    return log_signer.opened(path.parent, ORIGIN, KEY)


@contextmanager
def running(
    path: Path,
    kind: Callable[[Database], Store] = Store,
    attest: Callable[[Attestor], Any] = lambda attestor: attestor,
) -> Iterator[tuple[Sequencer, Store]]:
    with closing(signer(path)) as signs, closing(Database.open(path, METADATA)) as database:
        store = kind(database)
        attestor = attest(log_signer.attestor(signs, ORIGIN, KEY))
        asyncio.run((sequencer := Sequencer(store, attestor)).head())
        yield sequencer, store


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
    """The real database; once armed, the next write meets a fault in one of its statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._armed: tuple[int, bool, Strike] | None = None

    def arm(self, statement: int, before: bool, strike: Strike) -> None:
        self._armed = statement, before, strike

    async def write(self, work: Callable[[Any], Any]) -> Any:
        armed, self._armed = self._armed, None
        if armed is None:
            return await self._database.write(work)
        return await self._database.write(lambda connection: work(Struck(connection, *armed)))

    def read(self) -> Connection:
        return self._database.read()

    def snapshot(self) -> AbstractContextManager[None]:
        return self._database.snapshot()


STRIKES = {
    "disk full": store_fault(sqlite3.SQLITE_FULL),
    "input output error": store_fault(sqlite3.SQLITE_IOERR_WRITE),
    "some other fault": raising(RuntimeError("planted")),
}


class StruckStore(Store):
    def __init__(self, database: Database) -> None:
        self.database = StruckDatabase(database)
        super().__init__(self.database)  # type: ignore[arg-type]

    def arm(self, statement: int, before: bool, strike: Strike) -> None:
        self.database.arm(statement, before, strike)


@pytest.mark.parametrize("strike", STRIKES.values(), ids=STRIKES.keys())
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("statement", range(3), ids=["head", "entries", "checkpoint"])
def test_a_fault_at_any_statement_of_a_step_leaves_nothing_of_it(
    tmp_path: Path, statement: int, before: bool, strike: Strike
) -> None:
    released = Released()
    path = tmp_path / "ledger"
    with running(path, StruckStore) as (sequencer, store):
        released.ask(sequencer, [1, 2, 3])
        assert isinstance(store, StruckStore)
        store.arm(statement, before, strike)
        with pytest.raises((StoreFailed, InternalFault)):
            append(sequencer, [4, 5])
        assert head(sequencer).at.size == 3
        assert store.find(tag(4)) is None
    with running(path) as (sequencer, store):
        assert released.ask(sequencer, [4, 5]).first == 3
        released.hold(sequencer, store)


@pytest.mark.parametrize("statement", range(3), ids=["plant", "head", "entries"])
def test_a_fault_in_the_very_first_step_leaves_an_empty_log(tmp_path: Path, statement: int) -> None:
    with running(tmp_path / "ledger", StruckStore) as (sequencer, store):
        assert isinstance(store, StruckStore)
        store.arm(statement, False, raising(RuntimeError("planted")))
        with pytest.raises(InternalFault):
            append(sequencer, [1])
        assert head(sequencer).at.size == 0
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


class Unreachable:
    """A signer that once cannot be asked, or whose answer gets lost after it has stored and signed."""

    def __init__(self, attestor: Attestor, answer_lost: bool) -> None:
        self._attestor, self._answer_lost, self.armed = attestor, answer_lost, False
        self.asked: list[Checkpoint] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._attestor, name)

    async def sign(self, tree: Tree, old: Checkpoint, new: Checkpoint) -> Signed:
        armed, self.armed = self.armed, False
        self.asked.append(new)
        if armed and not self._answer_lost:
            raise PartyUnavailable()
        signed = await self._attestor.sign(tree, old, new)
        if armed:
            raise PartyUnavailable()
        return signed


@contextmanager
def unreachable(path: Path, answer_lost: bool) -> Iterator[tuple[Sequencer, Store, Unreachable]]:
    made: list[Unreachable] = []

    def attest(attestor: Attestor) -> Unreachable:
        made.append(Unreachable(attestor, answer_lost))
        return made[0]

    with running(path, attest=attest) as (sequencer, store):
        yield sequencer, store, made[0]


@pytest.mark.parametrize("answer_lost", [False, True])
@pytest.mark.parametrize("restart", [False, True])
def test_entries_whose_head_was_not_signed_are_answered_after_it_is(
    tmp_path: Path, answer_lost: bool, restart: bool
) -> None:
    released = Released()
    path = tmp_path / "ledger"
    with unreachable(path, answer_lost) as (sequencer, store, signs):
        released.ask(sequencer, [1, 2, 3])
        signs.armed = True
        with pytest.raises(PartyUnavailable):
            append(sequencer, [4, 5])
        assert store.head().size == 5
        if not restart:
            assert released.ask(sequencer, [4, 5]).first == 3
            assert released.ask(sequencer, [6]).first == 5
            released.hold(sequencer, store)
    with running(path) as (sequencer, store):
        assert head(sequencer).at == store.head()
        assert released.ask(sequencer, [4, 5]).first == 3
        released.hold(sequencer, store)


@pytest.mark.parametrize("answer_lost", [False, True])
def test_a_fault_of_the_signer_fails_the_group_behind_too_and_both_stand_once(
    tmp_path: Path, answer_lost: bool
) -> None:
    """The second group is being stored while the first is being signed."""
    released = Released()
    with unreachable(tmp_path / "ledger", answer_lost) as (sequencer, store, signs):

        async def scene() -> list[object]:
            signs.armed = True
            early = asyncio.ensure_future(sequencer.append([entry(1)], [tag(1)]))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            late = asyncio.ensure_future(sequencer.append([entry(2)], [tag(2)]))
            return await asyncio.gather(early, late, return_exceptions=True)

        first, second = asyncio.run(scene())
        assert isinstance(first, PartyUnavailable)
        assert isinstance(second, PartyUnavailable)
        assert store.head().size == 2
        for number in (1, 2):
            released.ask(sequencer, [number])
        assert head(sequencer).at.size == 2
        released.hold(sequencer, store)


def test_no_head_is_signed_before_its_entries_are_in_the_store(tmp_path: Path) -> None:
    durable: list[int] = []

    class Watched(Store):
        async def grow(self, growth: Growth) -> None:
            await super().grow(growth)
            durable.append(growth.new.size)

    def attest(attestor: Attestor) -> Unreachable:
        signs = Unreachable(attestor, False)
        sign = signs.sign

        async def watched(tree: Tree, old: Checkpoint, new: Checkpoint) -> Signed:
            assert durable[-1] >= new.size
            return await sign(tree, old, new)

        signs.sign = watched  # type: ignore[method-assign]
        return signs

    with running(tmp_path / "ledger", Watched, attest) as (sequencer, _):

        async def scene() -> None:
            await asyncio.gather(*(sequencer.append([entry(n)], [tag(n)]) for n in range(5)))
            await asyncio.gather(*(sequencer.append([entry(n)], [tag(n)]) for n in range(5, 9)))

        asyncio.run(scene())
        assert durable[-1] == head(sequencer).at.size == 9


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

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.reached = asyncio.Event()

    async def grow(self, growth: Growth) -> None:
        await super().grow(growth)
        if self.fire():
            self.reached.set()
            await asyncio.Event().wait()


def test_a_sequencer_that_is_cancelled_while_it_waits_tells_its_callers_and_goes_on_from_the_store(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "ledger", NeverEnds) as (sequencer, store):

        async def scene() -> None:
            waiting = asyncio.ensure_future(sequencer.append([entry(1)], [tag(1)]))
            assert isinstance(store, NeverEnds)
            await store.reached.wait()
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
            present = await sequencer.head()
            seen.append(present.at.size)
            seen.append(notes.open(present.receipt(0, 1).checkpoint, ORIGIN, KEY.public).size)
            await super().grow(growth)

    path = tmp_path / "ledger"
    with running(path) as (sequencer, _):
        append(sequencer, [1, 2])
    with running(path, Watched) as (sequencer, _):
        append(sequencer, [3, 4])
        assert seen == [2, 2]
        assert head(sequencer).at.size == 4


def test_of_two_sequencers_on_one_store_the_one_that_is_behind_is_stopped(tmp_path: Path) -> None:
    with running(tmp_path / "ledger") as (first, store):
        second = Sequencer(store, first._attestor)
        assert head(second).at.size == 0
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
        stored = head(sequencer).at
        for old in (Checkpoint(7, stored.root), Checkpoint(2, bytes(32))):
            new = Checkpoint(old.size + 1, bytes(32))
            with pytest.raises(LedgerDiverged):
                asyncio.run(store.grow(Growth(old, new, [entry(9)], [tag(9)], Signed(new, b"note"))))
        assert store.head() == stored
        assert store.find(tag(9)) is None


CHILD = """
import asyncio, os, sys
from pathlib import Path
import msgspec
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
import log_signer
import test_ledger_faults as scene
from kakine.runtime.database import Database
from kakine.parties.ledger.head import Head
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import METADATA, Store

async def worker(sequencer, start):
    for at in range(start, start + 100_000, 3):
        numbers = list(range(at, at + 1 + at % 3))
        receipt = await sequencer.append([scene.entry(n) for n in numbers], [scene.tag(n) for n in numbers])
        os.write(1, msgspec.json.encode((numbers, receipt)) + b"\\n")

async def main():
    path = Path(sys.argv[2])
    attestor = log_signer.attestor(scene.signer(path), scene.ORIGIN, scene.KEY)
    sequencer = Sequencer(Store(Database.open(path, METADATA)), attestor)
    await asyncio.gather(*(worker(sequencer, int(sys.argv[3]) + 100_000 * w) for w in range(16)))

asyncio.run(main())
"""


def killed(path: Path, start: int, after: int) -> list[tuple[list[int], Appended]]:
    """Run a ledger in a process of its own, kill it once so many receipts have come, and give all that left it."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(path), str(start)],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(after)]
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
    for number, after in enumerate((1, 40, 110, 240)):
        released.given += killed(path, number * 10_000_000, after)
        with running(path) as (sequencer, store):
            assert head(sequencer).at.size >= sum(len(numbers) for numbers, _ in released.given)
    assert len(released.given) > 100
    released.given = released.given[:: max(1, len(released.given) // 400)]
    with running(path) as (sequencer, store):
        released.hold(sequencer, store)
