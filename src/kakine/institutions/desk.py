"""A children's desk of the demonstration: invented staff, and the applications that its town has received."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kakine.institutions.cases import ALLOWANCE, SINGLE_PARENT, UNIT
from kakine.institutions.families import Family, Roster
from kakine.institutions.people import REFERENCE_DAY
from kakine.parties.gateway.desk import people, ways
from kakine.parties.gateway.desk.case_store import Application
from kakine.parties.gateway.desk.office import CaseDesk
from kakine.parties.gateway.desk.people_store import Role, Staff, State, Use
from kakine.protocols.logins import PAPER_BYTES, paper_code
from kakine.values.calendar import days
from kakine.values.labels import DomainName

PEOPLE = (
    ("佐々木 礼子", "総務課", Role.ADMINISTRATOR),
    ("山本 誠", UNIT, Role.SUPERVISOR),
    ("鈴木 花子", UNIT, Role.CLERK),
    ("高橋 太郎", UNIT, Role.CLERK),
)
"""Name, unit and role. All invented."""


@dataclass(frozen=True, repr=False)
class DemoLogin:
    """How one invented member of staff logs in once: a code for a shift, and the passphrase."""

    person: Staff
    code: str
    passphrase: str


async def staffed(desk: CaseDesk) -> list[DemoLogin]:
    """The invented staff, added where they are not there, with a new passphrase and a new code each."""
    known = {each.name: each for each in people.all_of(desk, None) if each.state is State.ACTIVE}
    logins = list[DemoLogin]()
    for name, unit, role in PEOPLE:
        person = known.get(name)
        if person is None:
            person, _ = await people.add(desk, None, name, unit, role)
        passphrase = paper_code(desk.office.entropy(PAPER_BYTES))
        enrolling = await ways.enrol(desk, await people.print_code(desk, None, person.official, Use.ENROL))
        await ways.out(desk, await ways.choose_passphrase(desk, enrolling, passphrase, passphrase))
        code = await people.print_code(desk, None, person.official, Use.SHIFT)
        logins.append(DemoLogin(person, code, passphrase))
    return logins


def received(roster: Roster, domain: DomainName) -> Iterator[Application]:
    """The applications of a children's desk: child allowance, and the allowance for single parents."""
    for family in roster.families:
        if family.applicant is None or f"{family.town}/children" != domain:
            continue
        yield _application(roster, domain, family, ALLOWANCE)
        if family.one_parent:
            yield _application(roster, domain, family, SINGLE_PARENT)


def _application(roster: Roster, domain: DomainName, family: Family, procedure: str) -> Application:
    head = family.members[0]
    members = (head, *family.children)
    references = tuple(roster.reference(domain, each) for each in members)
    number = f"{procedure}-{family.number:05}"
    return Application(domain, number, procedure, days(REFERENCE_DAY), UNIT, references)
