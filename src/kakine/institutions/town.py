"""A municipality: its residents' desk reports to the registry; its tax and children's desks hold copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kakine.contracts.registry import (
    BIRTH,
    ENTER,
    REPORT,
    Born,
    Change,
    Died,
    Enter,
    Entry,
    NumberChanged,
    Numbered,
    NumberReason,
    Report,
    ShieldSet,
    Subject,
    WentAbroad,
)
from kakine.institutions.agency import Agency, Sheet
from kakine.institutions.families import TOWNS, Member, Roster, draws, stable_key
from kakine.institutions.people import REFERENCE_DAY
from kakine.runtime.http import Peers
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import EntryNotTaken


class ResidentsDesk:
    """The desk of a town that enters residents and reports what happens to them. Reports may be repeated."""

    def __init__(self, peers: Peers, registry: PartyName, roster: Roster) -> None:
        self._peers = peers
        self._registry = registry
        self._roster = roster

    async def enter(self, members: Sequence[Member]) -> dict[int, str]:
        """The numbers given, by serial; as `entered`."""
        return {serial: given.number for serial, given in (await self.entered(members)).items()}

    async def entered(self, members: Sequence[Member]) -> dict[int, Numbered]:
        """Numbers and resident-record codes given, by serial. People without a name yet are newborns: they follow their
        parent. The same people again are told the same.

        Raises `EntryNotTaken` with the problem the registry named.
        """
        named = [member for member in members if member.resident.name]
        asked = Enter([self._entry(member) for member in named])
        given = await self._peers.ask(self._registry, ENTER, asked)
        numbers: dict[int, Numbered] = {}
        for member, outcome in zip(named, given.outcomes, strict=True):
            if not isinstance(outcome, Numbered):
                raise EntryNotTaken(problem=outcome.problem)
            numbers[member.serial] = outcome
        for member in members:
            if not member.resident.name:
                numbers[member.serial] = await self._born(member, numbers[member.family.first].number)
        for member in named:
            await self._follow(member, numbers[member.serial].number)
        return numbers

    def _entry(self, member: Member) -> Entry:
        resident, seed = member.resident, self._roster.seed
        return Entry(
            stable_key(seed, "enter", member.serial),
            resident.name,
            resident.kana,
            resident.birth,
            resident.sex,
            stable_key(seed, "household", member.family.number),
            resident.died or REFERENCE_DAY,
            member.registered_address,
        )

    async def _born(self, child: Member, parent: str) -> Numbered:
        born = Born(
            stable_key(self._roster.seed, "born", child.serial),
            Subject(parent, child.family.members[0].resident.birth),
            child.resident.birth,
            child.resident.sex,
        )
        given = await self._peers.ask(self._registry, BIRTH, born)
        return Numbered(given.number, given.record_code)

    async def _follow(self, member: Member, number: str) -> None:
        if member.resident.died:
            await self._report(member, number, Died(), "died")
        if member.resident.abroad:
            await self._report(member, number, WentAbroad(), "abroad")
        if member.resident.shielded:
            await self._report(member, number, ShieldSet(True, False), "shield")

    async def _report(self, member: Member, number: str, change: Change, what: str) -> str:
        day = member.resident.died or REFERENCE_DAY
        key = stable_key(self._roster.seed, what, member.serial)
        subject = Subject(number, member.resident.birth)
        reported = await self._peers.ask(self._registry, REPORT, Report(key, subject, day, change))
        return reported.number

    async def change_number(self, member: Member, number: str) -> str:
        """The new number, at the holder's wish (Number Act art. 7(2))."""
        return await self._report(member, number, NumberChanged(NumberReason.ASKED), "number")


def agencies(town: PartyName) -> list[Agency]:
    """The three desks of one town."""
    return [
        Agency(DomainName(f"{town}/residents"), lambda m: m.family.town == town, _residents),
        Agency(DomainName(f"{town}/tax"), lambda m: m.adult and m.family.tax_town == town, _tax, flawed=True),
        Agency(
            DomainName(f"{town}/children"),
            lambda m: m.family.applicant is not None and m.family.town == town,
            _children,
        ),
    ]


def _residents(member: Member, roster: Roster) -> Iterator[Sheet]:
    family, address = member.family, member.registered_address
    record: dict[str, object] = {
        "municipality": str(family.household.town),
        "state": "resident",
        "household": [
            {
                "relation": str(each.resident.relation),
                "person": each.place,
                "birth_date": each.resident.birth.isoformat(),
            }
            for each in family.members
            if each.present
        ],
    }
    yield "TK-0003", record | ({"address": address} if address else {})


def _tax(member: Member, roster: Roster) -> Iterator[Sheet]:
    rng = draws(roster.seed, "tax", member.serial)
    income = max(0, round(rng.lognormvariate(14.8, 0.7), -3)) if rng.random() < 0.8 else 0
    taxed = income > 1_000_000
    yield (
        "TK-0002",
        {
            "fiscal_year": REFERENCE_DAY.year,
            "municipality": _code(member.family.tax_town),
            "taxed": "taxed" if taxed else "exempt",
            "total_income": int(income),
            "income_levy": int(income * 0.06) if taxed else 0,
            "dependants_under_16": len(member.family.children),
            "single_parent_deduction": member.family.one_parent and member.place == 0,
        },
    )


def _code(town: PartyName) -> str:
    return str(next(code for code, name in TOWNS.items() if name == town))


def _children(member: Member, roster: Roster) -> Iterator[Sheet]:
    yield "TK-0059", {"in_use": False}
