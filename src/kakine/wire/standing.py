"""What a record keeper says of its part of the log, so that anybody can hold it against the log (spec/monitor.md).

Counts and log indices only; nothing in it comes from a person, an organisation or a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from msgspec import Meta

from kakine.crypto.signing import VerifyKey
from kakine.wire.canonical import Message, decode
from kakine.wire.entry import EntryKind
from kakine.wire.request import Digest, Name

LABEL = "standing"

MOST_ENTRIES = 4096
"""Entries that one statement may cover."""

MOST_NAMED = 256
"""Unanswered entries that one statement names."""

LEAST_OLDER_MS = 600_000
"""How old a request must be before anything is said of its outcome: who asked all the time and sooner could see which
outcome belongs to which request, and so which requests await none."""

MOST_HEADS = 4
"""Signed heads in one statement. More than one for an entry can only be if the log has two histories."""

Index = Annotated[int, Meta(ge=0, lt=1 << 62)]


class Counts(NamedTuple):
    """Numbers of entries of the kinds that stand in people's lists."""

    requests: int
    outcomes: int
    views: int

    @classmethod
    def of(cls, kinds: Sequence[int]) -> Counts:
        """Of entries of these kinds."""
        return cls(*(kinds.count(kind) for kind in COUNTED))


COUNTED = (EntryKind.REQUEST, EntryKind.OUTCOME, EntryKind.VIEWED)
"""The kinds, in the order of `Counts`."""


class Remade(Message, frozen=True):
    """An index made anew out of the rows that are stored now: where it begins, and the root of its rows (zeros where
    they are no index any more). It is the signed root, unless rows were lost."""

    start: Index
    root: Digest


class Standing(Message, frozen=True):
    """The keeper's word about the entries first … end - 1 of the log of this origin.

    `requests`, `outcomes` and `views` count the entries for which it holds filing, sealed record and place in a list,
    or a place to come where the entry is withheld from its person. `indexes` are those of its indexes that begin in the
    range, ascending, as it could make them at most an hour before.
    `unanswered` names those of them that were handed to a recipient, who owes an outcome, and were filed at least
    `older_ms` ago without one (at most `MOST_NAMED`). About the empty range, and there only, `awaited` counts all
    requests of the log that are as old as that and were handed to a recipient, and `owed` those without an outcome.
    `unlogged` counts entries in its whole store, index roots among them, that wait for the ledger's receipt.
    `checkpoints` are signed heads of the ledger: the newest it has, and about a range of one entry all under which it
    has receipts for that entry, at most `MOST_HEADS`. Times are milliseconds since 1970 UTC.
    """

    origin: Name
    first: Index
    end: Index
    requests: Index
    outcomes: Index
    views: Index
    indexes: Annotated[tuple[Remade, ...], Meta(max_length=MOST_ENTRIES)]
    awaited: Index
    owed: Index
    unanswered: Annotated[tuple[Index, ...], Meta(max_length=MOST_NAMED)]
    unlogged: Index
    older_ms: Index
    time_ms: Index
    checkpoints: Annotated[tuple[bytes, ...], Meta(max_length=MOST_HEADS)]

    @property
    def counts(self) -> Counts:
        """What it holds."""
        return Counts(self.requests, self.outcomes, self.views)


def opened(statement: bytes, signature: bytes, key: VerifyKey) -> Standing:
    """The statement that `key` signed. Raises `SignatureInvalid`, `NotCanonical`; whether it is true is not checked."""
    key.verify(signature, LABEL, statement)
    return decode(statement, Standing)
