"""Pages of an agency's desk (職員の窓口): spec/desk.md on top of spec/web.md."""

from __future__ import annotations

from dataclasses import dataclass

from kakine.parties.gateway.desk.office import CaseDesk, Shift
from kakine.parties.gateway.desk_site import casework, entering, keeping, objecting, supervising
from kakine.parties.gateway.desk_site.words import PROBLEMS
from kakine.web.sessions import Sessions
from kakine.web.site import Settings, Site

COOKIE = "kakine-desk"
"""And the domain behind it: several desks may have one host, and ports do not keep cookies apart."""


@dataclass
class Pages:
    """Every handler of the desk."""

    desk: CaseDesk

    def __post_init__(self) -> None:
        self.entering = entering.Entering(self.desk)
        self.casework = casework.Casework(self.desk)
        self.supervising = supervising.Supervising(self.desk)
        self.objecting = objecting.Objecting(self.desk)
        self.keeping = keeping.Keeping(self.desk)


def site(desk: CaseDesk) -> Site[Shift]:
    """The site of one desk, at the origin of its passkeys. `site(desk).app()` is the ASGI application."""
    clock, entropy, rules = desk.office.clock, desk.office.entropy, desk.rules
    settings = Settings(desk.site.origin, f"{COOKIE}-{desk.domain.replace('/', '-')}", clock, entropy)
    sessions: Sessions[Shift] = Sessions(clock, entropy, rules.idle_ms, rules.longest_ms)

    def stands(shift: Shift) -> None:
        desk.stands(shift)

    def left(shift: Shift) -> None:
        desk.end_of(shift.staff)

    made: Site[Shift] = Site(__name__, settings, sessions, words=PROBLEMS, stands=stands, left=left)
    pages = Pages(desk)
    _enter(made, pages.entering)
    _work(made, pages.casework)
    _supervise(made, pages.supervising)
    _object(made, pages.objecting)
    _keep(made, pages.keeping)
    return made


def _enter(made: Site[Shift], pages: entering.Entering) -> None:
    made.get("/", pages.first, open=True)
    made.post("/login/code", pages.by_code, open=True)
    made.call("/login/passkey/options", pages.passkey_options, open=True)
    made.call("/login/passkey", pages.by_passkey, open=True)
    made.get("/enrol", pages.enrol_page, open=True)
    made.post("/enrol", pages.enrol, open=True)
    made.get("/enrol/way", pages.way_page, open=True)
    made.post("/enrol/passphrase", pages.passphrase, open=True)
    made.call("/enrol/passkey/options", pages.new_passkey_options, open=True)
    made.call("/enrol/passkey", pages.new_passkey, open=True)
    made.post("/out", pages.out, open=True, once=False)


def _work(made: Site[Shift], pages: casework.Casework) -> None:
    made.get("/cases", pages.all)
    made.post("/cases", pages.open)
    made.get("/cases/{number}", pages.one)
    made.post("/cases/{number}/people", pages.add_person)
    made.post("/cases/{number}/ask", pages.ask)
    made.post("/cases/{number}/close", pages.close)
    made.get("/cases/{number}/print", pages.printed)
    made.get("/cases/{number}/answers/{id}", pages.answer)
    made.post("/cases/{number}/answers/{id}/again", pages.again, once=False)


def _supervise(made: Site[Shift], pages: supervising.Supervising) -> None:
    made.get("/room", pages.room)
    made.post("/room/{number}/decide", pages.decide)
    made.post("/room/{number}/assign", pages.assign)
    made.post("/room/{number}/review", pages.review)


def _object(made: Site[Shift], pages: objecting.Objecting) -> None:
    made.get("/claims", pages.all)
    made.get("/claims/{id}", pages.one)
    made.post("/claims/{id}", pages.answer)


def _keep(made: Site[Shift], pages: keeping.Keeping) -> None:
    made.get("/people", pages.people)
    made.post("/people", pages.add)
    made.post("/people/{official}/code", pages.code)
    made.post("/people/{official}/state", pages.state)
    made.get("/journal", pages.journal)
