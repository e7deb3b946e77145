"""The gazette, stops, and the acts of two people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from starlette.responses import Response

from kakine.contracts.commission import PlainChange
from kakine.parties.commission.bureau import store
from kakine.parties.commission.bureau.acts import OPEN_MS, RULES, What
from kakine.parties.commission.bureau.bureau import stops_of
from kakine.parties.commission.console import wording
from kakine.parties.commission.console.entering import json_of
from kakine.parties.commission.console.house import House, act_of, subject_of
from kakine.protocols.gazette_diff import Change, describe
from kakine.values import calendar
from kakine.values.problems import OrderMalformed, Problem, RouteUnknown
from kakine.web.staff_store import Member
from kakine.web.turn import Turn


def number_of(text: str) -> int:
    """Raises `OrderMalformed` for anything but a short number."""
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise OrderMalformed(what="number")
    return int(text)


def day_of(text: str) -> int:
    """Days since 1970-01-01 of `2026-11-22`; 0 for nothing. Raises `OrderMalformed`."""
    if not text:
        return 0
    try:
        found = calendar.days(date.fromisoformat(text))
    except ValueError as wrong:
        raise OrderMalformed(what="day") from wrong
    if found < 0:
        raise OrderMalformed(what="day")
    return found


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as wrong:
        raise OrderMalformed(what="digest") from wrong


async def gazette(house: House, turn: Turn[Member]) -> Response:
    """Versions, what waits, what is proposed with all that it would change."""
    book, duties = house.bureau.book, house.bureau.duties
    proposals = []
    for each in duties.shown_proposals():
        try:
            duties.check_assessed(duties.proposal(each.digest))
            lacks = ""
        except Problem as problem:
            lacks = f"{problem.code} {' '.join(map(str, problem.facts.values()))}"
        proposals.append((each, lacks))
    pending = book.pending(house.now_ms)
    changes = describe(house.law.gazette, pending.gazette) if pending else []
    return turn.page(
        "gazette.html",
        pending=pending,
        pending_changes=changes,
        proposals=proposals,
        versions=list(reversed(book.published)),
        held={law.digest for law in book.held(house.now_ms)},
        present=house.law,
        now_ms=house.now_ms,
    )


async def version(house: House, turn: Turn[Member]) -> Response:
    """One version in words: what it changed of the law that was in force."""
    laws = {law.gazette.number: law for law in house.bureau.book.published}
    text = turn.param["number"]
    found = laws.get(int(text)) if text.isdecimal() and len(text) < 7 else None
    if found is None:
        raise RouteUnknown()
    before = next((law for law in laws.values() if law.digest == found.gazette.changes), None)
    changes = describe(before.gazette, found.gazette) if before else []
    return turn.page("version.html", law=found, changes=changes)


async def stops(house: House, turn: Turn[Member]) -> Response:
    """What stands still, and preparing another stop."""
    gazette = house.law.gazette
    return turn.page(
        "stops.html",
        stops=[(each, house.name(each.name)) for each in gazette.suspensions],
        today=calendar.day_in_japan(house.now_ms),
        parties=[(each.name, each.ja, each.en) for each in gazette.parties],
    )


async def prepare(house: House, turn: Turn[Member]) -> Response:
    """Any act, from any page."""
    form, text = turn.form, turn.form.one("what")
    if text not in tuple(What):
        raise OrderMalformed(what="what")
    what = What(text)
    more: dict[str, object] = {
        "reason_ja": form.one("reason_ja")[:500],
        "reason_en": form.one("reason_en")[:500],
    }
    match what:
        case What.STOP:
            names = form.one("names").split() or [""]
            more["stops"] = stops_of([(form.one("subject"), name) for name in names])
            more["until"] = day_of(form.one("until"))
        case What.APPROVE | What.REFUSE | What.DROP:
            more["about"] = _digest(form.one("about"))
        case What.ENROL:
            more |= {"name": form.one("name")[:60], "role": form.one("role")[:80]}
        case What.CHECK:
            more |= {"name": form.one("party")[:80], "role": form.one("file")[:80]}
        case What.LEAVE:
            more["number"] = number_of(form.one("number"))
        case What.SUNSET:
            more |= {"number": number_of(form.one("months")), "further": number_of(form.one("days"))}
    digest = await house.bureau.prepare(turn.who, what, **more)
    return turn.go(f"/acts/{digest.hex()}")


async def acts(house: House, turn: Turn[Member]) -> Response:
    """All acts, those that wait first."""
    rows = [(act, kept, subject_of(act)) for act, kept in house.bureau.acts()]
    since = house.now_ms - OPEN_MS
    waiting = [each for each in rows if each[1].state == store.PREPARED and each[1].prepared_ms >= since]
    return turn.page(
        "acts.html", waiting=waiting, rows=[each for each in rows if each not in waiting], house=house
    )


async def act(house: House, turn: Turn[Member]) -> Response:
    """One act: everything that is signed for, and the form to sign it."""
    digest, found = act_of(house, turn)
    _, kept = house.bureau.act(digest)
    changes: Sequence[PlainChange | Change] = []
    if found.what in (What.APPROVE, What.REFUSE):
        changes = [
            change
            for each in house.bureau.duties.shown_proposals()
            if each.digest == found.about
            for change in each.changes
        ]
    elif found.what is What.DROP and (pending := house.bureau.book.pending(house.now_ms)) is not None:
        changes = describe(house.law.gazette, pending.gazette)
    waits = kept.state == store.PREPARED and house.now_ms - kept.prepared_ms <= OPEN_MS
    return turn.page(
        "act.html",
        act=found,
        kept=kept,
        digest=digest.hex(),
        subject=subject_of(found),
        changes=changes,
        may_sign=waits and turn.who.number != found.by and turn.who.role in RULES[found.what][1],
        mine=waits and turn.who.number == found.by,
        waits=waits,
        half=house.bureau.has_half(turn.who, digest),
        by=house.member(found.by),
        signer=house.member(kept.signer),
    )


async def sign(house: House, turn: Turn[Member]) -> Response:
    """By a code of the own sheet."""
    digest, _ = act_of(house, turn)
    code, staff = turn.form.one("code"), house.bureau.staff

    async def confirm(member: Member, about: bytes) -> None:
        await staff.confirm_by_code(member, code)

    await house.bureau.sign(turn.who, digest, confirm)
    return turn.go(f"/acts/{digest.hex()}")


async def sign_options(house: House, turn: Turn[Member]) -> Response:
    """For `navigator.credentials.get`: the challenge ends with the act's digest."""
    digest, _ = act_of(house, turn)
    return turn.json(house.bureau.staff.confirm_options(turn.who, digest))


