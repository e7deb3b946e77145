"""Cases: without one nothing is asked, and each is about the people of one application.

A case opens at once only on an application that the agency's own system has reported, by the clerk's own unit, once,
and about the people in it. Everything else waits for the supervisor of its unit. Refusals that somebody could use to
try references are counted in the journal, in the same commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kakine.parties.gateway.desk import case_store as store
from kakine.parties.gateway.desk import journal, people_store
from kakine.parties.gateway.desk.case_store import Application, Case, Review, State, Why
from kakine.parties.gateway.desk.journal import What
from kakine.parties.gateway.desk.office import CaseDesk, require
from kakine.parties.gateway.desk.people_store import Role, Staff
from kakine.parties.gateway.desk.people_store import State as Standing
from kakine.parties.gateway.store import find_person
from kakine.runtime.codebook import token_of
from kakine.runtime.database import Connection
from kakine.values.calendar import day_in_japan, year_in_japan
from kakine.values.calendar import days as days_since_1970
from kakine.values.identifiers import IndividualNumber
from kakine.values.problems import (
    CaseNotOpen,
    CaseOnKin,
    CaseUnknown,
    CheckDigitWrong,
    DeskQuotaExceeded,
    DeskStaffUnknown,
    FormUnfit,
    IdentifierMalformed,
    PersonNotKnown,
    Problem,
    ReferenceUnfit,
    SecondPersonNeeded,
)

MOST = 40
"""Signs of an application's number, or of a reference."""


async def report(desk: CaseDesk, applications: Sequence[Application]) -> None:
    """What the agency's own system says that it has received, all or none. Raises `PersonNotKnown` with position."""

    def work(db: Connection) -> None:
        for position, new in enumerate(applications):
            if any(token_of(db, desk.domain, reference) is None for reference in new.people):
                raise PersonNotKnown(position=position)
            store.add_application(db, new)

    await desk.office.db.write(work)


def reference_of(text: str) -> bytes:
    """The agency's own reference as it was typed. Raises `ReferenceUnfit`, also for anything that is an individual
    number by its check digit."""
    typed = text.strip()
    if not 1 <= len(typed) <= MOST or not typed.isascii() or not typed.isprintable():
        raise ReferenceUnfit()
    digits = "".join(sign for sign in typed if sign.isdigit())
    try:
        IndividualNumber(digits)
    except (CheckDigitWrong, IdentifierMalformed):
        return typed.encode()
    raise ReferenceUnfit()


async def open_case(
    desk: CaseDesk, by: Staff, procedure: str, application: str, day: date, reference: str
) -> Case:
    """A case about one person, open or waiting for a second person.

    Raises `DeskRoleLacking`, `RequesterNotEntitled`, `ProcedureUnknown`, `ReferenceUnfit`, `FormUnfit`,
    `DeskQuotaExceeded`, `PersonNotKnown`, `CaseOnKin`.
    """
    require(by, Role.CLERK)
    desk.law.rows_for(desk.domain, None, procedure)
    who, days = reference_of(reference), days_since_1970(day)
    if not 1 <= len(application.strip()) <= MOST or days > day_in_japan(desk.now_ms):
        raise FormUnfit(field="application")
    now_ms, today_ms, drawn = desk.now_ms, desk.today_ms, _drawn(desk)

    def work(db: Connection) -> Case | Problem:
        refused = _quota(desk, db, by, today_ms) or _unfit(desk, db, by, who, "", now_ms)
        if refused:
            return refused
        why, unit = _second_look(db, desk, by, procedure, application.strip(), days, who)
        case = Case(
            desk.domain,
            f"{year_in_japan(now_ms)}-{store.how_many(db, desk.domain) + 1:06d}",
            procedure,
            application.strip(),
            days,
            unit,
            State.WAITING if why else State.OPEN,
            why,
            by.id,
            by.id,
            drawn,
            now_ms,
        )
        store.add(db, case, [who])
        what = What.CASE_WAITS if why else What.CASE_OPENED
        journal.write(db, desk.act(by, what, case.number, why.value), now_ms)
        return case

    return _settled(await desk.office.db.write(work))


