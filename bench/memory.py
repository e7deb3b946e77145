"""Memory of the whole country, all parties in one process, with many residents.

    python bench/memory.py [--residents 100000]

Residents are entered by their municipalities over the registry's own calls, numbered, enrolled with the converters and
the record keeper, and known to two agencies each. The figure is the process's peak resident set.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from kakine.contracts.registry import ACQUIRE, ENTER, Acquire, ByNumber, Enter, Entry, Numbered, Wanted
from kakine.country import LOGIN, REGISTRY, Country, Site
from kakine.institutions.people import REFERENCE_DAY, households
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime.pack import pack_files, pack_folder

BATCH = 256
TOWNS = {"141003": "yokohama", "011002": "sapporo", "272035": "toyonaka"}


async def _load(folder: Path, residents: int) -> dict[str, float]:
    country = await Country.open(Site(folder, read_pack(pack_files(pack_folder()))))
    start, entered, refused = time.perf_counter(), 0, 0
    waiting: dict[str, list[Entry]] = {town: [] for town in TOWNS.values()}
    rng = random.Random(7)
    async with country:
        founded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

        async def flush(town: str) -> None:
            nonlocal entered, refused
            batch, waiting[town] = waiting[town], []
            if not batch:
                return
            peers = country.peers(town)
            given = await peers.ask(REGISTRY.party, ENTER, Enter(batch))
            numbers = [
                (entry, each.number)
                for entry, each in zip(batch, given.outcomes, strict=True)
                if isinstance(each, Numbered)
            ]
            refused += len(batch) - len(numbers)
            entered += len(numbers)
            wanted = [Wanted(entry.key, ByNumber(number, entry.birth)) for entry, number in numbers]
            if wanted:
                await peers.ask(REGISTRY.party, ACQUIRE, Acquire(f"{town}/residents", wanted))
                await country.peers(LOGIN.party).ask(REGISTRY.party, ACQUIRE, Acquire(LOGIN, wanted))

        for household in households(residents, rng):
            key = secrets.token_bytes(16)
            for person in household.residents:
                if not person.name:
                    continue  # a newborn is entered by its parent, not here
                town = TOWNS[household.town]
                waiting[town].append(
                    Entry(
                        secrets.token_bytes(16),
                        person.name,
                        person.kana,
                        person.birth,
                        person.sex,
                        key,
                        REFERENCE_DAY,
                        household.address,
                    )
                )
                if len(waiting[town]) == BATCH:
                    await flush(town)
        for town in TOWNS.values():
            await flush(town)
    return {
        "residents": entered,
        "refused": refused,
        "seconds": time.perf_counter() - start,
        "founded_mb": founded,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(residents: int) -> dict[str, float]:
    """Peak resident set in MB after `residents` people. Run it in a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="kakine-memory-"))
    try:
        return asyncio.run(_load(folder, residents))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--residents", type=int, default=100_000)
    json.dump(measure(parser.parse_args().residents), sys.stdout)
    print()
