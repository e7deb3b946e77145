"""What the ledger is measured against: floors of the same rows, and pymerkle. Part of bench/ledger.py."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from kakine.contracts.ledger import Append
from kakine.crypto.merkle import EMPTY
from kakine.parties.ledger.attest import Signed
from kakine.parties.ledger.sequencer import GROUP
from kakine.parties.ledger.store import METADATA, Growth, _grow
from kakine.runtime.database import Database
from kakine.runtime.sqlite import _connection
from kakine.wire import filing
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.entry import split_entries
from ledger_load import FILER, Figures, closed_loop, request, requests_of

HERE = Path(__file__).resolve().parent
PEER = HERE.parent / ".make" / "pymerkle"
NOTE = bytes(200)
"""As long as a signed head."""


class GroupCommit:
    """The floor with callers: a writer that commits whatever waits and answers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[list[bytes], list[bytes], asyncio.Future[int]]] = []
        self._head = Checkpoint(0, EMPTY)
        self._task: asyncio.Task[None] | None = None

    async def append(self, asked: Append) -> int:
        """Where the entries stand, once they are durable."""
        tags = [asked.tags[at : at + filing.TAG] for at in range(0, len(asked.tags), filing.TAG)]
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((split_entries(asked.entries), tags, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            most = max(1, GROUP // len(self._waiting[0][0]))
            group, self._waiting = self._waiting[:most], self._waiting[most:]
            entries = [entry for each, _, _ in group for entry in each]
            tags = [tag for _, each, _ in group for tag in each]
            old, new = self._head, Checkpoint(self._head.size + len(entries), EMPTY)
            growth = Growth(old, new, entries, tags, Signed(old, NOTE))
            await self._database.write(lambda connection, growth=growth: _grow(connection, growth))
            self._head, at = new, old.size
            for each, _, answer in group:
                answer.set_result(at)
                at += len(each)


def group_commit(path: Path, callers: int, count: int, each: int) -> Figures:
    """Durable rows for as many callers, and nothing else."""
    database = Database.open(path, METADATA)
    writer = GroupCommit(database)
    with requests_of(callers, count, each) as requests:
        figures = closed_loop(callers, count, each, lambda n: writer.append(requests[n]))
    database.close()
    return figures


def bare(path: Path, growths: Sequence[Growth]) -> Figures:
    """The same rows in the same groups, written and committed."""
    Database.open(path, METADATA).close()
    connection, times, cpu = _connection(path), [], time.process_time()
    for growth in growths:
        begun = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        _grow(connection, growth)
        connection.execute("COMMIT")
        times.append(time.perf_counter() - begun)
    cpu = time.process_time() - cpu
    connection.close()
    return Figures.of(sum(len(growth.entries) for growth in growths), times, sum(times), cpu)


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
