"""What the agency's own systems tell a desk, over the road on which parties call (contracts/desk.py).

The caller stands in the journal as the operator, like whoever has the machine. Only the process that has the pages of
the desk answers, since only that one can end a shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from kakine.contracts import desk as calls
from kakine.contracts.agency import Printed
from kakine.contracts.call import Call, Nothing
from kakine.parties.gateway.desk import cases, people
from kakine.parties.gateway.desk.case_store import Application
from kakine.parties.gateway.desk.office import CaseDesk
from kakine.parties.gateway.desk.people_store import Role, Staff, State, Use
from kakine.parties.gateway.front import require_own
from kakine.parties.gateway.office import Office
from kakine.runtime.http import Duty
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import DomainNotRun, FormUnfit

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class DeskCalls:
    """The calls of one gateway. `desks` are those whose pages this process has; it may grow."""

    office: Office
    desks: Mapping[DomainName, CaseDesk]

    @property
    def duties(self) -> list[Duty[Any, Any]]:
        """One for each call of the contract."""
        return [
            Duty(calls.DESK_STAFF_ADD, self.add),
            Duty(calls.DESK_STAFF, self.all),
            Duty(calls.DESK_STAFF_CODE, self.code),
            Duty(calls.DESK_STAFF_STATE, self.state),
            Duty(calls.DESK_STAFF_KIN, self.kin),
            Duty(calls.DESK_APPLICATIONS, self.report),
        ]

    def _desk(self, caller: PartyName, call: Call[Any, Any], domain: str) -> CaseDesk:
        require_own(self.office, caller, call.path)
        found = self.desks.get(DomainName(domain))
        if found is None:
            raise DomainNotRun()
        return found

    async def add(self, caller: PartyName, asked: calls.Added) -> calls.Enrolling:
        """Somebody new. Raises `CallerNotAllowed`, `DomainNotRun`, `FormUnfit`."""
        desk = self._desk(caller, calls.DESK_STAFF_ADD, asked.domain)
        role = _one(Role, asked.role)
        person, code = await people.add(desk, None, asked.name, asked.unit, role)
        return calls.Enrolling(person.official, code)

    async def all(self, caller: PartyName, asked: calls.OfDesk) -> calls.Colleagues:
        """Everybody. Raises `CallerNotAllowed`, `DomainNotRun`."""
        desk = self._desk(caller, calls.DESK_STAFF, asked.domain)
        return calls.Colleagues([colleague(each) for each in people.all_of(desk, None)])

    async def code(self, caller: PartyName, asked: calls.CodeFor) -> Printed:
        """Raises `CallerNotAllowed`, `DomainNotRun`, `FormUnfit`, `DeskStaffUnknown`."""
        desk = self._desk(caller, calls.DESK_STAFF_CODE, asked.domain)
        return Printed(await people.print_code(desk, None, asked.official, _one(Use, asked.use)))

    async def state(self, caller: PartyName, asked: calls.StateOf) -> Nothing:
        """Raises as `code`."""
        desk = self._desk(caller, calls.DESK_STAFF_STATE, asked.domain)
        await people.set_state(desk, None, asked.official, _one(State, asked.state))
        return Nothing()

    async def kin(self, caller: PartyName, asked: calls.KinOf) -> Nothing:
        """Raises `CallerNotAllowed`, `DomainNotRun`, `DeskStaffUnknown`."""
        desk = self._desk(caller, calls.DESK_STAFF_KIN, asked.domain)
        await people.declare_kin(desk, None, asked.official, asked.references)
        return Nothing()

    async def report(self, caller: PartyName, asked: calls.Applications) -> Nothing:
        """Raises `CallerNotAllowed`, `DomainNotRun`, `PersonNotKnown` with the position."""
        desk = self._desk(caller, calls.DESK_APPLICATIONS, asked.domain)
        reported = [
            Application(desk.domain, each.number, each.procedure, each.day, each.unit, tuple(each.people))
            for each in asked.applications
        ]
        await cases.report(desk, reported)
        return Nothing()


def colleague(person: Staff) -> calls.Colleague:
    """As they are told of."""
    return calls.Colleague(person.official, person.role.value, person.state.value, person.unit, person.name)


def _one(kind: type[Choice], text: str) -> Choice:
    try:
        return kind(text)
    except ValueError as fault:
        raise FormUnfit(field="choice") from fault
