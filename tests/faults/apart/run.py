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
from faults.apart.collect import calls_of, collect
from faults.apart.injectors import EVERYBODY, Fault, Rival
from faults.apart.net import Net
from faults.apart.outcome import LEDGERS, opened
from faults.apart.report import Report
from faults.apart.schedule import Means, Planned, draw
from faults.apart.world import SERVER, World, faketime, founded
from kakine.cli.apart_server import Engine

ROOT = Path(__file__).parents[3]
DISKS = ("converter-2", "mailbox-a", "ledger-b", "yokohama")
CLOCKS = ("converter-1", "mailbox-b", "ledger-a", "sapporo", "university")
SECONDS = 240
QUIET_S, BEFORE_S = 8, 4
MOST_BESIDE_S, MOST_S = 340, 590
"""Founding, starting, settling and checking may take so long; then the run is ended, and is no run."""
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Run:
    """One run, in a folder of its own."""

    def __init__(self, folder: Path, report: Report, rate: float, why_alone: str) -> None:
        self._folder, self._report, self._rate = folder, report, rate
        self._why = why_alone
        self._journal = folder / "journal.jsonl"
        self._faults: list[Fault] = []
        self._begun = time.monotonic()

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._begun:6.1f} s  {what}", flush=True)

    def go(self) -> None:
        """Everything up to the verdict, which is in the report then."""
        country, engine = self._folder / "country", Engine(self._report.stores)
        world = founded(country, lambda names: None if self._why else Net(names), engine)
        means = self._means(world)
        if world.cluster is not None:
            world.cluster.start()
        try:
            world.start_all(world.names)
            self._require_ready(world)
            self._say("all take calls")
            with self._load(country):
                time.sleep(BEFORE_S)
                self._do(world, draw(self._report.seed, self._report.seconds, means))
                self._settle(world)
                self._say("all take calls again")
                self._rivals(world)
                time.sleep(QUIET_S)
            self._say("the load has ended")
            self._reopen_gateways(world)
            self._say("gateways have started anew")
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
            print(f"NOT DONE: {kind}: {reason}", flush=True)
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
            yield
            if load.poll() is not None:
                raise RuntimeError(f"the load has ended: {(self._folder / 'load.log').read_text()[-2000:]}")
        finally:
            load.send_signal(signal.SIGTERM)
            try:
                load.wait(180)
            except subprocess.TimeoutExpired:
                load.kill()

    def _do(self, world: World, plan: Sequence[Planned]) -> None:
        begun = time.monotonic()
        # At one moment what ends comes before what begins: a frozen disk holds even a killed process.
        steps = [(each.at_s + each.hold_s, 0, number) for number, each in enumerate(plan)]
        steps += [(each.at_s, 1, number) for number, each in enumerate(plan)]
        for at, begins, number in sorted(steps):
            time.sleep(max(0.0, begun + at - time.monotonic()))
            fault = plan[number].fault
            if not begins:
                fault.heal(world)
                self._revive(world, busy={name for each in self._open(plan, at) for name in each.on})
                continue
            self._say(f"{fault.kind}: {', '.join(sorted(fault.on))}")
            self._report.faults[fault.kind] += 1
            self._faults.append(fault)
            fault.inject(world)

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
        for name in LEDGERS:
            rival = Rival(name)
            self._report.faults[rival.kind] += 1
            self._faults.append(rival)
            rival.inject(world)
            rival.heal(world)
        self._require_ready(world)

    def _require_ready(self, world: World) -> None:
        left = world.wait()
        if left:
            tails = {name: world.processes.log(name).read_text().splitlines()[-3:] for name in left}
            raise RuntimeError(f"not ready: {tails}")

    def _reopen_gateways(self, world: World) -> None:
        """A gateway takes up what was left open when it starts."""
        for name in world.parties:
            if 'kind = "gateway"' in (world.own(name) / "party.toml").read_text():
                world.processes.end(name)
                world.start(name)
        self._require_ready(world)


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
    _install()
    why = "not wanted" if told.plain else net.alone(["-m", "faults.apart.run", *sys.argv[1:]])
    print(
        f"seed {told.seed}: SEED={told.seed} make test-faults does the same faults in the same order",
        flush=True,
    )
    report = Report(told.seed, told.stores, told.seconds)
    faulthandler.dump_traceback_later(max(told.seconds + MOST_BESIDE_S, MOST_S), exit=True)
    folder = Path(tempfile.mkdtemp(prefix="kakine-faults-"))
    folder.chmod(0o711)  # the server's own account goes through
    try:
        Run(folder, report, told.rate, why).go()
    finally:
        report.write(told.out)
        for name in ("outcome.sqlite", "journal.jsonl", "load.log"):
            if (folder / name).is_file():
                shutil.copy(folder / name, told.out / name)
        shutil.copytree(folder / "country" / "operator" / "logs", told.out / "logs", dirs_exist_ok=True)
        shutil.rmtree(folder)
    print(report.text())
    return 0 if report.green else 1


if __name__ == "__main__":
    sys.exit(main())
