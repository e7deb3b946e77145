"""`make test-faults`: the country apart, load all the while, faults from a seed, then the checker.

python -m faults.apart.run --seconds 240 --seed 7            SOAK=1h for longer
python -m faults.apart.run --check OUTCOME                   the checker alone over what a run has left
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from faults.apart import disk, net
from faults.apart.checker import check
from faults.apart.collect import calls_of, collect, runs_gateway
from faults.apart.injectors import EVERYBODY, Fault, Rival
from faults.apart.net import Net
from faults.apart.outcome import KEEPERS, LEDGERS, opened, store_rows
from faults.apart.report import Report
from faults.apart.schedule import Means, Planned, draw
from faults.apart.world import SERVER, World, faketime, founded
from kakine.cli.apart_server import Engine
from kakine.protocols.gates import WINDOW_MS

ROOT = Path(__file__).parents[3]
DISKS = ("converter-2", "mailbox-a", "ledger-b", "yokohama")
CLOCKS = ("converter-1", "mailbox-b", "ledger-a", "sapporo", "university")
SECONDS = 220
LEAST_S = 60
QUIET_S, BEFORE_S = 5, 4
BESIDE_S, MOST_S = 330, 550
"""Founding, starting, settling and checking may take so long, and a run as a whole; then it is ended, and is none."""
ENDING_S = 30
"""To stop everything and say so."""
AFTER_S, AFTER_EACH = 50.0, 1.5
"""Everything after the last fault is given so long, and so many times what all processes took to be ready: no fault
begins that would leave less."""
STARTED_S = 20.0
"""A machine that needs longer until all processes are ready gets so much fewer questions a second."""
_BEGUN = "KAKINE_FAULTS_BEGUN"
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Ended(Exception):
    """The run came to no verdict, and why."""


class Run:
    """One run, in a folder of its own."""

    def __init__(self, folder: Path, report: Report, rate: float, why_alone: str) -> None:
        self._folder, self._report, self._rate = folder, report, rate
        self._why = why_alone
        self._journal = folder / "journal.jsonl"
        self._faults: list[Fault] = []
        self._until = time.monotonic() + max(report.seconds + BESIDE_S, MOST_S) - since_begun()
        self._last_fault = self._until - AFTER_S

    def _say(self, what: str) -> None:
        print(f"{since_begun():6.1f} s  {what}", file=sys.stderr, flush=True)

    def go(self) -> None:
        """Everything up to the verdict, which is in the report then."""
        country, engine = self._folder / "country", Engine(self._report.stores)
        world = founded(country, lambda names: None if self._why else Net(names), engine)
        means = self._means(world)
        if world.cluster is not None:
            world.cluster.start()
        try:
            self._say("the country is founded")
            begun = time.monotonic()
            world.start_all(world.names)
            self._require_ready(world)
            self._say("all take calls")
            took = time.monotonic() - begun
            self._last_fault = self._until - AFTER_S - AFTER_EACH * took
            self._rate *= min(1.0, STARTED_S / took)
            with self._load(country):
                time.sleep(BEFORE_S)
                there_is = max(LEAST_S, self._last_fault - time.monotonic())
                self._do(world, draw(self._report.seed, min(self._report.seconds, there_is), means))
                self._settle(world)
                self._say("all take calls again")
                self._rivals(world)
                self._say("second sequencers have ended")
                time.sleep(QUIET_S)
            self._say("the load has ended")
            self._until_taken_up(world)
            self._say("gateways have taken up what was open")
            self._keepers_look(world)
            self._say("record keepers have looked for what both logs have")
            rivals = [(each.name, each.ended) for each in self._faults if isinstance(each, Rival)]
            outcome = self._folder / "outcome.sqlite"
            collect(world, self._journal, rivals, outcome)
        finally:
            world.stop()
            for each in world.disks.values():
                each.close()
        self._say("everything is collected")
        for one in calls_of(self._journal.read_bytes().splitlines()):
            self._report.ends[one["result"] or one["problem"] or "nothing"] += 1
        with opened(outcome) as found:
            self._report.judged(check(found))

    def _means(self, world: World) -> Means:
        """What can be done here; what cannot is said, loudly."""
        why, skipped = self._why, self._report.skipped
        if why:
            skipped["partitions, disks"] = f"no namespaces: {why}"
        if (no_disk := why or disk.lacking()) == "":
            images = self._folder / "disks"
            images.mkdir()
            for name in DISKS if world.cluster is None else (SERVER,):
                world.disk(name, images / f"{name}.img")
        elif not why:
            skipped["disks"] = no_disk
        if world.disks and (no_slow := disk.cannot_be_slow()):
            skipped["slow disk"] = no_slow
        if faketime():
            for name in CLOCKS:
                world.clocks[name] = self._folder / f"{name}.clock"
                world.clocks[name].write_text("+0\n")
        else:
            skipped["clocks"] = "libfaketime is missing (Debian: libfaketime)"
        for kind, reason in skipped.items():
            print(f"NOT DONE: {kind}: {reason}", file=sys.stderr, flush=True)
        return Means(
            world.names,
            disks=tuple(world.disks),
            slow=bool(world.disks) and "slow disk" not in skipped,
            clocks=tuple(world.clocks),
            net=world.net is not None,
            server=world.cluster is not None,
        )

    @contextmanager
    def _load(self, country: Path) -> Iterator[None]:
        words = [sys.executable, "-m", "faults.apart.load", country, self._journal, "--rate", str(self._rate)]
        with (self._folder / "load.log").open("wb") as log:
            load = subprocess.Popen(
                [*map(str, words), "--seed", str(self._report.seed)],
                env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
                stdout=log,
                stderr=log,
            )
        try:
            # On a slow machine it is long before the first question.
            while load.poll() is None and not self._asked():
                time.sleep(0.2)
            yield
            if load.poll() is not None:
                raise Ended(f"the load has ended: {(self._folder / 'load.log').read_text()[-300:]}")
        finally:
            load.send_signal(signal.SIGTERM)
            try:
                load.wait(max(1.0, self._until - time.monotonic() - ENDING_S))
            except subprocess.TimeoutExpired:
                load.kill()

    def _asked(self) -> bool:
        return self._journal.is_file() and self._journal.stat().st_size > 0

    def _do(self, world: World, plan: Sequence[Planned]) -> None:
        self._say(f"{len(plan)} faults in {max(each.at_s + each.hold_s for each in plan):.0f} s")
        begun, undone = time.monotonic(), set[int]()
        # At one moment what ends comes before what begins: a frozen disk holds even a killed process.
        steps = [(each.at_s + each.hold_s, 0, number) for number, each in enumerate(plan)]
        steps += [(each.at_s, 1, number) for number, each in enumerate(plan)]
        for at, begins, number in sorted(steps):
            fault, now = plan[number].fault, time.monotonic()
            if begins and max(now, begun + at) + plan[number].hold_s > self._last_fault:
                undone.add(number)
            if number in undone:
                continue
            time.sleep(max(0.0, begun + at - now))
            if not begins:
                fault.heal(world)
                self._revive(world, busy={name for each in self._open(plan, at) for name in each.on})
                continue
            self._say(f"{fault.kind}: {', '.join(sorted(fault.on))}")
            self._report.faults[fault.kind] += 1
            self._faults.append(fault)
            fault.inject(world)
        left = [plan[number].fault for number in sorted(undone) if plan[number].needed]
        self._report.undone = [f"{each.kind}: {', '.join(sorted(each.on))}" for each in left]

    def _open(self, plan: Sequence[Planned], at: float) -> list[Fault]:
        return [each.fault for each in plan if each.at_s <= at < each.at_s + each.hold_s]

    def _revive(self, world: World, busy: set[str]) -> None:
        """As whoever supervises processes does: who has ended by itself is started again."""
        if world.cluster is not None and world.cluster.running is None and EVERYBODY not in busy:
            self._report.revived[SERVER] += 1
            world.cluster.start()
        running = world.processes.running()
        for name in world.names:
            if name not in running and name not in busy and EVERYBODY not in busy:
                self._report.revived[name] += 1
                world.start(name)

    def _settle(self, world: World) -> None:
        """Everybody is up and takes calls."""
        self._revive(world, set())
        self._require_ready(world)

    def _rivals(self, world: World) -> None:
        """Once more while nothing else is wrong, so that a second process has all it needs to begin."""
        rivals = [Rival(name) for name in LEDGERS]
        for rival in rivals:
            self._report.faults[rival.kind] += 1
            self._faults.append(rival)
            rival.inject(world)
        for rival in rivals:
            rival.heal(world)
        self._require_ready(world)

    def _require_ready(self, world: World) -> None:
        left = world.wait(self._until - time.monotonic())
        if left:
            tails = {name: world.processes.log(name).read_text().splitlines()[-3:] for name in left}
            raise Ended(f"not ready: {tails}")

    def _keepers_look(self, world: World) -> None:
        """What stands in both logs, since a ledger's answer was lost, record keepers find each hour and at a start."""
        for name in KEEPERS:
            world.processes.end(name)
            world.start(name)
            self._require_ready(world)
            time.sleep(QUIET_S)

    def _until_taken_up(self, world: World) -> None:
        """What a fault has broken off gateways take up while they work. What they leave open the checker finds."""
        rows = store_rows(lambda party: world.own(party) / f"{party}.sqlite")
        gateways = [name for name in world.parties if runs_gateway(world, name)]
        until = min(self._until, time.monotonic() + WINDOW_MS / 1000 + QUIET_S)
        while time.monotonic() < until:
            if not sum(len(rows(name, "SELECT request FROM outgoing")) for name in gateways):
                return
            time.sleep(0.5)


