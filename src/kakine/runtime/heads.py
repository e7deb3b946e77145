"""The last head of each log that a party has seen, in its own store, and that all it has seen is one history.

Two doors lead to the stored head: a witness's `advance`, which demands the exact old size and a proof from it, and
`History.keep`, for receipts. Both look at the stored head inside the transaction that replaces it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from kakine.contracts.ledger import Growth
from kakine.crypto.merkle import verify_consistency
from kakine.protocols.witnessing import UNSEEN, Opened, check_growth
from kakine.runtime.database import Connection, Database, sql
from kakine.values.problems import ConsistencyInvalid, HeadForked, HeadMoved
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.submission import Submission

Prove = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""The consistency proof between two sizes of the log, from wherever it can be had."""

_MOST = 1024
"""Heads remembered as one history; beyond it the memory begins anew."""


def heads_metadata(metadata: MetaData) -> Table:
    """Add the tables to a party's schema; gives that of the heads. A second call gives the same table."""
    known = metadata.tables.get("seen_head")
    if known is not None:
        return known
    # Two notes of one size and different roots convict the log; nothing else that is refused is kept.
    Table(
        "forked_head",
        metadata,
        Column("origin", String, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("note", LargeBinary, nullable=False),
        PrimaryKeyConstraint("origin", "root"),
    )
    return Table(
        "seen_head",
        metadata,
        Column("origin", String, primary_key=True),
        Column("size", Integer, nullable=False),
        Column("root", LargeBinary, nullable=False),
        Column("note", LargeBinary, nullable=False),
    )


_schema = MetaData()
_seen = heads_metadata(_schema)
_forked = _schema.tables["forked_head"]
_FIND = sql(select(_seen.c.size, _seen.c.root, _seen.c.note).where(_seen.c.origin == bindparam("of_origin")))
_ORIGINS = sql(select(_seen.c.origin))
_put = insert(_seen)
_PUT = sql(
    _put.on_conflict_do_update(
        index_elements=["origin"],
        set_={name: _put.excluded[name] for name in ("size", "root", "note")},
    )
)
_KEEP_FORK = sql(insert(_forked).on_conflict_do_nothing())
_FORKS = sql(select(_forked.c.note).where(_forked.c.origin == bindparam("of_origin")))


def find(db: Connection, origin: str) -> tuple[Checkpoint, bytes]:
    """(head, note) stored last for a log; (`UNSEEN`, nothing) if none was."""
    row = db.execute(_FIND, {"of_origin": origin}).fetchone()
    return (Checkpoint(row[0], row[1]), row[2]) if row else (UNSEEN, b"")


def origins(db: Connection) -> list[str]:
    """The logs of which a head is stored."""
    return [row[0] for row in db.execute(_ORIGINS)]


def forks(db: Connection, origin: str) -> list[bytes]:
    """Signed notes of a log that contradict a head stored before: with that one, proof against the log."""
    return [row[0] for row in db.execute(_FORKS, {"of_origin": origin})]


def advance(db: Connection, submission: Submission, opened: Opened) -> None:
    """Make a submitted head the stored one, in the caller's transaction. Raises what `check_growth` raises."""
    last, _ = find(db, opened.origin)
    check_growth(last, submission, opened.head)
    if opened.head != last:
        _store(db, opened.origin, opened.head, opened.note)


def keep_fork(db: Connection, opened: Opened) -> None:
    """Keep a head that has another root than the stored one of its size."""
    values = {"origin": opened.origin, "root": opened.head.root, "note": opened.note}
    db.execute(_KEEP_FORK, values)


def _store(db: Connection, origin: str, head: Checkpoint, note: bytes) -> None:
    db.execute(_PUT, {"origin": origin, "size": head.size, "root": head.root, "note": note})


class Histories(dict[str, "History"]):
    """By origin; a log is looked up when it is first met."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self._db = db

    def __missing__(self, origin: str) -> History:
        made = self[origin] = History(self._db, origin)
        return made


class History:
    """Heads of one log that are known to lie on one history, so that many receipts under one head cost one proof.

    A head smaller than the largest is proved the other way round. The memory is worth something only together with
    the stored head: `keep` compares them in the transaction, so whatever comes between makes the caller ask again.
    """

    def __init__(self, db: Database, origin: str) -> None:
        self.origin = origin
        self._db = db
        self._door = asyncio.Lock()
        self._known: dict[Checkpoint, bytes] = {}
        self._top = UNSEEN

    async def admit(
        self, head: Checkpoint, note: bytes, prove: Prove, shown: Growth | None = None
    ) -> Mapping[Checkpoint, bytes]:
        """Heads that are one history with `head`, for `keep`. `shown` came with the head, from anybody: where it does
        not lead from the largest one known to this one, `prove` is asked.

        Raises `HeadForked` or `ConsistencyInvalid` for a head of another history, and what `prove` raises. `note` must
        have been verified.
        """
        async with self._door:
            stored, stored_note = find(self._db.read(), self.origin)
            if stored not in self._known or len(self._known) >= _MOST:
                self._known, self._top = {stored: stored_note}, stored
            if head not in self._known:
                await self._check(head, prove, shown)
                self._known[head] = note
                self._top = max(head, self._top, key=lambda each: each.size)
            return self._known

    async def _check(self, head: Checkpoint, prove: Prove, shown: Growth | None) -> None:
        low, high = sorted((head, self._top), key=lambda each: each.size)
        if low.size == high.size:
            raise HeadForked(size=low.size)
        if shown is not None and shown.old == low.size > 0 and head == high:
            # A false one must not stop a release that the log itself can prove.
            with suppress(ConsistencyInvalid):
                verify_consistency(low.size, high.size, shown.proof, low.root, high.root)
                return
        proof = await prove(low.size, high.size) if low.size else ()
        verify_consistency(low.size, high.size, proof, low.root, high.root)

    def keep(self, db: Connection, head: Checkpoint, known: Mapping[Checkpoint, bytes]) -> None:
        """Store `head` if it is the largest, in the caller's transaction. `HeadMoved` if the head stored by now is
        not among those that it was compared with: ask `admit` again."""
        stored, _ = find(db, self.origin)
        if stored not in known:
            raise HeadMoved()
        if head.size > stored.size:
            _store(db, self.origin, head, known[head])
