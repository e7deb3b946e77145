"""What `kakine monitor` asks of a country: its ledgers, its record keepers, and all who keep heads of its logs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kakine.clients.erasures import all_notices
from kakine.clients.monitor.erasures import Erasing
from kakine.clients.monitor.reading import Watched
from kakine.clients.monitor.sources import Converter, Mailbox, Running, Witness
from kakine.country import COMMISSION, CONVERTERS, LOGS, Country
from kakine.institutions.watchers import Watchers
from kakine.protocols.logs import Log
from kakine.values.problems import Problem

Reported = Sequence[tuple[str, bytes]]
"""(who, note) as others have it."""


def watched_country(country: Country, reported: Reported = (), log: Log = LOGS[0]) -> Watched:
    """One log and those who can be asked about it, as any party may call them; keys are those of the gazette."""
    peers, law = country.peers("portal"), country.book("portal").in_force(country.site.clock())
    keepers = [Mailbox(peers, name, law.signing_key(name), log.origin) for name in law.keeper_parties]
    converters = [
        Converter(peers, name, law.signing_key(name), position, log.origin)
        for position, name in enumerate(CONVERTERS, 1)
    ]
    witnesses: list[Witness] = [*converters, *_outside(country.watchers, log)]
    source = Running(peers, log.ledger)
    return Watched(log.origin, log.key_in(law), source, keepers, reported, witnesses, converters)


def erasing(country: Country) -> Erasing:
    """Who answers for what is erased in a country, and all notices of it."""
    law = country.book("portal").in_force(country.site.clock())
    given = partial(all_notices, country.peers("portal"), COMMISSION)
    return Erasing(given, COMMISSION, law.keeper_parties, CONVERTERS, law.signing_key)


class _Outside:
    """A witness that is no party: what it has cosigned, and what it refused to."""

    def __init__(self, name: str, notes: list[bytes]) -> None:
        self.name = name
        self._notes = notes

    async def heads(self) -> list[bytes]:
        return self._notes


def _outside(watchers: Watchers, log: Log) -> list[_Outside]:
    heads, forks = watchers.heads(log.origin), watchers.forks(log.origin)
    return [_Outside(name, [note, *forks.get(name, ())]) for name, note in heads.items()]


def refuser(problem: Problem) -> str:
    """The party that did not start: as the country noted it, else the innermost whose code the problem came through.

    A country in one process starts all parties or none, and the problem itself does not name one.
    """
    noted = getattr(problem, "__notes__", [])
    if noted:
        return str(noted[-1])
    found, at = "country", problem.__traceback__
    while at is not None:
        package = str(at.tb_frame.f_globals.get("__name__", "")).split(".")
        if package[:2] == ["kakine", "parties"]:
            found = package[2]
        at = at.tb_next
    return found
