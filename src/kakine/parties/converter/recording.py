"""What the last converter does with a batch: have every record keeper file it, log it once, tell them where it stands.

All file before anything is logged, so an entry in the log has its sealed record with every record keeper: the ledger
takes no entry of an exchange that one of them has not signed for. A crash in between leaves filings without an entry,
which are in nobody's list; the same request sent again goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from kakine.clients.logs import append
from kakine.contracts import mailbox
from kakine.contracts.converter import Convert, Filed, Outcome
from kakine.contracts.ledger import Append, Growth
from kakine.contracts.mailbox import FiledHere, FileOutcome, Logged
from kakine.crypto.hashing import digest
from kakine.parties.converter import store
from kakine.parties.converter.office import Office
from kakine.runtime.heads import find
from kakine.values.labels import DomainName, PartyName
from kakine.wire.request import Keeper, outcome_id, public_digest

Answer = TypeVar("Answer")


async def record_batch(
    office: Office, keepers: Sequence[Keeper], request: bytes, message: Convert, *, owed: bool = False
) -> tuple[Filed, Growth | None]:
    """The receipt of a converted batch, and how the log has grown since the head that was seen here last. Of a batch to
    which an outcome is `owed` the record keepers hear with that outcome, or later (`tell`). Raises the refusal of a
    record keeper, and what the ledger raises."""
    names = _parties(keepers)
    filings = (
        office.peers.ask(name, mailbox.FILE, _for_keeper(message, place)) for place, name in enumerate(names)
    )
    since = partial(_size_seen, office)
    filed, growth = await _recorded(office, names, message, filings, since=since)
    logged = Logged(request, filed.receipt)
    if owed and office.settings.tells_later:
        office.untold.append((names, logged))
    else:
        await _tell(office, names, logged)
    return filed, growth


async def record_outcome(office: Office, keepers: Sequence[Keeper], message: Outcome) -> Filed:
    """The receipt of an outcome, relayed under this converter's own signature. It goes to the log of its request while
    that is open, for outcomes are counted log by log."""
    names = _parties(keepers)
    covered = digest("entries", message.entries), digest("tags", message.tags)
    signature = office.identity.signing.sign("outcome-relay", message.request, *covered)
    onward = FileOutcome(
        message.request, message.entries, message.tags, message.envelopes, signature, message.receipt
    )
    filings = (office.peers.ask(name, mailbox.OUTCOME, onward) for name in names)
    beside = store.log_of(office.db.read(), message.request)
    filed, _ = await _recorded(office, names, message, filings, beside)
    await _tell(office, names, Logged(outcome_id(message.request), filed.receipt))
    return filed


async def tell(office: Office) -> str:
    """Tell the record keepers where the last batches stand. One that does not hear finds them in the log by itself, at
    its start and before each reading and index."""
    untold, office.untold[:] = office.untold[:], []
    told = (_tell(office, names, logged) for names, logged in untold)
    failed = [each for each in await asyncio.gather(*told, return_exceptions=True) if each is not None]
    return f"{len(failed)} not heard" if failed else ""


async def _tell(office: Office, names: Sequence[PartyName], logged: Logged) -> None:
    await _every(office.peers.ask(name, mailbox.LOGGED, logged) for name in names)


async def _recorded(
    office: Office,
    names: Sequence[PartyName],
    message: Convert | Outcome,
    filings: Iterable[Awaitable[FiledHere]],
    beside: str = "",
    since: Callable[[str], int] = lambda _: 0,
) -> tuple[Filed, Growth | None]:
    here = await _every(filings)
    signed = [each.signed for each in here]
    asked = Append(message.entries, message.tags, signed)
    again = any(each.again for each in here)
    given = await append(office.peers, office.settings.logs, asked, again=again, beside=beside, since=since)
    receipt = msgspec.structs.replace(given, growth=None)
    return Filed(signed, receipt), given.growth


def _size_seen(office: Office, origin: str) -> int:
    seen, _ = find(office.db.read(), origin)
    return seen.size


async def _every(calls: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """What all record keepers answer. All are heard to the end; of refusals the first in the law's order is raised, so
    that it does not depend on who is faster."""
    answers = []
    for each in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
        answers.append(each)
    return answers


def _parties(keepers: Sequence[Keeper]) -> list[PartyName]:
    return [DomainName(keeper.name).party for keeper in keepers]


def _for_keeper(message: Convert, place: int) -> mailbox.File:
    """Without the public part: a record keeper never learns who asks whom, or why."""
    return mailbox.File(
        public_digest(message.public),
        message.record,
        message.entries,
        message.tags,
        message.envelopes,
        message.to_keepers[place],
        message.blinded,
        message.legs,
        message.hops,
    )