async def add_person(desk: CaseDesk, by: Staff, number: str, reference: str) -> Case:
    """Somebody more, at the next place. Who stands in no application of the case sends it back to the supervisor.

    Raises what `mine` and `open_case` raise.
    """
    who, now_ms, today_ms = reference_of(reference), desk.now_ms, desk.today_ms
    mine(desk, by, number)

    def work(db: Connection) -> Case | Problem:
        case = own(db, desk, by, number)
        known = store.people(db, desk.domain, number)
        if case.state is not State.OPEN or who in known:
            return CaseNotOpen() if case.state is not State.OPEN else FormUnfit(field="reference")
        if len(known) >= desk.rules.people_a_case:
            return DeskQuotaExceeded(what="people", most=desk.rules.people_a_case)
        refused = _guessed(desk, db, by, today_ms) or _unfit(desk, db, by, who, number, now_ms)
        if refused:
            return refused
        store.add_person(db, desk.domain, number, len(known), who)
        received = store.application(db, desk.domain, case.application)
        waits = received is None or who not in received.people
        if waits:
            store.set_waiting(db, case)
        journal.write(db, desk.act(by, What.PERSON_ADDED, number, "waits" if waits else ""), now_ms)
        return store.get(db, desk.domain, number)

    return _settled(await desk.office.db.write(work))


def mine(desk: CaseDesk, by: Staff, number: str) -> Case:
    """A case of this clerk's. Raises `DeskRoleLacking`, `CaseUnknown`."""
    require(by, Role.CLERK)
    return own(desk.office.db.read(), desk, by, number)


def own(db: Connection, desk: CaseDesk, by: Staff, number: str) -> Case:
    """As `mine`, inside a commit."""
    case = store.get(db, desk.domain, number)
    if case.staff != by.id:
        raise CaseUnknown()
    return case


async def close(desk: CaseDesk, by: Staff, number: str) -> None:
    """The case is done: who it was about and what was answered leave the desk. Raises `CaseUnknown`, `CaseNotOpen`."""
    mine(desk, by, number)
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        case = own(db, desk, by, number)
        if case.state in (State.CLOSED, State.REFUSED):
            raise CaseNotOpen()
        store.set_state(db, case, State.CLOSED)
        journal.write(db, desk.act(by, What.CASE_CLOSED, number), now_ms)

    await desk.office.db.write(work)
    await desk.office.db.forget()


async def decide(desk: CaseDesk, by: Staff, number: str, *, let: bool) -> None:
    """The second person lets a waiting case open, or refuses it. Raises `SecondPersonNeeded`, `CaseNotOpen`."""
    require(by, Role.SUPERVISOR)
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        case = of_unit(db, desk, by, number)
        if case.state is not State.WAITING:
            raise CaseNotOpen()
        store.set_state(db, case, State.OPEN if let else State.REFUSED)
        journal.write(db, desk.act(by, What.CASE_LET if let else What.CASE_REFUSED, number), now_ms)

    await desk.office.db.write(work)


async def assign(desk: CaseDesk, by: Staff, number: str, official: str) -> None:
    """Another clerk of the unit takes it over. Raises `SecondPersonNeeded`, `CaseNotOpen`, `DeskStaffUnknown`,
    `CaseOnKin`."""
    require(by, Role.SUPERVISOR)
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        case = of_unit(db, desk, by, number)
        if case.state in (State.CLOSED, State.REFUSED):
            raise CaseNotOpen()
        to = people_store.by_official(db, desk.domain, official)
        if to.role is not Role.CLERK or to.unit != case.unit or to.state is not Standing.ACTIVE:
            raise DeskStaffUnknown()
        for reference in store.people(db, desk.domain, number):
            if people_store.is_kin(db, to.id, desk.mark("kin", to.id, reference)):
                raise CaseOnKin()
        store.set_staff(db, case, to.id)
        journal.write(db, desk.act(by, What.CASE_ASSIGNED, number, official), now_ms)

    await desk.office.db.write(work)


