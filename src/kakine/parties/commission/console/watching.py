"""Assessments, counts, supervision, breaches, and the page for everybody."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from starlette.responses import Response

from kakine.parties.commission.bureau import register, store
from kakine.parties.commission.bureau.uses import counted_from, counted_to, differing, idle_rows
from kakine.parties.commission.console import wording
from kakine.parties.commission.console.deciding import day_of, number_of
from kakine.parties.commission.console.house import House
from kakine.protocols.assessment import BANDS, Card, Checker, Outside, Step
from kakine.protocols.breach import Item, Kind, Told
from kakine.protocols.uses import Cell, warned
from kakine.values import calendar
from kakine.values.problems import AssessmentMalformed, BreachMalformed, RouteUnknown
from kakine.web.staff_store import Member
from kakine.web.turn import Turn
from kakine.wire.canonical import plain

_DAY_MS = 86_400_000
SHOWN_DAYS = 30
MOST_ROWS = 200
LATEST = 50
PUBLIC = "public, max-age=300"


async def overview(house: House, turn: Turn[Member]) -> Response:
    """What needs somebody today."""
    cases = register.cases(house.bureau)
    return turn.page(
        "overview.html",
        who=turn.who,
        waiting=len(house.bureau.waiting()),
        proposals=len(house.bureau.duties.shown_proposals()),
        pending=house.bureau.book.pending(house.now_ms),
        files=[each for each in register.register(house.bureau) if each.state != "good"],
        cases=[case for case in cases if case[1].late or case[2]],
        faults=sum(bool(each.fault) for each in house.verdicts()),
        objections=house.open_objections(),
        warned=warned(idle_rows(house.counting), _today(house), house.bureau.sunset_rule()),
        figures=house.figuring.last(),
    )


def _today(house: House) -> int:
    return calendar.day_in_japan(house.now_ms)


# --- assessments


async def assessments(house: House, turn: Turn[Member]) -> Response:
    """The register."""
    found = register.register(house.bureau)
    parties = [(each.name, each.ja, each.en) for each in house.law.gazette.parties]
    return turn.page("assessments.html", files=found, house=house, parties=parties, bands=wording.BANDS)


async def assessment(house: House, turn: Turn[Member]) -> Response:
    """One file."""
    wanted = turn.param["party"], turn.param["file"]
    found = next(
        (each for each in register.register(house.bureau) if (each.party, each.file) == wanted), None
    )
    if found is None:
        raise RouteUnknown()
    return turn.page(
        "assessment.html", entry=found, house=house, bands=wording.BANDS, steps=_steps(found.card)
    )


def _steps(card: Card | None) -> list[tuple[str, int]]:
    if card is None:
        return []
    return [
        ("draft", card.draft),
        ("comment", card.comment_from),
        ("comment-end", card.comment_until),
        ("check", card.checked),
    ]


async def enter_card(house: House, turn: Turn[Member]) -> Response:
    """Facts from which the level follows."""
    form = turn.form
    try:
        card = Card(
            form.one("party"),
            form.one("file"),
            number_of(form.one("people")),
            form.one("many_staff") == "yes",
            day_of(form.one("accident")),
            Outside(form.one("outside")),
            Checker(form.one("checker")),
        )
    except ValueError as wrong:
        raise AssessmentMalformed(what="facts") from wrong
    if card.people not in BANDS:
        raise AssessmentMalformed(what="people")
    await register.enter(house.bureau, turn.who, card)
    return turn.go(f"/assessments/{card.party}/{card.file}")


async def take_step(house: House, turn: Turn[Member]) -> Response:
    """A step was taken today."""
    party, file, text = turn.param["party"], turn.param["file"], turn.form.one("step")
    if text not in tuple(Step):
        raise AssessmentMalformed(what="step")
    await register.step(house.bureau, turn.who, party, file, Step(text))
    return turn.go(f"/assessments/{party}/{file}")


# --- counts


async def counts(house: House, turn: Turn[Member]) -> Response:
    """Live: the last thirty days, by row and pair; what nobody uses."""
    cells = store.cells_since(house.bureau.db.read(), _today(house) - SHOWN_DAYS + 1)
    unused = idle_rows(house.counting)
    rule = house.bureau.sunset_rule()
    used = {cell.row for cell in cells if cell.released}
    return turn.page(
        "counts.html",
        rows=_summed(cells)[:MOST_ROWS],
        days=_by_day(cells, _today(house)),
        unused=[each for each in unused if each.row not in used],
        warned=warned(unused, _today(house), rule),
        rule=rule,
        first=counted_from(house.counting),
        last=counted_to(house.counting),
        house=house,
        refusals=store.refusals_since(house.bureau.db.read(), _today(house) - SHOWN_DAYS + 1),
    )


def _summed(cells: Iterable[Cell]) -> list[tuple[str, str, str, int, int, int]]:
    sums: dict[tuple[str, str, str], tuple[int, int, int]] = {}
    for cell in cells:
        key = cell.row or cell.ground, cell.requester, cell.recipient
        asked, released, people = sums.get(key, (0, 0, 0))
        sums[key] = asked + cell.asked, released + cell.released, people + cell.people
    found = [(*key, *values) for key, values in sums.items()]
    return sorted(found, key=lambda each: (-each[5], each[0], each[1], each[2]))


def _by_day(cells: Iterable[Cell], today: int) -> list[tuple[int, int]]:
    sums = dict.fromkeys(range(today - SHOWN_DAYS + 1, today + 1), 0)
    for cell in cells:
        sums[cell.day] += cell.people
    return list(sums.items())


# --- supervision


async def supervision(house: House, turn: Turn[Member]) -> Response:
    """Verdicts of the auditor, what the record keepers owe, what is overdue, findings of monitors."""
    verdicts, today = house.verdicts(), _today(house)
    kinds = {
        kind: (
            sum(each.kind == kind for each in verdicts),
            sum(each.kind == kind and bool(each.fault) for each in verdicts),
        )
        for kind in wording.AUDIT
    }
    return turn.page(
        "supervision.html",
        kinds=kinds,
        faults=[each for each in verdicts if each.fault][:MOST_ROWS],
        latest=verdicts[:LATEST],
        objections=[
            ((house.now_ms - each.received_ms) // _DAY_MS, each.waiting) for each in house.open_objections()
        ],
        differs=differing(house.bureau.db.read(), range(today - SHOWN_DAYS, today)),
        evidence=house.evidence(),
        figures=house.figuring.last(),
        house=house,
    )


# --- breaches


async def breaches(house: House, turn: Turn[Member]) -> Response:
    """All cases, and opening one."""
    parties = [(each.name, each.ja, each.en) for each in house.law.gazette.parties]
    return turn.page("breaches.html", cases=register.cases(house.bureau), house=house, parties=parties)


async def open_case(house: House, turn: Turn[Member]) -> Response:
    """A new case, of what became known on a day."""
    form = turn.form
    day = day_of(form.one("found"))
    # Noon of that day, or now if that has not come.
    found_ms = min(day * _DAY_MS + 3 * 3_600_000, house.now_ms) if day else 0
    try:
        kinds = tuple(Kind(each) for each in form.all("kinds"))
    except ValueError as wrong:
        raise BreachMalformed(what="kinds") from wrong
    flags = form.all("exempt")
    number = await register.open_case(
        house.bureau,
        turn.who,
        form.one("party"),
        found_ms,
        kinds,
        number_of(form.one("persons")),
        encrypted="encrypted" in flags,
        contained="contained" in flags,
    )
    return turn.go(f"/breaches/{number}")


async def case(house: House, turn: Turn[Member]) -> Response:
    """One case."""
    number = number_of(turn.param["number"])
    found = next((each for each in register.cases(house.bureau) if each[0].number == number), None)
    if found is None:
        raise RouteUnknown()
    return turn.page("case.html", case=found[0], timers=found[1], item_values=[*found[0].items], house=house)


async def change_case(house: House, turn: Turn[Member]) -> Response:
    """One step of a case."""
    number, form, bureau = number_of(turn.param["number"]), turn.form, house.bureau
    try:
        match form.one("step"):
            case "first":
                await register.first_report(bureau, turn.who, number)
            case "final":
                await register.final_report(bureau, turn.who, number, tuple(map(Item, form.all("items"))))
            case "told":
                await register.tell(bureau, turn.who, number, Told(form.one("told")))
            case "persons":
                await register.count_persons(bureau, turn.who, number, number_of(form.one("persons")))
            case "close":
                await register.close_case(bureau, turn.who, number)
            case _:
                raise BreachMalformed(what="step")
    except ValueError as wrong:
        raise BreachMalformed(what="step") from wrong
    return turn.go(f"/breaches/{number}")


# --- everybody


async def public(house: House, turn: Turn[Member]) -> Response:
    """The page for everybody: from the figures taken last, the same for all, without a session."""
    answer = turn.page("public.html", figures=house.figuring.last(), house=house)
    answer.headers["Cache-Control"] = PUBLIC
    return answer


async def public_json(house: House, turn: Turn[Member]) -> Response:
    """The same numbers for machines."""
    data = msgspec.json.encode(house.figuring.last(), enc_hook=plain)
    return Response(data, headers={"Cache-Control": PUBLIC}, media_type="application/json")
