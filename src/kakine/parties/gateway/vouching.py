"""A municipality's counter vouches for a person it has seen: the clerk's act, which stands in the person's history."""

from __future__ import annotations

from kakine.clients.exchange import Wish
from kakine.parties.gateway.asking import Desk, Question
from kakine.parties.gateway.office import Office
from kakine.protocols.logins import PAPER_BYTES, paper_code, paper_digest, said_of
from kakine.values.labels import DomainName
from kakine.values.problems import PersonNotKnown
from kakine.wire.answer import Answered, Result
from kakine.wire.canonical import encode
from kakine.wire.login import BoundCard, CardsFound, CardsLost, Paper, Vouched, Voucher
from kakine.wire.request import AskedPerson, Kind, Mode

COUNTER = 2
"""Channel of the record: at a counter."""
PAPER_MS = 24 * 3_600_000


async def print_paper(office: Office, desk: Desk, clerk: Question, portal: DomainName) -> str:
    """A code to print and hand over, good for one login within a day. `clerk` names the desk, the clerk, the case and
    the person; its procedure and rows are not used. Raises `PersonNotKnown` where the portal has no account."""
    code = paper_code(office.entropy(PAPER_BYTES))
    paper = Paper(paper_digest(code), office.clock() + PAPER_MS)
    await vouch(office, desk, clerk, portal, paper)
    return code


async def bind_card(
    office: Office, desk: Desk, clerk: Question, portal: DomainName, certificate: bytes
) -> None:
    """The person has been given the card with this certificate (32 bytes, `CardCertificate.digest`)."""
    await vouch(office, desk, clerk, portal, BoundCard(certificate))


async def report_cards(
    office: Office, desk: Desk, clerk: Question, portal: DomainName, *, lost: bool
) -> None:
    """The person has reported the own cards lost, or shown them again. At the portal they open nothing from now on, or
    open again; the registry has to be told as well (`institutions.counter`)."""
    await vouch(office, desk, clerk, portal, CardsLost() if lost else CardsFound())


async def vouch(
    office: Office,
    desk: Desk,
    clerk: Question,
    portal: DomainName,
    what: Vouched,
    xid: bytes = b"",
) -> Answered:
    """What the portal answers to one voucher; the person's record says of what kind it was. Raises `PersonNotKnown`."""
    said = said_of(what)
    asked = AskedPerson(xid or office.entropy(16), clerk.official, clerk.case, b"", encode(Voucher(what)))
    codes = desk.codes(clerk.domain, [clerk])
    wish = Wish(Kind.VOUCH, Mode.S1, "LOGIN-VOUCHER", (), portal, codes, (asked,), said, clerk.unit, COUNTER)
    requester = office.requester(clerk.domain)
    (answer,) = await desk.carrier.send(requester, await requester.prepare(wish), clerk.domain.encode())
    if answer.result == Result.NOT_KNOWN:
        raise PersonNotKnown(indexes=[0])
    return answer
