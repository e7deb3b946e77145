"""Receipts a second of one ledger, beside the bare group commit of the same rows on the same database.

    python bench/ledger.py [folder]

`ledger` is everything from the decoded request on: the check of the filing signature, the sequencer, a durable
commit, the read-back, the signer with its own durable commit in another file, and the range proof. `commit`
writes one entry row and nothing else. Both run in one process, in a new file; each figure is a whole run with
that many closed-loop callers.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from kakine.contracts.call import Role
from kakine.contracts.ledger import Append
from kakine.crypto.hashing import digest
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.attest import Attestor
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import _ADD_ENTRY, METADATA, Store
from kakine.parties.ledger.use_cases import Duties
from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.runtime.database import Database
from kakine.runtime.http import InProcess, Peers
from kakine.values.labels import PartyName
from kakine.wire import filing
from kakine.wire.entry import Entry, EntryFlags, EntryKind

ORIGIN = "ledger.example/bench"
MAILBOX, LEDGER, SIGNER = PartyName("mailbox"), PartyName("ledger"), PartyName("ledger-signer")
FILER = SigningKey(b"M" * 32)
KEY = SigningKey(b"L" * 32)


def _request(number: int) -> Append:
    entry = Entry(
        EntryKind.REQUEST, 7, 408, EntryFlags(0), 1, digest("n", b"%d" % number), bytes(32)
    ).encode()
    tag = digest("xid", b"%d" % number)
    made = filing.filing_of(
        request=bytes(32), points=bytes(32), entries=entry, tags=tag, hops=bytes(32), minutes=1
    )
    return Append(entry, tag, *filing.sign(made, FILER))


async def _closed_loop(callers: int, each: int, call: Callable[[int], Awaitable[object]]) -> dict[str, float]:
    times: list[float] = []

    async def caller(start: int) -> None:
        for number in range(start, start + each):
            begun = time.perf_counter()
            await call(number)
            times.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(caller(each * one) for one in range(callers)))
    rate = len(times) / (time.perf_counter() - begun)
    times.sort()
    return {
        "per_second": round(rate),
        "p50_ms": round(times[len(times) // 2] * 1000, 2),
        "p99_ms": round(times[len(times) * 99 // 100] * 1000, 2),
    }


def _ledger(folder: Path, callers: int, each: int) -> dict[str, float]:
    database = Database.open(folder / f"ledger-{callers}", METADATA)
    store = Store(database)
    signer = Signer.open(SignerSettings(ORIGIN, LEDGER, folder / f"signer-{callers}", KEY))
    road = Peers(InProcess(LEDGER, {SIGNER: signer.app}))
    duties = Duties(
        store,
        Sequencer(store, Attestor(road, SIGNER, ORIGIN, KEY.public)),
        lambda party: FILER.public,
        lambda party: frozenset({Role.MAILBOX}),
    )
    requests = [_request(number) for number in range(callers * each)]
    figures = asyncio.run(_closed_loop(callers, each, lambda n: duties.append(MAILBOX, requests[n])))
    database.close()
    signer.close()
    return figures


def _commit(folder: Path, callers: int, each: int) -> dict[str, float]:
    database = Database.open(folder / f"commit-{callers}", METADATA)
    rows = [
        {"idx": number, "tag": request.tags, "bytes": request.entries}
        for number, request in enumerate(map(_request, range(callers * each)))
    ]

    def call(number: int) -> Awaitable[object]:
        return database.write(lambda connection: connection.execute(_ADD_ENTRY, rows[number]).rowcount)

    figures = asyncio.run(_closed_loop(callers, each, call))
    database.close()
    return figures


def measure(folder: Path, requests: int = 6400) -> dict[str, dict[str, float]]:
    """Rate and latency of `ledger` and `commit` at 1 and 64 callers."""
    figures: dict[str, dict[str, float]] = {}
    for callers in (1, 64):
        each = max(1, requests // callers // (4 if callers == 1 else 1))
        figures[f"commit, {callers} callers"] = _commit(folder, callers, each)
        figures[f"ledger, {callers} callers"] = _ledger(folder, callers, each)
    return figures


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as made:
        for name, figures in measure(Path(made)).items():
            print(name, figures)
