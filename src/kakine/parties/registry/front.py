"""What the registry does when it is called: life events first, what they mean for codes second.

A person is entered and enrolled in two steps; whoever was entered and not enrolled (a crash came between) is enrolled
when the same entry is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.contracts.registry import (
    Acquire,
    Acquired,
    Born,
    ByItems,
    ByNumber,
    Died,
    Enter,
    EnterAnswer,
    Numbered,
    Refused,
    Report,
    Reported,
    Wanted,
)
from kakine.parties.registry import residents
from kakine.parties.registry.codes import MOST, Codes
from kakine.parties.registry.numbering import Desk
from kakine.parties.registry.residents import Done
from kakine.parties.registry.vouching import Vouching
from kakine.protocols.gazette import LawBook
from kakine.protocols.matching import Items
from kakine.runtime import codebook
from kakine.runtime.identity import Clock
from kakine.values.identifiers import CorporateNumber, IndividualNumber, MunicipalityCode
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import CallerNotAllowed, Problem, RecordRefused


@dataclass(frozen=True)
class Front:
    """The registry's counter for municipalities and agencies."""

    desk: Desk
    codes: Codes
    law: LawBook
    clock: Clock
    vouching: Vouching

    def _town(self, caller: PartyName) -> MunicipalityCode:
        """The caller's municipality code, out of the corporate number that the gazette has of it. Raises
        `NotAMunicipality`."""
        party = self.law.in_force(self.clock()).party(caller)
        return CorporateNumber(party.number).municipality

    async def enter(self, caller: PartyName, asked: Enter) -> EnterAnswer:
        """Enter people and enrol them. Each entry is taken or refused for itself."""
        done = await residents.enter(self.desk, self._town(caller), asked.entries, self.clock())
        await self._enrol([each.person for each in done if isinstance(each, Done)])
        return EnterAnswer(
            [
                Numbered(each.number, each.record_code) if isinstance(each, Done) else Refused(each.code)
                for each in done
            ]
        )

    async def _enrol(self, people: Sequence[bytes]) -> None:
        lacking = [each for each in dict.fromkeys(people) if not self._enrolled(each)]
        for at in range(0, len(lacking), MOST):
            await self.codes.enrol(lacking[at : at + MOST])

    def _enrolled(self, person: bytes) -> bool:
        return codebook.token_of(self.desk.db.read(), self.codes.name, person) is not None

    async def birth(self, caller: PartyName, asked: Born) -> Reported:
        """Enter a child and enrol it."""
        done = await residents.birth(self.desk, self._town(caller), asked, self.clock())
        await self._enrol([done.person])
        return Reported(done.number, done.record_code)

    async def report(self, caller: PartyName, asked: Report) -> Reported:
        """A life event. A death retires the person's code at the record keeper; a new number moves nothing else."""
        done = await residents.report(self.desk, self._town(caller), asked, self.clock())
        await self.vouching.deliver()
        if isinstance(asked.change, Died) and self._enrolled(done.person):
            await self._retire(done)
        return Reported(done.number, done.record_code)

    async def _retire(self, done: Done) -> None:
        try:
            await self.codes.retire([done.person])
        except RecordRefused:
            # The same report again, after a crash: the code had been retired.
            if not done.again:
                raise

    async def acquire(self, caller: PartyName, asked: Acquire) -> Acquired:
        """Give a domain its codes of people it names by number, or by all five items with exactly one candidate. A desk
        that vouches towards the portal, and so opens accounts, is given those of its own residents alone."""
        domain = DomainName(asked.domain)
        if domain.party != caller:
            raise CallerNotAllowed(call="acquire")
        vouches = self.law.in_force(self.clock()).vouches(domain)
        town = self._town(caller) if vouches else None
        outcomes: dict[int, str] = {}
        found: list[tuple[int, bytes, bytes]] = []
        for position, wanted in enumerate(asked.wanted):
            try:
                found.append((position, await self._person(wanted, town), wanted.reference))
            except Problem as problem:
                outcomes[position] = problem.code
        if found:
            issued = await self._issue(domain, [(person, reference) for _, person, reference in found])
            outcomes |= {position: each for (position, _, _), each in zip(found, issued, strict=True)}
        return Acquired([outcomes[position] for position in range(len(asked.wanted))])

    async def _issue(self, domain: DomainName, people: list[tuple[bytes, bytes]]) -> list[str]:
        """Issue all; where the record keeper refuses some, those are named and the others go again."""
        try:
            return await self.codes.issue(domain, people)
        except RecordRefused as refusal:
            named = refusal.facts.get("indexes")
            refused = set(named) if isinstance(named, list) else set(range(len(people)))
        rest = [each for j, each in enumerate(people) if j not in refused]
        again = iter(await self._issue(domain, rest)) if rest else iter(())
        return [RecordRefused.code if j in refused else next(again) for j in range(len(people))]

    async def _person(self, wanted: Wanted, town: MunicipalityCode | None) -> bytes:
        """Never a guess: the number with the right birth date, or all five items and one candidate; with `town`
        recorded there."""
        who, db = wanted.who, self.desk.db
        if isinstance(who, ByNumber):
            person = await residents.find_by_number(db, IndividualNumber(who.number), who.birth)
        else:
            items: ByItems = who
            person = await residents.find_by_items(
                db, Items(items.name, items.kana, items.birth, items.sex, items.address)
            )
        if town is not None:
            residents.require_resident(db, person, town)
        await self._enrol([person])
        return person
