"""Where the processes of each party are, and which of them is called next (spec/replicas.md section 4).

Calls to a party of several processes go to one after the other. One that cannot be reached rests, longer each time, and
the next is asked at once: nothing was sent then. While a connection is being made, the others are asked first, so that
a machine that says nothing at all holds up one call and not all whose turn it is. What was sent and not answered is not
sent elsewhere from here; whoever keeps the request sends the same bytes again, to whichever process it falls to.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias
from urllib.parse import urlsplit

from kakine.values.labels import PartyName

REST_S, MOST_REST_S = 2.0, 60.0
"""Nobody is asked so soon again who could not be reached, unless nobody else is left: at first, and after many misses
in a row; each rest is twice the last."""

Place: TypeAlias = tuple[str | None, int | None]
"""Host and port."""


def place(address: str) -> Place:
    """Where an address (`https://host:port`) leads."""
    parts = urlsplit(address)
    return parts.hostname, parts.port


class Addresses:
    """Of all parties that one calls, as settings name them. `now` counts seconds."""

    def __init__(
        self, known: Mapping[PartyName, str | Sequence[str]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._turn: dict[PartyName, int] = {}
        self._trying: Counter[Place] = Counter()
        self._resting: dict[Place, tuple[float, float]] = {}
        self.change(known)

    def change(self, known: Mapping[PartyName, str | Sequence[str]]) -> None:
        """Others from now on; what is known of a place stays known."""
        self._known = {name: (of,) if isinstance(of, str) else tuple(of) for name, of in known.items()}

    def of(self, party: PartyName) -> Sequence[str]:
        """All of a party's, in the order in which they are to be tried; none for one that is not known."""
        known = self._known.get(party, ())
        if len(known) < 2:
            return known
        turn = self._turn[party] = (self._turn.get(party, -1) + 1) % len(known)
        inturn = [*known[turn:], *known[:turn]]
        return sorted(inturn, key=self._comes_last) if self._trying or self._resting else inturn

    @contextmanager
    def trying(self, at: Place) -> Iterator[None]:
        """Around the making of a connection: whoever is not reached there rests."""
        self._trying[at] += 1
        try:
            yield
        except Exception:
            until, rest = self._resting.get(at, (0.0, REST_S))
            # Of several who tried at once the first has said so.
            if until <= self._now():
                self._resting[at] = self._now() + rest, min(2 * rest, MOST_REST_S)
            raise
        else:
            self._resting.pop(at, None)
        finally:
            self._trying[at] -= 1
            if not self._trying[at]:
                del self._trying[at]

    def _comes_last(self, address: str) -> bool:
        at = place(address)
        return at in self._trying or self._resting.get(at, (0.0, 0.0))[0] > self._now()
