"""A log has its newest head witnessed: submit, follow a 409 with the proof it asks for, gather the cosignatures.

Nothing waits for this: exchanges need no outside witness, and after an outage of any length one proof catches up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kakine.protocols.witnessing import accepted
from kakine.values.problems import (
    ConsistencyInvalid,
    HeadForked,
    HeadMoved,
    LogBehind,
    LogKeyUnknown,
    OriginUnknown,
    PartyUnavailable,
    Problem,
    SubmissionMalformed,
)
from kakine.wire.policy import NamedKey
from kakine.wire.submission import SIZE_MEDIA, Submission, decode_size

_TRIES = 4
"""Submissions to one witness in one round; more are needed only if others submit heads of this log too."""

_REFUSALS: dict[int, type[Problem]] = {
    400: SubmissionMalformed,
    403: LogKeyUnknown,
    404: OriginUnknown,
    422: ConsistencyInvalid,
}


class Road(Protocol):
    """The way to one witness."""

    async def add_checkpoint(self, body: bytes) -> tuple[int, str, bytes]:
        """(status, media type, body) of its answer. Raises `PartyUnavailable` when none came."""


@dataclass(frozen=True)
class WitnessSite:
    """A witness by its name and key in a policy, and the way to it."""

    name: str
    key: NamedKey
    road: Road


@dataclass(frozen=True)
class Gathered:
    """`note` is the checkpoint with the log's line and the good lines of `cosigned`; `refused` gives for each other
    witness the code of a problem. `head-forked`, `log-behind` and `consistency-invalid` there accuse the log."""

    size: int
    note: bytes
    cosigned: tuple[str, ...]
    refused: dict[str, str]


@dataclass
class Gatherer:
    """Submits heads of one log. Remembers which size each witness had, so that mostly one call is enough."""

    sizes: dict[str, int] = field(default_factory=dict)

    async def gather(
        self, note: bytes, size: int, prove: Callable[[int], Sequence[bytes]], sites: Sequence[WitnessSite]
    ) -> Gathered:
        """Have the head `note` of `size` cosigned by all that will; `prove` gives the consistency proof from a size.

        Raises nothing for a witness that is away or refuses: it is among `refused`.
        """
        asked = (self.submit(note, size, prove, site) for site in sites)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        lines, refused = b"", dict[str, str]()
        for site, answer in zip(sites, answers, strict=True):
            if isinstance(answer, Problem):
                refused[site.name] = answer.code
            elif isinstance(answer, BaseException):
                raise answer
            else:
                lines += answer
        cosigned = tuple(site.name for site in sites if site.name not in refused)
        return Gathered(size, note + lines, cosigned, refused)

    async def submit(
        self, note: bytes, size: int, prove: Callable[[int], Sequence[bytes]], site: WitnessSite
    ) -> bytes:
        """The cosignature line of one witness, verified.

        Raises `HeadForked` if it has another root of this size, `LogBehind` if it has seen a longer log,
        `ConsistencyInvalid` if it has another history, what its other answers mean, what `accepted` raises, and
        `PartyUnavailable`.
        """
        old = min(self.sizes.get(site.name, 0), size)
        for _ in range(_TRIES):
            body = Submission(old, tuple(prove(old)), note).encode()
            status, media, answer = await site.road.add_checkpoint(body)
            if status == 200:
                line = accepted(note, answer, site.key)
                self.sizes[site.name] = size
                return line
            if status != 409 or media != SIZE_MEDIA:
                raise _REFUSALS.get(status, PartyUnavailable)()
            old = _next(decode_size(answer), old, size)
        raise HeadMoved()


def _next(has: int, said: int, size: int) -> int:
    """The old size to name next, to a witness that has `has` and was told `said`."""
    if has > size:
        raise LogBehind(size=has)
    if has == said:
        # It has exactly what was said. So it is the root that differs, or else the witness makes no sense.
        raise HeadForked(size=has) if has == size else PartyUnavailable()
    return has
