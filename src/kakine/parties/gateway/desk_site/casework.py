"""A clerk's own cases: open one, ask, see, print, close."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import Response

from kakine.parties.gateway.desk import answers, cases, inquiries, papers
from kakine.parties.gateway.desk import case_store as store
from kakine.parties.gateway.desk.answers import Reading, Word
from kakine.parties.gateway.desk.case_store import Case, Inquiry, State
from kakine.parties.gateway.desk.inquiries import Offer
from kakine.parties.gateway.desk.office import CaseDesk, Shift, require
from kakine.parties.gateway.desk.people_store import Role, Staff
from kakine.parties.gateway.desk_site import words
from kakine.values.labels import DomainName
from kakine.values.problems import FormUnfit, InquiryUnknown, LabelMalformed, Problem
from kakine.web.turn import Turn


@dataclass(frozen=True)
class Person:
    """Somebody of a case: the place from 0, the agency's own reference, and whether under protection now."""

    place: int
    reference: str
    protected: bool


@dataclass(frozen=True)
class Offered:
    """A row as it is offered: whom one may ask about under it, whom one may ask, or why not."""

    offer: Offer
    people: tuple[Person, ...]
    providers: tuple[tuple[str, str, str], ...]
    """(domain, Japanese and English name)"""
    stopped: str


@dataclass(frozen=True)
class Asked:
    """A question in a list, and what came of it in a word."""

    inquiry: Inquiry
    word: Word
    person: Person | None


