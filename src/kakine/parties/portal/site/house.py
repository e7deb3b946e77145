"""What the resident's pages work with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from kakine.parties.portal.acts.engine import ActKind
from kakine.parties.portal.acts.own import OwnActs
from kakine.parties.portal.login.office import Office
from kakine.parties.portal.mandates.visiting import OwnMandates
from kakine.parties.portal.visits import Visit, Visits
from kakine.protocols.gazette import Law
from kakine.protocols.logs import Logs
from kakine.values.problems import SessionUnknown, StepUpNeeded, VisitUnknown
from kakine.web.turn import Turn
from kakine.wire.page import Page


@dataclass(frozen=True)
class House:
    """What comes from a browser goes through `visits`, `acts` and `mandates`, where no account can be named. `kind`
    has the words of an act, `stamp` signs a page as the portal, `logs` are those that count,
    `usual` gives the commission's file of what is usual."""

    visits: Visits
    acts: OwnActs
    mandates: OwnMandates
    kind: Callable[[str], ActKind]
    stamp: Callable[[Page], bytes]
    logs: Callable[[], Logs]
    usual: Callable[[], bytes]

    @property
    def login(self) -> Office:
        """The login whose ways in open visits."""
        return self.visits.office

    @property
    def law(self) -> Law:
        """What is in force now."""
        return self.login.law.in_force(self.login.clock())

    def visit(self, turn: Turn[str]) -> Visit:
        """Whose page it is. Raises `SessionUnknown` when the visit is over."""
        try:
            return self.visits.get(turn.who)
        except VisitUnknown as over:
            raise SessionUnknown() from over

    def stands(self, name: str) -> None:
        """Raises `SessionUnknown` when the visit of this name is over."""
        try:
            self.visits.get(name)
        except VisitUnknown as over:
            raise SessionUnknown() from over

    def left(self, name: str) -> None:
        """Somebody has logged out."""
        with suppress(VisitUnknown):
            self.visits.leave(name)

    def strong(self, turn: Turn[str]) -> bool:
        """Whether acts that need step-up may be done now."""
        try:
            self.visits.strong(turn.who)
        except StepUpNeeded:
            return False
        return True
