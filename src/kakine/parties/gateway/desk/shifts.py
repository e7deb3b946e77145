"""Who is at the desk now: from login to logout, in memory, one at a time for each person.

A name is renewed at every change of standing, so that one planted before a login opens nothing. A restart ends all.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from kakine.runtime.identity import Clock, Entropy
from kakine.values.problems import DeskSessionEnded

MOST = 10_000
"""Shifts of one desk; the oldest give way, so that nobody fills the memory."""


@dataclass(repr=False)
class Shift:
    """One browser at the desk. `staff` is nothing before the login; `enrolling` while a way in is still to be chosen.
    `form` is what every form of this shift carries; challenges are of passkeys, each used once."""

    staff: bytes | None
    enrolling: bool
    form: str
    began_ms: int
    seen_ms: int
    challenge: bytes | None = None
    creating: bytes | None = None


class Shifts:
    """All shifts, by the hash of a random name: what is found by an index cannot be timed against a guess."""

    def __init__(self, idle_ms: int, longest_ms: int, clock: Clock, entropy: Entropy) -> None:
        self._idle_ms = idle_ms
        self._longest_ms = longest_ms
        self._clock = clock
        self._entropy = entropy
        self._shifts: OrderedDict[bytes, Shift] = OrderedDict()

    def begin(self, staff: bytes | None = None, *, enrolling: bool = False) -> str:
        """A new shift; its name is 64 characters of 256 random bits. Somebody's earlier ones end."""
        if staff is not None:
            self.end_of(staff)
        if len(self._shifts) >= MOST:
            self._shifts.popitem(last=False)
        now_ms, name = self._clock(), self._entropy(32).hex()
        self._shifts[_hashed(name)] = Shift(staff, enrolling, self._entropy(16).hex(), now_ms, now_ms)
        return name

    def get(self, name: str) -> Shift:
        """Raises `DeskSessionEnded` for unknown names, the same after too long a pause or too long a day."""
        shift, now_ms = self._shifts.get(_hashed(name)), self._clock()
        if shift is None:
            raise DeskSessionEnded()
        if now_ms - shift.seen_ms > self._idle_ms or now_ms - shift.began_ms > self._longest_ms:
            self.end(name)
            raise DeskSessionEnded()
        shift.seen_ms = now_ms
        return shift

    def end(self, name: str) -> None:
        """Over. A name that is not there is none the more."""
        self._shifts.pop(_hashed(name), None)

    def end_of(self, staff: bytes) -> None:
        """Every shift of somebody is over."""
        for key in [key for key, shift in self._shifts.items() if shift.staff == staff]:
            del self._shifts[key]


def _hashed(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
