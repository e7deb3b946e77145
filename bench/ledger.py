"""Receipts of one ledger beside two floors of the same run: `make bench-ledger`. Prints Markdown, in about two minutes.

    python bench/ledger.py [--folder DIR] [--rounds 5] [--leaves 1000000]

- *receipt* is everything from the decoded request on: the checks of both filings' signatures, the sequencer, a durable
  commit, the read-back, the signer with a durable commit of its own in another file, the proof. Callers ask again as
  soon as they are answered. Each request carries 1 entry or 50.
- *bare* writes the very rows that this ledger just wrote, in the very groups in which it wrote them, into a new file of
  the same engine with the same settings, and does nothing else: one thread, no callers.
- *checked* is *bare* and, for each request, the two checks of an Ed25519 signature that no ledger can save
  which lets in only what both record keepers have signed.
- *pymerkle* is pymerkle's tree on SQLite with its own settings, a transaction and a proof for each request; it takes
  one caller at a time and signs nothing. It is installed into `.make/pymerkle` for this and used for nothing else.

A round measures each shape right beside its floors; figures are medians over the rounds, ratios medians of the ratios
of each round, so that what else the machine does touches both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import ledger_million
from kakine.contracts.ledger import Append
from kakine.crypto.hashing import digest
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import METADATA, Growth, Store, _grow
from kakine.parties.ledger.use_cases import Duties
from kakine.runtime.database import Database, _connection
from kakine.values.labels import PartyName
from kakine.wire import filing
from kakine.wire.entry import Entry, EntryFlags, EntryKind

HERE = Path(__file__).resolve().parent
PEER = HERE.parent / ".make" / "pymerkle"
CONVERTER = PartyName("converter-3")
KEEPERS = [PartyName("mailbox-a"), PartyName("mailbox-b")]
FILER = SigningKey(b"M" * 32)

SHAPES = [(1, 1, 1000), (64, 1, 100), (1000, 1, 10), (1, 50, 100), (64, 50, 6), (1000, 50, 1)]
"""(callers, entries in a request, requests of each caller)."""

PEER_ENTRIES = {1: 150, 50: 1500}


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
    """Of one run: entries a second, and milliseconds that a request waited."""

    rate: float
    p50: float
    p99: float

    @classmethod
    def of(cls, entries: int, seconds: float, times: list[float]) -> Figures:
        """`times` in seconds, one a request."""
        times.sort()
        return cls(entries / seconds, times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000)


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


async def closed_loop(callers: int, each: int, call: Callable[[int], Awaitable[object]]) -> list[float]:
    """Seconds that each call took."""
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
    requests = [request(number, count) for number in range(callers * each)]
    database = Database.open(path, METADATA)
    store = Recorded(database)
    with ledger_million.signer(path) as attestor:
        duties = Duties(store, Sequencer(store, attestor), lambda _: FILER.public, lambda _: KEEPERS)
        begun = time.perf_counter()
        times = asyncio.run(closed_loop(callers, each, lambda n: duties.append(CONVERTER, requests[n])))
        seconds = time.perf_counter() - begun
    database.close()
    return Figures.of(len(requests) * count, seconds, times), store.growths


def bare(path: Path, growths: Sequence[Growth]) -> Figures:
    """The same rows in the same groups, written and committed."""
    Database.open(path, METADATA).close()
    connection, times = _connection(path), []
    for growth in growths:
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        _grow(connection, growth)
        connection.execute("COMMIT")
        times.append(time.perf_counter() - begun)
    connection.close()
    return Figures.of(sum(len(growth.entries) for growth in growths), sum(times), times)


def signature_check() -> float:
    """Seconds of one check of a filing's signature."""
    asked, times = request(0, 1), []
    for _ in range(200):
        begun = time.perf_counter()
        for each in asked.filings:
            filing.opened(each.filing, each.signature, FILER.public)
        times.append(time.perf_counter() - begun)
    return median(times)


