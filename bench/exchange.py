"""Exchanges per second in one process, everything included: law, records, gates, fsync, ledger, answers.

    python bench/exchange.py            prints a table
    python bench/exchange.py --json     prints one JSON object

The floor is what no implementation on this group library can go below: 13 variable-base multiplications an
exchange (requester 1, three converters 3 each, recipient and two record keepers 1 each), measured in the same
run on the same cores; the linear check of mode S1 adds 4 multiplications and 4 additions at each record keeper.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from kakine.country import Country, Site, system_clock
from kakine.crypto.group import group, random_scalar
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.keeping import NewCopy, put_copies
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.labels import DomainName, PartyName
from kakine.wire.request import Mode

CHILDREN = DomainName("yokohama/children")
TAX = DomainName("yokohama/tax")
PEOPLE = 256
CALLERS = 64


def multiplication(clock: Callable[[], float] = time.perf_counter) -> tuple[float, float]:
    """µs of one multiplication and one addition by a clock, best of twenty."""
    scalar = random_scalar(secrets.token_bytes)
    points = b"".join(group.mul_base(random_scalar(secrets.token_bytes)) for _ in range(256))
    multiply = min(_timed(lambda: group.mul_each(scalar, points), clock) for _ in range(20)) / 256 * 1e6
    add = min(_timed(lambda: group.sum(points), clock) for _ in range(20)) / 255 * 1e6
    return multiply, add


def floor(taken: list[tuple[float, float]]) -> dict[str, float]:
    """Of an exchange in each mode, from the best multiplication and addition taken before, between and after: a busy
    neighbour at one moment must not raise the floor and flatter us."""
    multiply, add = (min(each) for each in zip(*taken, strict=True))
    plain = 13 * multiply
    return {
        "multiply": multiply,
        "add": add,
        "S0": plain,
        "S0_PLUS": plain,
        "S1": plain + 8 * (multiply + add),
    }


def _timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


async def _country(folder: Path) -> Country:
    country = await Country.open(Site(folder, read_pack(pack_files(pack_folder()))))
    people = [b"person-%09d" % j for j in range(PEOPLE)]
    await country.registry.codes.enrol(people)
    for domain in (CHILDREN, TAX):
        await country.registry.codes.issue(domain, [(each, each) for each in people])
    office = country.gateways[PartyName("yokohama")].office
    validate, office.validate = office.validate, lambda *_: None
    now = system_clock()
    data = msgspec.json.encode({"year": 2025, "income": 3_120_000, "tax": 152_300, "dependants": 2})
    await put_copies(
        office, TAX, [NewCopy(each, "TK-0002", 1, 1, now, now + 10**10, data) for each in people]
    )
    office.validate = validate
    return country


def _question(j: int, mode: Mode) -> Question:
    reference = b"person-%09d" % (j % PEOPLE)
    case = hashlib.sha256(b"case").digest()
    return Question(CHILDREN, TAX, "JO106", ("JO106.2",), reference, "official-7", case, "desk", 2, mode)


class _Meter:
    """Wall and processor time of a stretch of work, and the latencies of its parts."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    async def each(self, work: object) -> None:
        start = time.perf_counter()
        await work  # type: ignore[misc]
        self.latencies.append(time.perf_counter() - start)

    def result(self, exchanges: int) -> dict[str, float]:
        wall = (time.perf_counter() - self._wall) / exchanges
        cpu = (time.process_time() - self._cpu) / exchanges
        ordered = sorted(self.latencies)
        return {
            "per_second": 1 / wall,
            "wall_us": wall * 1e6,
            "cpu_us": cpu * 1e6,
            "p50_ms": statistics.median(ordered) * 1e3,
            "p99_ms": ordered[int(0.99 * (len(ordered) - 1))] * 1e3,
        }


async def _measure(country: Country, mode: Mode, rounds: int) -> dict[str, dict[str, float]]:
    desk = country.gateways[PartyName("yokohama")].desk
    results = {}
    meter = _Meter()
    for j in range(40 * rounds):
        await meter.each(desk.ask(_question(j, mode)))
    results["one caller"] = meter.result(40 * rounds)

    async def caller(start: int, meter: _Meter) -> None:
        for j in range(8 * rounds):
            await meter.each(desk.ask(_question(start + j, mode)))

    meter = _Meter()
    await asyncio.gather(*(caller(8 * k, meter) for k in range(CALLERS)))
    results[f"{CALLERS} callers"] = meter.result(8 * rounds * CALLERS)

    for size in (64, 256):
        in_flight = 256 // size

        async def bulk(start: int, meter: _Meter, size: int = size) -> None:
            for _ in range(2 * rounds):
                await meter.each(desk.ask_many([_question(start + j, mode) for j in range(size)]))

        meter = _Meter()
        await asyncio.gather(*(bulk(size * k, meter) for k in range(in_flight)))
        results[f"batches of {size}"] = meter.result(2 * rounds * 256)
    return results


async def measure(rounds: int = 3) -> dict[str, object]:
    """All modes and shapes, and the floor of this run."""
    folder = Path(tempfile.mkdtemp(prefix="kakine-bench-"))
    try:
        async with await _country(folder) as country:
            gc.collect()
            gc.freeze()
            await _measure(country, Mode.S0, 1)
            taken, modes = [multiplication()], {}
            for mode in Mode:
                modes[mode.name] = await _measure(country, mode, rounds)
                taken.append(multiplication())
            least = floor(taken)
            for name, shapes in modes.items():
                for figures in shapes.values():
                    figures["wall_to_floor"] = figures["wall_us"] / least[name]
                    figures["cpu_to_floor"] = figures["cpu_us"] / least[name]
            return {"floor_us": least, "modes": modes}
    finally:
        shutil.rmtree(folder)


def table(measured: dict[str, object]) -> str:
    """The figures as Markdown."""
    least: dict[str, float] = measured["floor_us"]  # type: ignore[assignment]
    modes: dict[str, dict[str, dict[str, float]]] = measured["modes"]  # type: ignore[assignment]
    lines = [
        f"multiplication {least['multiply']:.1f} µs; "
        f"floor {least['S0']:.0f} µs (S0, S0+), {least['S1']:.0f} µs (S1)",
        "",
        "| mode | shape | exchanges/s | wall ÷ floor | processor ÷ floor | p50 ms | p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {mode} | {shape} | {m['per_second']:.0f} | {m['wall_to_floor']:.2f} | {m['cpu_to_floor']:.2f} "
        f"| {m['p50_ms']:.1f} | {m['p99_ms']:.1f} |"
        for mode, shapes in modes.items()
        for shape, m in shapes.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    figures = asyncio.run(measure())
    print(json.dumps(figures) if "--json" in sys.argv else table(figures))
