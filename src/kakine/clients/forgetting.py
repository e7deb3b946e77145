"""A party apart forgets what it keeps of exchanges whose month is gone: by the notice of that month, and by its own
clock (spec/retention.md section 9).

Nothing goes by the clock alone, since what goes cannot be brought back: first the commission must have ordered, both
record keepers dropped and all converters destroyed, each under its signature, and the notice must stand in a log.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kakine.clients.carrier import forget
from kakine.clients.erasures import all_notices
from kakine.contracts.call import Role
from kakine.contracts.retention import NoticeLogged
from kakine.protocols.erasure import check_logged, check_signed
from kakine.protocols.gazette import Law, LawBook
from kakine.protocols.heads import Heads
from kakine.protocols.logs import Logs, log_keys
from kakine.runtime.database import Database
from kakine.runtime.footing import HOUR, Footing
from kakine.runtime.http import Peers
from kakine.runtime.identity import Clock
from kakine.runtime.schedule import Chore
from kakine.values.calendar import has_expired, month_start_ms
from kakine.wire.canonical import decode
from kakine.wire.erasure import Notice, Order


@dataclass
class Forgetting:
    """Of one store. `done` is the last month (since 2000-01) that was followed by this process."""

    db: Database
    law: LawBook
    logs: Logs
    peers: Peers
    clock: Clock
    done: int = field(default=-1)

    async def run(self) -> str:
        """Delete what belongs to the last month that is gone and to all before it; how much there was, in words.

        Raises what a call raises, and for a notice that is not signed by all or not logged `ErasureMismatch`,
        `SignatureInvalid`, `NotCanonical`, `InclusionInvalid`, `CheckpointInvalid`: then nothing goes. How many entries
        of the logs went is not counted here: both record keepers and the commission have, and anybody can.
        """
        now_ms = self.clock()
        law = self.law.in_force(now_ms)
        (commission,) = law.with_role(Role.COMMISSION)
        found = await all_notices(self.peers, commission)
        if not found:
            return ""
        order = self._believed(law, found[-1])
        if order.expiry <= self.done or not has_expired(order.expiry, now_ms):
            return ""
        count = await forget(self.db, month_start_ms(order.expiry + 1))
        self.done = order.expiry
        return f"{count} forgotten" if count else ""

    def _believed(self, law: Law, told: NoticeLogged) -> Order:
        (commission,) = law.with_role(Role.COMMISSION)
        notice = decode(told.notice, Notice)
        parties = commission, law.keeper_parties, law.with_role(Role.CONVERTER)
        order = check_signed(notice, *parties, law.signing_key)
        check_logged(told.notice, told.entry)
        receipt = told.receipt
        keys = log_keys(law, self.logs)
        Heads().verify(receipt.first, receipt.proof, receipt.checkpoint, told.entry, keys)
        return order


def forgetting(place: Footing, db: Database) -> Chore:
    """For a party in a process of its own."""
    work = Forgetting(db, place.law, place.logs, place.peers, place.clock)
    return Chore("erasure", HOUR, work.run, "erasure")
