"""Where the processes of each party are, and which of them is called next (spec/replicas.md section 4).

Calls to a party of several processes go to one after the other. One that cannot be reached rests for a while, and the
next is asked at once: nothing was sent then. What was sent and not answered is not sent elsewhere from here; whoever
keeps the request sends the same bytes again, to whichever process it falls to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from kakine.values.labels import PartyName

REST_S = 2.0
"""Nobody is asked so soon again who could not be reached, unless nobody else is left."""


class Addresses:
    """Of all parties that one calls, as settings name them. `now` counts seconds."""

    def __init__(
        self, known: Mapping[PartyName, str | Sequence[str]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._known = {name: (of,) if isinstance(of, str) else tuple(of) for name, of in known.items()}
        self._now = now
        self._turn: dict[PartyName, int] = {}
        self._resting: dict[str, float] = {}

    def of(self, party: PartyName) -> Sequence[str]:
        """All of a party's, in the order in which they are to be tried; none for one that is not known."""
        known = self._known.get(party, ())
        if len(known) < 2:
            return known
        turn = self._turn[party] = (self._turn.get(party, -1) + 1) % len(known)
        return sorted([*known[turn:], *known[:turn]], key=self._rests)

    def missed(self, address: str) -> None:
        """Nobody could be reached there."""
        self._resting[address] = self._now() + REST_S

    def _rests(self, address: str) -> bool:
        return self._resting.get(address, 0.0) > self._now()
