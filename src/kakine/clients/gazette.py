"""How a party keeps its law book up to date: ask the commission, believe the signatures and the ledger."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kakine.contracts.commission import CURRENT, OpenedLog, Since, Version
from kakine.protocols import log_list
from kakine.protocols.gazette import Law, LawBook, publication_ms
from kakine.protocols.gazette_log import logged_ms
from kakine.protocols.heads import Heads
from kakine.protocols.log_list import Shown
from kakine.protocols.logs import Log, LogBook, log_keys, log_of
from kakine.protocols.witnessing import Opened
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock
from kakine.values.labels import PartyName
from kakine.wire import checkpoint as notes
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import origin_of
from kakine.wire.gazette import Signatures, gazette_digest
from kakine.wire.log_list import Opening, Reason

Believe = Callable[[Opened, bool], Awaitable[None]]
"""Raises unless the last head of a log, and whether it is dead, go with what was seen of the log."""


async def nothing_seen(final: Opened, dead: bool) -> None:
    """For a party that keeps no heads."""


@dataclass(frozen=True)
class Sources:
    """Where the law comes from, and the logs of which one must hold every version: this party's own list of them.
    `believe` holds the last head of a log that has ended against what the party has seen of it."""

    commission: PartyName
    logs: LogBook
    believe: Believe = nothing_seen


def take(book: LawBook, version: Version, sources: Sources) -> Law:
    """Add a published version to `book` after verifying signatures, chain and ledger entry.

    The key of the log is that of the law in force, or of the first version itself, which the founders' keys
    vouch for. Raises what `LawBook.accept`, `Heads.verify` and `gazette_log.logged_ms` raise.
    """
    signatures = Signatures(version.ministry, version.commission)
    entry_ms = logged_ms(version.entry, gazette_digest(version.gazette))
    published_ms = publication_ms(version.gazette, entry_ms)
    first = not book.published
    present = book.check(version.gazette, signatures, published_ms) if first else book.in_force(published_ms)
    given = version.receipt
    keys = log_keys(present, sources.logs)
    Heads().verify(given.first, given.proof, given.checkpoint, version.entry, keys)
    return book.accept(version.gazette, signatures, entry_ms)


async def refresh(book: LawBook, peers: Peers, sources: Sources, clock: Clock) -> list[Law]:
    """Fetch and take everything published since the last version in `book`, and every log opened since; the versions
    that are new.

    Raises PartyUnavailable, and what `take` and `log_list.take` raise: then the book is as it was before the version or
    opening at fault.
    """
    taken: list[Law] = []
    while True:
        asked_ms = clock()
        asked = Since(len(book.published), sources.logs.number)
        answer = await peers.ask(sources.commission, CURRENT, asked)
        openings = deque(answer.openings)
        for version in answer.versions:
            # A version may be logged in a log that was opened after the one before it.
            while openings and origin_of(version.receipt.checkpoint) not in _origins(sources.logs):
                await _believe(book, openings.popleft(), sources)
            taken.append(take(book, version, sources))
        if not answer.versions:
            for opened in openings:
                await _believe(book, opened, sources)
            book.heard(asked_ms)
            return taken


async def _believe(book: LawBook, opened: OpenedLog, sources: Sources) -> None:
    opening = decode(opened.opening, Opening)
    old = log_of(sources.logs, opening.follows)
    final = notes.open(opening.final, old.origin, old.key_in(book.in_force(opening.time_ms)))
    await sources.believe(Opened(old.origin, final, opening.final), opening.reason != Reason.YEAR)
    take_log(book, opened, sources)


def take_log(book: LawBook, opened: OpenedLog, sources: Sources) -> Log:
    """Add an opening to the party's list of logs, under the law of its time. Raises what `log_list.take` raises."""
    receipt = opened.receipt
    place = receipt.first, tuple(receipt.proof), receipt.checkpoint
    shown = Shown(opened.opening, opened.operator, opened.commission, *place)
    return log_list.take(shown, sources.logs, book.in_force(decode(opened.opening, Opening).time_ms))


def _origins(logs: LogBook) -> set[str]:
    return {log.origin for log in logs}
