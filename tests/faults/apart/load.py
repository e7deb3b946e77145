"""The load, a process of its own: agencies that ask at fixed times whether or not anybody has answered (open loop).

    python -m faults.apart.load COUNTRY JOURNAL --rate 4 --seed 7

Before a question is sent, and when it has ended, a line about it is on disk; also every signed head that a ledger shows
meanwhile. SIGTERM ends the asking; what is under way is waited for.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
from base64 import b64encode
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import msgspec

from kakine.cli.acting import Agency, agency
from kakine.cli.apart_processes import about
from kakine.cli.apart_smoke import questions
from kakine.contracts.agency import Asking
from kakine.contracts.call import Nothing
from kakine.contracts.ledger import CHECKPOINT, WITNESSED
from kakine.crypto.hashing import digest
from kakine.values.problems import Problem

AGENCIES = ("yokohama", "sapporo")
WITHIN_S = 120
"""A call to a gateway ends by itself after a minute."""


class Journal:
    """Lines of JSON, each on disk when `tell` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def tell(self, **said: Any) -> None:
        """One line."""
        os.write(self._file, msgspec.json.encode(said) + b"\n")
        os.fdatasync(self._file)


def case_of(number: int) -> bytes:
    """The digest of the case of a question: by it the question is found again in its person's list."""
    return digest("case-number", b"faults", number.to_bytes(8, "big"))


def people(folder: Path) -> dict[bytes, str]:
    """By reference at Yokohama's children's desk, the person's reference at its residents' desk, where known."""
    return {
        str(each["reference"]).encode(): str(each["person"])
        for each in about(folder).questions
        if each["person"]
    }


class Load:
    """All agencies that ask."""

    def __init__(self, folder: Path, journal: Journal, draw: random.Random) -> None:
        self._journal, self._draw = journal, draw
        self._people = people(folder)
        self._asked = {name: questions(folder, name) for name in AGENCIES}
        self._stop = asyncio.Event()
        self._number = 0

    def stop(self) -> None:
        """Ask nothing more."""
        self._stop.set()

    async def run(self, folder: Path, rate: float) -> None:
        """Until `stop`."""
        async with AsyncExitStack() as held:
            own = {name: await held.enter_async_context(agency(folder, name)) for name in AGENCIES}
            beside = [asyncio.create_task(self._watch(own["yokohama"]))]
            beside += [asyncio.create_task(_lists(each)) for each in own.values()]
            under_way: set[asyncio.Task[None]] = set()
            loop = asyncio.get_running_loop()
            at = loop.time()
            while not self._stop.is_set():
                name = self._draw.choice(AGENCIES)
                task = asyncio.create_task(self._ask(own[name], self._draw.choice(self._asked[name])))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                at += self._draw.expovariate(rate)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), max(0.0, at - loop.time()))
            if under_way:
                await asyncio.wait(under_way, timeout=WITHIN_S)
            for each in beside:
                each.cancel()

    async def _ask(self, own: Agency, question: Asking) -> None:
        self._number += 1
        number, case = self._number, case_of(self._number)
        asked = msgspec.structs.replace(question, case=case)
        person = self._people.get(asked.reference, "") if own.settings.party == "yokohama" else ""
        self._journal.tell(number=number, agency=own.settings.party, person=person, case=case.hex())
        try:
            told = await own.ask(asked)
        except Problem as problem:
            self._journal.tell(number=number, problem=problem.code)
        except Exception as fault:  # noqa: BLE001 - written down, and found by the checker
            self._journal.tell(number=number, problem=type(fault).__name__)
        else:
            self._journal.tell(number=number, result=told.result)

    async def _watch(self, own: Agency) -> None:
        """Every head that the ledgers show; who does not answer is asked again."""
        last: dict[str, bytes] = {}
        while True:
            for log in own.logs:
                for who, call in ((log.ledger, CHECKPOINT), (f"{log.ledger} witnessed", WITNESSED)):
                    try:
                        note = (await own.peers.ask(log.ledger, call, Nothing())).checkpoint
                    except Problem:
                        continue
                    if last.get(who) != note:
                        last[who] = note
                        self._journal.tell(head=who, note=b64encode(note).decode())
            await asyncio.sleep(1)


async def _lists(own: Agency) -> None:
    """The lists of certificates, before they are too old."""
    while True:
        await asyncio.sleep(60)
        try:
            await own.standing.refresh()
        except Problem:
            continue


async def _main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("country", type=Path)
    words.add_argument("journal", type=Path)
    words.add_argument("--rate", type=float, default=4)
    words.add_argument("--seed", type=int, default=0)
    told = words.parse_args()
    load = Load(told.country, Journal(told.journal), random.Random(told.seed))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, load.stop)
    await load.run(told.country, told.rate)


if __name__ == "__main__":
    asyncio.run(_main())
