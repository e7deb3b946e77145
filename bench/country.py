"""A country whose parties run apart, under load from a second process: `make bench-country`.

    python bench/country.py [--engine both] [--residents 120] [--seconds 8] [--growth] [--out FILE]

Every figure stands beside a floor of the same run. Prints Markdown; progress goes to standard error, all that was
measured to .artefacts/country.json. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import country_cost as cost
import country_file as job
import country_floors as floors
import country_growth as growth
import country_tables as tables
from kakine.cli.apart_making import make
from kakine.cli.apart_processes import Processes, about, tail
from kakine.cli.apart_server import Engine
from kakine.values.problems import CountryMissing, PartyUnavailable

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / ".artefacts" / "country.json"
CALLERS = (1, 16, 64)
MIXES = ("one", "all")
BULK = 256
"""Callers of one procedure, so that every request is full."""


def say(what: str) -> None:
    """Progress."""
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", file=sys.stderr, flush=True)


class LoadProcess:
    """The second process (`country_load`)."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "country_load.py"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def begin(self, **order: Any) -> None:
        """Give an order; `end` has its figures."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def end(self) -> dict[str, Any]:
        """The figures of the order that was given."""
        return self._read()

    def run(self, **order: Any) -> dict[str, Any]:
        """Both."""
        self.begin(**order)
        return self.end()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the load generator has ended")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def running(folder: Path) -> Iterator[float]:
    """The country at work; gives the seconds until all took calls."""
    names, processes = list(about(folder).ports), Processes(folder)
    begun = time.perf_counter()
    try:
        processes.up(names)
        processes.wait(names, 600)
        yield time.perf_counter() - begun
    except PartyUnavailable as problem:
        for line in tail(processes.log(str(problem.facts["party"]))):
            say(line)
        raise
    finally:
        processes.down()


class Country:
    """One that runs, and what is measured of it."""

    def __init__(self, folder: Path, load: LoadProcess, seconds: float) -> None:
        self._folder = folder
        self.load = load
        server = Processes(folder).server
        self._postmaster = server.running if server else None
        self._seconds = seconds
        self._askers = cost.gateways(folder)
        self._idle_ms = 0.0

    def rest(self, seconds: float = 4, most: int = 30) -> None:
        """See what the clockwork of all parties takes while nobody asks; from now on `net_ms` leaves it out. Waits for
        whoever catches up after a start: until two looks in a row tell the same within a tenth of a processor."""
        last = float("inf")
        for _ in range(most):
            before = cost.used(self._folder, self._postmaster)
            time.sleep(seconds)
            sorts = cost.by_sort(before, cost.used(self._folder, self._postmaster), self._askers)
            self._idle_ms = sum(each.per(1).whole for each in sorts.values()) / seconds
            if abs(self._idle_ms - last) < 100:
                break
            last = self._idle_ms
        say(f"at rest: {self._idle_ms:.0f} ms of processor a second")

    def figures(self, **order: Any) -> dict[str, Any]:
        """Of one order: those of the load generator, and milliseconds an exchange by sort of party."""
        order = {"seconds": self._seconds, **order}
        before = cost.used(self._folder, self._postmaster)
        found = self.load.run(**order)
        after = cost.used(self._folder, self._postmaster)
        count = max(found["count"], 1)
        sorts = cost.by_sort(before, after, self._askers)
        parts = {name: asdict(each.per(count)) for name, each in sorts.items()}
        found["cpu_ms"] = {**parts, "the load generator": {"loop": 1000 * found["load_cpu_s"] / count}}
        clockwork = self._idle_ms * found["seconds"] / count
        found["net_ms"] = sum(each.per(count).whole for each in sorts.values()) - clockwork
        say(f"{order}: {found['per_second']:.1f}/s, p50 {found['p50_ms']:.1f}, p99 {found['p99_ms']:.1f} ms")
        return found

    def interactive(self) -> dict[str, Any]:
        """Closed loops, and an open one at half of the best rate, of each mix."""
        found: dict[str, Any] = {}
        for mix in MIXES:
            self.load.run(mix=mix, callers=16, seconds=2)
            shapes = {
                str(callers): self.figures(mix=mix, callers=callers, seconds=self._of(callers))
                for callers in CALLERS
            }
            best = max(each["per_second"] for each in shapes.values())
            found[mix] = {"closed": shapes, "open": self.figures(mix=mix, rate=best / 2)}
        return found

    def _of(self, callers: int) -> float:
        # A lone caller asks few in a second; its p99 needs as many as the others'.
        return self._seconds * (2 if callers == 1 else 1)

    def bulk(self) -> dict[str, Any]:
        """Full requests of one procedure, alone, and then with one clerk of another agency who asks meanwhile."""
        other = next(name for name in sorted(self._askers) if name != "yokohama" and self._asks(name))
        alone = self.figures(mix=other, callers=1)
        full = self.figures(mix="one", callers=BULK)
        with closing(LoadProcess(self._folder)) as second:
            self.load.begin(mix="one", callers=BULK, seconds=self._seconds + 2)
            during = second.run(mix=other, callers=1, seconds=self._seconds)
            beside = self.load.end()
        return {"full": full, "beside": beside, "single_alone": alone, "single_during": during}

    def file(self) -> dict[str, Any]:
        """A job over everybody in a file, of one agency alone, by the command that a clerk has."""
        known = job.people(self._folder)
        before = cost.used(self._folder, self._postmaster)
        found = job.run(self._folder, known, f"bench-{time.time_ns()}")
        after = cost.used(self._folder, self._postmaster)
        sorts = cost.by_sort(before, after, self._askers)
        found["cpu_ms"] = {name: asdict(each.per(max(found["count"], 1))) for name, each in sorts.items()}
        say(f"a file of {len(known)} people: {found['per_second']:.1f}/s, {found['results']}")
        return found

    def _asks(self, name: str) -> bool:
        return any(str(each["domain"]).startswith(f"{name}/") for each in about(self._folder).questions)

    def floor(self) -> dict[str, Any]:
        """A request that does nothing, through the same border."""
        command = [sys.executable, str(HERE / "country_floors.py"), str(self._folder), "yokohama"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
            try:
                assert served.stdout is not None
                port = int(served.stdout.readline())
                self.load.run(floor=port, callers=64, seconds=1)
                found = {}
                for callers, together in (*((each, False) for each in CALLERS), (CALLERS[-1], True)):
                    before = cost.of_process(served.pid)
                    each = self.load.run(floor=port, together=together, callers=callers, seconds=3)
                    each["server_cpu_s"] = (cost.of_process(served.pid) - before).whole
                    name = f"{callers} callers, {'as parties call' if together else 'a request each'}"
                    found[name] = each
                    say(f"floor, {name}: {each['per_second']:.0f}/s")
            finally:
                served.send_signal(signal.SIGTERM)
        return found


def about_machine() -> dict[str, Any]:
    """Where and when."""
    words = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(words, cwd=HERE, capture_output=True, text=True, check=False).stdout.strip()
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )  # fmt: skip
    return {
        "commit": commit or "unknown",
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": os.cpu_count(),
        "cpu": cpu,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load": os.getloadavg()[0],
        "command": " ".join(["python", *sys.argv]),
    }


def filesystem(folder: Path) -> str:
    """What the stores are on: a durable write costs what it costs there."""
    words = ["findmnt", "-n", "-o", "FSTYPE", "-T", str(folder)]
    told = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    return told[-1] if told else "unknown"


def clear(folder: Path) -> None:
    """Take away the country, and its server's folder, which may be elsewhere."""
    with suppress(CountryMissing):
        server = Processes(folder).server
        if server is not None:
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def measure(engine: Engine, folder: Path, told: argparse.Namespace) -> dict[str, Any]:
    """Found a country in an empty folder, and measure it."""
    say(f"founding a country of {told.residents} in {engine} ...")
    asyncio.run(make(folder, told.residents, 0, engine))
    found: dict[str, Any] = {"residents": told.residents, "disk": filesystem(folder)}
    with running(folder) as seconds, closing(LoadProcess(folder)) as load:
        found["ready_s"] = seconds
        country = Country(folder, load, told.seconds)
        found["group_ms"] = floors.group_ms()
        found["floor"] = country.floor()
        found["interactive"] = country.interactive()
        found["bulk"] = country.bulk()
        found["bulk"]["file"] = country.file()
        found["memory_mb"] = cost.memory_mb(folder)
        found["group_ms"] = {mode: min(ms, found["group_ms"][mode]) for mode, ms in floors.group_ms().items()}
    if told.growth:
        found["growth"] = growth.measure(folder, told.points, running, LoadProcess, Country, say)
    return found


def main() -> None:
    """Everything, in folders that are gone afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=[*Engine, "both"], default=str(Engine.POSTGRESQL))
    parser.add_argument("--residents", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--points", default=growth.POINTS)
    parser.add_argument("--out", type=Path, default=OUT)
    told = parser.parse_args()
    found: dict[str, Any] = {"machine": about_machine(), "engines": {}}
    for name in Engine if told.engine == "both" else (told.engine,):
        folder = Path(tempfile.mkdtemp(prefix="kc-"))
        try:
            found["engines"][name] = measure(Engine(name), folder, told)
        finally:
            clear(folder)
        told.out.parent.mkdir(parents=True, exist_ok=True)
        told.out.write_text(json.dumps(found, indent=1))
    found["machine"]["load_after"] = os.getloadavg()[0]
    told.out.write_text(json.dumps(found, indent=1))
    print(tables.whole(found))


if __name__ == "__main__":
    main()
