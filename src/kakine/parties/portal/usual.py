"""The commission's file of what is usual, fetched by the clock and handed on as it is (spec/browser.md section 9).

No reader is behind a fetch, and every reader gets the same bytes, so neither side learns whose history is looked at.
"""

from __future__ import annotations

from kakine.contracts.call import Nothing
from kakine.contracts.commission import USUAL
from kakine.protocols.gazette import LawBook
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock
from kakine.wire import usual as wire


class UsualFile:
    """`file` is empty until the first fetch, and where the commission has no figures."""

    def __init__(self, law: LawBook, peers: Peers, clock: Clock) -> None:
        self.file = b""
        self._law, self._peers, self._clock = law, peers, clock

    async def refresh(self) -> None:
        """Fetch it. What was there stays where this raises: what a call raises, `SignatureInvalid`, `NotCanonical`."""
        law = self._law.in_force(self._clock())
        (commission,) = law.with_role("commission")
        file = (await self._peers.ask(commission, USUAL, Nothing())).file
        if file:
            wire.opened(file, law.signing_key(commission))
        self.file = file
