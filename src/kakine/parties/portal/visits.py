"""Visits: who is at the portal itself, made only by the ways in of the login (spec/visits.md, decision 0038).

Whoever comes from outside has a name of a visit and no other: an account cannot be named. Visits are in memory, and
hold what no store has: which account is here now, and by which ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from kakine.contracts.portal import SealedHistory, SealedOwnData
from kakine.crypto.sealing import SealKey
from kakine.parties.portal.login import store, ways
from kakine.parties.portal.login.memory import Kept
from kakine.parties.portal.login.office import Arrival, Asking, Office, Shown
from kakine.protocols.logins import CARD, COUNTER, PASSKEY
from kakine.protocols.own_data import SENSITIVE
from kakine.values.problems import AssuranceNotMet, LoginNotKnown, Problem, StepUpNeeded, VisitUnknown
from kakine.wire.login import Challenge
from kakine.wire.objection import Reason
from kakine.wire.request import Place

IDLE_MS = 600_000
"""How long a visit stays open in which nothing happens."""
VISIT_MS = 3_600_000
"""How long a visit lasts at most."""
STEP_UP_MS = 600_000
"""How long two ways in count for acts that need them; showing either again begins anew."""
MOST_EACH = 4
"""Visits of one account at a time; the oldest gives way, so that nobody is locked out by visits of somebody else."""

_ENTER = Asking("portal", "ポータルに入る / open the portal")
_AGAIN = Asking(
    "portal", "ポータルの手続きのため本人を確かめる / confirm who you are, for an act at the portal"
)


class Own(Protocol):
    """What the portal does for one account (`parties.portal.app`)."""

    async def read_history(self, account: bytes, session: SealKey) -> SealedHistory:
        """The sealed history."""
        ...

    async def reading(self, account: bytes, asked: bytes, mandate: bytes = b"") -> bytes:
        """The same with all that a browser needs to verify it; by a mandate of whoever has given that."""
        ...

    async def own_data(self, account: bytes, area: str, session: SealKey) -> list[SealedOwnData]:
        """What each holder of an area has on the person, readable with this session key only."""
        ...

    async def own_area(self, account: bytes, area: str, asked: bytes) -> bytes:
        """The same as one message each way, for the page of the area."""
        ...

    async def object_to(self, account: bytes, place: Place, xid: bytes, reason: Reason) -> None:
        """File an objection."""
        ...

    async def withdraw(self, account: bytes, grant: bytes) -> None:
        """End a consent to the latest items."""
        ...

    async def tell_commission(self, sealed: bytes) -> bytes:
        """Carry what a person shows the commission, and what it says back."""
        ...

    async def send_evidence(self, data: bytes) -> bytes:
        """Carry evidence against a log to the commission; its signature over it."""
        ...


@dataclass
class Door(Arrival):
    """Somebody who wants to come in, in one browser. `ways` are the values of acr that are offered here."""

    ways: frozenset[str]

    def expect(self, way: str) -> None:
        """Raises `AssuranceNotMet` for a way that is not offered."""
        if way not in self.ways:
            raise AssuranceNotMet()

    def asking(self, office: Office) -> Asking:
        """The portal itself."""
        return _ENTER if self.account is None else _AGAIN


@dataclass
class Visit(Door):
    """One visit in one browser: `account` is set for good. `shown` are the latest of each kind of way in, by acr."""

    since_ms: int
    shown: dict[str, Shown] = field(default_factory=dict)
    creating: bytes | None = None

    @property
    def whose(self) -> bytes:
        """The account."""
        assert self.account is not None  # noqa: S101 - `Visits.enter` has set it
        return self.account

    @property
    def acr(self) -> str:
        """The best way in that was shown."""
        return next(acr for acr in (COUNTER, CARD, PASSKEY) if acr in self.shown)


def require_step_up(visit: Visit, now_ms: int) -> None:
    """Raise `StepUpNeeded` unless a paper from a counter was shown in this visit, or both card and passkey, one of them
    within `STEP_UP_MS`. So a card that was found, with its PIN, is never enough."""
    last_ms = max(each.time_ms for each in visit.shown.values())
    both = {CARD, PASSKEY} <= visit.shown.keys() and now_ms - last_ms < STEP_UP_MS
    if COUNTER not in visit.shown and not both:
        raise StepUpNeeded()


class Visits:
    """All visits at one portal."""

    def __init__(self, office: Office, own: Own) -> None:
        self.office = office
        self._own = own
        self._doors: Kept[Door] = Kept(IDLE_MS, office.clock, office.entropy, VisitUnknown)
        self._inside: Kept[Visit] = Kept(IDLE_MS, office.clock, office.entropy, VisitUnknown)

    def __len__(self) -> int:
        return len(self._inside)

    # --- coming in, and showing a further way -----------------------------------------------------------------

    def begin(self) -> str:
        """The name, for a browser's cookie, under which somebody may show a way in. It opens nothing."""
        return self._doors.put(Door(self.office.ways))

    async def by_paper(self, name: str, code: str) -> str:
        """As `ways.by_paper`: the new name of the visit."""
        return await ways.by_paper(self.office, self, name, code)

    def card_challenge(self, name: str) -> Challenge:
        """As `ways.card_challenge`."""
        return ways.card_challenge(self.office, self, name)

    def by_card(self, name: str, certificate: bytes, signature: bytes) -> str:
        """As `ways.by_card`: the new name of the visit."""
        return ways.by_card(self.office, self, name, certificate, signature)

    def passkey_options(self, name: str) -> dict[str, Any]:
        """As `ways.passkey_options`."""
        return ways.passkey_options(self.office, self, name)

    async def by_passkey(self, name: str, answer: Mapping[str, Any]) -> str:
        """As `ways.by_passkey`: the new name of the visit."""
        return await ways.by_passkey(self.office, self, name, answer)

    # --- being inside -----------------------------------------------------------------------------------------

    def get(self, name: str) -> Visit:
        """The visit of this name, whose idle time begins anew.

        Raises `VisitUnknown`, alike for one that nobody began, that is over, or of which a way in stands no more: was
        removed here, or is held or revoked by the authority's published status at this moment.
        """
        visit, now_ms = self._inside.get(name), self.office.clock()
        if now_ms - visit.since_ms >= VISIT_MS or not self._stands(visit, now_ms):
            self._inside.take(name)
            raise VisitUnknown()
        self._inside.renew(name)
        return visit

    def strong(self, name: str) -> Visit:
        """As `get`, for an act that needs step-up. Raises `StepUpNeeded`."""
        visit = self.get(name)
        require_step_up(visit, self.office.clock())
        return visit

    def leave(self, name: str) -> None:
        """The visit is over. Raises `VisitUnknown` if it was."""
        self._inside.take(name)

    def end(self, account: bytes) -> None:
        """All visits of an account are over."""
        self._inside.drop(lambda visit: visit.account == account)

    async def read_history(self, name: str, session: SealKey) -> SealedHistory:
        """The history of whoever this visit is of, sealed to a session key that the visitor's own device has made."""
        return await self._own.read_history(self.get(name).whose, session)

    async def reading(self, name: str, asked: bytes, mandate: bytes = b"") -> bytes:
        """A `HistoryAsked` of whoever this visit is of, answered with a `HistoryGiven` (spec/browser.md); with the
        number of a mandate, of whoever has given it, for which the visit must have step-up."""
        visit = self.strong(name) if mandate else self.get(name)
        return await self._own.reading(visit.whose, asked, mandate)

    async def own_data(self, name: str, area: str, session: SealKey) -> list[SealedOwnData]:
        """What each holder of an area has on whoever this visit is of. Raises `StepUpNeeded` for one that needs more
        than one way in (spec/own-data.md section 3)."""
        return await self._own.own_data(self.for_area(name, area).whose, area, session)

    async def own_area(self, name: str, area: str, asked: bytes) -> bytes:
        """A `PageAsked` for this area of whoever this visit is of, answered with a `PageGiven`. Raises as
        `own_data`."""
        return await self._own.own_area(self.for_area(name, area).whose, area, asked)

    def for_area(self, name: str, area: str) -> Visit:
        """As `get`, for looking at an area of own data. Raises `StepUpNeeded` for one that needs it."""
        return self.strong(name) if area in SENSITIVE else self.get(name)

    async def object_to(self, name: str, place: Place, xid: bytes, reason: Reason) -> None:
        """File an objection of whoever this visit is of."""
        await self._own.object_to(self.get(name).whose, place, xid, reason)

    async def withdraw(self, name: str, grant: bytes) -> None:
        """End a consent of whoever this visit is of, by its id (16 bytes); any visit will do, however weak: it takes
        nothing from anybody who may have it. Of others, or of nobody, it ends nothing (spec/decisions.md DEC-2.8)."""
        await self._own.withdraw(self.get(name).whose, grant)

    async def tell_commission(self, name: str, sealed: bytes) -> bytes:
        """Carry what somebody inside shows the commission, and its answer: both sealed, and whose it is in neither."""
        self.get(name)
        return await self._own.tell_commission(sealed)

    async def send_evidence(self, name: str, data: bytes) -> bytes:
        """Carry the evidence of somebody inside; whose it is stands nowhere in it."""
        self.get(name)
        return await self._own.send_evidence(data)

    def _stands(self, visit: Visit, now_ms: int) -> bool:
        try:
            for shown in visit.shown.values():
                self._check(shown, now_ms)
        except Problem:  # whatever speaks against a way in ends what was opened by it
            return False
        return True

    def _check(self, shown: Shown, now_ms: int) -> None:
        db, account = self.office.db.read(), shown.account
        if shown.acr == CARD:
            if self.office.standing is None:
                raise AssuranceNotMet()
            self.office.standing.check(shown.certificate, now_ms)
            account = store.account_of_card(db, shown.way)
        elif shown.acr == PASSKEY:
            _, account = store.find_passkey(db, shown.way)
        if account != shown.account:
            raise LoginNotKnown()

    # --- a `Room` for `ways` -----------------------------------------------------------------------------------

    def arrival(self, name: str) -> Door:
        """Somebody before the door or inside. Raises `VisitUnknown`."""
        try:
            return self._doors.get(name)
        except VisitUnknown:
            return self.get(name)

    def enter(self, name: str, shown: Shown) -> str:
        """The visit's new name, after a way in was shown: what knew the old one opens nothing."""
        arrival = self.arrival(name)
        if isinstance(arrival, Visit):
            self._inside.take(name)
        else:
            self._doors.take(name)
            self._make_place(shown.account)
            arrival = Visit(arrival.ways, shown.time_ms, account=shown.account)
        arrival.shown[shown.acr] = shown
        return self._inside.put(arrival)

    def _make_place(self, account: bytes) -> None:
        of_it = [visit for visit in self._inside.values() if visit.account == account]
        if len(of_it) >= MOST_EACH:
            oldest = min(of_it, key=lambda visit: visit.since_ms)
            self._inside.drop(lambda visit: visit is oldest)
