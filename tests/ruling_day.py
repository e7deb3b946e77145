"""A day of card use: people with cards from the counter at twenty relying parties, each an agency of its own.

    with RulingDay.lived(tmp_path, people=40) as day:
        day.told[3, "service-07"].sub

Who goes where is drawn, evenly; the day has hours, at each of which the authority publishes and the portal downloads.
Before and after it every store is read as a thief of all of them would, and everything that crosses a road or is logged
meanwhile is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from cards import CHOSEN
from exchange_state import snapshot
from kakine.card.holder import CardSigner, file_reader
from kakine.card.profile import Kind
from kakine.cli.residents import counter_of
from kakine.clients.card_helper import Helper
from kakine.contracts.registry import (
    ACQUIRE,
    ENTER,
    Acquire,
    ByNumber,
    Enter,
    Entry,
    Numbered,
    Subject,
    Wanted,
)
from kakine.country import AUTHORITY, LOGIN
from kakine.institutions.card_desk import Order, Visitor
from kakine.institutions.online_service import CardBrowser, Learnt, OnlineService
from kakine.parties.portal.login.http import application
from kakine.protocols.gazette_pack import ClientEntry, DomainEntry, Pack, PartyEntry
from kakine.protocols.matching import Sex
from kakine.values.labels import DomainName, PartyName
from login_site import BIRTHS
from road import Passage, recorded

from land import RESIDENTS, Land, pack, ref

ISSUER = "http://localhost:8480"
SERVICES = 20
HOURS = 8
EVERY_S = 3 * 3600
DESKS = 8
"""Logins and visits to the counter at the same time."""


class Words(logging.Handler):
    """Every log record, as text with all its fields."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(repr(record.__dict__) + record.getMessage())


def law() -> Pack:
    """The project's pack with as many relying parties more as make twenty, each under an agency of its own."""
    plain = pack()
    names = [f"service-{number:02}" for number in range(len(plain.clients) + 1, SERVICES + 1)]
    parties = [
        PartyEntry(
            name,
            f"試験機関{name}",
            name,
            corporate(name),
            ["gateway"],
            synthetic=True,
            domain=[DomainEntry(f"{name}/site", 1)],
        )
        for name in names
    ]
    clients = [
        ClientEntry(name, f"{name}/site", f"窓口{name}", name, [f"https://{name}.example/back"])
        for name in names
    ]
    return replace(plain, parties=[*plain.parties, *parties], clients=[*plain.clients, *clients])


def corporate(name: str) -> str:
    """A made-up corporate number."""
    base = f"99{int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**10:010}"
    total = sum(int(digit) * weight for digit, weight in zip(base, (2, 1) * 6, strict=True))
    return f"{9 - total % 9}{base}"


@dataclass
class RulingDay:
    """`visits` says where each person went, in order; `told` what each service has learnt by it, `certificates` what
    each card showed. `hours` has the passages of each hour: the downloads, then the logins."""

    land: Land
    visits: dict[int, list[str]]
    certificates: list[bytes]
    told: dict[tuple[int, str], Learnt]
    hours: list[tuple[list[Passage], list[Passage]]]
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    words: list[str]

    @property
    def clients(self) -> dict[str, DomainName]:
        """Domain of each relying party."""
        return {each.id: DomainName(each.domain) for each in self.land.law.clients}

    @classmethod
    @contextmanager
    def lived(cls, folder: Path, people: int, each: int = 2) -> Iterator[RulingDay]:
        """A day of so many people, each of whom logs in at `each` services."""
        with Land(folder / "land", law=law()) as land:
            folder = folder / "cards"
            folder.mkdir()
            numbers = land.run(enter(land, people))
            certificates = land.run(cards(land, folder, numbers))
            land.run(land.country.publish_status())
            yield live(land, folder, certificates, each)


async def enter(land: Land, people: int) -> list[str]:
    """Residents of Yokohama, known to its residents' desk and to the portal."""
    registry, peers = PartyName("registry"), land.country.peers("yokohama")
    entries = [
        Entry(*person(j), Sex.FEMALE, hashlib.sha256(b"%d" % j).digest()[:16], born(j), f"試験町{j}番地")
        for j in range(people)
    ]
    given = (await peers.ask(registry, ENTER, Enter(entries))).outcomes
    numbers = [each.number for each in given if isinstance(each, Numbered)]
    assert len(numbers) == people
    for domain in (LOGIN, RESIDENTS):
        wanted = [Wanted(ref(j), ByNumber(number, born(j))) for j, number in enumerate(numbers)]
        got = await land.country.peers(domain.party).ask(registry, ACQUIRE, Acquire(domain, wanted))
        assert set(got.outcomes) == {"delivered"}
    return numbers


