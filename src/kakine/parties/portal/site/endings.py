"""What ends soon, as far as the portal knows it without asking anybody, and which logs have begun.

Mandates of the account, and the card with which somebody came in in this very visit: its certificate was shown, and is
forgotten with the visit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kakine.crypto.cards import CardCertificate
from kakine.parties.portal.site.house import House
from kakine.protocols.logins import CARD
from kakine.web.language import mark
from kakine.web.turn import Turn

DAY_MS = 86_400_000
SOON_MS = 60 * DAY_MS
CARD_MS = 90 * DAY_MS


@dataclass(frozen=True)
class Ending:
    """What ends, of whom, and when."""

    what: str
    whose: str
    when_ms: int


@dataclass(frozen=True)
class NewLog:
    """A log that took the place of another."""

    origin: str
    follows: str
    since_ms: int
    dead: bool


def endings(house: House, turn: Turn[str]) -> list[Ending]:
    """The soonest first."""
    return sorted(_endings(house, turn), key=lambda each: each.when_ms)


def _endings(house: House, turn: Turn[str]) -> Iterator[Ending]:
    visit, now_ms = house.visit(turn), house.login.clock()
    for each in house.login.mandates.listed(visit.whose):
        until_ms = each.shown.terms.until_ms
        if now_ms <= until_ms < now_ms + SOON_MS:
            given = each.shown.given
            what = mark("あなたが頼んだ代理の期限") if given else mark("あなたが頼まれた代理の期限")
            yield Ending(what, each.shown.called, until_ms)
    if CARD in visit.shown:
        until_ms = CardCertificate(visit.shown[CARD].certificate).until_ms
        if until_ms < now_ms + CARD_MS:
            yield Ending(mark("いま使ったカードの証明書の期限"), "", until_ms)


def new_logs(house: House) -> list[NewLog]:
    """Logs that began within the last days and took the place of others."""
    now_ms, logs = house.login.clock(), house.logs()
    dead = {log.origin for log in logs if log.dead}
    return [
        NewLog(log.origin, log.follows, log.since_ms, log.follows in dead)
        for log in logs
        if log.follows and log.since_ms > now_ms - SOON_MS
    ]
