"""The steps of a demonstration, each of which may be broken off and taken up again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from kakine.cli.demo_checks import head
from kakine.cli.demo_journal import BULK, SINGLE, Asked, Journal
from kakine.cli.progress import work
from kakine.clients.gazette import refresh
from kakine.contracts.commission import SUSPEND, Narrow, Stop
from kakine.contracts.registry import ACQUIRE, Acquire, ByNumber, Wanted
from kakine.country import COMMISSION, CONVERTERS, LOGIN, REGISTRY, Country
from kakine.institutions import accounts, insurer, pension, prefecture, register, town
from kakine.institutions.agency import Agency
from kakine.institutions.cases import Inquiry, applications, yearly_check
from kakine.institutions.families import TOWNS, Family, Member, Roster
from kakine.institutions.insisting import ask_anyway
from kakine.institutions.town import ResidentsDesk
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.asking import Question
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import Problem, PromiseBroken
from kakine.wire.request import Mode

T = TypeVar("T")

STOPPED_ROW = "JO81.10"
"""The row that the commission stops at the end: nothing else here needs it any more."""

PARTS = 256
"""People in one call to the registry."""

DESKS = 16
"""Case workers who ask at the same time."""

TOGETHER = 64
"""People in one request of the yearly check."""


def parts(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` things, the last one shorter."""
    left = iter(things)
    while part := list(islice(left, size)):
        yield part


def agencies() -> list[Agency]:
    """Every agency of the country and the portal, which acquires login codes as an agency does its own."""
    desks = [agency for name in TOWNS.values() for agency in town.agencies(name)]
    others = (register, pension, accounts, prefecture, insurer)
    portal = Agency(LOGIN, lambda m: m is m.family.applicant, lambda *_: ())
    return [*desks, *(agency for office in others for agency in office.agencies()), portal]