async def review(desk: CaseDesk, by: Staff, number: str, *, fine: bool) -> None:
    """What the look at a drawn case found; one that is not fine ends at once. Raises `SecondPersonNeeded`,
    `CaseNotOpen` for one that was not drawn."""
    require(by, Role.SUPERVISOR)
    now_ms = desk.now_ms

    def work(db: Connection) -> None:
        case = of_unit(db, desk, by, number)
        if case.review is not Review.DUE:
            raise CaseNotOpen()
        store.set_review(db, case, Review.FINE if fine else Review.STOPPED)
        if not fine and case.state in (State.OPEN, State.WAITING):
            store.set_state(db, case, State.CLOSED)
        journal.write(db, desk.act(by, What.REVIEWED if fine else What.REVIEW_STOPPED, number), now_ms)

    await desk.office.db.write(work)


def of_unit(db: Connection, desk: CaseDesk, by: Staff, number: str) -> Case:
    """A case of the supervisor's unit which somebody else opened. Raises `SecondPersonNeeded`, and nothing else for a
    case that is not there."""
    try:
        case = store.get(db, desk.domain, number)
    except CaseUnknown as fault:
        raise SecondPersonNeeded() from fault
    if case.unit != by.unit or case.opener == by.id:
        raise SecondPersonNeeded()
    return case


def protected(desk: CaseDesk, reference: bytes) -> bool:
    """Whether this person is under protection (不開示) by the agency's own flags, now."""
    db = desk.office.db.read()
    token = token_of(db, desk.domain, reference)
    flags = find_person(db, desk.domain, token) if token else None
    return flags is not None and flags.non_disclosed


def _second_look(
    db: Connection,
    desk: CaseDesk,
    by: Staff,
    procedure: str,
    application: str,
    day: int,
    who: bytes,
) -> tuple[Why, str]:
    """(why a second person has to look, the unit whose supervisor that is)."""
    received = store.application(db, desk.domain, application)
    if (
        received is None
        or (received.procedure, received.day) != (procedure, day)
        or who not in received.people
    ):
        return Why.NO_APPLICATION, by.unit
    if received.unit != by.unit:
        return Why.OTHER_UNIT, received.unit
    if store.on_application(db, desk.domain, application):
        return Why.AGAIN, by.unit
    return Why.NOTHING, by.unit


def _quota(desk: CaseDesk, db: Connection, by: Staff, today_ms: int) -> Problem | None:
    opened = sum(
        journal.times(db, by.official, what, today_ms) for what in (What.CASE_OPENED, What.CASE_WAITS)
    )
    if opened >= desk.rules.cases_a_day:
        return DeskQuotaExceeded(what="cases", most=desk.rules.cases_a_day)
    return _guessed(desk, db, by, today_ms)


def _guessed(desk: CaseDesk, db: Connection, by: Staff, today_ms: int) -> Problem | None:
    if journal.times(db, by.official, What.REFERENCE_UNKNOWN, today_ms) >= desk.rules.unknown_a_day:
        return DeskQuotaExceeded(what="references", most=desk.rules.unknown_a_day)
    return None


def _unfit(desk: CaseDesk, db: Connection, by: Staff, who: bytes, number: str, now_ms: int) -> Problem | None:
    """Why nobody gets a case on this reference, or this clerk does not; written down."""
    if token_of(db, desk.domain, who) is None:
        journal.write(db, desk.act(by, What.REFERENCE_UNKNOWN, number), now_ms)
        return PersonNotKnown(indexes=[0])
    if people_store.is_kin(db, by.id, desk.mark("kin", by.id, who)):
        journal.write(db, desk.act(by, What.KIN_TRIED, number), now_ms)
        return CaseOnKin()
    return None


def _drawn(desk: CaseDesk) -> Review:
    draw = int.from_bytes(desk.office.entropy(8), "big") % desk.rules.review_one_in
    return Review.DUE if draw == 0 else Review.NO


def _settled(outcome: Case | Problem) -> Case:
    """A refusal that was written down is raised when it is on disk."""
    if isinstance(outcome, Problem):
        raise outcome
    return outcome
