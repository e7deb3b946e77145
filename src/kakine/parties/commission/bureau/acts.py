"""What the commission's people decide: who may prepare it, who may sign it. Nobody does both (spec/console.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from kakine.crypto.hashing import digest
from kakine.wire.canonical import Message, encode
from kakine.wire.gazette import Days, Millis, Subject

DAY_MS: Final = 86_400_000
OPEN_MS: Final = 7 * DAY_MS
"""How long something that is prepared waits for its second person."""

Short = Annotated[str, Meta(max_length=80)]
Reason = Annotated[str, Meta(max_length=500)]


class Role(StrEnum):
    """委員, 事務局, 検査官, 傍聴."""

    COMMISSIONER = "commissioner"
    OFFICER = "officer"
    INSPECTOR = "inspector"
    OBSERVER = "observer"


class What(StrEnum):
    """What is done once two people want it."""

    APPROVE = "approve"
    REFUSE = "refuse"
    STOP = "stop"
    DROP = "drop"
    ENROL = "enrol"
    LEAVE = "leave"
    SUNSET = "sunset"
    CHECK = "check"


_C, _O, _I = Role.COMMISSIONER, Role.OFFICER, Role.INSPECTOR

RULES: Final = {
    What.APPROVE: (frozenset({_O, _C}), frozenset({_C})),
    What.REFUSE: (frozenset({_O, _C}), frozenset({_C})),
    What.STOP: (frozenset({_I}), frozenset({_I, _C})),
    What.DROP: (frozenset({_O, _I, _C}), frozenset({_C})),
    What.ENROL: (frozenset({_O, _C}), frozenset({_C})),
    What.LEAVE: (frozenset({_O, _C}), frozenset({_C})),
    What.SUNSET: (frozenset({_O, _C}), frozenset({_C})),
    What.CHECK: (frozenset({_O}), frozenset({_C})),
}
"""Who prepares, who signs."""


class Stopped(Message, frozen=True):
    """One thing to suspend."""

    subject: Subject
    name: Short


class Act(Message, frozen=True):
    """One act as it was prepared. `about` is the digest of a proposal or of the version that waits; `name` and `role`
    somebody new, or party and file of an assessment; `number` a member, or months; `further` days of warning. What an
    act does not need is empty."""

    what: What
    by: int
    time_ms: Millis
    nonce: Annotated[bytes, Meta(min_length=16, max_length=16)]
    about: Annotated[bytes, Meta(max_length=32)] = b""
    stops: tuple[Stopped, ...] = ()
    until: Days = 0
    reason_ja: Reason = ""
    reason_en: Reason = ""
    name: Short = ""
    role: Short = ""
    number: Annotated[int, Meta(ge=0, lt=1 << 31)] = 0
    further: Annotated[int, Meta(ge=0, lt=1 << 31)] = 0

    @property
    def digest(self) -> bytes:
        """32 bytes: what the second person signs for."""
        return digest("console-act", encode(self))
