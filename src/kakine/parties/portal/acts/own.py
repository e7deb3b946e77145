"""What a visitor may do about the own ways in and the own acts. Every method takes the name of a visit (spec/visits.md
sections 3 to 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kakine.crypto.hashing import mac
from kakine.crypto.passkeys import check_creation, creation_options
from kakine.parties.portal.acts import accounts, shield, ways_in
from kakine.parties.portal.acts.areas import CLOSE, LIFTED, OPEN, Areas
from kakine.parties.portal.acts.engine import Acts
from kakine.parties.portal.acts.store import Act, State
from kakine.parties.portal.login import store
from kakine.parties.portal.login.store import WayIn
from kakine.parties.portal.visits import Visit, Visits
from kakine.protocols.logins import CARD, COUNTER
from kakine.protocols.own_data import holders
from kakine.runtime.database import Connection
from kakine.values.calendar import in_japan
from kakine.values.problems import (
    ActImpossible,
    ActUnknown,
    CounterNeeded,
    PartyUnavailable,
    PasskeyInvalid,
    StepUpNeeded,
    WayInUnknown,
)
from kakine.wire.canonical import encode
from kakine.wire.instruction import Account

_HANDLE = 32


@dataclass(frozen=True)
class OwnWay:
    """A way in as its person sees it. `ref` (16 bytes) names it here and nowhere else: neither serial number nor id."""

    ref: bytes
    acr: str
    since_ms: int
    leaving: bool
    lost_ms: int


class OwnActs:
    """Acts and ways in, for visitors."""

    def __init__(
        self, visits: Visits, acts: Acts, areas: Areas, halt: Callable[[Connection, bytes], None]
    ) -> None:
        """`halt` stops logins under way that could lead to where the person of an account is."""
        self._visits = visits
        self._acts = acts
        self._areas = areas
        self._halt = halt
        self._office = visits.office

    # --- acts of any kind -------------------------------------------------------------------------------------

    async def ask(self, name: str, kind: str, detail: bytes, label: str = "") -> bytes:
        """The id of a new act of whoever this visit is of. Raises `StepUpNeeded`, and what `Acts.ask` raises."""
        return await self._ask(self._visits.strong(name), kind, detail, label)

    async def change_account(self, name: str, account: Account) -> bytes:
        """The act of having public money paid into another account. Raises `StepUpNeeded`, `ActUnderWay`, what `ask`
        raises. Whether there is such an account, and whose it is, is not checked: the register's agency does that.
        """
        return await self.ask(name, accounts.ACCOUNT, encode(account), accounts.label(account))

    def closed_areas(self, name: str) -> Sequence[str]:
        """The areas of own data that are closed. Raises `StepUpNeeded`: to whoever has found a card a closed area looks
        like one in which there is nothing."""
        return self._areas.closed(self._visits.strong(name).whose)

    async def close_area(self, name: str, area: str) -> bytes:
        """The act of closing an area of own data: any visit will do. What its person sees of the act does not name the
        area, and whether it was closed before is not told. Raises `AreaUnknown`, what `Acts.ask` raises."""
        return await self._about_area(self._visits.get(name), CLOSE, area)

    async def open_area(self, name: str, area: str) -> bytes:
        """The act of opening it again. Raises `StepUpNeeded`, `ActUnderWay`, `ActImpossible` where it is not closed,
        `CounterNeeded` for the one that the shield closes, and as `close_area`."""
        return await self._about_area(self._visits.strong(name), OPEN, area)

    async def raise_shield(self, name: str) -> None:
        """The shield is up, at once; any visit will do, and none is told whether it was up before. What stands of it in
        the history and among the acts is that an area of own data is closed, and not which. Raises what refuses to
        file that, but not that nobody answers: the shield is up all the same."""
        visit = self._visits.get(name)

        def up(db: Connection) -> None:
            self._areas.raise_shield(db, visit.whose)
            self._halt(db, visit.whose)

        await self._office.db.write(up)
        with suppress(PartyUnavailable):  # what could not be filed is filed later
            await self._ask(visit, CLOSE, shield.AREA.encode(), "")

    async def lift_shield(self, name: str) -> bytes:
        """The act of opening the area of the shield, which lifts it when it has waited. Raises `CounterNeeded` unless a
        paper from a counter was shown in this visit, `ActImpossible` where it is down, and as `open_area`."""
        visit = self._visits.get(name)
        if COUNTER not in visit.shown:
            raise CounterNeeded()
        if shield.raised_ms(self._office.db.read(), visit.whose) is None:
            raise ActImpossible()
        return await self._ask(visit, OPEN, shield.AREA.encode() + LIFTED, "")

    def shield_ms(self, name: str) -> int | None:
        """When the shield was asked for last, None where it is down. Raises `StepUpNeeded`: to whoever has found a card
        it is not told."""
        return shield.raised_ms(self._office.db.read(), self._visits.strong(name).whose)

    async def _about_area(self, visit: Visit, kind: str, area: str) -> bytes:
        holders(self._office.law.in_force(self._office.clock()), area)
        return await self._ask(visit, kind, area.encode(), "")

    async def _ask(self, visit: Visit, kind: str, detail: bytes, label: str) -> bytes:
        by = [visit.shown[CARD].way] if CARD in visit.shown else []
        return await self._acts.ask(visit.whose, kind, detail, label, by=by, seen=COUNTER in visit.shown)

    def notices(self, name: str) -> Sequence[Act]:
        """What is to be shown at every visit: acts that wait, and those that can still be taken back or were undone."""
        return self._acts.of_account(self._visits.get(name).whose)

    async def undo(self, name: str, act: bytes) -> None:
        """Undo an act of whoever this visit is of; any visit will do, but for kinds that say otherwise.

        Raises `ActUnknown`, `ActOver`, `StepUpNeeded`.
        """
        visit = self._visits.get(name)
        found = next((each for each in self._acts.of_account(visit.whose) if each.id == act), None)
        if found is None:
            raise ActUnknown()
        if self._acts.kind(found.kind).protects:
            self._visits.strong(name)
        await self._acts.undo(visit.whose, act)

    # --- ways in ----------------------------------------------------------------------------------------------

    def ways(self, name: str) -> Sequence[OwnWay]:
        """Cards and passkeys that open this account."""
        return [
            OwnWay(self._ref(each), each.acr, each.since_ms, each.leaving, each.lost_ms)
            for each in self._bound(self._visits.get(name))
        ]

    def new_passkey_options(self, name: str) -> dict[str, Any]:
        """For `navigator.credentials.create`. Raises `StepUpNeeded`."""
        visit = self._visits.strong(name)
        visit.creating = self._office.entropy(32)
        return creation_options(self._office.site, self._office.entropy(32), visit.creating)

    async def add_passkey(self, name: str, answer: Mapping[str, Any]) -> bytes:
        """The act of binding a passkey. Raises `StepUpNeeded`, `PasskeyInvalid`, what `ask` raises."""
        visit = self._visits.strong(name)
        challenge, visit.creating = visit.creating, None
        if challenge is None:
            raise PasskeyInvalid()
        made = check_creation(self._office.site, answer, challenge)
        detail = ways_in.NewPasskey(made.id, made.public, made.count)
        return await self._ask(visit, ways_in.BIND, encode(detail), "")

    async def remove(self, name: str, ref: bytes) -> bytes:
        """The act of removing a way in. Raises `StepUpNeeded`, `WayInUnknown`, `LastWayIn`."""
        return await self._about(self._visits.strong(name), ref, ways_in.REMOVE)

    async def card_lost(self, name: str, ref: bytes) -> bytes:
        """The act of reporting a card lost: it opens nothing here from now on, and neither do visits that it has
        opened. Any visit will do. Raises `WayInUnknown`.

        Says nothing to the authority: other verifiers hear of it from a counter, or by the code for loss.
        """
        return await self._about(self._visits.get(name), ref, ways_in.LOST)

    async def _about(self, visit: Visit, ref: bytes, kind: str) -> bytes:
        meant = next((each for each in self._bound(visit) if self._ref(each) == ref), None)
        if meant is None:
            raise WayInUnknown()
        detail = ways_in.Which(meant.acr, meant.way)
        since = in_japan(meant.since_ms).date().isoformat()
        label = f"{'カード / card' if meant.acr == CARD else 'パスキー / passkey'}, {since}"
        return await self._ask(visit, kind, encode(detail), label)

    # --- after a loss -----------------------------------------------------------------------------------------

    def suspects(self, name: str) -> Sequence[Act]:
        """Acts of this account for which a card was shown that has been reported lost since, and which can be undone:
        whatever a thief has asked for with it, passkeys among them."""
        visit, now_ms = self._visits.get(name), self._office.clock()
        lost = {each.way for each in self._bound(visit) if each.acr == CARD and each.lost_ms}
        return [
            act
            for act in self._acts.of_account(visit.whose)
            if lost & _handles(act.by)
            and act.state is not State.UNDONE
            and not (act.state is State.DONE and now_ms >= act.until_ms)
        ]

    async def undo_suspects(self, name: str) -> Sequence[bytes]:
        """Undo all `suspects` that this visit may undo, and say which are left: those that protect, without step-up.
        What is interrupted can be asked for again."""
        left = []
        for act in self.suspects(name):
            try:
                await self.undo(name, act.id)
            except StepUpNeeded:
                left.append(act.id)
        return left

    def _bound(self, visit: Visit) -> list[WayIn]:
        return store.ways_of(self._office.db.read(), visit.whose)

    def _ref(self, way: WayIn) -> bytes:
        return mac(self._office.handle_key, "way-ref", way.way)[:16]


def _handles(by: bytes) -> set[bytes]:
    return {by[start : start + _HANDLE] for start in range(0, len(by), _HANDLE)}
