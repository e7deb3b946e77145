"""A ledger of a million entries: how it starts, what memory it takes, what a proof costs. Part of bench/ledger.py."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from kakine.crypto.merkle import EMPTY, Tree, leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.parties.ledger.attest import Attestor
from kakine.parties.ledger.head import load
from kakine.parties.ledger.store import METADATA, Growth, Store
from kakine.parties.signer.app import Signer
from kakine.parties.signer.settings import SignerSettings
from kakine.runtime.database import Database
from kakine.runtime.http import InProcess, Peers
from kakine.values.labels import PartyName
from kakine.wire.checkpoint import Checkpoint

ORIGIN = "ledger.example/bench"
KEY = SigningKey(b"L" * 32)
LEDGER, SIGNER = PartyName("ledger"), PartyName("ledger-signer")
HEAD = bytes.fromhex("01030000ffff0000") + bytes(8)
GROUP = 1000


def _entry(number: int) -> bytes:
    commitment = hashlib.sha256(number.to_bytes(8, "big")).digest()
    return HEAD + commitment + hashlib.sha256(commitment).digest()


@contextmanager
def signer(path: Path) -> Iterator[Attestor]:
    """The signer of the ledger on the file `path`: its own store stands beside it."""
    made = Signer.open(SignerSettings(ORIGIN, LEDGER, path.with_name(f"{path.name}-signer"), KEY))
    try:
        yield Attestor(Peers(InProcess(LEDGER, {SIGNER: made.app})), SIGNER, ORIGIN, KEY.public)
    finally:
        made.close()


def fill(path: Path, leaves: int) -> None:
    """A store of that many entries, with one checkpoint."""
    database = Database.open(path, METADATA)
    store, tree = Store(database), Tree()
    entries = [_entry(number) for number in range(leaves)]
    tree.append([leaf_hash(entry) for entry in entries])
    new = Checkpoint(tree.size, tree.root())
    tags = [hashlib.sha256(entry).digest() for entry in entries]

    async def grown(attestor: Attestor) -> None:
        signed = await attestor.sign(tree, Checkpoint(0, EMPTY), new)
        await store.grow(Growth(store.head(), new, entries, tags, signed))

    with signer(path) as attestor:
        asyncio.run(grown(attestor))
    database.close()


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def start(path: Path) -> dict[str, float]:
    """Figures of one start, in a process of its own: seconds, megabytes, microseconds a proof."""
    database = Database.open(path, METADATA)
    with signer(path) as attestor:
        store, before, begun = Store(database), _resident(), time.perf_counter()
        head = asyncio.run(load(store, attestor))
        seconds, grown = time.perf_counter() - begun, _resident() - before

    begun = time.perf_counter()
    for (entry,) in database.read().execute("SELECT bytes FROM entry ORDER BY idx"):
        hashlib.sha256(entry).digest()
    floor = time.perf_counter() - begun

    size, draw = head.at.size, random.Random(1)

    def each(indices: list[int]) -> float:
        begun = time.perf_counter()
        for index in indices:
            head.receipt(index, 1)
        return (time.perf_counter() - begun) / len(indices) * 1e6

    begun = time.perf_counter()
    for _ in range(100):
        head.consistency(draw.randrange(1, size))
    consistency = (time.perf_counter() - begun) / 100 * 1e6
    figures = {
        "start_s": seconds,
        "read_s": floor,
        "memory_mb": grown,
        "raw_mb": sum(len(level) for level in head.tree._levels) / 1e6,
        "group_us": each(list(range(size - GROUP, size))),
        "random_us": each([draw.randrange(size) for _ in range(GROUP)]),
        "consistency_us": consistency,
    }
    begun = time.perf_counter()
    for at in range(0, size - 50, size // 1000):
        head.receipt(at, 50)
    figures["range_us"] = (time.perf_counter() - begun) / 1000 / 50 * 1e6
    database.close()
    return figures


def measure(
    folder: Path,
    leaves: int,
    receipts: Callable[..., Any],
    bare: Callable[..., Any],
    rounds: int,
) -> dict[str, float]:
    """Medians over `rounds` starts, and receipts for 64 callers with so many entries there already."""
    path = folder / "million"
    begun = time.perf_counter()
    fill(path, leaves)
    print(f"{leaves:,} entries made in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    starts = []
    for _ in range(rounds):
        command = [sys.executable, __file__, str(path)]
        starts.append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    figures = {name: median(each[name] for each in starts) for name in starts[0]}
    shutil.copy(path, folder / "copy")
    ours, growths = receipts(path, 64, 1, 100)
    floor = bare(folder / "copy", growths)
    return {**figures, "leaves": leaves, "rate": ours.rate, "p99": ours.p99, "slower": floor.rate / ours.rate}


def table(figures: dict[str, float]) -> str:
    """Markdown."""
    rows = [
        ("restart: read, hash and check everything", f"{figures['start_s']:.2f} s"),
        ("of which: reading and one hash of each entry", f"{figures['read_s']:.2f} s"),
        ("memory of the tree (its hashes alone)", f"{figures['memory_mb']:.0f} MB ({figures['raw_mb']:.0f} MB)"),
        ("proof, each in a group of 1,000", f"{figures['group_us']:.0f} µs"),
        ("proof, each of 1,000 at random", f"{figures['random_us']:.0f} µs"),
        ("proof of a range of 50, per entry", f"{figures['range_us']:.2f} µs"),
        ("consistency proof", f"{figures['consistency_us']:.0f} µs"),
        ("receipts for 64 callers, one entry a request", f"{figures['rate']:,.0f}/s, p99 {figures['p99']:.2f} ms"),
        ("the same against bare commits of the same rows", f"{figures['slower']:.1f} times slower"),
    ]  # fmt: skip
    lines = [f"| with {figures['leaves']:,.0f} entries | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows)])


if __name__ == "__main__":
    json.dump(start(Path(sys.argv[1])), sys.stdout)
