"""A municipality's counter vouches for a person it has seen: the clerk's act, which stands in the person's history."""

from __future__ import annotations

from kakine.clients.exchange import Wish
from kakine.parties.gateway.asking import Desk, Question
from kakine.parties.gateway.office import Office
from kakine.protocols.logins import PAPER_BYTES, paper_code, paper_digest
from kakine.values.labels import DomainName
from kakine.values.problems import PersonNotKnown
from kakine.wire.answer import Result
from kakine.wire.canonical import encode
from kakine.wire.login import BoundCard, CardsFound, CardsLost, Paper, Voucher
from kakine.wire.request import AskedPerson, Kind, Mode

COUNTER = 2
"""Channel of the record: at a counter."""
PAPER_MS = 24 * 3_600_000


async def print_paper(office: Office, desk: Desk, clerk: Question, portal: DomainName) -> str:
    """A code to print and hand over, good for one login within a day. `clerk` names the desk, the clerk, the case and
    the person; its procedure and rows are not used. Raises `PersonNotKnown` where the portal has no account."""
    code = paper_code(office.entropy(PAPER_BYTES))
    await _vouch(office, desk, clerk, portal, Paper(paper_digest(code), office.clock() + PAPER_MS))
    return code


async def bind_card(
    office: Office, desk: Desk, clerk: Question, portal: DomainName, certificate: bytes
) -> None:
    """The person has been given the card with this certificate (32 bytes, `CardCertificate.digest`)."""
    await _vouch(office, desk, clerk, portal, BoundCard(certificate))


async def report_cards(
    office: Office, desk: Desk, clerk: Question, portal: DomainName, *, lost: bool
) -> None:
    """The person has reported the own cards lost, or shown them again. At the portal they open nothing from now on, or
    open again; the registry has to be told as well (`institutions.counter`)."""
    await _vouch(office, desk, clerk, portal, CardsLost() if lost else CardsFound())


_WORDS = {Paper: "paper", BoundCard: "card", CardsLost: "card-lost", CardsFound: "card-found"}
"""What stands as item in the person's record."""


async def _vouch(
    office: Office,
    desk: Desk,
    clerk: Question,
    portal: DomainName,
    what: Paper | BoundCard | CardsLost | CardsFound,
) -> None:
    kind = _WORDS[type(what)]
    asked = AskedPerson(office.entropy(16), clerk.official, clerk.case, b"", encode(Voucher(what)))
    codes = desk.codes(clerk.domain, [clerk])
    wish = Wish(
        Kind.VOUCH, Mode.S1, "LOGIN-VOUCHER", (), portal, codes, (asked,), (kind,), clerk.unit, COUNTER
    )
    requester = office.requester(clerk.domain)
    (answer,) = await desk.carrier.send(requester, await requester.prepare(wish), clerk.domain.encode())
    if answer.result != Result.DELIVERED:
        raise PersonNotKnown(indexes=[0])
