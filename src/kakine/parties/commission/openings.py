"""The list of logs as the commission keeps it: what it has agreed to, what stands in the new log, what it hands out."""

from __future__ import annotations

import msgspec

from kakine.clients.gazette import Sources, take_log
from kakine.contracts.call import Role
from kakine.contracts.commission import OpenedLog
from kakine.contracts.converter import HEAD, LastHead
from kakine.contracts.ledger import APPEND, Append, Appended
from kakine.crypto.signing import VerifyKey
from kakine.parties.commission.store import Store, StoredOpening
from kakine.protocols import log_list
from kakine.protocols.gazette import CLOCK_MS, LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Log, LogBook
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock, Identity
from kakine.values.calendar import minutes
from kakine.values.labels import PartyName
from kakine.values.problems import LogListBroken
from kakine.wire import filing
from kakine.wire.canonical import decode
from kakine.wire.checkpoint import Checkpoint
from kakine.wire.log_list import LABEL, Opening

_NOTHING = bytes(32)
_receipt = msgspec.msgpack.Decoder(Appended)


def _handed_out(stored: StoredOpening) -> OpenedLog:
    receipt = _receipt.decode(stored.receipt or b"")
    return OpenedLog(stored.opening, stored.operator, stored.commission, receipt)


class Openings:
    """Opening it takes every stored opening anew, under the laws that `book` has by then."""

    def __init__(
        self, identity: Identity, store: Store, book: LawBook, logs: LogBook, peers: Peers, clock: Clock
    ) -> None:
        self._identity = identity
        self._store = store
        self._book = book
        self._sources = Sources(identity.name, logs)
        self._peers = peers
        self._clock = clock
        for opened in self.after(0):
            take_log(book, opened, self._sources)

    def after(self, number: int) -> list[OpenedLog]:
        """Openings after this number that stand in their log, in order."""
        return [_handed_out(each) for each in self._store.openings(number) if each.receipt is not None]

    @property
    def pending(self) -> Opening | None:
        """What was agreed to and does not stand in the new log yet."""
        waiting = [each for each in self._store.openings(0) if each.receipt is None]
        return decode(waiting[0].opening, Opening) if waiting else None

    def of(self, origin: str) -> Opening | None:
        """The opening of a log, also one that waits; None for a first log."""
        every = (decode(each.opening, Opening) for each in self._store.openings(0))
        return next((each for each in every if each.origin == origin), None)

    async def agree(self, data: bytes, operator: bytes) -> Opening:
        """Countersign an opening that its operator has signed, and write it down. The person who calls this has looked.

        Raises what `log_list.check_signed` and `log_list.check` raise; `LogListBroken` for one that is not of now, or
        while another one waits; `FinalHeadBehind` if a converter has seen a larger head; `PartyUnavailable` for a
        converter that is away: without its word nobody knows where the log ended.
        """
        now_ms = self._clock()
        law, logs = self._book.in_force(now_ms), self._sources.logs
        signature = self._identity.signing.sign(LABEL, decode(data, Opening).digest)
        opening = log_list.check_signed(data, operator, signature, law)
        if abs(opening.time_ms - now_ms) > CLOCK_MS or self.pending is not None:
            raise LogListBroken(part="time")
        final = log_list.check(opening, logs, law)
        for name in law.with_role(Role.CONVERTER):
            seen = await self._peers.ask(name, HEAD, LastHead(opening.follows))
            log_list.check_seen(opening.follows, final, Checkpoint(seen.size, seen.root))
        await self._store.intend_opening(opening.number, StoredOpening(data, operator, signature, None))
        return opening

    async def publish(self) -> Log | None:
        """Have the pending opening logged as the beginning of the new log, and hand it out from now on; the new log.

        None where nothing waits. Raises what the new ledger refuses with, and what does not verify; the same again is
        harmless.
        """
        waiting = [each for each in self._store.openings(0) if each.receipt is None]
        if not waiting:
            return None
        opening = decode(waiting[0].opening, Opening)
        entries, tags = log_list.first_entries(opening)
        filed = filing.filing_of(
            request=_NOTHING,
            points=_NOTHING,
            entries=entries,
            tags=tags,
            hops=_NOTHING,
            minutes=minutes(opening.time_ms),
        )
        signed = filing.sign(filed, self._identity.name, self._identity.signing)
        asked = Append(entries, tags, [signed])
        receipt = await self._peers.ask(PartyName(opening.ledger), APPEND, asked)
        keys = {opening.origin: VerifyKey(opening.key)}
        Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, entries, keys)
        await self._store.settle_opening(opening.number, msgspec.msgpack.encode(receipt))
        (opened,) = self.after(opening.number - 1)
        return take_log(self._book, opened, self._sources)
