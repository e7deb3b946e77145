"""What the last converter does with a batch: have every record keeper file it, log it once, tell them where it stands.

All file before anything is logged, so an entry in the log has its sealed record with every record keeper: the ledger
takes no entry of an exchange that one of them has not signed for. A crash in between leaves filings without an entry,
which are in nobody's list; the same request sent again goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

from kakine.clients.logs import append
from kakine.contracts import mailbox
from kakine.contracts.converter import Convert, Filed, Outcome
from kakine.contracts.ledger import Append
from kakine.contracts.mailbox import FiledHere, FileOutcome, Logged
from kakine.crypto.hashing import digest
from kakine.parties.converter import store
from kakine.parties.converter.office import Office
from kakine.values.labels import DomainName, PartyName
from kakine.wire.request import Keeper, outcome_id, public_digest

Answer = TypeVar("Answer")


async def record_batch(office: Office, keepers: Sequence[Keeper], request: bytes, message: Convert) -> Filed:
    """The receipt of a converted batch. Raises the refusal of a record keeper, and what the ledger raises."""
    names = _parties(keepers)
    filings = (
        office.peers.ask(name, mailbox.FILE, _for_keeper(message, place)) for place, name in enumerate(names)
    )
    return await _recorded(office, names, request, message, filings)


async def record_outcome(office: Office, keepers: Sequence[Keeper], message: Outcome) -> Filed:
    """The receipt of an outcome, relayed under this converter's own signature. It goes to the log of its request while
    that is open, for outcomes are counted log by log."""
    names = _parties(keepers)
    covered = digest("entries", message.entries), digest("tags", message.tags)
    signature = office.identity.signing.sign("outcome-relay", message.request, *covered)
    onward = FileOutcome(message.request, message.entries, message.tags, message.envelopes, signature)
    filings = (office.peers.ask(name, mailbox.OUTCOME, onward) for name in names)
    beside = store.log_of(office.db.read(), message.request)
    return await _recorded(office, names, outcome_id(message.request), message, filings, beside)


async def _recorded(
    office: Office,
    names: Sequence[PartyName],
    identity: bytes,
    message: Convert | Outcome,
    filings: Iterable[Awaitable[FiledHere]],
    beside: str = "",
) -> Filed:
    here = await _every(filings)
    signed = [each.signed for each in here]
    asked = Append(message.entries, message.tags, signed)
    again = any(each.again for each in here)
    receipt = await append(office.peers, office.settings.logs, asked, again=again, beside=beside)
    logged = Logged(identity, receipt)
    await _every(office.peers.ask(name, mailbox.LOGGED, logged) for name in names)
    return Filed(signed, receipt)


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
