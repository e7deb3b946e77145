"""One domain of an agency, and what every agency does alike: acquire codes, keep copies, set flags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

import msgspec

from kakine.contracts.registry import ACQUIRE, Acquire, ByItems, ByNumber, Wanted
from kakine.institutions.families import Member, Roster, draws
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.keeping import NewCopy, put_copies, set_flags
from kakine.parties.gateway.store import Flags
from kakine.runtime.http import Peers
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import CodeNotIssued, CopyOutdated

DAY_MS = 86_400_000
Sheet = tuple[str, Mapping[str, object]]
"""An item and its data, in layout version 1."""
Sheets = Callable[[Member, Roster], Iterable[Sheet]]


class Fate(Enum):
    """What an agency's copy of a person is like."""

    FRESH = auto()
    STALE = auto()
    EXPIRED = auto()
    HUMAN = auto()


_FIXED = {
    ("twins", 0): Fate.HUMAN,
    ("newborn-without-name", 0): Fate.EXPIRED,
    ("two-households-one-address", 0): Fate.STALE,
}


@dataclass(frozen=True)
class Agency:
    """A domain, whom it knows, and what it holds of them. `by_items`: it looks people up without
    their number.

    `flawed` tells whether some copies are too old, expired or held back for a human, as happens in real life.
    """

    domain: DomainName
    knows: Callable[[Member], bool]
    sheets: Sheets
    by_items: bool = False
    flawed: bool = False

    def clients(self, roster: Roster) -> Iterator[Member]:
        """Whom the agency has a file of."""
        return (member for member in roster.members() if member.present and self.knows(member))

    async def acquire(
        self,
        peers: Peers,
        registry: PartyName,
        roster: Roster,
        members: Sequence[Member],
        numbers: Mapping[int, str],
    ) -> None:
        """Ask the registry for this domain's codes of at most 256 people, by number or by the five items.

        Raises `CodeNotIssued` with the outcome if anybody's is not given. May be repeated.
        """
        wanted = [
            Wanted(roster.reference(self.domain, member), self._who(member, numbers)) for member in members
        ]
        given = await peers.ask(registry, ACQUIRE, Acquire(self.domain, wanted))
        for outcome in given.outcomes:
            if outcome != "delivered":
                raise CodeNotIssued(domain=self.domain, outcome=outcome)

    def _who(self, member: Member, numbers: Mapping[int, str]) -> ByNumber | ByItems:
        resident, address = member.resident, member.registered_address
        if self.by_items and address and resident.name:
            return ByItems(resident.name, resident.kana, resident.birth, resident.sex, address)
        return ByNumber(numbers[member.serial], resident.birth)

    async def keep(self, gateway: Gateway, roster: Roster, members: Sequence[Member]) -> None:
        """Make the copies of these people and set their flags. The same people again change nothing."""
        office, now_ms = gateway.office, gateway.office.clock()
        copies = [copy for member in members for copy in self._copies(member, roster, now_ms)]
        # A start that was broken off may have got as far as this: copies are kept all or none.
        with suppress(CopyOutdated):
            await put_copies(office, self.domain, copies)
        for member in members:
            human = self._fate(member, roster) is Fate.HUMAN
            if member.resident.shielded or human:
                at = roster.reference(self.domain, member)
                flags = Flags(non_disclosed=member.resident.shielded, needs_human=human)
                await set_flags(office, self.domain, at, flags)

    def _copies(self, member: Member, roster: Roster, now_ms: int) -> Iterator[NewCopy]:
        fate = self._fate(member, roster)
        as_of = now_ms - (500 if fate is Fate.STALE else 20) * DAY_MS
        expires = now_ms + (-1 if fate is Fate.EXPIRED else 300) * DAY_MS
        for item, data in self.sheets(member, roster):
            yield NewCopy(
                roster.reference(self.domain, member), item, 1, 1, as_of, expires, msgspec.json.encode(data)
            )

    def _fate(self, member: Member, roster: Roster) -> Fate:
        if not self.flawed:
            return Fate.FRESH
        if member.family.household.case:
            return _FIXED.get((member.family.household.case, member.place), Fate.FRESH)
        fates = (Fate.FRESH, Fate.STALE, Fate.EXPIRED, Fate.HUMAN)
        return draws(roster.seed, "fate", self.domain, member.serial).choices(fates, (94, 2, 2, 2))[0]
