"""The signer's duties, one method each."""

from __future__ import annotations

from kakine.contracts.signer import Extension, OfLog, Signed
from kakine.crypto.merkle import EMPTY, verify_consistency
from kakine.parties.signer.settings import SignerSettings
from kakine.parties.signer.store import Store
from kakine.values.labels import PartyName
from kakine.values.problems import ConsistencyInvalid, HeadNotExtending, LogClosed
from kakine.wire import checkpoint as notes
from kakine.wire.checkpoint import Checkpoint


class Duties:
    """What the signer does for its ledger."""

    def __init__(self, settings: SignerSettings, store: Store) -> None:
        self._settings = settings
        self._store = store

    async def sign(self, caller: PartyName, asked: Extension) -> Signed:
        """Keep a head that extends the last one, then sign it. The last head again gives the same bytes.

        Raises `HeadNotExtending` for anything else: another log, another old size, a head that is not larger,
        a proof that does not hold; `LogClosed` for a log that has ended. Does not see the entries, nor check that
        anybody has them.
        """
        self._check_log(asked.origin)
        new = Checkpoint(asked.size, asked.root)
        last = self._store.last(asked.origin)
        if new != last:
            self._check_extends(last, new, asked)
            await self._store.swap(asked.origin, last, new)
        return self._signed(asked.origin, new)

    async def signed(self, caller: PartyName, asked: OfLog) -> Signed:
        """The head signed last; of a log without one, that of the empty tree."""
        self._check_log(asked.origin)
        return self._signed(asked.origin, self._store.last(asked.origin))

    async def close(self, caller: PartyName, asked: OfLog) -> Signed:
        """End the log: the head signed last is its last for good. It cannot be undone."""
        self._check_log(asked.origin)
        await self._store.close(asked.origin)
        return self._signed(asked.origin, self._store.last(asked.origin))

    def _check_log(self, origin: str) -> None:
        if origin != self._settings.origin:
            raise HeadNotExtending(part="origin")

    def _check_extends(self, last: Checkpoint, new: Checkpoint, asked: Extension) -> None:
        if self._store.closed(asked.origin):
            raise LogClosed(log=asked.origin, size=last.size)
        if len(new.root) != len(EMPTY):
            raise HeadNotExtending(part="root")
        if asked.old != last.size or new.size <= last.size:
            raise HeadNotExtending(part="size", signed=last.size)
        try:
            verify_consistency(last.size, new.size, asked.proof, last.root, new.root)
        except ConsistencyInvalid as fault:
            raise HeadNotExtending(part="proof", signed=last.size) from fault

    def _signed(self, origin: str, head: Checkpoint) -> Signed:
        note = notes.make(origin, head.size, head.root, self._settings.key)
        return Signed(note, self._store.closed(origin))
