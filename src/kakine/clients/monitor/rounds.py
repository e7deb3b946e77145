"""One round of the monitor: read, judge, make the evidence whole, keep."""

from __future__ import annotations

from dataclasses import dataclass

from kakine.clients.monitor.checks import judge
from kakine.clients.monitor.evidence import completed
from kakine.clients.monitor.findings import PROVABLE, Finding
from kakine.clients.monitor.index_checks import right_until
from kakine.clients.monitor.memory import Memory
from kakine.clients.monitor.reading import Limits, Reading, Watched, read
from kakine.wire.policy import LOG, vkey


@dataclass(frozen=True)
class Round:
    """What came of it. `found` is by check; `earlier` was proven in earlier rounds and is true for good."""

    reading: Reading
    found: dict[str, list[Finding]]
    earlier: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        """All of them."""
        return [*(each for found in self.found.values() for each in found), *self.earlier]


async def one_round(
    memory: Memory,
    watched: Watched,
    limits: Limits,
    now_ms: int,
    *,
    again: bool = False,
    evidence: bool = False,
) -> Round:
    """Look once. What can be proven is kept before the head moves on, so that a crash forgets nothing.

    `again` reads from the first entry, `evidence` completes also what cannot be proven. Raises
    `MonitorMemoryInvalid`, `StoreFailed`; what others refuse is a finding.
    """
    # Two logs may carry one name (each demonstration has its own key), so the key is part of what is kept.
    name = vkey(watched.origin, LOG, watched.key)
    reading = await read(watched, memory.known(name), limits, now_ms, again=again)
    judged = judge(reading)
    whole = await completed(reading, [f for found in judged.values() for f in found], everything=evidence)
    by_key = {finding.key: finding for finding in whole}
    found = {check: [by_key[each.key] for each in these] for check, these in judged.items()}
    earlier = [each for each in memory.found(name) if each.key not in by_key]
    await memory.remember(name, [f for f in whole if f.code in PROVABLE and f.complete], now_ms)
    if reading.fits:
        await memory.keep(name, reading.grown(right_until(reading)))
    return Round(reading, found, earlier)