def install_peer() -> str:
    """Why pymerkle cannot be had, or ""."""
    wanted = HERE / "peers" / "pymerkle.txt"
    mark = PEER / wanted.name
    if mark.is_file() and mark.read_text() == wanted.read_text():
        return ""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--require-hashes",
        "--target",
        PEER,
        "-r",
        wanted,
    ]
    shutil.rmtree(PEER, ignore_errors=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"pymerkle could not be installed: {done.stderr.strip()[-300:]}"
    shutil.copy(wanted, mark)
    return ""


def peer(*arguments: object) -> dict[str, float]:
    """Figures of pymerkle."""
    command = [sys.executable, HERE / "peers" / "pymerkle_sqlite.py", *map(str, arguments)]
    path = {**os.environ, "PYTHONPATH": str(PEER)}
    done = subprocess.run(command, env=path, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(folder: Path, rounds: int, with_peer: bool) -> list[dict[str, Any]]:
    """A row for each shape: medians of figures and of ratios."""
    runs: dict[tuple[int, int], list[dict[str, float]]] = {}
    for turn in range(rounds):
        for callers, count, each in SHAPES:
            with tempfile.TemporaryDirectory(dir=folder) as made:
                place = Path(made)
                ours, growths = receipts(place / "ledger", callers, count, each)
                floor = bare(place / "bare", growths)
                checked = 1 / (1 / floor.rate + signature_check() / count)
                run = {
                    "rate": ours.rate, "p50": ours.p50, "p99": ours.p99, "bare": floor.rate, "checked": checked,
                    "group": sum(len(growth.entries) for growth in growths) / len(growths),
                    "slower": floor.rate / ours.rate, "slower_checked": checked / ours.rate,
                }  # fmt: skip
                if with_peer:
                    theirs = peer("receipts", place / "peer", PEER_ENTRIES[count], count)
                    run |= {"peer": theirs["receipt"], "peer_append": theirs["append"]}
                    run["faster"] = ours.rate / theirs["receipt"]
                    run["faster_append"] = ours.rate / theirs["append"]
            runs.setdefault((callers, count), []).append(run)
        print(f"round {turn + 1} of {rounds}", file=sys.stderr)
    return [
        {
            "callers": callers,
            "entries": count,
            **{name: median(run[name] for run in each) for name in each[0]},
        }
        for (callers, count), each in runs.items()
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| callers × entries a request | receipts/s | p50 ms | p99 ms | group | bare/s | bare ÷ ours | checked ÷ ours "
        "| pymerkle/s | ours ÷ pymerkle | its append alone/s | ours ÷ that |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{row['callers']:,} × {row['entries']}", f"{row['rate']:,.0f}", f"{row['p50']:.2f}", f"{row['p99']:.2f}",
            f"{row['group']:.0f}", f"{row['bare']:,.0f}", f"{row['slower']:.1f}", f"{row['slower_checked']:.1f}",
        ]  # fmt: skip
        if "peer" in row:
            cells += [f"{row['peer']:,.0f}", f"{row['faster']:.1f}"]
            cells += [f"{row['peer_append']:,.0f}", f"{row['faster_append']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """What this was measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} before), "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()} "
        f"{platform.machine()}, commit {commit or 'unknown'}"
    )


def report(folder: Path, rounds: int, leaves: int) -> str:
    """Everything, as Markdown to paste into docs/performance.md."""
    missing = install_peer()
    lines = [table(measure(folder, rounds, not missing)), ""]
    if missing:
        lines += [f"**No comparison with pymerkle was made: {missing}**", ""]
    lines.append(ledger_million.table(ledger_million.measure(folder, leaves, receipts, bare, rounds)))
    if not missing:
        theirs = peer("proofs", folder / "pymerkle", leaves, 15)
        lines.append(
            f"| pymerkle: proof / first root | {theirs['proof_ms']:.1f} ms / {theirs['root_ms']:,.0f} ms |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, help="where the files go; the disk under it is what is measured"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    chosen = parser.parse_args()
    print(machine() + "\n", flush=True)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as made:
        print(report(Path(made), chosen.rounds, chosen.leaves))