def since_begun() -> float:
    """Seconds since the command was given, in whichever namespace."""
    return time.monotonic() - float(os.environ.setdefault(_BEGUN, str(time.monotonic())))


def seconds_of(text: str) -> float:
    """ "90", "10m", "1h"."""
    found = re.fullmatch(r"(\d+)([smh]?)", text)
    if found is None:
        raise SystemExit(f"SOAK={text}: a number with s, m or h")
    return int(found[1]) * _UNITS[found[2]]


def _told() -> argparse.Namespace:
    words = argparse.ArgumentParser()
    words.add_argument(
        "--seconds", type=seconds_of, default=seconds_of(os.environ.get("SOAK") or str(SECONDS))
    )
    words.add_argument(
        "--seed", type=int, default=int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    )
    words.add_argument(
        "--stores", choices=list(Engine), default=os.environ.get("STORES") or Engine.POSTGRESQL
    )
    words.add_argument("--rate", type=float, default=3, help="Questions a second.")
    words.add_argument("--out", type=Path, default=ROOT / ".artefacts" / "faults")
    words.add_argument(
        "--plain", action="store_true", help="Without namespaces, even where they are allowed."
    )
    words.add_argument("--check", type=Path, help="An outcome of another run; nothing is run.")
    return words.parse_args()


