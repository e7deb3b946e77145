"""Processor time of one exchange, in one process and in processes of their own over mutual TLS, beside a plain request
and answer through the same transport.

    python bench/separate.py --people 30 --exchanges 60 --at-once 8

Processor time, all threads and all processes; waiting is not in it, so that other work on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from kakine.cli.apart_making import make
from kakine.cli.apart_processes import Processes, about, asked
from kakine.cli.apart_smoke import Agency, agency, ask_all, questions
from kakine.cli.demo_journal import Journal
from kakine.cli.demo_steps import Stage
from kakine.cli.visiting import site
from kakine.contracts.agency import ASK, Asking
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT
from kakine.country import Country
from kakine.institutions.families import Roster
from kakine.values.labels import PartyName

ASKING = PartyName("yokohama")
NAMES = (
    "commission", "authority", "ledger-a-signer", "ledger-b-signer", "ledger-a", "ledger-b",
    "converter-1", "converter-2", "converter-3", "mailbox-a", "mailbox-b", "registry", ASKING,
)  # fmt: skip


def spent(folder: Path, names: tuple[str, ...]) -> dict[str, float]:
    """Seconds of processor time of each process so far."""
    ports, found = about(folder).ports, {}
    for name in names:
        figures = asked(ports[name][1], "/metrics").splitlines()
        found[name] = next(
            float(line.split()[1]) for line in figures if line.startswith("process_cpu_seconds_total")
        )
    return found


def table(title: str, before: dict[str, float], after: dict[str, float], count: int) -> float:
    """Print milliseconds an exchange by party; their sum."""
    print(f"\n{title}")
    total = 0.0
    for name in before:
        each = 1000 * (after[name] - before[name]) / count
        total += each
        print(f"  {name:18}{each:8.2f} ms")
    print(f"  {'together':18}{total:8.2f} ms")
    return total


async def apart(folder: Path, count: int, at_once: int) -> None:
    """Alone and together, then the floor."""
    async with agency(folder, ASKING) as own:
        asking = repeated(
            [q for q in questions(folder, ASKING) if q.provider.startswith(f"{ASKING}/")], count
        )
        await ask_all(own, asking[:8], 4)
        for several in (1, at_once):
            before, begun, used = spent(folder, NAMES), time.perf_counter(), time.process_time()
            await ask_all(own, asking, several)
            seconds, mine = time.perf_counter() - begun, time.process_time() - used
            table(
                f"apart, {several} at once: {count / seconds:.1f} a second",
                before,
                spent(folder, NAMES),
                count,
            )
            print(f"  {'the asking system':18}{1000 * mine / count:8.2f} ms")
        await floor(own, folder)


async def floor(own: Agency, folder: Path) -> None:
    """A request and an answer that do nothing: the head of a log, which its ledger has at hand."""
    ledger, count = PartyName("ledger-b"), 500
    await own.peers.ask(ledger, CHECKPOINT, Nothing())
    before, used = spent(folder, (ledger,)), time.process_time()
    for _ in range(count):
        await own.peers.ask(ledger, CHECKPOINT, Nothing())
    mine = time.process_time() - used
    total = table("floor: a request and its answer over mutual TLS", before, spent(folder, (ledger,)), count)
    print(
        f"  {'the caller':18}{1000 * mine / count:8.2f} ms\n  {'both':18}{total + 1000 * mine / count:8.2f} ms"
    )


def repeated(asking: list[Asking], count: int) -> list[Asking]:
    """So many, over and over."""
    return [asking[at % len(asking)] for at in range(count)]


async def whole(folder: Path, people: int, count: int, at_once: int) -> None:
    """The same country and the same questions in one process, over the same call."""
    folder.mkdir()
    journal = Journal(folder / "demo.sqlite")
    async with await Country.open(site(folder)) as country:
        await journal.about(people, 7)
        stage = Stage(country, journal, Roster(people, 7), True)
        await stage.settle()
        peers = country.peers(ASKING)
        asking = repeated([q for q in _questions(stage) if q.provider.startswith(f"{ASKING}/")], count)
        await asyncio.gather(*(peers.ask(ASKING, ASK, each) for each in asking[:8]))
        for several in (1, at_once):
            gate, used = asyncio.Semaphore(several), time.process_time()

            async def one(each: Asking, gate: asyncio.Semaphore = gate) -> None:
                async with gate:
                    await peers.ask(ASKING, ASK, each)

            await asyncio.gather(*map(one, asking))
            each = 1000 * (time.process_time() - used) / count
            print(f"\nin one process, {several} at once\n  {'together':18}{each:8.2f} ms")
    journal.close()


def _questions(stage: Stage) -> list[Asking]:
    from kakine.institutions.cases import applications

    found = [each.question for each in applications(stage.roster)]
    return [
        Asking(
            q.domain,
            q.provider,
            q.procedure,
            list(q.rows),
            q.reference,
            q.official,
            q.case,
            q.unit,
            q.channel,
        )
        for q in found
        if q.domain.party == ASKING
    ]


def main() -> None:
    """Both shapes, in folders that are gone afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--exchanges", type=int, default=60)
    parser.add_argument("--at-once", type=int, default=8)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "apart"
        asyncio.run(make(folder, told.people, 0))
        processes = Processes(folder)
        processes.up(NAMES)
        try:
            processes.wait(NAMES)
            asyncio.run(apart(folder, told.exchanges, told.at_once))
        finally:
            processes.down()
        asyncio.run(whole(Path(temporary) / "whole", told.people, told.exchanges, told.at_once))


if __name__ == "__main__":
    main()