async def sign_passkey(house: House, turn: Turn[Member]) -> Response:
    """By a passkey."""
    digest, _ = act_of(house, turn)
    answer, staff = json_of(turn), house.bureau.staff

    async def confirm(member: Member, about: bytes) -> None:
        await staff.confirm_by_passkey(member, answer, about)

    await house.bureau.sign(turn.who, digest, confirm)
    return turn.json({"next": turn.language.path(f"/acts/{digest.hex()}")})


async def half(house: House, turn: Turn[Member]) -> Response:
    """This member's half of somebody new's code, shown once."""
    digest, found = act_of(house, turn)
    return turn.page("half.html", half=house.bureau.half_code(turn.who, digest), name=found.name)


async def withdraw(house: House, turn: Turn[Member]) -> Response:
    """Nothing comes of it."""
    digest, _ = act_of(house, turn)
    await house.bureau.withdraw(turn.who, digest)
    return turn.go("/acts")


async def people(house: House, turn: Turn[Member]) -> Response:
    """Who works here."""
    staff = house.bureau.staff
    return turn.page(
        "people.html",
        members=staff.all(),
        left=staff.codes_left(turn.who.number),
        roles=list(wording.ROLE.items()),
    )


async def journal(house: House, turn: Turn[Member]) -> Response:
    """The last hundred lines, or those before a number."""
    text = turn.param.get("before", "")
    before = int(text) if text.isdecimal() and len(text) < 12 else 1 << 62
    lines = house.bureau.journal(before)
    names = {each.number: each.name for each in house.bureau.staff.all()}
    return turn.page(
        "journal.html", lines=lines, names=names, head=store.journal_head(house.bureau.db.read())
    )
