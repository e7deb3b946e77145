"""What a municipality's counter says of mandates, of the one person it has in front of it."""

from __future__ import annotations

from kakine.crypto.sealing import seal
from kakine.parties.portal.mandates.book import Mandates
from kakine.protocols.mandates import listing_info
from kakine.runtime.database import Connection
from kakine.values.labels import DomainName
from kakine.values.problems import DelegateCodeUnknown, MandateNotInForce, MandateUnfit
from kakine.wire.answer import Answered, Result
from kakine.wire.canonical import encode
from kakine.wire.mandate import Appoint, AskMandates, AtCounter, EndMandate, Listing, Made, StandBy

REFUSALS = (DelegateCodeUnknown, MandateNotInForce, MandateUnfit)


def take(
    db: Connection, mandates: Mandates, account: bytes, what: AtCounter, desk: DomainName, xid: bytes
) -> Answered:
    """Do it, in the transaction of the answer. What cannot be is "refused", and stands so in the person's list.

    Answers are kept for a repeat of the request; the one that has names is sealed to the desk's party.
    """
    try:
        data = _done(db, mandates, account, what)
    except REFUSALS:
        return Answered(Result.REFUSED, (), b"")
    if isinstance(what, AskMandates):
        data = seal(mandates.key_of(desk.party), listing_info(xid), data)
    return Answered(Result.DELIVERED, (), data)


def _done(db: Connection, mandates: Mandates, account: bytes, what: AtCounter) -> bytes:
    match what:
        case StandBy(code=code, called=called, expires_ms=until_ms):
            mandates.name(db, account, code, called, until_ms)
        case Appoint(code=code, called=called, terms=terms, cleared=cleared):
            return encode(Made(mandates.appoint(db, account, code, called, terms, cleared=cleared)))
        case EndMandate(number=number):
            mandates.finish(db, account, number)
        case AskMandates():
            return encode(Listing(tuple(mandates.shown(db, account))))
    return b""
