"""A look of the monitor at all logs of a country: read, judge, make the evidence whole, keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.clients.monitor import count_checks, index_checks
from kakine.clients.monitor.checks import judge, judge_together
from kakine.clients.monitor.erasures import Erasing, Whole
from kakine.clients.monitor.evidence import completed
from kakine.clients.monitor.findings import PROVABLE, Finding
from kakine.clients.monitor.gathering import begun, finish
from kakine.clients.monitor.memory import Memory, named
from kakine.clients.monitor.reading import Limits, Reading, Refusal, Watched
from kakine.values.problems import Problem


@dataclass(frozen=True)
class Round:
    """What came of one log. `found` is by check; `earlier` was proven in earlier looks and is true for good."""

    reading: Reading
    found: dict[str, list[Finding]]
    earlier: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        """All of them."""
        return [*(each for found in self.found.values() for each in found), *self.earlier]


@dataclass(frozen=True)
class Look:
    """What came of all logs; `together` is by check, of what no log shows by itself. `refused` are parties that did not
    even start."""

    rounds: list[Round]
    together: dict[str, list[Finding]]
    whole: Whole
    refused: Sequence[Refusal] = ()

    @property
    def findings(self) -> list[Finding]:
        """All of them, log by log."""
        refused = [each.finding() for each in self.refused]
        apart = [each for done in self.rounds for each in done.findings]
        return [*refused, *apart, *(each for found in self.together.values() for each in found)]


async def look(
    memory: Memory,
    logs: Sequence[Watched],
    limits: Limits,
    now_ms: int,
    *,
    again: bool = False,
    evidence: bool = False,
    refused: Sequence[Refusal] = (),
    erasing: Erasing | None = None,
) -> Look:
    """Look once. What can be proven is kept before the head moves on, so that a crash forgets nothing.

    `again` reads from the first entry, `evidence` completes also what cannot be proven. Raises
    `MonitorMemoryInvalid`, `StoreFailed`; what others refuse is a finding.
    """
    readings = [await begun(log, memory.known(_name(log)), limits, now_ms) for log in logs]
    for reading in readings:
        await finish(reading, again=again)
    rounds = [await _judged(memory, reading, now_ms, evidence=evidence) for reading in readings]
    whole = Whole(readings, erasing)
    if erasing is not None:
        try:
            whole.notices = await erasing.notices()
        except Problem as problem:
            refused = [*refused, Refusal.of(erasing.commission, problem)]
            whole.erasing = None
    together = judge_together(whole)
    for reading in readings:
        if reading.fits:
            await memory.keep(_name(reading.watched), reading.grown(_right_until(reading)))
    return Look(rounds, together, whole, refused)


def _right_until(reading: Reading) -> dict[str, int]:
    stated = {shelf.converter: count_checks.right_until(reading, shelf) for shelf in reading.counted}
    return {**index_checks.right_until(reading), **stated}


def _name(log: Watched) -> str:
    return named(log.origin, log.key)


async def _judged(memory: Memory, reading: Reading, now_ms: int, *, evidence: bool) -> Round:
    name, judged = _name(reading.watched), judge(reading)
    whole = await completed(reading, [f for found in judged.values() for f in found], everything=evidence)
    by_key = {finding.key: finding for finding in whole}
    found = {check: [by_key[each.key] for each in these] for check, these in judged.items()}
    earlier = [each for each in memory.found(name) if each.key not in by_key]
    await memory.remember(name, [f for f in whole if f.code in PROVABLE and f.complete], now_ms)
    return Round(reading, found, earlier)
