"""What a municipality's counter vouches for: a paper code, a card or a mandate of the person it has in front of it,
and that the cards are lost or found.

The counter names nobody: the person's code comes through the converters, and the portal finds its own account by it.
The counter does not learn the account, the portal does not learn under which reference the counter knows the person.
"""

from __future__ import annotations

from collections.abc import Callable

from kakine.clients.recipient import Opened
from kakine.parties.portal.login import store
from kakine.parties.portal.mandates import counter
from kakine.parties.portal.mandates.book import Mandates
from kakine.protocols.gazette import Law
from kakine.protocols.logins import said_of
from kakine.runtime import codebook
from kakine.runtime.database import Connection
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import CallerNotAllowed, VoucherUnfit
from kakine.wire.answer import Answered, Result
from kakine.wire.canonical import decode
from kakine.wire.login import BoundCard, CardsFound, CardsLost, Paper, Voucher
from kakine.wire.mandate import StandBy
from kakine.wire.request import Mode

STANDBY_MS = 7 * 24 * 3_600_000
"""How long a delegate's code from a counter may be good for: it is carried to somebody else's counter."""
PAPER_MS = 24 * 3_600_000
"""How long a paper code may be good for."""


def permit(law: Law, caller: PartyName, opened: Opened, now_ms: int) -> None:
    """Raises what the law lacks, `CallerNotAllowed`, and `VoucherUnfit` but for the residents' desk of a municipality,
    about one person, for at most a day. The ground alone would let every agency open every account. Not checked: whose
    resident it is; the registry gives such a desk codes of its own alone."""
    public, desk = opened.public, DomainName(opened.public.requester)
    if desk.party != caller:
        raise CallerNotAllowed(call="deliver")
    law.permit_ground("LOGIN-VOUCHER", public.requester, public.recipient, now_ms)
    if not law.vouches(desk):
        raise VoucherUnfit()
    if opened.record.mode is not Mode.S1 or len(opened.payload.people) != 1:
        raise VoucherUnfit()
    what = decode(opened.payload.people[0].detail, Voucher).what
    if opened.payload.items != said_of(what):
        raise VoucherUnfit()
    if isinstance(what, Paper) and not now_ms < what.expires_ms <= now_ms + PAPER_MS:
        raise VoucherUnfit()
    if isinstance(what, StandBy) and not now_ms < what.expires_ms <= now_ms + STANDBY_MS:
        raise VoucherUnfit()


def take(
    db: Connection,
    domain: str,
    opened: Opened,
    now_ms: int,
    handle: Callable[[bytes], bytes],
    mandates: Mandates,
    token: bytes,
) -> Answered:
    """Keep the way in under the account of this code; `handle` makes a card's keyed hash. Who has no account here is
    "not known here"."""
    account = codebook.reference_of(db, domain, token)
    if account is None:
        return Answered(Result.NOT_KNOWN, (), b"")
    match decode(opened.payload.people[0].detail, Voucher).what:
        case Paper(code=code, expires_ms=until_ms):
            store.add_paper(db, code, account, until_ms, now_ms)
        case BoundCard(certificate=certificate):
            store.bind_card(db, handle(certificate), account, now_ms)
        case CardsLost():
            store.set_all_lost(db, account, now_ms)
        case CardsFound():
            store.set_all_lost(db, account, 0)
        case what:
            desk = DomainName(opened.public.requester)
            return counter.take(db, mandates, account, what, desk, opened.payload.people[0].xid)
    return Answered(Result.DELIVERED, (), b"")
