"""Heads of the log at a converter: one history, or no release (spec/lcx.md section 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from kakine.contracts.converter import MOST_FORKED, HeadSeen, LastHead
from kakine.contracts.ledger import CONSISTENCY, Between, Growth
from kakine.parties.converter.office import Office
from kakine.protocols.log_list import check_seen
from kakine.protocols.logs import Log, LogKey, log_of
from kakine.protocols.witnessing import UNSEEN, Opened
from kakine.runtime.database import Connection
from kakine.runtime.heads import find, forks, keep_fork
from kakine.values.labels import PartyName
from kakine.values.problems import ConsistencyInvalid, HeadForked, HeadMoved, PartyUnavailable, RangeOutside
from kakine.wire.checkpoint import Checkpoint

_TRIES = 8
"""How often a release is tried anew because another head was stored meanwhile."""


async def store(
    office: Office, under: Opened, work: Callable[[Connection], None], shown: Growth | None = None
) -> None:
    """Carry out `work` and, in one transaction with it, store the head if it is the largest: on the one history that
    was seen so far, or not at all. A fork is kept as proof. `shown` came with the head and spares asking the log where
    it is a proof."""
    for _ in range(_TRIES):
        try:
            known = await office.histories[under.origin].admit(
                under.head, under.note, partial(_proof, office, under.origin), shown
            )
        except HeadForked:
            await office.db.write(lambda db: keep_fork(db, under))
            raise
        try:
            return await office.db.write(partial(_under, office, under, known, work))
        except HeadMoved:
            continue
    raise PartyUnavailable(party=office.identity.name)


def _under(
    office: Office,
    under: Opened,
    known: Mapping[Checkpoint, bytes],
    work: Callable[[Connection], None],
    db: Connection,
) -> None:
    office.histories[under.origin].keep(db, under.head, known)
    work(db)


async def _proof(office: Office, origin: str, old: int, new: int) -> Sequence[bytes]:
    log = log_of(office.settings.logs, origin)
    try:
        given = await office.peers.ask(log.ledger, CONSISTENCY, Between(old, new))
    except RangeOutside as fault:
        # One of the two heads is longer than the log that is shown now: it was put back, or has two histories.
        raise ConsistencyInvalid(part="unproved") from fault
    return given.proof


async def believe(office: Office, final: Opened, *, dead: bool) -> None:
    """The last head of a log that ends, against the one kept here: kept in its place, with a proof that the log only
    grew. A dead log may give none; then it must at least not end before or beside what was seen.

    Raises `FinalHeadBehind`, `HeadForked`, `ConsistencyInvalid`.
    """
    seen, _ = find(office.db.read(), final.origin)
    if seen != UNSEEN:
        check_seen(final.origin, final.head, seen)
    if not dead:
        await store(office, final, lambda _: None)


def check_ended(db: Connection, log: Log) -> None:
    """Raise `FinalHeadBehind` or `HeadForked` where a log is said to have ended before or beside the head kept here."""
    seen, _ = find(db, log.origin)
    if isinstance(log.key, LogKey) and seen != UNSEEN:
        check_seen(log.origin, log.key.final, seen)


async def last_head(office: Office, caller: PartyName, message: LastHead) -> HeadSeen:
    """The last head on disk here, for those who compare: the ledger before it starts, and monitors."""
    db = office.db.read()
    head, note = find(db, message.origin)
    return HeadSeen(head.size, head.root, note, forks(db, message.origin)[:MOST_FORKED])
