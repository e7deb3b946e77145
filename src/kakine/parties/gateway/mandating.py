"""Mandates at a municipality's counter, for people who have no card, phone or network (spec/delegation.md section 3).

The clerk has one person in front of her, or the papers of a court, and says what she has seen through the converters.
Each of these stands in that person's history with the name of the office.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kakine.crypto.sealing import open_sealed
from kakine.parties.gateway.asking import Desk, Question
from kakine.parties.gateway.office import Office
from kakine.parties.gateway.vouching import vouch
from kakine.protocols.logins import PAPER_BYTES, paper_code, paper_digest
from kakine.protocols.mandates import listing_info
from kakine.values.labels import DomainName
from kakine.values.problems import MandateUnfit
from kakine.wire.answer import Answered, Result
from kakine.wire.canonical import decode
from kakine.wire.mandate import (
    Appoint,
    AskMandates,
    AtCounter,
    EndMandate,
    Listing,
    Made,
    Shown,
    StandBy,
    Terms,
)

STANDBY_MS = 7 * 24 * 3_600_000


@dataclass(frozen=True)
class Counter:
    """A residents' desk and the portal that it vouches to. `clerk` in each call names desk, clerk, case and person."""

    office: Office
    desk: Desk
    portal: DomainName

    async def stand_by(self, clerk: Question, called: str) -> str:
        """A code to print for somebody, called so, who is willing to act for whoever hands it in within a week. It
        opens nothing. Raises `PersonNotKnown`, `MandateUnfit`."""
        code = paper_code(self.office.entropy(PAPER_BYTES))
        what = StandBy(paper_digest(code), called, self.office.clock() + STANDBY_MS)
        await self._say(clerk, what)
        return code

    async def appoint(
        self, clerk: Question, called: str, code: str, terms: Terms, *, cleared: bool = False
    ) -> bytes:
        """The number of a new mandate of the person, called so, for whoever stands by under the code.

        `cleared`: the clerk has looked into the protection (支援措置) of the person and the household, and the delegate
        is not whom it is against. Raises `PersonNotKnown`, `MandateUnfit`. Not checked: papers of family and court,
        which is the clerk's duty.
        """
        what = Appoint(paper_digest(code), called, terms, cleared)
        answer = await self._say(clerk, what)
        return decode(answer.data, Made).number

    async def end(self, clerk: Question, number: bytes = b"") -> None:
        """At once: the mandate of this number, which the person has given or holds; of none, all that the person has
        given. Raises `PersonNotKnown`, `MandateUnfit`."""
        await self._say(clerk, EndMandate(number))

    async def listed(self, clerk: Question) -> Sequence[Shown]:
        """Those that the person has given and holds, to be read out. Raises `PersonNotKnown`."""
        xid = self.office.entropy(16)
        answer = await self._say(clerk, AskMandates(), xid)
        listing = open_sealed(self.office.identity.opening, listing_info(xid), answer.data)
        return decode(listing, Listing).shown

    async def _say(self, clerk: Question, what: AtCounter, xid: bytes = b"") -> Answered:
        answer = await vouch(self.office, self.desk, clerk, self.portal, what, xid)
        if answer.result != Result.DELIVERED:
            raise MandateUnfit()
        return answer
