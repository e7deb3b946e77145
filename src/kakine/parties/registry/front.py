"""What the registry does when it is called: life events first, what they mean for codes second.

A person is entered and enrolled in two steps; whoever was entered and not enrolled (a crash came between) is enrolled
when the same entry is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.clients.carrier import OPEN
from kakine.contracts.registry import (
    NOT_GIVEN,
    Acquire,
    Acquired,
    Born,
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
from kakine.parties.registry import misses, residents
from kakine.parties.registry.codes import MOST, Codes
from kakine.parties.registry.numbering import Desk
from kakine.parties.registry.residents import Done
from kakine.parties.registry.vouching import Vouching
from kakine.protocols.gazette import LawBook
from kakine.protocols.matching import Items
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.runtime.identity import Clock
from kakine.values.calendar import day_in_japan
from kakine.values.identifiers import IndividualNumber, MunicipalityCode
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import (
    CallerNotAllowed,
    CheckDigitWrong,
    IdentifierMalformed,
    ItemsIncomplete,
    Problem,
    RecordRefused,
)


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
        `NotAMunicipality`, and `Suspended` where the caller is."""
        now_ms = self.clock()
        law = self.law.in_force(now_ms)
        law.require_not_suspended(now_ms, caller)
        return law.municipality(caller)

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
        that vouches towards the portal, and so opens accounts, is given those of its own residents alone.

        Raises, before anybody is looked up, CallerNotAllowed, what the law lacks (`Law.permit_ground`) and
        MissesUsedUp. Whoever is found gets a line by the issuing; whoever gets no code is `NOT_GIVEN` and counted.
        Where nobody answers on the way the whole call is refused, and may be repeated.
        """
        domain, now_ms = DomainName(asked.domain), self.clock()
        if domain.party != caller:
            raise CallerNotAllowed(call="acquire")
        law = self.law.in_force(now_ms)
        law.permit_ground("ISSUE", self.codes.name, domain, now_ms)
        town = self._town(caller) if law.vouches(domain) else None
        day = day_in_japan(now_ms)

        def look_up(db: Connection) -> list[bytes | str]:
            misses.require_left(db, caller, day, len(asked.wanted))
            found = [_sought(db, wanted, town) for wanted in asked.wanted]
            misses.add(db, caller, day, found.count(NOT_GIVEN))
            return found

        found = await self.desk.db.write(look_up)
        pairs = zip(found, asked.wanted, strict=True)
        people = [(each, wanted.reference) for each, wanted in pairs if isinstance(each, bytes)]
        issued = await self._issue(domain, people) if people else []
        failed = issued.count(NOT_GIVEN)
        await self.desk.db.write(lambda db: misses.add(db, caller, day, failed))
        given = iter(issued)
        return Acquired([next(given) if isinstance(each, bytes) else each for each in found])

    async def _issue(self, domain: DomainName, people: list[tuple[bytes, bytes]]) -> list[str]:
        """Issue all; where that is refused, either half by itself. So what is refused for one changes nothing for the
        others, who would tell of it."""
        try:
            await self._enrol([person for person, _ in people])
            return await self.codes.issue(domain, people)
        except OPEN:
            raise
        except Problem:
            if len(people) == 1:
                return [NOT_GIVEN]
        half = len(people) // 2
        return [*await self._issue(domain, people[:half]), *await self._issue(domain, people[half:])]


def _sought(db: Connection, wanted: Wanted, town: MunicipalityCode | None) -> bytes | str:
    """The person, recorded in `town` where one is given, and never a guess: the number with the right birth date, or
    all five items and one candidate. Else what is wrong in the question, or `NOT_GIVEN`."""
    who = wanted.who
    try:
        if isinstance(who, ByNumber):
            found = residents.find_by_number(db, IndividualNumber(who.number), who.birth)
        else:
            found = residents.find_by_items(db, Items(who.name, who.kana, who.birth, who.sex, who.address))
        if town is not None:
            residents.require_resident(db, found, town)
        return found
    except (IdentifierMalformed, CheckDigitWrong, ItemsIncomplete) as problem:
        return problem.code
    except Problem:
        return NOT_GIVEN
