"""Cards issued at a counter for tests, as `kakine card issue` does it: real keys, authority, status, binding.

with IssuedCards.opened(tmp_path) as cards:
    mine = cards.issue(0)
    cards.log_in(mine)
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cards import CHOSEN
from cards import LOGIN as PIN_OF
from kakine.card.holder import CardSigner, file_reader
from kakine.card.printed import Holder
from kakine.card.profile import Kind
from kakine.cli.residents import counter_of
from kakine.contracts.login import Signer
from kakine.contracts.registry import CARD, CardNews, CardReport, Subject
from kakine.institutions.card_desk import Order, Visitor
from kakine.parties.portal.login.http import application
from kakine.protocols.logins import challenge_digest
from kakine.values.identifiers import SYNTHETIC_RECORD_CODE_RULE
from kakine.values.labels import PartyName
from kakine.wire.canonical import decode
from kakine.wire.login import Challenge
from login_site import ADDRESS, BIRTHS, CHILDCARE, ISSUER, NAMES, Answer, Browser, LoginSite, Told

from land import RESIDENTS


@dataclass(frozen=True)
class Issued:
    """A card of person j."""

    j: int
    kind: str
    path: Path
    certificate: bytes
    signer: CardSigner

    @property
    def pin(self) -> str:
        return CHOSEN[self.kind][PIN_OF[self.kind]]


@dataclass
class IssuedCards:
    """A login whose cards stand by the country's own authority."""

    site: LoginSite
    folder: Path

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, people: int = 2) -> Iterator[IssuedCards]:
        with LoginSite.opened(folder / "land", people=people) as site:
            site.office = site.land.country.login(ISSUER)
            site.app = application(site.office)
            yield cls(site, folder)

    def order(self, name: str, kind: str = "product") -> Order:
        folder = self.folder / "cards"
        folder.mkdir(exist_ok=True)
        works = self.folder / "works" if kind == "interop" else None
        card = folder / f"{name}.card"
        return Order(card, folder / f"{name}.counter", Kind(kind), lambda _: CHOSEN[kind], works)

    def visitor(self, j: int, kind: str = "product") -> Visitor:
        subject = Subject(self.site.numbers[j], BIRTHS[j % 4])
        holder = None
        if kind == "interop":
            code = "1234567890" + SYNTHETIC_RECORD_CODE_RULE.check_digit("1234567890")
            named = NAMES[j % 4], ADDRESS, BIRTHS[j % 4], 2, subject.number, code
            holder = Holder(*named, "141003", date(2036, 2, 3), "4711")
        return Visitor(subject, self.site.clerk(j), holder)

    def issue(self, j: int = 0, kind: str = "product", name: str = "") -> Issued:
        """A card for person j, and the status that says it stands."""
        order = self.order(name or f"{j}-{kind}", kind)
        certificate = self.handed(self.visitor(j, kind), order)
        return Issued(
            j, kind, order.card, certificate, CardSigner(file_reader(order.card, self.site.land.entropy))
        )

    def handed(
        self, visitor: Visitor, order: Order, tell: Callable[[str], None] = lambda line: None
    ) -> bytes:
        desk = counter_of(self.site.land.country, RESIDENTS)
        certificate: bytes = self.site.run(desk.issue(visitor, order, tell))
        self.download()
        return certificate

    def download(self) -> None:
        """The authority publishes, the portal downloads."""
        self.site.run(self.site.land.country.publish_status())

    def news(self, j: int, said: CardNews) -> None:
        """The holder calls the town about the card."""
        report = CardReport(self.site.land.entropy(16), Subject(self.site.numbers[j], BIRTHS[j % 4]), said)
        peers = self.site.land.country.peers("yokohama")
        self.site.run(peers.ask(PartyName("registry"), CARD, report))

    def browser(self, client: str = CHILDCARE, scope: str = "openid", **changed: str) -> Browser:
        browser, party = self.site.browser(), self.site.party(client)
        assert browser.authorize(client, party.pushed(scope, **changed)).status == 200
        return browser

    def show(self, browser: Browser, signer: Signer, pin: str) -> Answer:
        """Ask for a challenge, have it signed, send the proof."""
        asked = browser.post("/login/card/challenge")
        assert asked.status == 200, asked.body
        challenge = decode(b64decode(asked.json["challenge"]), Challenge)
        signature = signer.sign(challenge_digest(challenge), pin)
        return prove(browser, signer.certificate, signature)

    def log_in(self, card: Issued, client: str = CHILDCARE, scope: str = "openid", *agreed: str) -> Told:
        browser = self.browser(client, scope)
        answer = self.show(browser, card.signer, card.pin)
        assert answer.json == {"next": "/consent"}, answer.body
        return self.site.told(self.site.party(client), browser.agree(*agreed).said["code"])


def prove(browser: Browser, certificate: bytes, signature: bytes) -> Answer:
    told = {"certificate": b64encode(certificate).decode(), "signature": b64encode(signature).decode()}
    return browser.post("/login/card", told)
