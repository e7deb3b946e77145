"""A job over everybody in a file beside the same requests without its books, and what it does to single questions.

    python bench/bulk.py [--people 2048] [--json]

The floor is that of bench/exchange.py in mode S1. Single questions are asked by one clerk, one after the other with a
pause of 50 ms, first alone and then while a job runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import statistics
import tempfile
import time
from pathlib import Path

import msgspec

from exchange import CHILDREN, TAX, _question, floor, multiplication
from kakine.country import Country, Site, system_clock
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.bulk import jobs
from kakine.parties.gateway.bulk.jobs import Order, Person
from kakine.parties.gateway.keeping import NewCopy, put_copies
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.labels import PartyName
from kakine.wire.request import Mode

PAUSE_S = 0.05
SINGLES = 100


def _reference(j: int) -> bytes:
    return b"person-%09d" % j


async def _country(folder: Path, people: int) -> Country:
    country = await Country.open(Site(folder, read_pack(pack_files(pack_folder()))))
    for first in range(0, people, 256):
        some = [_reference(j) for j in range(first, min(first + 256, people))]
        await country.registry.codes.enrol(some)
        for domain in (CHILDREN, TAX):
            await country.registry.codes.issue(domain, [(each, each) for each in some])
    office = country.gateways[PartyName("yokohama")].office
    validate, office.validate = office.validate, lambda *_: None
    now = system_clock()
    data = msgspec.json.encode({"year": 2025, "income": 3_120_000, "tax": 152_300, "dependants": 2})
    copies = [NewCopy(_reference(j), "TK-0002", 1, 1, now, now + 10**10, data) for j in range(people)]
    await put_copies(office, TAX, copies)
    office.validate = validate
    return country


async def _job(gateway: Gateway, people: int) -> float:
    case = secrets.token_hex(8)
    who = tuple(Person(_reference(j), case) for j in range(people))
    order = Order(CHILDREN, TAX, "JO106", ("JO106.2",), "official-7", "desk", who)
    start = time.perf_counter()
    job = await jobs.begin(gateway.office, order)
    await jobs.run(gateway.desk, gateway.office, job)
    await jobs.end(gateway.office, job)
    return time.perf_counter() - start


async def _bare(gateway: Gateway, people: int) -> float:
    """The same requests, as many at a time, with no books kept."""
    firsts = iter(range(0, people, jobs.TOGETHER))

    async def lane() -> None:
        for first in firsts:
            last = min(first + jobs.TOGETHER, people)
            await gateway.desk.ask_many([_question(j, Mode.S1) for j in range(first, last)])

    start = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(jobs.LANES)))
    return time.perf_counter() - start


async def _singles(gateway: Gateway, count: int) -> list[float]:
    found = []
    for j in range(count):
        start = time.perf_counter()
        await gateway.desk.ask(_question(j, Mode.S0_PLUS))
        found.append((time.perf_counter() - start) * 1e3)
        await asyncio.sleep(PAUSE_S)
    return found


async def measure(people: int) -> dict[str, float]:
    """Milliseconds, and people a second."""
    with tempfile.TemporaryDirectory() as folder:
        country = await _country(Path(folder) / "country", people)
        gateway = country.gateways[PartyName("yokohama")]
        taken = [multiplication()]
        await _singles(gateway, 10)
        bare, job = min([await _bare(gateway, people) for _ in range(3)]), await _job(gateway, people)
        job = min(job, await _job(gateway, people), await _job(gateway, people))
        taken.append(multiplication())
        alone = await _singles(gateway, SINGLES)
        running = asyncio.create_task(_job(gateway, people))
        beside = await _singles(gateway, SINGLES)
        busy = not running.done()
        slowed = await running
        country.close()
    return {
        "people": people,
        "floor_us": floor(taken)["S1"],
        "bare_us": bare / people * 1e6,
        "job_us": job / people * 1e6,
        "beside_us": slowed / people * 1e6,
        "outlasted": float(busy),
        **{f"alone_{name}": value for name, value in _spread(alone).items()},
        **{f"during_{name}": value for name, value in _spread(beside).items()},
    }


def _spread(found: list[float]) -> dict[str, float]:
    return {"p50": statistics.median(found), "p99": sorted(found)[int(0.99 * (len(found) - 1))]}


def table(found: dict[str, float]) -> str:
    """Markdown."""
    floor_us, bare = found["floor_us"], found["bare_us"]
    lines = [
        "| a person of a job | µs | people/s | of the floor | of bare requests |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, key in (
        ("requests of 64, two at a time, no books", "bare_us"),
        ("the job, alone", "job_us"),
        ("the job, with a clerk asking", "beside_us"),
    ):
        us = found[key]
        lines.append(f"| {name} | {us:,.0f} | {1e6 / us:,.0f} | {us / floor_us:.2f} | {us / bare:.2f} |")
    lines += ["", "| a single question | p50 ms | p99 ms |", "|---|--:|--:|"]
    for name, key in (("with nothing else", "alone"), ("while a job runs", "during")):
        lines.append(f"| {name} | {found[f'{key}_p50']:.1f} | {found[f'{key}_p99']:.1f} |")
    if not found["outlasted"]:
        lines.append("\n**The job was over before the questions were: take more people.**")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=2048)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = asyncio.run(measure(chosen.people))
    print(json.dumps(found) if chosen.json else table(found))


if __name__ == "__main__":
    main()
