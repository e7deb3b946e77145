"""The synthetic residents of one country as their towns know them: households and references.

Everything here follows from the seed, so that a demonstration broken off finds the same people again.
References are those of the agencies' own files (宛名番号, 基礎年金番号 and the like): each domain has
another one for the same person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from random import Random

import msgspec

from kakine.crypto.hashing import digest
from kakine.institutions.people import REFERENCE_DAY, Household, Relation, Resident, households
from kakine.values.identifiers import MunicipalityCode
from kakine.values.labels import DomainName, PartyName

TOWNS = {
    MunicipalityCode("141003"): PartyName("yokohama"),
    MunicipalityCode("011002"): PartyName("sapporo"),
    MunicipalityCode("272035"): PartyName("toyonaka"),
}
"""The municipalities in which synthetic residents live, and the parties they are."""

_SPACE = 10**10


def draws(seed: int, *purpose: str | int) -> Random:
    """Pseudo-random draws for one purpose: for invented data, never for keys."""
    return Random("/".join(map(str, (seed, *purpose))))  # noqa: S311


def stable_key(seed: int, *purpose: str | int) -> bytes:
    """16 bytes that are the same at every start: keys of reports, by which a repeat is recognised."""
    return digest("synthetic-key", "/".join(map(str, (seed, *purpose))).encode())[:16]


def reference(seed: int, domain: DomainName, serial: int) -> bytes:
    """Ten digits, unlike for each person of a domain: a linear map with a factor prime to 10."""
    mixed = digest("synthetic-reference", str(seed).encode(), domain.encode())
    factor = int.from_bytes(mixed[:8], "big") // 10 * 10 + 7
    return b"%010d" % ((factor * serial + int.from_bytes(mixed[8:16], "big")) % _SPACE)


@dataclass(frozen=True, repr=False)
class Family:
    """One household. `first` is the serial of its first resident."""

    number: int
    first: int
    household: Household

    @property
    def town(self) -> PartyName:
        """The municipality of record."""
        return TOWNS[self.household.town]

    @property
    def tax_town(self) -> PartyName:
        """Who taxes this year: the town of 1 January. One drawn household in seventeen has moved since."""
        towns = list(TOWNS.values())
        moved = not self.household.case and self.number % 17 == 5
        return towns[(towns.index(self.town) + moved) % len(towns)]

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """All residents, in the order of the resident record."""
        return tuple(Member(self, place) for place in range(len(self.household.residents)))

    @property
    def children(self) -> tuple[Member, ...]:
        """Children below 18."""
        return tuple(m for m in self.members if m.resident.relation is Relation.CHILD and not m.adult)

    @property
    def applicant(self) -> Member | None:
        """The parent who applies for allowances: the head, if there are children."""
        head = self.members[0]
        return head if self.children and head.adult and head.present else None

    @property
    def one_parent(self) -> bool:
        """Children, and one parent in the household."""
        parents = [m for m in self.members if m.resident.relation in (Relation.HEAD, Relation.SPOUSE)]
        return self.applicant is not None and len(parents) == 1


@dataclass(frozen=True, repr=False)
class Member:
    """One resident in their household."""

    family: Family
    place: int

    @property
    def serial(self) -> int:
        """Position in the country; only this process knows it."""
        return self.family.first + self.place

    @property
    def resident(self) -> Resident:
        """Name, birth and the rest."""
        return self.family.household.residents[self.place]

    @property
    def adult(self) -> bool:
        """18 or older on the reference day."""
        born = self.resident.birth
        return date(born.year + 18, born.month, min(born.day, 28)) <= REFERENCE_DAY

    @property
    def present(self) -> bool:
        """Alive and in the country."""
        return self.resident.died is None and not self.resident.abroad

    @property
    def citizen(self) -> bool:
        """Whether there is a family register (戸籍) of them: not of foreigners, whose names are Latin."""
        return not self.resident.name.isascii() or not self.resident.name

    @property
    def registered_address(self) -> str | None:
        """None for somebody without one."""
        return self.family.household.address


class Roster:
    """Exactly `count` residents (but at least the fixed cases), and the seed that made them."""

    def __init__(self, count: int, seed: int) -> None:
        self.seed = seed
        self.families: list[Family] = []
        serial = 0
        for number, household in enumerate(households(count, draws(seed, "households"))):
            left = count - serial
            if not household.case and left < len(household.residents):
                household = msgspec.structs.replace(household, residents=household.residents[:left])
            self.families.append(Family(number, serial, household))
            serial += len(household.residents)
        self.size = serial

    def members(self) -> Iterator[Member]:
        """Everybody, in order."""
        for family in self.families:
            yield from family.members

    def reference(self, domain: DomainName, member: Member) -> bytes:
        """The domain's own reference of a person."""
        return reference(self.seed, domain, member.serial)
