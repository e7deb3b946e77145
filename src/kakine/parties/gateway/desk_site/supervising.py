"""The supervisor's room: what waits, who has which case, what was drawn for a look. It shows no resident."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from kakine.parties.gateway.desk import case_store as store
from kakine.parties.gateway.desk import cases, people
from kakine.parties.gateway.desk.case_store import Case, State
from kakine.parties.gateway.desk.office import CaseDesk, Shift, require
from kakine.parties.gateway.desk.people_store import Role, Staff
from kakine.parties.gateway.desk.people_store import State as Standing
from kakine.parties.gateway.desk_site import words
from kakine.web.turn import Turn


@dataclass(frozen=True)
class Seen:
    """A case as a supervisor sees it: by its number, whose it is, and which rows were asked how often."""

    case: Case
    opener: Staff
    clerk: Staff
    people: int
    rows: tuple[tuple[str, int], ...]


@dataclass
class Supervising:
    """Pages of a supervisor."""

    desk: CaseDesk

    def _me(self, turn: Turn[Shift]) -> Staff:
        person = self.desk.stands(turn.who)
        require(person, Role.SUPERVISOR)
        return person

    async def room(self, turn: Turn[Shift]) -> Response:
        """Everything on one page."""
        me, db = self._me(turn), self.desk.office.db.read()
        unit = store.cases_of_unit(db, self.desk.domain, me.unit)
        staff = people.all_of(self.desk, me)
        return turn.page(
            "room.html",
            me=me,
            waiting=[self._seen(case) for case in unit if case.state is State.WAITING],
            under_way=[self._seen(case) for case in unit if case.state is State.OPEN],
            drawn=[self._seen(case) for case in store.due_for_review(db, self.desk.domain, me.unit)],
            staff=staff,
            clerks=[s for s in staff if s.role is Role.CLERK and s.state is Standing.ACTIVE],
            whys=words.WHYS,
            states=words.STATES,
            roles=words.ROLES,
            standings=words.STANDINGS,
        )

    async def decide(self, turn: Turn[Shift]) -> Response:
        """The second pair of eyes."""
        let = turn.form.one("decision") == "let"
        await cases.decide(self.desk, self._me(turn), turn.param["number"], let=let)
        return turn.go("/room")

    async def assign(self, turn: Turn[Shift]) -> Response:
        """Another clerk."""
        await cases.assign(self.desk, self._me(turn), turn.param["number"], turn.form.one("official"))
        return turn.go("/room")

    async def review(self, turn: Turn[Shift]) -> Response:
        """What the look at a drawn case found."""
        fine = turn.form.one("found") == "fine"
        await cases.review(self.desk, self._me(turn), turn.param["number"], fine=fine)
        return turn.go("/room")

    def _seen(self, case: Case) -> Seen:
        db = self.desk.office.db.read()
        rows = [row for each in store.inquiries(db, case.domain, case.number) for row in each.rows]
        opener, clerk = (people.by_id(self.desk, each) for each in (case.opener, case.staff))
        counted = tuple((row, rows.count(row)) for row in sorted(set(rows)))
        return Seen(case, opener, clerk, len(store.people(db, case.domain, case.number)), counted)
