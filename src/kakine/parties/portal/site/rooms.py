"""The first page and the rooms that show what everybody may know: coverage, notices, help."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from kakine.parties.portal.site import acting
from kakine.parties.portal.site.endings import endings, new_logs
from kakine.parties.portal.site.entering import offered
from kakine.parties.portal.site.house import House
from kakine.parties.portal.site.wording import AREAS, CHOICES
from kakine.protocols.gazette import Law
from kakine.protocols.gazette_diff import describe
from kakine.protocols.objections import LIMIT_MINUTES
from kakine.protocols.own_data import SENSITIVE, areas
from kakine.values.problems import SessionUnknown
from kakine.web.turn import Turn
from kakine.wire.gazette import Party, Suspension


async def first(house: House, turn: Turn[str]) -> Response:
    """Three answers for who is in, the ways in for who is not."""
    try:
        visit = house.visit(turn)
    except SessionUnknown:
        return turn.page("enter.html", ways=offered(house), connect=[house.login.helper])
    held = [(area, AREAS.get(area, area), len(holders)) for area, holders in areas(house.law).items()]
    return turn.page(
        "first.html",
        held=held,
        choices=CHOICES,
        since_ms=visit.since_ms,
        strong=house.strong(turn),
        notices=len(_notices(house))
        + len(acting.shown(house, turn))
        + len(endings(house, turn))
        + len(new_logs(house)),
    )


# --- coverage -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inside:
    """An organisation inside the gate: what kinds of information it gives, under how many tasks it asks, and whether
    something of it stands still."""

    party: Party
    areas: tuple[str, ...]
    asks: int
    stopped: bool


def inside(law: Law) -> list[Inside]:
    """Every organisation with domains, in the gazette's order."""
    area_of = {item.id: item.area for item in law.gazette.items}
    stopped = {(each.subject.value, each.name) for each in law.gazette.suspensions}
    return [
        Inside(
            party,
            tuple(sorted({area_of[item] for domain in party.domains for item in domain.provides})),
            sum(len(domain.asks) for domain in party.domains),
            ("party", party.name) in stopped or any(("domain", d.name) in stopped for d in party.domains),
        )
        for party in law.gazette.parties
        if any(domain.provides or domain.asks for domain in party.domains)
    ]


def outside(law: Law) -> list[tuple[str, str, int]]:
    """Kinds of bodies that the order lets give or ask and of which none is inside: (Japanese, English, rows)."""
    there = {name for party in law.gazette.parties for name in party.types}
    task_of = {each.id: each.requester_type for each in law.gazette.procedures}
    rows: dict[str, int] = {}
    for row in law.gazette.rows:
        for kind in {row.provider_type, task_of[row.procedure]} - there:
            rows[kind] = rows.get(kind, 0) + 1
    return [(kind.ja, kind.en, rows[kind.id]) for kind in law.gazette.types if kind.id in rows]


async def coverage(house: House, turn: Turn[str]) -> Response:
    """Which systems are inside the gate and which not yet: the same for everybody, out of the gazette."""
    law = house.law
    return turn.page(
        "coverage.html",
        inside=inside(law),
        outside=outside(law),
        areas=AREAS,
        sensitive=SENSITIVE,
        number=law.gazette.number,
        since_ms=law.starts_ms,
        rows=len(law.gazette.rows),
    )


# --- letters ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Notice:
    """What everybody is told. `when_ms` is when it takes effect, 0 for now; `lines` are (Japanese, English)."""

    when_ms: int
    reason: tuple[str, str]
    lines: tuple[tuple[str, str], ...]


def _notices(house: House) -> list[Notice]:
    law, book, now_ms = house.law, house.login.law, house.login.clock()
    found = []
    pending = book.pending(now_ms)
    if pending is not None:
        changes = describe(law.gazette, pending.gazette)
        reason = pending.gazette.reason_ja, pending.gazette.reason_en
        found.append(Notice(pending.starts_ms, reason, tuple((each.ja, each.en) for each in changes)))
    for each in law.gazette.suspensions:
        found.append(Notice(0, (each.reason, each.reason), (_named(law, each),)))
    return found


def _named(law: Law, stopped: Suspension) -> tuple[str, str]:
    if stopped.subject.value in ("party", "domain"):
        party = law.party(stopped.name.partition("/")[0])
        return f"{party.ja} ({stopped.name})", f"{party.en} ({stopped.name})"
    return f"{stopped.subject.value} {stopped.name}", f"{stopped.subject.value} {stopped.name}"


async def letters(house: House, turn: Turn[str]) -> Response:
    """Notices on screen."""
    turn.note = "/letters"
    return turn.page(
        "letters.html",
        strong=house.strong(turn),
        notices=_notices(house),
        acts=acting.shown(house, turn),
        endings=endings(house, turn),
        new_logs=new_logs(house),
    )


# --- deciding and help ----------------------------------------------------------------------------------------------


async def decisions(house: House, turn: Turn[str]) -> Response:
    """What can be decided here, and what was asked for and waits."""
    turn.note = "/decisions"
    return turn.page(
        "decisions.html",
        choices=CHOICES,
        strong=house.strong(turn),
        days=LIMIT_MINUTES // 1440,
        acts=acting.shown(house, turn),
    )


async def tour(house: House, turn: Turn[str]) -> Response:
    """Three steps for whoever is here for the first time; the first page shows them once in a browser, by itself."""
    return turn.page("tour.html")


async def help_(house: House, turn: Turn[str]) -> Response:
    """For whoever has no card, no phone or no network, and for whoever helps."""
    return turn.page("help.html")
