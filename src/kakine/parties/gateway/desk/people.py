"""The people of a desk, kept by its administrator: added, given codes, locked, removed.

The administrator sees no case. Whoever has the machine itself may do the same at its command line (`by` None), and
stands in the journal as the operator.
"""

from __future__ import annotations

from collections.abc import Sequence

from kakine.parties.gateway.desk import journal
from kakine.parties.gateway.desk import people_store as store
from kakine.parties.gateway.desk.journal import What
from kakine.parties.gateway.desk.office import DAY_MS, CaseDesk, require
from kakine.parties.gateway.desk.people_store import Role, Staff, State, Use
from kakine.protocols.logins import PAPER_BYTES, paper_code, paper_digest
from kakine.runtime.database import Connection
from kakine.values.problems import DeskStaffUnknown, FormUnfit

LIFE_MS = {Use.ENROL: 3 * DAY_MS, Use.SHIFT: DAY_MS // 2}
"""How long a printed code is good."""
MOST = 40
"""Signs of a name or a unit."""
_STATES = {
    State.ACTIVE: What.STAFF_UNLOCKED,
    State.LOCKED: What.STAFF_LOCKED,
    State.REMOVED: What.STAFF_REMOVED,
}


async def add(desk: CaseDesk, by: Staff | None, name: str, unit: str, role: Role) -> tuple[Staff, str]:
    """Somebody new and the code with which they enrol. Raises `DeskRoleLacking`, `FormUnfit`."""
    _require_administrator(by)
    if not 1 <= len(name) <= MOST or not 1 <= len(unit) <= MOST:
        raise FormUnfit(field="name")
    id_, code = desk.office.entropy(16), paper_code(desk.office.entropy(PAPER_BYTES))
    official = "official-" + desk.mark("official", id_).hex()[:10]
    person = Staff(id_, desk.domain, official, name, unit, role, State.ACTIVE, b"", b"")
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        store.add(db, person)
        store.add_code(db, paper_digest(code), id_, Use.ENROL, now_ms + LIFE_MS[Use.ENROL], now_ms)
        journal.write(db, desk.act(by, What.STAFF_ADDED, about=official), now_ms)

    await desk.office.db.write(work)
    return person, code


async def print_code(desk: CaseDesk, by: Staff | None, official: str, use: Use) -> str:
    """A code to print and hand over; the person's earlier ones are void. One to enrol with ends every way in that the
    person has, and their shift. Raises `DeskRoleLacking`, `DeskStaffUnknown` (also for somebody who is locked)."""
    _require_administrator(by)
    code, now_ms = paper_code(desk.office.entropy(PAPER_BYTES)), desk.now_ms

    def work(db: Connection) -> bytes:
        person = store.by_official(db, desk.domain, official)
        if person.state is not State.ACTIVE:
            raise DeskStaffUnknown()
        if use is Use.ENROL:
            store.drop_ways(db, person.id)
        store.add_code(db, paper_digest(code), person.id, use, now_ms + LIFE_MS[use], now_ms)
        journal.write(db, desk.act(by, What.CODE_PRINTED, about=f"{use.value} {official}"), now_ms)
        return person.id

    whom = await desk.office.db.write(work)
    if use is Use.ENROL:
        desk.end_of(whom)
    return code


async def set_state(desk: CaseDesk, by: Staff | None, official: str, new: State) -> None:
    """Lock, let in again, or remove; in force for the next click of that person. Nobody who was removed comes back.
    Raises `DeskRoleLacking`, `DeskStaffUnknown`."""
    _require_administrator(by)
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        person = store.by_official(db, desk.domain, official)
        if person.state is State.REMOVED:
            raise DeskStaffUnknown()
        store.set_state(db, person.id, new)
        journal.write(db, desk.act(by, _STATES[new], about=official), now_ms)

    await desk.office.db.write(work)


async def declare_kin(desk: CaseDesk, by: Staff | None, official: str, references: Sequence[bytes]) -> None:
    """On the files of these references, their own and their relatives', this person does not work. Kept as keyed
    hashes. Raises `DeskRoleLacking`, `DeskStaffUnknown`."""
    _require_administrator(by)
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        person = store.by_official(db, desk.domain, official)
        for reference in references:
            store.add_kin(db, person.id, desk.mark("kin", person.id, reference))
        journal.write(db, desk.act(by, What.KIN_DECLARED, about=official), now_ms)

    await desk.office.db.write(work)


def all_of(desk: CaseDesk, by: Staff | None) -> list[Staff]:
    """Everybody; a supervisor sees the own unit. Raises `DeskRoleLacking`."""
    if by is not None:
        require(by, Role.ADMINISTRATOR, Role.SUPERVISOR)
    people = store.of_domain(desk.office.db.read(), desk.domain)
    if by is None or by.role is Role.ADMINISTRATOR:
        return people
    return [each for each in people if each.unit == by.unit]


def by_id(desk: CaseDesk, id_: bytes) -> Staff:
    """Raises `DeskStaffUnknown`."""
    return store.staff(desk.office.db.read(), id_)


def by_official(desk: CaseDesk, official: str) -> Staff:
    """Raises `DeskStaffUnknown`."""
    return store.by_official(desk.office.db.read(), desk.domain, official)


def _require_administrator(by: Staff | None) -> None:
    if by is not None:
        require(by, Role.ADMINISTRATOR)
