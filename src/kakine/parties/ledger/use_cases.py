"""The ledger's duties, one method each."""

from __future__ import annotations

from collections.abc import Callable

from kakine.contracts.call import Nothing, Role
from kakine.contracts.ledger import (
    Append,
    Appended,
    Between,
    ByIndex,
    ByTag,
    Consistent,
    Proved,
)
from kakine.contracts.ledger import Head as Present
from kakine.crypto.signing import VerifyKey
from kakine.parties.ledger.sequencer import Sequencer
from kakine.parties.ledger.store import Store
from kakine.runtime.http import RolesOf
from kakine.values.labels import PartyName
from kakine.values.problems import EntryKindNotAllowed, RangeOutside, TagUnknown
from kakine.wire import filing
from kakine.wire.entry import Entry, EntryKind, split_entries

FilerKeys = Callable[[PartyName], VerifyKey]
"""The key under which a party signs filings; raises a problem for a party that has none."""

MAY_FILE: dict[str, frozenset[EntryKind]] = {
    Role.MAILBOX: frozenset({EntryKind.REQUEST, EntryKind.OUTCOME}),
    Role.COMMISSION: frozenset({EntryKind.GOVERNANCE}),
}

MOST_ENTRIES = 256


class Duties:
    """What the ledger does for others."""

    def __init__(self, store: Store, sequencer: Sequencer, filer_keys: FilerKeys, roles_of: RolesOf) -> None:
        self._store = store
        self._sequencer = sequencer
        self._filer_keys = filer_keys
        self._roles_of = roles_of

    async def append(self, caller: PartyName, asked: Append) -> Appended:
        """Append entries under the caller's signed filing; a repeat gets the same index and a fresh proof.

        Raises `SignatureInvalid`, `NotCanonical`, `FilingMismatch`, `EntryKindNotAllowed`, and what
        `Sequencer.append` raises. Does not check what a commitment opens to, nor `minutes` against a clock.
        """
        filed = filing.opened(asked.filing, asked.signature, self._filer_keys(caller))
        filed.covers(asked.entries, asked.tags)
        entries = split_entries(asked.entries)
        self._check_kinds(caller, entries)
        tags = [asked.tags[at : at + filing.TAG] for at in range(0, len(asked.tags), filing.TAG)]
        return await self._sequencer.append(entries, tags)

    async def receipt(self, caller: PartyName, asked: ByTag) -> Proved:
        """The entry under a tag, with a fresh proof. Raises `TagUnknown`."""
        found = self._store.find(asked.tag)
        head = self._sequencer.head()
        # A group may be committed before its head is in memory: until then its entries are not yet answered.
        if found is None or found[0] >= head.at.size:
            raise TagUnknown()
        index, entry = found
        return Proved(entry, head.receipt(index, 1))

    async def entries(self, caller: PartyName, asked: ByIndex) -> Proved:
        """Entries by index, at most 256, with a fresh proof. Raises `RangeOutside`."""
        if asked.count > MOST_ENTRIES:
            raise RangeOutside(most=MOST_ENTRIES)
        receipt = self._sequencer.head().receipt(asked.first, asked.count)
        return Proved(b"".join(self._store.entries(asked.first, asked.count)), receipt)

    async def consistency(self, caller: PartyName, asked: Between) -> Consistent:
        """Proof that the log only grew since `size`. Raises `RangeOutside`."""
        return self._sequencer.head().consistency(asked.size, asked.until)

    async def checkpoint(self, caller: PartyName, asked: Nothing) -> Present:
        """The present checkpoint."""
        return Present(self._sequencer.head().note)

    def _check_kinds(self, caller: PartyName, entries: list[bytes]) -> None:
        allowed: set[EntryKind] = set()
        for role in self._roles_of(caller):
            allowed |= MAY_FILE.get(role, frozenset())
        for entry in entries:
            kind = Entry.decode(entry).kind
            if kind not in allowed:
                raise EntryKindNotAllowed(kind=int(kind))
