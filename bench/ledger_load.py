"""Callers of one ledger, and what they ask for. Part of bench/ledger.py."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ledger_million
from kakine.contracts.ledger import Append
from kakine.crypto.hashing import digest
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import METADATA, Growth, Store
from kakine.parties.ledger.use_cases import Duties
from kakine.runtime.database import Database
from kakine.values.labels import PartyName
from kakine.wire import filing
from kakine.wire.entry import Entry, EntryFlags, EntryKind

CONVERTER = PartyName("converter-3")
KEEPERS = [PartyName("mailbox-a"), PartyName("mailbox-b")]
FILER = SigningKey(b"M" * 32)


class Recorded(Store):
    """Remembers what was written and in which groups."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.growths: list[Growth] = []

    async def grow(self, growth: Growth) -> None:
        """As the ledger's own."""
        self.growths.append(growth)
        await super().grow(growth)


@dataclass(frozen=True)
class Figures:
    """Of one run: entries a second, milliseconds that a request waited, µs of processor time (all threads) an entry."""

    rate: float
    p50: float
    p99: float
    cpu: float

    @classmethod
    def of(cls, entries: int, times: list[float], seconds: float, cpu: float) -> Figures:
        """All in seconds; `times` one a request."""
        times.sort()
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        return cls(entries / seconds, p50 * 1e3, p99 * 1e3, cpu / entries * 1e6)


def request(number: int, count: int) -> Append:
    """A signed filing of `count` entries that no other number has."""
    entries, tags = b"", b""
    for each in range(count):
        name = b"%d/%d" % (number, each)
        kind, commitment = EntryKind.REQUEST, digest("n", name)
        entries += Entry(kind, 7, 408, EntryFlags(0), 1, commitment, bytes(32)).encode()
        tags += digest("xid", name)
    made = filing.filing_of(
        request=bytes(32), points=bytes(32), entries=entries, tags=tags, hops=bytes(32), minutes=1
    )
    return Append(entries, tags, [filing.sign(made, keeper, FILER) for keeper in KEEPERS])


@contextmanager
def requests_of(callers: int, count: int, each: int) -> Iterator[list[Append]]:
    """All that will be asked, made before the clock starts and kept out of the garbage collector's sight: a server
    does not hold the requests of its future."""
    made = [request(number, count) for number in range(callers * each)]
    gc.collect()
    gc.freeze()
    try:
        yield made
    finally:
        gc.unfreeze()


def closed_loop(callers: int, count: int, each: int, call: Callable[[int], Awaitable[object]]) -> Figures:
    """`call(number)` for each request of each caller, who asks again as soon as it is answered."""
    begun, cpu = time.perf_counter(), time.process_time()
    times = asyncio.run(_all(callers, each, call))
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return Figures.of(callers * count * each, times, seconds, cpu)


async def _all(callers: int, each: int, call: Callable[[int], Awaitable[object]]) -> list[float]:
    times: list[float] = []

    async def caller(start: int) -> None:
        for number in range(start, start + each):
            begun = time.perf_counter()
            await call(number)
            times.append(time.perf_counter() - begun)

    await asyncio.gather(*(caller(each * one) for one in range(callers)))
    return times


def receipts(path: Path, callers: int, count: int, each: int) -> tuple[Figures, list[Growth]]:
    """The ledger on the file `path`, and what it wrote."""
    database = Database.open(path, METADATA)
    store = Recorded(database)
    with requests_of(callers, count, each) as requests, ledger_million.signer(path) as attestor:
        duties = Duties(store, Sequencer(store, attestor), lambda _: FILER.public, lambda _: KEEPERS)
        figures = closed_loop(callers, count, each, lambda n: duties.append(CONVERTER, requests[n]))
    database.close()
    return figures, store.growths
