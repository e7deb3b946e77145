"""A log in memory that a monitor watches, honest or not, and the monitor's looks at it.

honest = Shown.of(minutes=[10, 10, 11])
looked = Watcher(tmp_path).look(honest)
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kakine.clients.monitor.evidence import load, write
from kakine.clients.monitor.findings import Code, Finding
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.memory import Memory
from kakine.clients.monitor.proving import check
from kakine.clients.monitor.reading import Limits, Watched
from kakine.clients.monitor.rounds import Look, look
from kakine.crypto.merkle import Tree, leaf_hash
from kakine.crypto.signing import SigningKey
from kakine.wire import checkpoint as notes
from kakine.wire import policy
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.tiles import Tile

ORIGIN = "ledger.example/2026/a"
KEY = SigningKey(b"L" * 32)
OTHER = SigningKey(b"M" * 32)
POLICY = policy.decode(policy.one_log(ORIGIN, KEY.public))
START = 29_000_000
"""Minutes since 1970 at which the logs here begin."""


def entry(number: int, minutes: int = START, kind: EntryKind = EntryKind.GOVERNANCE) -> bytes:
    """Entry `number`; the same number always gives the same commitment."""
    commitment = hashlib.sha256(number.to_bytes(8, "big")).digest()
    return Entry(kind, 0, 0xFFFF, EntryFlags(0), minutes, commitment, commitment).encode()


def numbered(*numbers: int) -> list[bytes]:
    """One entry each."""
    return [entry(number) for number in numbers]


class Shown:
    """A log as it is shown: `signed` are the entries under its head, `served` those that it gives out."""

    name = "ledger"
    has_tiles = False

    def __init__(self, signed: Sequence[bytes], key: SigningKey = KEY, origin: str = ORIGIN) -> None:
        self.signed = list(signed)
        self.served = list(signed)
        self.tree = Tree()
        self.tree.append([leaf_hash(each) for each in signed])
        self.note = notes.make(origin, self.tree.size, self.tree.root(), key)
        self.asked: list[tuple[int, int]] = []

    async def checkpoint(self) -> bytes:
        """The head."""
        return self.note

    async def entries(self, first: int, end: int) -> list[bytes]:
        """What is served, and a note of what was asked for."""
        self.asked.append((first, end))
        return self.served[first:end]

    async def consistency(self, size: int) -> tuple[list[bytes], bytes]:
        """An honest proof of this tree."""
        return self.tree.consistency_proof(size), self.note

    async def hold(self, tile: Tile, hashes: bytes) -> None:
        """No tiles."""


class Looked:
    """What came of looking at one log alone."""

    def __init__(self, done: Look) -> None:
        (self.round,) = done.rounds
        self.reading = self.round.reading
        self.findings = done.findings
        self.found = {**self.round.found, **done.together}
        self.earlier = self.round.earlier


class Watcher:
    """One monitor with its memory."""

    def __init__(self, folder: Path, limits: Limits | None = None, now_minutes: int = START) -> None:
        self.folder = folder
        self.limits = limits or Limits()
        self.now_ms = now_minutes * 60_000

    def look(
        self,
        source: Any,
        *reported: tuple[str, bytes],
        keepers: Sequence[Any] = (),
        key: SigningKey = KEY,
        **how: Any,
    ) -> Looked:
        """One look, after which the memory is closed: a run of its own."""
        memory = Memory(self.folder / "memory")
        try:
            watched = Watched(ORIGIN, key.public, source, keepers, reported)
            return Looked(asyncio.run(look(memory, [watched], self.limits, self.now_ms, **how)))
        finally:
            memory.close()

    def shown(self, done: Looked) -> list[tuple[Code, Level, str]]:
        """What its evidence is worth to somebody with the policy alone."""
        return judged(self.folder / "evidence", done.findings)


def judged(folder: Path, findings: list[Finding]) -> list[tuple[Code, Level, str]]:
    """Through the folder and back."""
    write(folder, findings)
    return [(v.finding.code, v.level, v.why) for v in check(load(folder), POLICY)]


def codes(done: Looked) -> list[str]:
    """What was found."""
    return sorted({str(finding.code) for finding in done.findings})
