"""Says that the log is alive when nothing else does, so that silence means a fault."""

from __future__ import annotations

from kakine.parties.ledger.sequencer import Sequencer
from kakine.runtime.identity import Clock
from kakine.values.calendar import minutes


class Heart:
    """Looks at one log. Whoever runs the ledger calls `beat` as often as `silent_ms` is to be kept."""

    def __init__(self, sequencer: Sequencer, clock: Clock, silent_ms: int, size: int) -> None:
        self._sequencer = sequencer
        self._clock = clock
        self._silent_ms = silent_ms
        self._size = size
        self._since_ms: int | None = None

    async def beat(self) -> bool:
        """Log a heartbeat unless the log has grown since the last look, or was found grown within `silent_ms`.

        The first look after a start finds nothing grown, so it logs one. Raises what `Sequencer.append` raises.
        """
        size, now_ms = (await self._sequencer.head()).at.size, self._clock()
        if size == self._size and self._silent(now_ms):
            beaten = await self._sequencer.beat(minutes(now_ms))
            size = (await self._sequencer.head()).at.size
        else:
            beaten = False
        if size != self._size:
            self._size, self._since_ms = size, now_ms
        return beaten

    def _silent(self, now_ms: int) -> bool:
        return self._since_ms is None or now_ms - self._since_ms >= self._silent_ms
