"""The ledger's duties, one method each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kakine.contracts.call import Nothing, Role
from kakine.contracts.ledger import (
    MOST_ENTRIES,
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
from kakine.protocols.index import has_record, stands_in_a_list
from kakine.runtime.shares import Shares
from kakine.values.labels import PartyName
from kakine.values.problems import EntryKindNotAllowed, FilingMismatch, LogClosed, RangeOutside, TagUnknown
from kakine.wire import filing
from kakine.wire.entry import Entry, EntryKind, split_entries, unlike

FilerKeys = Callable[[PartyName], VerifyKey]
"""The key under which a party signs filings; raises a problem for a party that has none."""

EVERY: dict[EntryKind, Role] = {
    EntryKind.REQUEST: Role.MAILBOX,
    EntryKind.OUTCOME: Role.MAILBOX,
    EntryKind.VIEWED: Role.MAILBOX,
    EntryKind.ANNOTATION: Role.MAILBOX,
    EntryKind.UNSEAL: Role.MAILBOX,
    EntryKind.GOVERNANCE: Role.COMMISSION,
    EntryKind.ERASURE: Role.COMMISSION,
}
"""Every party with the role must have signed a filing that covers an entry of the kind. An annotation is the record
keepers' where converters took part in it (a person's objection), and the commission's where none did (its answer)."""

ONE: dict[EntryKind, Role] = {EntryKind.INDEX_ROOT: Role.MAILBOX, EntryKind.STATEMENT: Role.CONVERTER}
"""Kinds in which a party with the role says something of its own, under its filing alone."""

PartiesOf = Callable[[Role], Sequence[PartyName]]
"""The parties that have a role in the law in force."""


def _begins(entry: bytes) -> bool:
    """Whether something about a person begins with this entry, other than what follows from an earlier one."""
    read = Entry.decode(entry)
    return (has_record(read) or stands_in_a_list(read)) and read.kind is not EntryKind.OUTCOME


class Duties:
    """What the ledger does for others."""

    def __init__(
        self, store: Store, sequencer: Sequencer, filer_keys: FilerKeys, parties_of: PartiesOf
    ) -> None:
        self._store = store
        self._sequencer = sequencer
        self._filer_keys = filer_keys
        self._parties_of = parties_of
        self._shares = Shares()
        self.ending = store.ending_since() is not None

    async def append(self, caller: PartyName, asked: Append) -> Appended:
        """Append entries under the signed filings of all who must file them; a repeat gets the same index and a fresh
        proof. Who brings them does not matter.

        A log that is `ending` takes outcomes of what it has, and what is said about the log itself. Raises
        `SignatureInvalid`, `NotCanonical`, `FilingMismatch`, `EntryKindNotAllowed`, `LogClosed`, and what
        `Sequencer.append` raises. Does not check what a commitment opens to, nor `minutes` against a clock.
        """
        entries = split_entries(asked.entries)
        self._check_filers(entries, [each.party for each in asked.filings])
        keys = [self._filer_keys(PartyName(each.party)) for each in asked.filings]
        await self._shares.run(lambda: _check_filings(asked, keys))
        tags = [asked.tags[at : at + filing.TAG] for at in range(0, len(asked.tags), filing.TAG)]
        if self.ending and any(map(_begins, entries)) and self._store.find(tags[0]) is None:
            raise LogClosed()
        return await self._sequencer.append(entries, tags, asked.since)

    async def receipt(self, caller: PartyName, asked: ByTag) -> Proved:
        """The entry under a tag, with a fresh proof. Raises `TagUnknown`."""
        found = self._store.find(asked.tag)
        head = await self._sequencer.head()
        # A group is committed before its head is signed: until then its entries are not yet answered.
        if found is None or found[0] >= head.at.size:
            raise TagUnknown()
        index, entry = found
        return Proved(entry, head.receipt(index, 1))

    async def entries(self, caller: PartyName, asked: ByIndex) -> Proved:
        """Entries by index, at most 256, with a fresh proof. Raises `RangeOutside`."""
        if asked.count > MOST_ENTRIES:
            raise RangeOutside(most=MOST_ENTRIES)
        receipt = (await self._sequencer.head()).receipt(asked.first, asked.count)
        return Proved(b"".join(self._store.entries(asked.first, asked.count)), receipt)

    async def consistency(self, caller: PartyName, asked: Between) -> Consistent:
        """Proof that the log only grew since `size`. Raises `RangeOutside`."""
        return (await self._sequencer.head()).consistency(asked.size, asked.until)

    async def checkpoint(self, caller: PartyName, asked: Nothing) -> Present:
        """The present checkpoint."""
        return Present((await self._sequencer.head()).note)

    def _check_filers(self, entries: list[bytes], filers: list[str]) -> None:
        """Whether those who must have filed these entries have."""
        for kind, answer in {(read.kind, read.is_answer) for read in map(Entry.decode, unlike(entries))}:
            if kind in EVERY:
                role = Role.COMMISSION if answer else EVERY[kind]
                right = filers == list(self._parties_of(role))
            elif kind in ONE:
                right = len(filers) == 1 and filers[0] in self._parties_of(ONE[kind])
            else:
                raise EntryKindNotAllowed(kind=int(kind))
            if not right:
                raise FilingMismatch(part="filers")


def _check_filings(asked: Append, keys: Sequence[VerifyKey]) -> None:
    """Whether each filing is signed with its key, and covers all of the request."""
    for each, key in zip(asked.filings, keys, strict=True):
        filed = filing.opened(each.filing, each.signature, key)
        filed.covers(asked.entries, asked.tags)
