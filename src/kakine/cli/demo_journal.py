"""What a demonstration has done, on disk: a start after a crash goes on from here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from kakine.runtime.database import Connection, Database, sql
from kakine.values.problems import DemoDiffers

metadata = MetaData()
_step = Table(
    "step", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False)
)
_asked = Table(
    "asked",
    metadata,
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("start", Integer, nullable=False),
    Column("began_us", Integer, nullable=False),
    Column("ended_us", Integer, nullable=False),
    Column("result", String, nullable=False),
)
_KEEP_STEP = sql(insert(_step).prefix_with("OR IGNORE"))
_STEPS = sql(select(_step.c.name, _step.c.value))
_KEEP_ASKED = sql(insert(_asked).prefix_with("OR IGNORE"))
_ASKED = sql(select(*_asked.c))

SINGLE = "single"
BULK = "bulk"


@dataclass(frozen=True)
class Asked:
    """One exchange: its result, and when it began and ended (microseconds of the start `start`)."""

    name: str
    kind: str
    start: int
    began_us: int
    ended_us: int
    result: str


@dataclass(frozen=True)
class Figures:
    """Latencies of single questions in milliseconds, and exchanges per second over both kinds."""

    p50_ms: float
    p99_ms: float
    per_second: float


class Journal:
    """The demonstration's own file, `demo.sqlite`, next to those of the parties."""

    def __init__(self, path: Path) -> None:
        self._db = Database.open(path, metadata)
        read = self._db.read()
        self.steps: dict[str, Any] = {
            name: msgspec.json.decode(value) for name, value in read.execute(_STEPS)
        }
        self.asked: dict[str, Asked] = {row[0]: Asked(*row) for row in read.execute(_ASKED)}
        self.start = 1 + max((each.start for each in self.asked.values()), default=0)

    async def done(self, name: str, value: Any = True) -> Any:
        """Write down that a step is done and what came of it; the value of the first time stays."""
        text = msgspec.json.encode(value).decode()
        await self._db.write(lambda db: db.execute(_KEEP_STEP, {"name": name, "value": text}))
        return self.steps.setdefault(name, value)

    async def about(self, residents: int, seed: int) -> None:
        """What this demonstration is of. Raises `DemoDiffers` if the folder holds another."""
        wanted = {"residents": residents, "seed": seed}
        found = await self.done("about", wanted)
        if found != wanted:
            raise DemoDiffers(residents=found["residents"], seed=found["seed"])

    async def keep(self, answered: list[Asked]) -> None:
        """Write exchanges down."""
        rows = [each.__dict__ for each in answered]

        def work(db: Connection) -> None:
            db.executemany(_KEEP_ASKED, rows)

        await self._db.write(work)
        for each in answered:
            self.asked.setdefault(each.name, each)

    def results(self) -> Counter[str]:
        """How many exchanges had which result."""
        return Counter(each.result for each in self.asked.values())

    def figures(self) -> Figures:
        """Computed from what is written down, so that they are the same whenever the story is told."""
        singles = sorted(e.ended_us - e.began_us for e in self.asked.values() if e.kind == SINGLE)
        spans: dict[tuple[int, str], tuple[int, int]] = {}
        for each in self.asked.values():
            began, ended = spans.get((each.start, each.kind), (each.began_us, each.ended_us))
            spans[each.start, each.kind] = min(began, each.began_us), max(ended, each.ended_us)
        busy = sum(ended - began for began, ended in spans.values())
        rate = len(self.asked) * 1e6 / busy if busy else 0.0
        return Figures(_quantile(singles, 0.5), _quantile(singles, 0.99), round(rate, 1))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _quantile(ordered: list[int], share: float) -> float:
    """In milliseconds; 0 when there is nothing to measure."""
    if not ordered:
        return 0.0
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000, 2)