@dataclass
class Casework:
    """Pages of a clerk."""

    desk: CaseDesk

    def _me(self, turn: Turn[Shift]) -> Staff:
        person = self.desk.stands(turn.who)
        require(person, Role.CLERK)
        return person

    async def all(self, turn: Turn[Shift]) -> Response:
        """My waiting and open cases, and the form for a new one."""
        me = self._me(turn)
        mine = store.cases_of(self.desk.office.db.read(), self.desk.domain, me.id)
        return turn.page("cases.html", me=me, cases=mine, procedures=self._procedures(), **_words())

    async def open(self, turn: Turn[Shift]) -> Response:
        """A new case."""
        me, form = self._me(turn), turn.form
        case = await cases.open_case(
            self.desk,
            me,
            form.one("procedure"),
            form.one("application"),
            _day(form.one("day")),
            form.one("reference"),
        )
        return turn.go(f"/cases/{case.number}")

    async def one(self, turn: Turn[Shift]) -> Response:
        """A case with all there is to it."""
        me, case = self._case(turn)
        return turn.page("case.html", **self._whole(me, case))

    async def printed(self, turn: Turn[Shift]) -> Response:
        """All answers of the case, for paper."""
        me, case = self._case(turn)
        values = self._whole(me, case)
        people: list[Person] = values["people"]
        readings = list[tuple[Asked, Reading]]()
        for asked in values["asked"]:
            readings.append((asked, self._reading(asked.inquiry, people)))
            await inquiries.note_seen(self.desk, me, asked.inquiry, printed=True)
        return turn.page("print.html", **values, readings=readings, printed_ms=self.desk.now_ms)

    async def add_person(self, turn: Turn[Shift]) -> Response:
        """Somebody more."""
        number = turn.param["number"]
        await cases.add_person(self.desk, self._me(turn), number, turn.form.one("reference"))
        return turn.go(f"/cases/{number}")

    async def ask(self, turn: Turn[Shift]) -> Response:
        """A question; its answer is the next page."""
        number, form = turn.param["number"], turn.form
        inquiry = await inquiries.ask(
            self.desk,
            self._me(turn),
            number,
            _place(form.one("person")),
            (form.one("row"),),
            _domain(form.one("provider")),
        )
        return turn.go(f"/cases/{number}/answers/{inquiry.id.hex()}")

    async def close(self, turn: Turn[Shift]) -> Response:
        """The end."""
        await cases.close(self.desk, self._me(turn), turn.param["number"])
        return turn.go("/cases")

    async def answer(self, turn: Turn[Shift]) -> Response:
        """What came of a question."""
        me, case = self._case(turn)
        db = self.desk.office.db.read()
        inquiry = store.inquiry(db, self.desk.domain, case.number, _id(turn.param["id"]))
        people = self._people(case)
        await inquiries.note_seen(self.desk, me, inquiry)
        return turn.page(
            "answer.html",
            me=me,
            case=case,
            person=_at(people, inquiry.place),
            inquiry=inquiry,
            reading=self._reading(inquiry, people),
            **_words(),
        )

    async def again(self, turn: Turn[Shift]) -> Response:
        """Send again what did not arrive."""
        number, id_ = turn.param["number"], _id(turn.param["id"])
        await inquiries.take_up(self.desk, self._me(turn), number, id_)
        return turn.go(f"/cases/{number}/answers/{id_.hex()}")

    # --- what a page is made of ---

    def _case(self, turn: Turn[Shift]) -> tuple[Staff, Case]:
        me = self._me(turn)
        return me, cases.mine(self.desk, me, turn.param["number"])

    def _procedures(self) -> list[tuple[str, str, str, str]]:
        """(id, article, Japanese and English name) of those under which this desk asks."""
        law = self.desk.law
        asks = set(law.domain(self.desk.domain).asks)
        return [(p.id, p.article, p.ja, p.en) for p in law.gazette.procedures if p.id in asks]

    def _people(self, case: Case) -> list[Person]:
        references = store.people(self.desk.office.db.read(), self.desk.domain, case.number)
        return [
            Person(place, reference.decode(), cases.protected(self.desk, reference))
            for place, reference in enumerate(references)
        ]

    def _whole(self, me: Staff, case: Case) -> dict[str, Any]:
        people, offers = self._people(case), self._offers(case)
        asked = store.inquiries(self.desk.office.db.read(), self.desk.domain, case.number)
        return {
            "me": me,
            "case": case,
            "procedure": inquiries.procedure_of(self.desk.law, case),
            "people": people,
            "offered": [self._offered(offer, people) for offer in offers],
            "asked": [
                Asked(each, answers.word_of(self.desk, each), _at(people, each.place)) for each in asked
            ],
            "papers": papers.papers(offers, len(people), asked),
            "is_open": case.state is State.OPEN,
            "is_over": case.state in (State.CLOSED, State.REFUSED),
            **_words(),
        }

    def _offers(self, case: Case) -> list[Offer]:
        try:
            return inquiries.offers(self.desk, case)
        except Problem:
            return []  # the law gives this desk the procedure no more: the case can still be closed

    def _offered(self, offer: Offer, people: Sequence[Person]) -> Offered:
        stopped = words.STOPPED.get(offer.stopped, words.ELSE_STOPPED) if offer.stopped else ""
        may = tuple(person for person in people if not (offer.choice and person.protected))
        if not stopped and not may and people:
            stopped = words.BY_HAND
        named = [(str(each), answers.party_names(self.desk, each)) for each in offer.providers]
        return Offered(offer, may, tuple((at, name.ja, name.en) for at, name in named), stopped)

    def _reading(self, inquiry: Inquiry, people: Sequence[Person]) -> Reading:
        person = _at(people, inquiry.place)
        return answers.read(self.desk, inquiry, protected=person is None or person.protected)


def _words() -> dict[str, Any]:
    return {"results": words.RESULTS, "states": words.STATES, "whys": words.WHYS}


def _at(people: Sequence[Person], place: int) -> Person | None:
    return people[place] if place < len(people) else None


def _place(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        raise FormUnfit(field="person")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise FormUnfit(field="day") from fault


def _domain(text: str) -> DomainName:
    try:
        return DomainName(text)
    except LabelMalformed as fault:
        raise FormUnfit(field="provider") from fault


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as fault:
        raise InquiryUnknown() from fault
