"""How a party keeps its law book up to date: ask the commission, believe the signatures and the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from kakine.contracts.commission import CURRENT, Since, Version
from kakine.protocols.gazette import Law, LawBook, publication_ms
from kakine.protocols.gazette_log import logged_ms
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Logs, log_keys
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock
from kakine.values.labels import PartyName
from kakine.wire.gazette import Signatures, gazette_digest


@dataclass(frozen=True)
class Sources:
    """Where the law comes from, and the logs of which one must hold every version."""

    commission: PartyName
    logs: Logs


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
    """Fetch and take everything published since the last version in `book`; the versions that are new.

    Raises PartyUnavailable, and what `take` raises: then the book is as it was before the version at fault.
    """
    taken: list[Law] = []
    while True:
        asked_ms = clock()
        answer = await peers.ask(sources.commission, CURRENT, Since(len(book.published)))
        if not answer.versions:
            book.heard(asked_ms)
            return taken
        for version in answer.versions:
            taken.append(take(book, version, sources))
