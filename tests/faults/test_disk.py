"""Power cuts, kills and disks that fail or hang, at every single step that the ledger and its signer make on disk.

C1, C3, C4, C6: SQLite's own calls of the file system are watched and interfered with (tests/disk.py), so that every
point before and after every write is there. The shipped verifier is the oracle.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import threading
from itertools import pairwise
from pathlib import Path

import pytest

import disk
from disk import Step, Steps
from exchange_state import MAILBOXES, REQUEST, check, entries_of, finished, outcomes_recorded
from faults.test_exchange_killed import opened
from faults.test_ledger_faults import Released, entry, head, running, tag
from forked_log import KEY, ORIGIN, Told, witness
from kakine.parties.ledger.sequencer import Sequencer
from kakine.runtime import codebook
from kakine.values.problems import ConsistencyInvalid, OldSizeMismatch, PartyUnavailable, StoreFailed
from kakine.wire import checkpoint as notes

from land import CHILDREN, TAX, Land


class Recorded:
    """A ledger's life: its disk at the beginning, every step since, and after how many a receipt had left."""

    def __init__(self, folder: Path) -> None:
        self.live, self.base = folder / "live", folder / "base"
        self.live.mkdir()
        self.receipts = Released()
        self.left_at: list[int] = []
        with disk.watched() as steps, running(self.live / "ledger") as (sequencer, store):
            self.receipts.ask(sequencer, [1, 2, 3])
            shutil.copytree(self.live, self.base, ignore=disk.NOT_ON_DISK)
            self.left_at.append(0)
            steps.done.clear()
            for numbers in ([4], [5, 6], [7]):
                self.receipts.ask(sequencer, numbers)
                self.left_at.append(len(steps.done))
                if numbers == [5, 6]:
                    asyncio.run(store._database.forget())
            self.steps = list(steps.done)

    def given_before(self, at: int) -> Released:
        """The receipts that had left by then."""
        released = Released()
        pairs = zip(self.receipts.given, self.left_at, strict=True)
        released.given = [given for given, left in pairs if left <= at]
        return released


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(tmp_path_factory.mktemp("recorded"))


@pytest.mark.parametrize("cut", ["killed", "power cut", "another power cut"])
def test_c4_after_a_cut_at_any_step_every_released_receipt_holds(
    recorded: Recorded, tmp_path: Path, cut: str
) -> None:
    assert {step.what for step in recorded.steps} == {"write", "truncate", "flush"}
    assert len({step.path for step in recorded.steps}) >= 3
    for at in range(len(recorded.steps) + 1):
        draw = None if cut == "killed" else random.Random(f"{cut} {at}")
        found = disk.crashed(recorded.live, recorded.base, recorded.steps[:at], tmp_path / "found", draw)
        released = recorded.given_before(at)
        with running(found / "ledger") as (sequencer, store):
            released.hold(sequencer, store)
            for numbers in ([4], [5, 6], [7]):
                released.ask(sequencer, numbers)
            released.hold(sequencer, store)
            assert head(sequencer).at.size == 7


FAULTS = {"disk full": disk.FULL, "write failed": disk.WRITE_FAILED, "flush failed": disk.FLUSH_FAILED}


class Breaks:
    """The disk refuses its step number `at`, and as many of those after it as `times` says."""

    def __init__(self, steps: Steps, at: int, code: int, times: int) -> None:
        self.steps, self.left, self.code, self.times = steps, at, code, times
        self.struck: list[Step] = []
        self.after: list[Step] = []
        steps.fault = self

    def __call__(self, step: Step) -> int:
        self.left -= 1
        if self.left < 0 and len(self.struck) < self.times and self.fits(step):
            self.struck.append(step)
            return self.code
        if self.struck:
            self.after.append(step)
        return 0

    def fits(self, step: Step) -> bool:
        return (step.what == "flush") == (self.code == disk.FLUSH_FAILED)


