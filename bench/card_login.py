"""What a login with a card costs, part by part and whole: rows for `make bench-card`.

Card, helper, browser, relying party, provider, converters, record keepers, ledgers and authority are one process; there
is no reader and no network. *Card* is what a card does for one login, over the bytes of real commands: power, select,
PIN, certificate, signature. *Chain* and *status* are what the provider checks of the certificate, *provider* its two
calls for a card with both of them, so the login by card is card and provider. The *whole* login has everything: pushed
request, consent, the exchange through three converters that makes the name, tokens, and both sides of each call.
CPU is that of the process, all threads; the rest of the wall clock is the disk and the neighbours.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from base64 import b64decode
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

from sqlalchemy import Column, Integer, MetaData, Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from cards import personalised
from issued_cards import Issued, IssuedCards, prove
from kakine.clients.card_helper import Helper
from kakine.crypto import x509
from kakine.institutions.online_service import CardBrowser, OnlineService
from kakine.protocols.logins import challenge_digest
from kakine.protocols.status import check_status
from kakine.runtime.sqlite import alone
from kakine.values.certificates import Use
from kakine.wire.canonical import decode
from kakine.wire.login import Challenge
from login_site import CHILDCARE, ISSUER, REDIRECTS

KINDS = ("product", "interop")
Row = tuple[str, float, float]
"""What, CPU and wall clock in milliseconds."""


def timed(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """(CPU, wall) in milliseconds, medians."""
    cpu, wall = [], []
    for _ in range(rounds):
        before, began = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - before)
        wall.append(time.perf_counter() - began)
    return median(cpu) * 1000, median(wall) * 1000


def parts(cards: IssuedCards, card: Issued, rounds: int) -> list[Row]:
    """Of one login with an issued card."""
    country, kind = cards.site.land.country, card.kind
    roots = country.standing._roots
    now_s = cards.site.now
    read = x509.read(card.certificate)
    held = country.standing.held[read.list_uri]
    signing = timed(lambda: card.signer.sign(os.urandom(32), card.pin), rounds)
    rows = [
        (f"card: PIN, certificate, signature; {kind}", *signing),
        (
            f"chain: root, dates, use; {kind}",
            *timed(lambda: x509.verify(card.certificate, roots, Use.AUTHENTICATION, now_s), rounds),
        ),
        (f"status: one bit of the list; {kind}", *timed(lambda: check_status(read, held, now_s), rounds)),
    ]
    provider = answering(cards, card, rounds)
    whole = (signing[0] + provider[0], signing[1] + provider[1])
    return [
        *rows,
        (f"provider: challenge and proof, chain and status included; {kind}", *provider),
        (f"**login by card: card and provider; {kind}**", *whole),
    ]


def answering(cards: IssuedCards, card: Issued, rounds: int) -> tuple[float, float]:
    """(CPU, wall) of the provider's two calls, the card's time between them left out."""
    cpu, wall = [], []
    for _ in range(rounds):
        browser = cards.browser()
        before, began = time.process_time(), time.perf_counter()
        asked = browser.post("/login/card/challenge")
        spent, took = time.process_time() - before, time.perf_counter() - began
        challenge = decode(b64decode(asked.json["challenge"]), Challenge)
        signature = card.signer.sign(challenge_digest(challenge), card.pin)
        before, began = time.process_time(), time.perf_counter()
        assert prove(browser, card.signer.certificate, signature).status == 200
        cpu.append(spent + time.process_time() - before)
        wall.append(took + time.perf_counter() - began)
    return median(cpu) * 1000, median(wall) * 1000


def whole(cards: IssuedCards, people: list[Issued], rounds: int) -> tuple[float, float]:
    """(CPU, wall) of a whole login, when as many people as there are log in side by side."""
    land, port = cards.site.land, int(cards.site.office.helper.rpartition(":")[2])
    key = land.country.client_key(CHILDCARE)
    service = OnlineService(
        cards.site.app, ISSUER, CHILDCARE, REDIRECTS[CHILDCARE], key, land.clock, land.entropy
    )

    async def log_in(card: Issued) -> None:
        helper = Helper(ISSUER, port, card.signer, lambda _: card.pin, land.clock)
        for _ in range(rounds):
            begun = await service.begin("openid")
            back = await CardBrowser(cards.site.app, ISSUER, helper.app).log_in(begun.address, ())
            await service.finish(begun, back)

    async def all_of_them() -> None:
        await asyncio.gather(*map(log_in, people))

    before, began = time.process_time(), time.perf_counter()
    land.run(all_of_them())
    each = 1000 / (rounds * len(people))
    return (time.process_time() - before) * each, (time.perf_counter() - began) * each


def making(folder: Path, kind: str, rounds: int) -> tuple[float, float]:
    """Of one card, from nothing to its requests: keys drawn, files written."""
    numbers = count()
    return timed(lambda: personalised(folder / f"new-{kind}-{next(numbers)}.card", kind), rounds)


def issuing(cards: IssuedCards, people: int, rounds: int) -> tuple[float, float]:
    """Of one card over the counter with two certificates, bound to the account through the converters."""
    numbers = count()
    order = [cards.order(f"bench-{next(numbers)}") for _ in range(rounds)]
    waiting = iter(order)
    return timed(lambda: cards.handed(cards.visitor(next(numbers) % people), next(waiting)), rounds)


def floor(folder: Path, rounds: int) -> tuple[float, float]:
    """Of two bare commits, which a right PIN takes."""
    table = MetaData()
    Table("bare", table, Column("value", Integer))
    with alone(folder / "floor.sqlite", table) as connection:

        def two() -> None:
            connection.execute("INSERT INTO bare VALUES (1)")
            connection.execute("DELETE FROM bare")

        return timed(two, rounds)


def measure(folder: Path, rounds: int, together: int) -> list[Row]:
    """All rows; `together` people log in side by side."""
    few, rows = max(2, rounds // 10), list[Row]()
    with IssuedCards.opened(folder, together) as cards:
        people = [cards.issue(j) for j in range(together)]
        for kind in KINDS:
            rows += parts(cards, people[0] if kind == "product" else cards.issue(0, kind), rounds)
        rows.append(("floor of the card's wall clock: two durable commits", *floor(folder, rounds)))
        whole(cards, people[:1], 1)
        rows.append(("whole login with its exchange, one after the other", *whole(cards, people[:1], few)))
        rows.append((f"whole login, {together} at a time", *whole(cards, people, max(1, few // 4))))
        rows.append(("a card over the counter, two certificates, bound", *issuing(cards, together, few)))
    for kind in KINDS:
        rows.append((f"making a card; {kind}", *making(folder, kind, few)))
    return rows
