"""Residents of a demo's country as their town's desk knows them: the roster, and the numbers it was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kakine.card.printed import Holder
from kakine.cli.demo_journal import Journal
from kakine.contracts.registry import Subject
from kakine.country import AUTHORITY, LOGIN, REGISTRY, Country
from kakine.institutions.card_desk import CardDesk
from kakine.institutions.counter import CardCounter
from kakine.institutions.families import Member, Roster
from kakine.institutions.town import ResidentsDesk
from kakine.protocols.matching import Sex
from kakine.protocols.validity import card_until
from kakine.values.calendar import in_japan
from kakine.values.labels import DomainName
from kakine.values.problems import CountryMissing, DomainNotRun, PersonNotKnown

_SEX = {Sex.MALE: 1, Sex.FEMALE: 2, Sex.OPEN: 9}


@dataclass(frozen=True, repr=False)
class Known:
    """One resident with the number and the resident-record code (住民票コード) of now."""

    member: Member
    number: str
    record_code: str

    @property
    def subject(self) -> Subject:
        """As a counter asks the registry about them."""
        return Subject(self.number, self.member.resident.birth)

    def printed(self, now_ms: int, entropy: Callable[[int], bytes]) -> Holder:
        """What a card of the interop profile prints of them; the four digits on its face are drawn."""
        resident, family = self.member.resident, self.member.family
        return Holder(
            resident.name,
            self.member.registered_address or "",
            resident.birth,
            _SEX[resident.sex],
            self.number,
            self.record_code,
            str(family.household.town),
            card_until(resident.birth, in_japan(now_ms).date()),
            f"{int.from_bytes(entropy(8), 'big') % 10_000:04}",
        )


async def known_at(country: Country, folder: Path, desk: DomainName, reference: bytes) -> Known:
    """Whom a residents' desk of a demo has under this reference; the desk sends its entries again, and is told the same
    as the first time. Raises `CountryMissing` where no demo was run, `PersonNotKnown`."""
    if not (folder / "demo.sqlite").is_file():
        raise CountryMissing()
    journal = Journal(folder / "demo.sqlite")
    try:
        about, steps = journal.steps["about"], journal.steps
    finally:
        journal.close()
    roster = Roster(about["residents"], about["seed"])
    member = next((each for each in roster.members() if roster.reference(desk, each) == reference), None)
    if member is None or member.family.town != desk.party:
        raise PersonNotKnown(indexes=[0])
    changed = "number" in steps and steps.get("protagonist") == member.family.number and member.place == 0
    return await known(country, roster, member, changed=changed)


async def known(country: Country, roster: Roster, member: Member, *, changed: bool) -> Known:
    """As `known_at`; `changed` tells whether the demo gave them another number."""
    town = member.family.town
    desk = ResidentsDesk(country.peers(town), REGISTRY.party, roster)
    entered = (await desk.entered(member.family.members))[member.serial]
    number = await desk.change_number(member, entered.number) if changed else entered.number
    return Known(member, number, entered.record_code)


def counter_of(country: Country, desk: DomainName) -> CardDesk:
    """The counter of a residents' desk. Raises `DomainNotRun`."""
    gateway = country.gateways.get(desk.party)
    if gateway is None:
        raise DomainNotRun()
    counter = CardCounter(country.peers(desk.party), REGISTRY.party, AUTHORITY)
    return CardDesk(counter, gateway, LOGIN, country.site.entropy)