def _install() -> None:
    """What moves clocks, where it is missing and may be had."""
    if faketime() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    for words in (["update", "-q"], ["install", "-qy", "--no-install-recommends", "libfaketime"]):
        subprocess.run(["apt-get", *words], check=False, capture_output=True)
    if os.environ.get("CI") and not faketime():
        raise SystemExit("libfaketime could not be installed")


def main() -> int:
    """0 if no rule is broken."""
    told = _told()
    if told.check is not None:
        with opened(told.check) as found:
            report = Report(0, "a file", 0, Counter())
            report.judged(check(found))
        print(report.text())
        return 0 if report.green else 1
    os.environ["SEED"] = str(told.seed)
    since_begun()
    _install()
    why = "not wanted" if told.plain else net.alone(["-m", "faults.apart.run", *sys.argv[1:]])
    print(
        f"seed {told.seed}: SEED={told.seed} make test-faults does the same faults in the same order",
        file=sys.stderr,
        flush=True,
    )
    report = Report(told.seed, told.stores, told.seconds)
    left = max(told.seconds + BESIDE_S, MOST_S) - since_begun()
    faulthandler.dump_traceback_later(left + 2 * ENDING_S, exit=True)
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(max(1, int(left)))
    folder = Path(tempfile.mkdtemp(prefix="kakine-faults-"))
    folder.chmod(0o711)  # the server's own account goes through
    try:
        Run(folder, report, told.rate, why).go()
    except Ended as fault:
        report.ended = str(fault)
    finally:
        signal.alarm(0)
        report.took = since_begun()
        report.write(told.out)
        for name in ("outcome.sqlite", "journal.jsonl", "load.log"):
            if (folder / name).is_file():
                shutil.copy(folder / name, told.out / name)
        shutil.copytree(folder / "country" / "operator" / "logs", told.out / "logs", dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    print(report.text())
    print(f"{since_begun():6.1f} s  {report.verdict}", file=sys.stderr, flush=True)
    return 0 if report.green else 1


def _out_of_time(*_: object) -> None:
    raise Ended("out of time")


if __name__ == "__main__":
    sys.exit(main())