def born(j: int) -> Any:
    return BIRTHS[j % len(BIRTHS)]


def person(j: int) -> tuple[Any, ...]:
    key = hashlib.sha256(b"person %d" % j).digest()[:16]
    letters = "".join(chr(ord("甲") + int(digit)) for digit in str(j))
    return (
        key,
        f"試験　{letters}",
        "シケン　" + "".join("アイウエオカキクケコ"[int(d)] for d in str(j)),
        born(j),
    )


async def cards(land: Land, folder: Path, numbers: Sequence[str]) -> list[bytes]:
    """A card for each; without a password, so that there is one certificate on it, the one to log in with."""
    desk, made = counter_of(land.country, RESIDENTS), dict[int, bytes]()

    async def visit(j: int) -> None:
        case = hashlib.sha256(b"card").digest()
        clerk = replace(land.question(j, domain=RESIDENTS, unit="residents' desk"), case=case)
        order = Order(
            folder / f"{j}.card",
            folder / f"{j}.counter",
            Kind.PRODUCT,
            lambda _: {"pin": CHOSEN["product"]["pin"]},
        )
        made[j] = await desk.issue(Visitor(Subject(numbers[j], born(j)), clerk), order, lambda line: None)

    await side_by_side([visit(j) for j in range(len(numbers))])
    return [made[j] for j in range(len(numbers))]


async def side_by_side(work: Sequence[Any]) -> None:
    """A few at a time."""
    waiting = iter(work)

    async def one() -> None:
        for each in waiting:
            await each

    await asyncio.gather(*(one() for _ in range(DESKS)))


def live(land: Land, folder: Path, certificates: list[bytes], each: int) -> RulingDay:
    country, words = land.country, Words()
    clients = {entry.id: entry for entry in land.law.clients}
    visits = drawn(len(certificates), list(clients), each)
    office = country.login(ISSUER)
    app = application(office)
    port = int(office.helper.rpartition(":")[2])
    services = {
        name: OnlineService(
            app, ISSUER, name, entry.redirects[0], country.client_key(name), land.clock, land.entropy
        )
        for name, entry in clients.items()
    }
    told: dict[tuple[int, str], Learnt] = {}

    readers = {j: asyncio.Lock() for j in visits}

    async def log_in(j: int, name: str) -> None:
        async with readers[j]:  # one card lies in one reader at a time
            await logged_in(j, name)

    async def logged_in(j: int, name: str) -> None:
        signer = CardSigner(file_reader(folder / f"{j}.card", land.entropy))
        helper = Helper(ISSUER, port, signer, lambda _: CHOSEN["product"]["pin"], land.clock)
        begun = await services[name].begin("openid")
        back = await CardBrowser(app, ISSUER, helper.app).log_in(begun.address, ())
        told[j, name] = await services[name].finish(begun, back)

    parties = [path.stem for path in land.folder.glob("*.sqlite")]
    before = {party: snapshot(land.folder, party) for party in parties}
    pairs = [(j, name) for j, names in visits.items() for name in names]
    Random(5).shuffle(pairs)
    hours = []
    logging.getLogger().addHandler(words)
    try:
        for hour in range(HOURS):
            land.clock.advance(EVERY_S)
            with recorded() as downloads:
                land.run(country.publish_status())
            with recorded() as logins:
                land.run(side_by_side([log_in(*pair) for pair in pairs[hour::HOURS]]))
            hours.append((downloads, logins))
    finally:
        logging.getLogger().removeHandler(words)
    after = {party: snapshot(land.folder, party) for party in parties}
    return RulingDay(land, visits, certificates, told, hours, before, after, words.said)


def drawn(people: int, names: list[str], each: int) -> dict[int, list[str]]:
    """Who goes where: everywhere about as many, nobody twice to one place."""
    draws, left = Random(2008), list[str]()
    visits: dict[int, list[str]] = {}
    for j in range(people):
        chosen: list[str] = []
        while len(chosen) < each:
            if not left:
                left = draws.sample(names, len(names))
            at = next((k for k, name in enumerate(left) if name not in chosen), None)
            chosen.append(
                left.pop(at) if at is not None else draws.choice([n for n in names if n not in chosen])
            )
        visits[j] = chosen
    return visits


__all__ = ["AUTHORITY", "RulingDay", "law"]
