"""The routes of the console. Every one is closed but coming in and the public page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.responses import Response

from kakine.crypto.passkeys import Site as PasskeySite
from kakine.parties.commission.console import deciding, entering, watching, wording
from kakine.parties.commission.console.house import House
from kakine.values import calendar
from kakine.values.problems import SessionUnknown, StaffUnknown
from kakine.web.sessions import Sessions
from kakine.web.site import Settings, Site
from kakine.web.staff_store import Member
from kakine.web.turn import Turn

Serve = Callable[[House, Turn[Member]], Awaitable[Response]]
_WORDS = {
    name: getattr(wording, name.upper())
    for name in (
        "role", "what", "state", "subject", "level", "step", "standing", "outside", "checker",
        "kind", "item", "told", "late", "audit", "proof",
    )
}  # fmt: skip
"""Codes in words, for templates."""


def _said(told: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{name} {times}" for name, times in told)


def site(settings: Settings, house: House) -> Site[Member]:
    """The console at an origin of its own; passkeys of the staff live there from now on."""
    staff = house.bureau.staff
    host = settings.origin.partition("://")[2].partition(":")[0]
    staff.site = PasskeySite(settings.origin, host)

    def stands(member: Member) -> None:
        try:
            staff.member(member.number)
        except StaffUnknown as left:
            raise SessionUnknown() from left

    made = Site[Member](
        __package__ or "",
        settings,
        Sessions[Member](settings.clock, settings.entropy, life_ms=8 * 3_600_000),
        words=wording.REFUSALS,
        stands=stands,
    )
    for environment in made.templates.values():
        environment.globals.update(words=_WORDS, rooms=wording.ROOMS)
        environment.filters.update(on_day=calendar.day, said=_said)

    def of(serve: Serve) -> Callable[[Turn[Member]], Awaitable[Response]]:
        return partial(serve, house)

    made.get("/", of(entering.first), open=True)
    made.post("/enter", of(entering.enter), open=True)
    made.post("/enrol", of(entering.enrol), open=True)
    made.call("/enter/options", of(entering.options), open=True)
    made.call("/enter/passkey", of(entering.passkey), open=True)
    made.get("/public", of(watching.public), open=True)
    made.get("/public.json", of(watching.public_json), open=True)

    made.get("/overview", of(watching.overview))
    made.get("/gazette", of(deciding.gazette))
    made.get("/gazette/{number}", of(deciding.version))
    made.get("/stops", of(deciding.stops))
    made.get("/acts", of(deciding.acts))
    made.post("/acts", of(deciding.prepare))
    made.get("/acts/{act}", of(deciding.act))
    made.post("/acts/{act}/sign", of(deciding.sign))
    made.call("/acts/{act}/options", of(deciding.sign_options))
    made.call("/acts/{act}/passkey", of(deciding.sign_passkey))
    made.post("/acts/{act}/half", of(deciding.half))
    made.post("/acts/{act}/withdraw", of(deciding.withdraw))
    made.get("/assessments", of(watching.assessments))
    made.post("/assessments", of(watching.enter_card))
    made.get("/assessments/{party}/{file}", of(watching.assessment))
    made.post("/assessments/{party}/{file}", of(watching.take_step))
    made.get("/counts", of(watching.counts))
    made.get("/supervision", of(watching.supervision))
    made.get("/breaches", of(watching.breaches))
    made.post("/breaches", of(watching.open_case))
    made.get("/breaches/{number}", of(watching.case))
    made.post("/breaches/{number}", of(watching.change_case))
    made.get("/people", of(deciding.people))
    made.post("/people/sheet", of(entering.sheet))
    made.post("/people/passkey", of(entering.bind))
    made.call("/people/passkey/{ticket}/options", of(entering.bind_options))
    made.call("/people/passkey/{ticket}", of(entering.bound))
    made.get("/journal", of(deciding.journal))
    made.get("/journal/{before}", of(deciding.journal))
    return made
