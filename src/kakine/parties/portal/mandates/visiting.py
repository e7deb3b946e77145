"""What a visitor may do about mandates. Every method takes the name of a visit, and none names an account
(spec/delegation.md section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.contracts.portal import SealedHistory
from kakine.crypto.sealing import SealKey
from kakine.parties.portal.acts.engine import ActKind
from kakine.parties.portal.acts.own import OwnActs
from kakine.parties.portal.acts.store import Act, State
from kakine.parties.portal.mandates.book import Listed, Mandates
from kakine.parties.portal.visits import Visits
from kakine.runtime.database import Connection
from kakine.values.problems import ActsTooMany
from kakine.wire.mandate import Terms

GIVEN = "mandate-given"


def kind(mandates: Mandates) -> ActKind:
    """The act of giving a mandate; its detail is the number. It waits three days, unless a paper from a counter was
    shown in the visit, and can be undone in any visit, for thirty days after."""

    def undo(db: Connection, act: Act) -> None:
        mandates.undo(db, act.detail)

    return ActKind(
        GIVEN,
        "代理を頼む",
        "a mandate is given",
        do=lambda db, act: mandates.begin(db, act.detail),
        undo=undo,
        ask=lambda db, act: mandates.require_waiting(db, act.account, act.detail),
        drop=undo,
        at_counter=True,
    )


@dataclass(frozen=True)
class OwnMandates:
    """Mandates of those who are at the portal."""

    visits: Visits
    acts: OwnActs
    mandates: Mandates

    async def stand_by(self, name: str) -> str:
        """As `Mandates.stand_by`. Raises `StepUpNeeded` as well: whoever has found a card must not gather mandates in
        its holder's name."""
        return await self.mandates.stand_by(self.visits.strong(name).whose)

    def called(self, name: str, code: str) -> str:
        """As `Mandates.called`. Raises `StepUpNeeded` as well: whose code it is, is for who may give a mandate."""
        self.visits.strong(name)
        return self.mandates.called(code)

    async def give(self, name: str, code: str, terms: Terms) -> bytes:
        """As `Mandates.give`; the mandate waits, as every act that weighs. Raises `StepUpNeeded` and `ActsTooMany` as
        well."""
        number = await self.mandates.give(self.visits.strong(name).whose, code, terms)
        try:
            await self.acts.ask(name, GIVEN, number)
        except ActsTooMany:
            await self.mandates.withdraw(number)
            raise
        return number

    def listed(self, name: str) -> Sequence[Listed]:
        """As `Mandates.listed`."""
        return self.mandates.listed(self.visits.get(name).whose)

    async def end(self, name: str, number: bytes) -> None:
        """As `Mandates.end`; any visit will do, however weak: an end takes nothing from anybody. Of one that is given
        and still waits the act is undone, which is the same and leaves none waiting."""
        account = self.visits.get(name).whose
        for act in self.acts.notices(name):
            if (act.kind, act.detail) == (GIVEN, number) and act.state in (State.ASKED, State.WAITING):
                await self.acts.undo(name, act.id)
                return
        await self.mandates.end(account, number)

    def require_reader(self, name: str, number: bytes) -> str:
        """How the principal is called whose history may be read, as of now. Raises `MandateNotInForce`, and
        `StepUpNeeded`: a card that was found opens the own history at most, not those of others."""
        return self.mandates.require_reader(self.visits.strong(name).whose, number)

    async def read_history(self, name: str, number: bytes, session: SealKey) -> SealedHistory:
        """As `Mandates.read_history`, by the delegate's own visit with step-up."""
        return await self.mandates.read_history(self.visits.strong(name).whose, number, session)

    async def reading(self, name: str, number: bytes, asked: bytes) -> bytes:
        """The same as a `HistoryGiven`, for a browser (spec/browser.md)."""
        return await self.visits.reading(name, asked, number)
