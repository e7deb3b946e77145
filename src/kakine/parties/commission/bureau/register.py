"""The register of impact assessments, and cases of breaches: what the commission's officers write into them.

Each change is one step of `protocols.assessment` or `protocols.breach`, with a line in the journal. No text is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from kakine.parties.commission.bureau import store
from kakine.parties.commission.bureau.acts import Role
from kakine.parties.commission.bureau.bureau import Bureau
from kakine.protocols import breach
from kakine.protocols.assessment import (
    REDO_YEARS,
    Card,
    Checker,
    Level,
    Step,
    Timers,
    lacking,
    needed,
    stepped,
    timers,
    uses,
    years_after,
)
from kakine.protocols.breach import Case, Item, Kind, Told
from kakine.runtime.database import Connection
from kakine.values.calendar import day_in_japan
from kakine.values.problems import AssessmentMalformed, BreachMalformed
from kakine.web.staff_store import Member
from kakine.wire.gazette import Assessment

_WRITERS = (Role.OFFICER,)
_CASE_WRITERS = (Role.OFFICER, Role.INSPECTOR)


@dataclass(frozen=True)
class Entry:
    """One file of one party: what the law says of it, what the register has, how many rows hang on it. `state` is
    `good`, `late` (a review or a new assessment is overdue), `missing` or `over`."""

    party: str
    file: str
    rows: int
    law: Assessment | None
    card: Card | None
    needed: Level | None
    lacking: tuple[Step, ...]
    timers: Timers
    state: str


def register(bureau: Bureau) -> list[Entry]:
    """Every file that the law in force uses, or that somebody has entered; what is not good first."""
    now_ms = bureau.clock()
    day, law = day_in_japan(now_ms), bureau.book.in_force(now_ms).gazette
    hanging: dict[tuple[str, str], int] = {}
    for party, file, _ in uses(law, day):
        hanging[party, file] = hanging.get((party, file), 0) + 1
    entries = {(each.party, each.file): each for each in law.assessments}
    cards = store.all_cards(bureau.db.read())
    keys = sorted({*hanging, *entries, *cards})
    found = [_entry(key, hanging.get(key, 0), entries.get(key), cards.get(key), day) for key in keys]
    return sorted(found, key=lambda each: (each.state == "good", each.party, each.file))


def _entry(key: tuple[str, str], rows: int, law: Assessment | None, card: Card | None, day: int) -> Entry:
    due = _timers(law, card, day)
    state = "late" if due.late else "good"
    if law is None or law.withdrawn:
        state = "missing" if rows else "good"
    elif law.review < day:
        state = "over"
    missing = tuple(lacking(card, day)) if card is not None and card.draft else ()
    return Entry(*key, rows, law, card, needed(card, day) if card else None, missing, due, state)


def _timers(law: Assessment | None, card: Card | None, day: int) -> Timers:
    if card is not None and card.published:
        return timers(card, day)
    if law is None or law.withdrawn:
        return Timers(0, 0, ())
    # What the founding law brought and nobody has entered here: by what the law says of it.
    review, redo = years_after(law.published, 1), years_after(law.published, REDO_YEARS)
    return Timers(
        review, redo, ((Step.REVIEW,) if review < day else ()) + ((Step.DRAFT,) if redo < day else ())
    )


async def enter(bureau: Bureau, member: Member, card: Card) -> None:
    """A file comes into the register, or the facts that its level follows from have changed; steps stay as they are.
    Raises `RoleNotAllowed`, `AssessmentMalformed`."""
    member = bureau.require(member, *_WRITERS)
    day = day_in_japan(bureau.clock())
    if (
        card.party not in bureau.duties.known_parties()
        or not 1 <= len(card.file) <= 80
        or not 0 <= card.accident <= day
    ):
        raise AssessmentMalformed(what="facts")
    level = needed(card, day)
    line = bureau.note(member, "assessment", f"{card.party}/{card.file}", f"facts {level}")

    def work(db: Connection) -> None:
        before = store.find_card(db, card.party, card.file) or Card(card.party, card.file, card.people)
        store.put_card(db, _with_facts(before, card))
        line(db)

    await bureau.db.write(work)


def _with_facts(before: Card, facts: Card) -> Card:
    return msgspec.structs.replace(
        before,
        people=facts.people,
        many_staff=facts.many_staff,
        accident=facts.accident,
        outside=facts.outside,
        checker=facts.checker,
    )


async def step(bureau: Bureau, member: Member, party: str, file: str, taken: Step) -> None:
    """A step of an assessment was taken today. Where the commission itself checks, that step takes two people
    (`What.CHECK`). Raises `RoleNotAllowed`, `AssessmentMalformed`."""
    member = bureau.require(member, *_WRITERS)
    day = day_in_japan(bureau.clock())
    line = bureau.note(member, "assessment", f"{party}/{file}", taken.value)

    def work(db: Connection) -> None:
        card = store.find_card(db, party, file)
        if card is None or (taken is Step.CHECK and card.checker is Checker.COMMISSION):
            raise AssessmentMalformed(what="card")
        store.put_card(db, stepped(card, taken, day))
        line(db)

    await bureau.db.write(work)


# --- breaches ---------------------------------------------------------------------------------------------------


async def open_case(
    bureau: Bureau,
    member: Member,
    party: str,
    found_ms: int,
    kinds: tuple[Kind, ...],
    persons: int,
    *,
    encrypted: bool = False,
    contained: bool = False,
) -> int:
    """The number of a new case. Raises `RoleNotAllowed`, `BreachMalformed`."""
    member = bureau.require(member, *_CASE_WRITERS)
    now_ms = bureau.clock()
    if party not in {each.name for each in bureau.book.in_force(now_ms).gazette.parties}:
        raise BreachMalformed(what="party")
    fresh = breach.opened(Case(1, party, found_ms, now_ms, kinds, persons, encrypted, contained))

    def work(db: Connection) -> int:
        number = store.next_case(db)
        store.put_case(db, msgspec.structs.replace(fresh, number=number))
        bureau.note(member, "breach", str(number), "opened")(db)
        return number

    return await bureau.db.write(work)


async def _change(
    bureau: Bureau, member: Member, number: int, fact: str, change: Callable[[Case], Case]
) -> None:
    member = bureau.require(member, *_CASE_WRITERS)
    line = bureau.note(member, "breach", str(number), fact)

    def work(db: Connection) -> None:
        case = store.find_case(db, number)
        if case is None:
            raise BreachMalformed(what="number")
        store.put_case(db, change(case))
        line(db)

    await bureau.db.write(work)


async def first_report(bureau: Bureau, member: Member, number: int) -> None:
    """The first report has come. Raises `RoleNotAllowed`, `BreachMalformed`; so do the others below."""
    await _change(bureau, member, number, "first", lambda case: breach.first_report(case, bureau.clock()))


async def final_report(bureau: Bureau, member: Member, number: int, items: tuple[Item, ...]) -> None:
    """Items of the final report have come."""
    fact = "final " + " ".join(items)
    await _change(bureau, member, number, fact, lambda case: breach.final_report(case, items, bureau.clock()))


async def tell(bureau: Bureau, member: Member, number: int, told: Told) -> None:
    """Persons have been told."""
    await _change(
        bureau, member, number, f"told {told}", lambda case: breach.tell(case, told, bureau.clock())
    )


async def count_persons(bureau: Bureau, member: Member, number: int, persons: int) -> None:
    """The number of persons concerned is another one than was known."""
    await _change(bureau, member, number, "persons", lambda case: breach.counted(case, persons))


async def close_case(bureau: Bureau, member: Member, number: int) -> None:
    """Nothing is left to do."""
    await _change(bureau, member, number, "closed", lambda case: breach.closed(case, bureau.clock()))


def cases(bureau: Bureau) -> list[tuple[Case, breach.Timers, bool]]:
    """All, newest first, with what is due and whether the shorter limit is over."""
    now_ms = bureau.clock()
    return [
        (case, breach.timers(case, now_ms), breach.warned(case, now_ms))
        for case in reversed(store.all_cases(bureau.db.read()))
    ]
