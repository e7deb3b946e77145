"""What whoever runs the commission asks of its process: to erase, to keep on, to end that.

Erasing reads both logs to their ends, so a call waits for it only a while, and the same call again waits on. One at a
time: no hold is ordered while a month is counted, which the order would then not name.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from kakine.contracts.call import Nothing
from kakine.contracts.commission import ERASE, HOLD_ON, LET_GO
from kakine.contracts.retention import EndHold, Erased, HoldMade, HoldWanted
from kakine.parties.commission import erasing, holds
from kakine.parties.commission.retention_office import Office
from kakine.runtime.http import Duty
from kakine.values.labels import PartyName
from kakine.values.problems import ErasureConflict, HoldInvalid
from kakine.wire.canonical import encode
from kakine.wire.erasure import Order

WAIT_S = 20.0
"""So long a call waits for an erasure under way."""


@dataclass
class RetentionCalls:
    """Of one commission. `task` is the erasure under way."""

    office: Office
    wait_s: float = WAIT_S
    task: asyncio.Task[list[Order]] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def duties(self) -> list[Duty[Any, Any]]:
        """One for each call."""
        return [Duty(ERASE, self.erase), Duty(HOLD_ON, self.hold), Duty(LET_GO, self.lift)]

    async def erase(self, caller: PartyName, asked: Nothing) -> Erased:
        """Erase every month that is over (`erasing.run`), or wait on for that. Raises what that raises: nothing later
        was begun, and the next call goes on from there."""
        task = self.task
        if task is None:
            task = self.task = asyncio.create_task(self._erase())
            task.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # nobody may have waited
        await asyncio.wait([task], timeout=self.wait_s)
        if not task.done():
            return Erased(False, [])
        if self.task is task:
            self.task = None
        return Erased(True, [encode(order) for order in task.result()])

    async def _erase(self) -> list[Order]:
        async with self.lock:
            return await erasing.run(self.office)

    async def hold(self, caller: PartyName, asked: HoldWanted) -> HoldMade:
        """Keep records on. Raises what `holds.hold` raises, `HoldInvalid` for a log that is not known, and
        `ErasureConflict` while months are being erased."""
        log = next((each for each in self.office.logs if each.origin == asked.origin), None)
        if log is None:
            raise HoldInvalid(part="origin")
        self._quiet()
        async with self.lock:
            return HoldMade(await holds.hold(self.office, log, asked.places, asked.reason))

    async def lift(self, caller: PartyName, asked: EndHold) -> Nothing:
        """End a hold. Raises what `holds.lift` raises, and `ErasureConflict` while months are being erased."""
        self._quiet()
        async with self.lock:
            await holds.lift(self.office, asked.hold)
        return Nothing()

    def _quiet(self) -> None:
        if self.task is not None and not self.task.done():
            raise ErasureConflict()

    def close(self) -> None:
        """Break off what is under way; the next call goes on from there."""
        if self.task is not None:
            self.task.cancel()
