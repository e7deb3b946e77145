"""The administrator's page of people, and the journal as each role may read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from starlette.responses import Response

from kakine.parties.gateway.desk import journal, people
from kakine.parties.gateway.desk.journal import PEOPLE, What
from kakine.parties.gateway.desk.office import CaseDesk, Shift, require
from kakine.parties.gateway.desk.people_store import Role, Staff, State, Use
from kakine.parties.gateway.desk_site import words
from kakine.values.problems import FormUnfit
from kakine.web.turn import Turn

E = TypeVar("E", bound=StrEnum)

SHOWN = 200
"""Lines of the journal on its page."""


@dataclass
class Keeping:
    """Pages about the people of the desk."""

    desk: CaseDesk

    def _administrator(self, turn: Turn[Shift]) -> Staff:
        person = self.desk.stands(turn.who)
        require(person, Role.ADMINISTRATOR)
        return person

    async def people(self, turn: Turn[Shift]) -> Response:
        """Everybody of the desk."""
        me = self._administrator(turn)
        return turn.page("people.html", me=me, staff=people.all_of(self.desk, me), **_words())

    async def add(self, turn: Turn[Shift]) -> Response:
        """Somebody new; the page with the code is the only place where it ever stands."""
        me, form = self._administrator(turn), turn.form
        role = _one_of(Role, form.one("role"), "role")
        person, code = await people.add(self.desk, me, form.one("name"), form.one("unit"), role)
        return turn.page("code.html", me=me, person=person, code=code, use=Use.ENROL)

    async def code(self, turn: Turn[Shift]) -> Response:
        """A code to print and hand over."""
        me, use = self._administrator(turn), _one_of(Use, turn.form.one("use"), "use")
        official = turn.param["official"]
        code = await people.print_code(self.desk, me, official, use)
        person = people.by_official(self.desk, official)
        return turn.page("code.html", me=me, person=person, code=code, use=use)

    async def state(self, turn: Turn[Shift]) -> Response:
        """Lock, let in again, remove."""
        new = _one_of(State, turn.form.one("state"), "state")
        await people.set_state(self.desk, self._administrator(turn), turn.param["official"], new)
        return turn.go("/people")

    async def journal(self, turn: Turn[Shift]) -> Response:
        """The newest lines: a clerk's own, those of a supervisor's unit, for the administrator those about people."""
        me = self.desk.stands(turn.who)
        read = journal.latest(self.desk.office.db.read(), self.desk.domain, 10 * SHOWN)
        lines = [line for line in read if _may_read(me, line)][:SHOWN]
        acts = {what.value: said for what, said in words.ACTS.items()}
        return turn.page("journal.html", me=me, lines=lines, acts=acts)


def _may_read(me: Staff, line: journal.Line) -> bool:
    if me.role is Role.ADMINISTRATOR:
        return What(line.what) in PEOPLE
    if me.role is Role.SUPERVISOR:
        return line.unit == me.unit
    return line.official == me.official


def _words() -> dict[str, Any]:
    return {"roles": words.ROLES, "standings": words.STANDINGS, "states": State, "uses": Use}


def _one_of(kind: type[E], text: str, field: str) -> E:
    try:
        return kind(text)
    except ValueError as fault:
        raise FormUnfit(field=field) from fault
