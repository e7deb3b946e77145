"""The protagonist gets a card at the counter and logs in with it; what everybody has learnt by that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from starlette.types import ASGIApp, Receive, Scope, Send

from kakine.card.holder import CardSigner, file_reader
from kakine.card.profile import Kind
from kakine.cli.demo_steps import Stage
from kakine.cli.own_history import Seen
from kakine.cli.residents import counter_of, known
from kakine.clients.card_helper import Helper
from kakine.country import AUTHORITY, LOGIN, Country
from kakine.crypto.hashing import digest
from kakine.institutions.card_desk import Order, Visitor
from kakine.institutions.families import Family
from kakine.institutions.online_service import CardBrowser, OnlineService
from kakine.parties.gateway.asking import Question
from kakine.parties.portal.login.http import application
from kakine.protocols.logins import CARD, offered
from kakine.runtime.database import Database, sql
from kakine.values.labels import DomainName
from kakine.values.problems import CardExists
from kakine.wire.gazette import Client

ISSUER = "http://localhost:8480"
SERVICE = "yokohama-childcare"
PIN, PASSWORD = "258036", "ABC123DE"
_ALSO = ("LOGIN-VOUCHER", "LOGIN-ATTRIBUTES")
ASKED, AGREED = "openid address birthdate name over_18", ("name", "over_18")


@dataclass(frozen=True)
class Login:
    """What came of the login. `learnt` is all that the service has; `kept` counts what the portal's store has gained by
    it, `authority_kept` the authority's, `authority_asked` the calls that came to the authority meanwhile; `listed` is
    the bytes of the lists that the portal had downloaded before."""

    sub: str
    acr: str
    learnt: Mapping[str, Any]
    kept: int
    authority_kept: int
    authority_asked: int
    listed: int

    def shown_in(self, lines: list[Seen], service: DomainName) -> list[Seen]:
        """The lines of the own history that are of a login there, of the items given, and of the card's binding."""
        return [line for line in lines if line.recipient == service or line.ground in _ALSO]

    @property
    def good(self) -> bool:
        """By card, with the items agreed to and no others, and nothing left anywhere else."""
        agreed = {"name", "name#ja-Kana-JP", "over_18"}
        nothing = not (self.kept or self.authority_kept or self.authority_asked)
        return self.acr == CARD and bool(self.sub) and set(self.learnt) <= agreed and nothing


def service_of(country: Country) -> Client:
    """The relying party of the story, as the law has it."""
    return country.book("portal").in_force(country.site.clock()).client(SERVICE)


async def hand_over(stage: Stage, family: Family) -> Order:
    """The protagonist's card, issued at the counter of the town once."""
    country, person = stage.country, family.members[0]
    folder = country.site.folder / "cards"
    folder.mkdir(exist_ok=True)
    card = folder / f"{person.serial}.card"
    secrets = {"pin": PIN, "signature-password": PASSWORD}
    order = Order(card, card.with_suffix(".counter"), Kind.PRODUCT, lambda _: secrets)
    if "card" in stage.journal.steps:
        return order
    desk = DomainName(f"{family.town}/residents")
    reference, case = stage.roster.reference(desk, person), digest("case-number", b"card")
    clerk = Question(desk, LOGIN, "", (), reference, "demo-counter", case, "住民課")
    subject = (await known(country, stage.roster, person, changed="number" in stage.journal.steps)).subject
    with suppress(CardExists):  # finished, and the journal had no time to say so
        await counter_of(country, desk).issue(Visitor(subject, clerk), order, lambda line: None)
    await stage.journal.done("card")
    return order


async def log_in(stage: Stage, family: Family) -> Login:
    """By the real provider, over HTTP in this process, with the card in its holder's helper. Done once; told as often
    as asked for."""
    if "login" not in stage.journal.steps:
        order = await hand_over(stage, family)
        await stage.journal.done("login", (await _once(stage.country, order)).__dict__)
    return Login(**stage.journal.steps["login"])


async def _once(country: Country, order: Order) -> Login:
    await country.publish_status()
    clock, entropy = country.site.clock, country.site.entropy
    office = country.login(ISSUER)
    app = application(office)
    signer = CardSigner(file_reader(order.card, entropy))
    port = int(office.helper.rpartition(":")[2])
    helper = Helper(ISSUER, port, signer, lambda challenge: PIN, clock)
    redirect = service_of(country).redirects[0]
    service = OnlineService(app, ISSUER, SERVICE, redirect, country.client_key(SERVICE), clock, entropy)
    stores = country.portal.db, country.authority.office.db
    before = [_content(db) for db in stores]
    with _calls(country) as asked:
        begun = await service.begin(ASKED)
        back = await CardBrowser(app, ISSUER, helper.app).log_in(begun.address, AGREED)
        learnt = await service.finish(begun, back)
    portal, authority = (len(_content(db) - was) for db, was in zip(stores, before, strict=True))
    listed = sum(len(held.bits) for held in country.standing.held.values())
    return Login(learnt.sub, learnt.acr, dict(learnt.claims), portal, authority, len(asked), listed)


def _content(db: Database) -> set[str]:
    """Every row of a store, as text."""
    tables = db.metadata.sorted_tables
    return {f"{table.name} {row}" for table in tables for row in db.read().execute(sql(select(*table.c)))}


@contextmanager
def _calls(country: Country) -> Iterator[list[str]]:
    """The paths that are asked of the authority meanwhile."""
    paths, own = list[str](), country.apps[AUTHORITY]

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        await own(scope, receive, send)

    app: ASGIApp = watched
    country.apps[AUTHORITY] = app
    try:
        yield paths
    finally:
        country.apps[AUTHORITY] = own


def login_lines(login: Login, service: Client, person: str, history: Iterator[str]) -> Iterator[str]:
    """The story's part, Japanese first. `history` are the lines in the person's own history."""
    yield ""
    yield "■ カードでログイン / Logging in with the card"
    yield f"{person}さんが窓口でカードを受け取り、{service.ja} にログインしました。"
    yield f"A card from the counter, with keys that it made itself, opens {service.en}."
    yield "  サービスが知ったこと / what the service learnt:"
    yield f"    sub {login.sub} (ここだけの名 / a name that only it has), {login.acr}"
    for name, value in login.learnt.items():
        yield f"    {name}: {_plain(value)}"
    asked = ASKED.split()[1:]
    shown = offered(asked, login.acr)
    for scope in asked:
        if scope not in shown:
            yield f"    {scope}: カードだけでは渡さない / asked for; a card alone does not release it"
        elif scope not in AGREED:
            yield f"    {scope}: 本人が外した / asked for; left out by the person"
    yield f"  ポータルに残ったもの / what the portal keeps of it: {login.kept} 行 / rows"
    yield (
        f"  認証局が知ったこと / what the issuer learnt: 照会 {login.authority_asked} 件 / calls. "
        f"状態の一覧 {login.listed:,} バイトは、だれのためでもなく先に取得済み。"
    )
    yield "    The list of all certificates was downloaded before, whole, for nobody in particular."
    yield "  本人の記録 / in the own history:"
    yield from (f"  {line}" for line in history)


def _plain(value: Any) -> str:
    return {True: "はい / yes", False: "いいえ / no"}[value] if isinstance(value, bool) else str(value)