@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice in a row"])
@pytest.mark.parametrize("code", FAULTS.values(), ids=FAULTS.keys())
def test_c3_c6_a_disk_that_fails_at_any_step_costs_no_receipt_and_is_not_asked_again(
    recorded: Recorded, tmp_path: Path, code: int, times: int
) -> None:
    """Full, or broken: the caller is told; after a broken write or flush nothing goes to that file until it is opened
    anew, for nobody knows what of it is on disk."""
    steps_of_an_append = recorded.left_at[1]
    assert steps_of_an_append > 4
    for at in range(steps_of_an_append):
        shutil.rmtree(tmp_path / "live", ignore_errors=True)
        live = shutil.copytree(recorded.base, tmp_path / "live")
        released = recorded.given_before(0)
        with disk.watched() as steps:
            with running(live / "ledger") as (sequencer, _):
                breaks = Breaks(steps, at, code, times)
                refused = 0
                for numbers in ([4], [4], [5, 6], [4]):
                    try:
                        released.ask(sequencer, numbers)
                    except (StoreFailed, PartyUnavailable):
                        refused += 1
                steps.fault = lambda step: 0
                broken = {step.path for step in breaks.struck} if code != disk.FULL else set()
                again = [step.path for step in breaks.after]
            with running(live / "ledger") as (sequencer, store):
                released.hold(sequencer, store)
                for numbers in ([4], [5, 6]):
                    released.ask(sequencer, numbers)
                released.hold(sequencer, store)
                assert head(sequencer).at.size == 6
        assert bool(breaks.struck) <= bool(refused)
        assert not broken.intersection(again), (at, broken)


@pytest.mark.parametrize("whose", ["ledger-wal", "ledger-a-signer.sqlite-wal"])
def test_c1_a_flush_that_hangs_gives_no_receipt_and_stops_no_reader(
    recorded: Recorded, tmp_path: Path, whose: str
) -> None:
    live = shutil.copytree(recorded.base, tmp_path / "live")
    reached, go_on = threading.Event(), threading.Event()

    def hangs(step: Step) -> int:
        if (step.what, step.path.name) == ("flush", whose):
            reached.set()
            assert go_on.wait(60)
        return 0

    async def scene(sequencer: Sequencer) -> None:
        waiting = asyncio.ensure_future(sequencer.append([entry(4)], [tag(4)]))
        assert await asyncio.to_thread(reached.wait, 60)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not waiting.done()
        assert (await sequencer.head()).at.size == 3
        waiting.cancel()
        go_on.set()
        assert (await sequencer.append([entry(4)], [tag(4)])).first == 3

    with disk.watched() as steps, running(live / "ledger") as (sequencer, store):
        steps.fault = hangs
        asyncio.run(scene(sequencer))
        steps.fault = lambda step: 0
        released = recorded.given_before(0)
        released.hold(sequencer, store)
        assert head(sequencer).at.size == 4


# --- a witness ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["killed", "power cut", "another power cut"])
def test_c4_a_witness_cut_at_any_step_signs_no_history_beside_the_one_that_it_signed(
    tmp_path: Path, cut: str
) -> None:
    """After the start it has at least the last head whose cosignature left it."""
    live, base = tmp_path / "live", tmp_path / "base"
    live.mkdir()
    told, fork, left = Told(), Told(fork_at=10), []
    with disk.watched() as steps, witness(live) as party:
        asyncio.run(party.witness.add(told.body(0, 20)))
        shutil.copytree(live, base, ignore=disk.NOT_ON_DISK)
        steps.done.clear()
        left.append((0, 20))
        for old, size in pairwise((20, 50, 60, 90)):
            asyncio.run(party.witness.add(told.body(old, size)))
            left.append((len(steps.done), size))
        done = list(steps.done)
    for at in range(len(done) + 1):
        draw = None if cut == "killed" else random.Random(f"{cut} {at}")
        found = disk.crashed(live, base, done[:at], tmp_path / "found", draw)
        signed = max(size for moment, size in left if moment <= at)
        with witness(found) as again:
            note = again.witness.latest(hashlib.sha256(ORIGIN.encode()).hexdigest())
            at_least = notes.open(note, ORIGIN, KEY.public)
            assert at_least.size >= signed
            assert at_least == told.head(at_least.size)
            for old in (0, 5, at_least.size):
                with pytest.raises((OldSizeMismatch, ConsistencyInvalid)):
                    asyncio.run(again.witness.add(fork.body(old, 100)))
            assert asyncio.run(again.witness.add(told.body(at_least.size, 100)))


