"""An agency at its own desk, and the commission at its own console, in a country that runs apart: their processes are
asked over mutual TLS, with the party's own certificate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from kakine.cli.acting import Agency, acting
from kakine.cli.apart_making import ROSTER, SETTINGS
from kakine.cli.apart_processes import about
from kakine.cli.apart_sites import CONSOLE, origin
from kakine.cli.serve_console import DEMO, DEMO_NAMES
from kakine.cli.serve_desk import application_line
from kakine.contracts.call import Body, Call
from kakine.contracts.commission import APPOINT, Appoint
from kakine.contracts.desk import (
    DESK_APPLICATIONS,
    DESK_STAFF,
    DESK_STAFF_ADD,
    DESK_STAFF_CODE,
    MOST_APPLICATIONS,
    Added,
    Application,
    Applications,
    CodeFor,
    Colleague,
    OfDesk,
)
from kakine.institutions.desk import PEOPLE, received
from kakine.institutions.families import Roster
from kakine.parties.gateway.desk.people_store import State, Use
from kakine.process.settings import read
from kakine.values.labels import DomainName
from kakine.values.problems import CountryMissing, DomainNotRun

Takes = TypeVar("Takes", bound=Body)
Gives = TypeVar("Gives", bound=Body)

SHOWN = 5
"""Applications that are printed."""


def runs_apart(folder: Path, domain: str) -> bool:
    """Whether the folder holds the folder of this domain's party, as its process has it. Raises `LabelMalformed`."""
    return (folder / DomainName(domain).party / SETTINGS).is_file()


@asynccontextmanager
async def own_process(folder: Path, party: str) -> AsyncIterator[Agency]:
    """The party that calls its own process: the one of these settings, where it has several."""
    settings = read(folder / party / SETTINGS)
    all_ = settings.roads().get(settings.name, ())
    mine = [each for each in all_ if each.endswith(f":{settings.listen.port}")] or list(all_)
    addresses = {**settings.addresses, settings.party: mine}
    async with acting(msgspec.structs.replace(settings, addresses=addresses)) as own:
        yield own


def tell(folder: Path, domain: str, call: Call[Takes, Gives], message: Takes) -> Gives:
    """One call to the own desk. Raises what it refuses, `PartyUnavailable`."""

    async def work() -> Gives:
        async with own_process(folder, DomainName(domain).party) as own:
            return await own.peers.ask(own.settings.name, call, message)

    return asyncio.run(work())


def demo_desk(folder: Path, domain: str) -> Iterator[str]:
    """Invented staff at the desk of a domain, each with a code to enrol with (their earlier ways in end), and what the
    made-up families have applied for; lines with the address, the people and some applications. Raises
    `DomainNotRun`, `CountryMissing`."""
    told = about(folder)
    port = told.sites.get(domain)
    if port is None or domain == CONSOLE:
        raise DomainNotRun()
    applications = list(received(Roster(told.residents, ROSTER), DomainName(domain)))

    async def work() -> Sequence[tuple[Colleague, str]]:
        async with own_process(folder, DomainName(domain).party) as own:
            people = await _staffed(own, domain)
            plain = [
                Application(each.number, each.procedure, each.day, each.unit, list(each.people))
                for each in applications
            ]
            for first in range(0, len(plain), MOST_APPLICATIONS):
                some = Applications(domain, plain[first : first + MOST_APPLICATIONS])
                await own.peers.ask(own.settings.name, DESK_APPLICATIONS, some)
            return people

    people = asyncio.run(work())
    yield f"desk {origin(port)}"
    for person, code in people:
        yield f"{person.name}（{person.unit}、{person.role}）  {origin(port)}/enrol  code {code}"
    yield from (application_line(each) for each in applications[:SHOWN])


async def _staffed(own: Agency, domain: str) -> list[tuple[Colleague, str]]:
    known = (await own.peers.ask(own.settings.name, DESK_STAFF, OfDesk(domain))).people
    active = {each.name: each for each in known if each.state == State.ACTIVE}
    found = []
    for name, unit, role in PEOPLE:
        person = active.get(name)
        if person is None:
            made = await own.peers.ask(own.settings.name, DESK_STAFF_ADD, Added(domain, name, unit, role))
            found.append((Colleague(made.official, role, State.ACTIVE, unit, name), made.code))
        else:
            asked = CodeFor(domain, person.official, Use.ENROL)
            found.append((person, (await own.peers.ask(own.settings.name, DESK_STAFF_CODE, asked)).code))
    return found


def demo_console(folder: Path) -> Iterator[str]:
    """One made-up member of the commission for each role, appointed, with the code to come in with for the first time.
    Raises `TwoPeopleNeeded` once two people have signed an act, `CountryMissing`."""
    port = about(folder).sites.get(CONSOLE)
    if port is None:  # founded before consoles ran apart
        raise CountryMissing()
    at = origin(port)
    yield f"console {at}  公開ページ / public page: {at}/public"

    async def work() -> list[str]:
        lines = []
        async with own_process(folder, CONSOLE) as own:
            for role, name in DEMO_NAMES.items():
                made = await own.peers.ask(own.settings.name, APPOINT, Appoint(name, role.value, DEMO))
                lines.append(f"{role:12} {name}  code {made.code}")
        return lines

    yield from asyncio.run(work())
