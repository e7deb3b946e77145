"""Who is in front of which browser. In memory and nowhere else: a restart ends every session.

A session's name is the only cookie of a site. It changes whenever the standing of its person changes, so that a name
from before (session fixation, OWASP ASVS 7.2.4) opens nothing, and the token of its forms changes with it.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import FormSpent, SessionUnknown

T = TypeVar("T")

MOST = 10_000
"""Sessions of one kind. The one that has been quiet longest gives way; who has not said who they are pushes out none
of those who have."""
MOST_SPENT = 1_000
"""Forms that one session can send; then it must begin anew."""


@dataclass
class Session(Generic[T]):
    """`value` is who it is, None for somebody yet unknown. `token` is what its forms carry (hex, 256 bits), `note` what
    a site wants to remember of the last page, until who it is changes."""

    token: str
    since_ms: int
    seen_ms: int
    value: T | None = None
    note: str = ""
    spent: set[str] = field(default_factory=set)

    def spend(self, form: str) -> None:
        """A form is sent once. Raises `FormSpent`."""
        if form in self.spent:
            raise FormSpent()
        if len(self.spent) >= MOST_SPENT:
            raise SessionUnknown()
        self.spent.add(form)


class Sessions(Generic[T]):
    """All sessions of one site. They end after `idle_ms` without a call and after `life_ms` in any case."""

    def __init__(
        self, clock: Clock, entropy: Entropy, idle_ms: int = 15 * 60_000, life_ms: int = 60 * 60_000
    ) -> None:
        self._clock = clock
        self._entropy = entropy
        self.idle_ms = idle_ms
        self.life_ms = life_ms
        # By the hash of the name: what an index looks up cannot be timed against a guess.
        self._unknown: OrderedDict[bytes, Session[T]] = OrderedDict()
        self._known: OrderedDict[bytes, Session[T]] = OrderedDict()

    def __len__(self) -> int:
        """How many people are in."""
        now_ms = self._clock()
        return sum(not self._over(session, now_ms) for session in self._known.values())

    def begin(self) -> tuple[str, Session[T]]:
        """(name, session) of somebody yet unknown."""
        now_ms = self._clock()
        return self._put(self._unknown, Session(self._entropy(32).hex(), now_ms, now_ms))

    def find(self, name: str) -> Session[T]:
        """Counts as a call. Raises `SessionUnknown` for names unknown and over alike."""
        self._purge()
        hashed = _hashed(name)
        for kept in (self._known, self._unknown):
            session = kept.get(hashed)
            if session is not None and not self._over(session, self._clock()):
                session.seen_ms = self._clock()
                kept.move_to_end(hashed)
                return session
        raise SessionUnknown()

    def admit(self, name: str | None, value: T) -> tuple[str, Session[T]]:
        """(new name, new session) of somebody now known, or known better; what had the old name is gone. How long it
        lasts is counted from the first time the person was known."""
        now_ms = self._clock()
        old = self._take(name)
        since_ms = old.since_ms if old is not None and old.value is not None else now_ms
        made = Session(self._entropy(32).hex(), since_ms, now_ms, value)
        return self._put(self._known, made)

    def end(self, name: str) -> T | None:
        """Whose it was."""
        old = self._take(name)
        return old.value if old else None

    def _take(self, name: str | None) -> Session[T] | None:
        if name is None:
            return None
        hashed = _hashed(name)
        return self._known.pop(hashed, None) or self._unknown.pop(hashed, None)

    def _put(self, kept: OrderedDict[bytes, Session[T]], session: Session[T]) -> tuple[str, Session[T]]:
        self._purge()
        if len(kept) >= MOST:
            kept.popitem(last=False)
        name = self._entropy(32).hex()
        kept[_hashed(name)] = session
        return name, session

    def _purge(self) -> None:
        now_ms = self._clock()
        for kept in (self._unknown, self._known):
            while kept and self._over(next(iter(kept.values())), now_ms):
                kept.popitem(last=False)

    def _over(self, session: Session[T], now_ms: int) -> bool:
        return now_ms >= session.seen_ms + self.idle_ms or now_ms >= session.since_ms + self.life_ms


def _hashed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