# --- a whole country ------------------------------------------------------------------------------


STORES = ["yokohama", "converter-1", "converter-2", "converter-3", *MAILBOXES, "ledger-a", "ledger-a-signer"]
CUTS = 1_000_000 if os.environ.get("KAKINE_KILL") == "all" else 6


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Step]]:
    """One exchange of a whole country: every step on disk of every party, up to the answer."""
    folder = tmp_path_factory.mktemp("cut")
    live, base = folder / "land", folder / "base"
    Land.founded(live, 2, (CHILDREN, TAX)).close()
    with disk.watched() as steps:
        country = opened(live)
        try:
            country.run(country.ask(0))
            shutil.copytree(live, base, ignore=disk.NOT_ON_DISK)
            steps.done.clear()
            assert country.run(country.ask(1)).result == "delivered"
            return live, base, list(steps.done)
        finally:
            country.close()


@pytest.mark.parametrize("cut", ["killed", "power cut"])
def test_c1_an_exchange_cut_at_any_step_of_any_party_is_taken_up_once(
    exchange: tuple[Path, Path, list[Step]], tmp_path: Path, cut: str
) -> None:
    """Of about 200 steps a few, spread evenly; all with KAKINE_KILL=all."""
    live, base, steps = exchange
    assert {step.path.name.partition(".")[0] for step in steps} >= set(STORES)
    distance = max(1, len(steps) // CUTS)
    for at in [*range(distance // 2, len(steps), distance), len(steps)]:
        draw = None if cut == "killed" else random.Random(at)
        found = disk.crashed(live, base, steps[:at], tmp_path / "land", draw)
        again = opened(found)
        try:
            check(again)
            assert codebook.unfinished(again.yokohama.office.db.read()) == []
            assert outcomes_recorded(again, finished(again)), at
            assert at < len(steps) or len(finished(again)) >= 2
            assert again.run(again.ask(1)).result == "delivered", at
            check(again)
        finally:
            again.close()


@pytest.mark.parametrize("party", STORES)
def test_c1_while_any_partys_flush_hangs_nobody_is_answered_and_afterwards_it_goes_on_once(
    exchange: tuple[Path, Path, list[Step]], tmp_path: Path, party: str
) -> None:
    _, base, _ = exchange
    live = shutil.copytree(base, tmp_path / "land")
    reached, go_on = threading.Event(), threading.Event()

    def hangs(step: Step) -> int:
        if step.what == "flush" and step.path.name == f"{party}.sqlite-wal" and not reached.is_set():
            reached.set()
            assert go_on.wait(60)
        return 0

    async def scene(land: Land) -> None:
        waiting = asyncio.ensure_future(land.ask(1))
        assert await asyncio.to_thread(reached.wait, 60)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
        go_on.set()
        # The asker has gone; what was begun for it runs to its end.
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
        await land.yokohama.desk.carrier.resume(lambda _: land.requester())

    with disk.watched() as steps:
        land = opened(live)
        try:
            requests, before = entries_of(live, REQUEST), len(finished(land))
            steps.fault = hangs
            land.run(scene(land))
            assert codebook.unfinished(land.yokohama.office.db.read()) == []
            assert (entries_of(live, REQUEST), len(finished(land))) == (requests + 1, before + 1)
            assert outcomes_recorded(land, finished(land))
            check(land)
        finally:
            go_on.set()
            land.close()