@dataclass
class Stage:
    """A country, its residents, and how far the demonstration is. `plain`: progress in lines."""

    country: Country
    journal: Journal
    roster: Roster
    plain: bool

    def gateway(self, domain: DomainName) -> Gateway:
        """The gateway that runs a domain."""
        found: Gateway = self.country.gateways[domain.party]
        return found

    def desk(self, name: PartyName) -> ResidentsDesk:
        """The residents' desk of a town."""
        return ResidentsDesk(self.country.peers(name), REGISTRY.party, self.roster)

    async def settle(self) -> None:
        """Enter and number everybody, then give each agency its codes and let it make its copies."""
        if "settled" in self.journal.steps:
            return
        numbers: dict[int, str] = {}
        with work("住民の登録 / entering residents", self.roster.size, self.plain) as shown:
            for name in TOWNS.values():
                families = [family for family in self.roster.families if family.town == name]
                for group in parts(families, PARTS // 4):
                    members = [member for family in group for member in family.members]
                    numbers |= await self.desk(name).enter(members)
                    shown.advance(len(members))
        await self._equip(numbers)
        await self.journal.done("settled")

    async def _equip(self, numbers: dict[int, str]) -> None:
        clients = {agency: list(agency.clients(self.roster)) for agency in agencies()}
        total = sum(map(len, clients.values()))
        with work("符号の取得と副本 / codes and copies", total, self.plain) as shown:
            for agency, members in clients.items():
                for number, part in enumerate(parts(members, PARTS)):
                    await self._equip_part(agency, number, part, numbers)
                    shown.advance(len(part))
            await self.country.refresh()

    async def _equip_part(
        self, agency: Agency, number: int, part: list[Member], numbers: dict[int, str]
    ) -> None:
        step = f"equipped {agency.domain} {number}"
        if step in self.journal.steps:
            return
        road = self.country.peers(agency.domain.party)
        await agency.acquire(road, REGISTRY.party, self.roster, part, numbers)
        if agency.domain != LOGIN:
            await agency.keep(self.gateway(agency.domain), self.roster, part)
        await self.journal.done(step)

    async def interview(self) -> None:
        """All applications, asked one by one by many case workers at the same time."""
        left = [each for each in applications(self.roster) if each.name not in self.journal.asked]
        if not left:
            return
        waiting = iter(left)
        with work("申請ごとの照会 / one by one", len(left), self.plain) as shown:

            async def worker() -> None:
                for inquiry in waiting:
                    await self.ask(inquiry)
                    shown.advance(1)

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(DESKS, len(left))):
                        group.create_task(worker())
            except ExceptionGroup as refused:
                # The first says what is wrong; the other desks were stopped for it.
                raise refused.exceptions[0] from refused

    async def ask(self, inquiry: Inquiry) -> str:
        """One exchange, written down with its time and its result."""
        began = time.perf_counter_ns()
        answer = await self.gateway(inquiry.question.domain).desk.ask(inquiry.question)
        ended = time.perf_counter_ns()
        await self.journal.keep([self._asked(inquiry, SINGLE, began, ended, answer.result)])
        return answer.result

    def _asked(self, inquiry: Inquiry, kind: str, began: int, ended: int, result: str) -> Asked:
        return Asked(inquiry.name, kind, self.journal.start, began // 1000, ended // 1000, result)

    async def check_all(self) -> None:
        """The yearly check, in bulk: 64 people in one request, proved hop by hop."""
        groups = yearly_check(self.roster).values()
        left = [[each for each in group if each.name not in self.journal.asked] for group in groups]
        if not any(left):
            return
        with work("現況の一括照会 / in bulk", sum(map(len, left)), self.plain) as shown:
            for part in (part for group in left for part in parts(group, TOGETHER)):
                began = time.perf_counter_ns()
                gateway = self.gateway(part[0].question.domain)
                answers = await gateway.desk.ask_many([each.question for each in part])
                ended = time.perf_counter_ns()
                pairs = zip(part, answers, strict=True)
                await self.journal.keep([self._asked(e, BULK, began, ended, a.result) for e, a in pairs])
                shown.advance(len(part))

    def protagonist(self) -> Family:
        """Of whom the story tells: the applicant who was answered most, in Yokohama if there is one."""
        delivered = {name for name, each in self.journal.asked.items() if each.result == "delivered"}
        counts: dict[int, int] = {}
        tax = set()
        for inquiry in applications(self.roster):
            if inquiry.name in delivered and inquiry.member is inquiry.member.family.applicant:
                number = inquiry.member.family.number
                counts[number] = counts.get(number, 0) + 1
                if inquiry.question.rows == ("JO106.2",):
                    tax.add(number)
        if not tax:
            raise PromiseBroken(promise="delivered")
        families = self.roster.families
        best = max(tax, key=lambda n: (families[n].town == "yokohama", counts[n], -n))
        return families[best]

    def tax_inquiry(self, family: Family) -> Inquiry:
        """The question about an applicant's tax."""
        return next(
            each
            for each in applications(self.roster)
            if each.member.family is family and each.question.rows == ("JO106.2",)
        )

    async def refuse(self, family: Family) -> None:
        """A tax office wants to know about somebody's pension. No row says it may."""
        if "refused" in self.journal.steps:
            return
        known = self.tax_inquiry(family).question
        question = replace(
            known,
            domain=known.provider,
            provider=DomainName("pension/records"),
            reference=self.roster.reference(known.provider, family.members[0]),
            unit="税務課",
            mode=Mode.S0,
        )
        await self.journal.done("refused", await self._both_refuse(question))

    async def _both_refuse(self, question: Question) -> dict[str, str | int]:
        """The problem a question meets the ordinary way, and without the own gateway's check; and by how many
        entries the ledger grew (none, if all is well)."""
        gateway, before = self.gateway(question.domain), await head(self.country)
        said: dict[str, str | int] = {"asked": "", "insisted": ""}
        try:
            await gateway.desk.ask(question)
        except Problem as problem:
            said["asked"] = problem.code
        try:
            await ask_anyway(gateway, question)
        except Problem as problem:
            said["insisted"] = problem.code
        return said | {"grown": (await head(self.country)).size - before.size}

    async def change_number(self, family: Family) -> None:
        """A new number for the applicant; then the question that was answered before is asked again."""
        if "number" in self.journal.steps:
            return
        person, desk = family.members[0], self.desk(family.town)
        inquiry = self.tax_inquiry(family)
        old = (await desk.enter(family.members))[person.serial]
        fresh = await desk.change_number(person, old)
        outcomes = []
        for number in (old, fresh):
            who = ByNumber(number, person.resident.birth)
            wanted = Wanted(inquiry.question.reference, who)
            asked = Acquire(inquiry.question.domain, [wanted])
            given = await self.country.peers(family.town).ask(REGISTRY.party, ACQUIRE, asked)
            outcomes += given.outcomes
        before = self.journal.asked[inquiry.name].result
        after = await self.ask(self.after_number(family))
        told = {"changed": old != fresh, "old": outcomes[0], "new": outcomes[1]}
        await self.journal.done("number", told | {"before": before, "after": after})

    def after_number(self, family: Family) -> Inquiry:
        """The tax question once more."""
        return replace(self.tax_inquiry(family), name=f"after-number/{family.number}")

    async def stop(self, family: Family) -> None:
        """The commission suspends a row; the converters hear of it, the asking town has not yet."""
        if "stopped" in self.journal.steps:
            return
        country, clock = self.country, self.country.site.clock
        question = replace(
            self.tax_inquiry(family).question,
            provider=DomainName("pension/records"),
            procedure="JO81",
            rows=(STOPPED_ROW,),
            mode=Mode.S0,
        )
        reasons = (
            "点検で目的外の照会が見つかったため",
            "An inspection found questions asked for another purpose",
        )
        narrow = Narrow([Stop("row", STOPPED_ROW)], [], *reasons)
        law = country.commission.book.in_force(clock())
        if not any(each.name == STOPPED_ROW for each in law.gazette.suspensions):
            await country.peers(COMMISSION).ask(COMMISSION, SUSPEND, narrow)
        for name in CONVERTERS:
            await refresh(country.book(name), country.peers(name), country.sources(name), clock)
        said = await self._both_refuse(question)
        await country.refresh()
        await self.journal.done("stopped", said)

    async def numbers(self, family: Family) -> list[str]:
        """The numbers a household has had: the desk's own knowledge, got again by sending entries again."""
        desk, person = self.desk(family.town), family.members[0]
        first = await desk.enter(family.members)
        return [*first.values(), await desk.change_number(person, first[person.serial])]
