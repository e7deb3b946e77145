"""`kakine mandate`: acting for somebody else, at the portal or at a counter (docs/howto/act-for-somebody.md).

The command line stands at a country's folder as its founder does: it is not asked for a card. At the portal itself a
person comes in by a visit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.demo_journal import Journal
from kakine.cli.demo_story import Words, history_lines
from kakine.cli.history import protagonist_at, sealings
from kakine.cli.mandate_words import BASES
from kakine.cli.own_history import own_history
from kakine.cli.visiting import DirOption, visited
from kakine.country import LOGIN, Country
from kakine.crypto.hashing import digest
from kakine.institutions.families import Family, Roster
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.mandating import Counter
from kakine.parties.portal.mandates.visiting import GIVEN
from kakine.protocols.logins import paper_bytes, paper_code
from kakine.protocols.mandates import DAY_MS
from kakine.values.calendar import in_japan
from kakine.values.labels import DomainName
from kakine.values.problems import AccountUnknown, CountryMissing, DomainNotRun
from kakine.wire.mandate import Basis, Shown, Terms

app = typer.Typer(no_args_is_help=True, help="代理: act for somebody else, in sight of both.")

PersonOption = Annotated[
    str,
    typer.Option(
        "--person",
        help="Account at the portal, or reference at the counter; @2 is the demo's second applicant, without it "
        "the person of whom its story tells.",
    ),
]
CounterOption = Annotated[
    bool,
    typer.Option("--counter", help="At the residents' desk, for a person without card, phone or network."),
]
DeskOption = Annotated[str, typer.Option("--as", help="Residents' desk of a municipality.")]
NumberArgument = Annotated[str, typer.Argument(help="Number of a mandate, as `list` shows it.")]
YOKOHAMA = "yokohama/residents"


@dataclass(frozen=True)
class _Here:
    """One person in a running country: at the portal, or at a desk."""

    country: Country
    account: bytes
    desk: DomainName | None

    @property
    def counter(self) -> Counter:
        """Raises `DomainNotRun`."""
        found = self.country.gateways.get(self.desk.party) if self.desk else None
        if found is None:
            raise DomainNotRun()
        return Counter(found.office, found.desk, LOGIN)

    @property
    def clerk(self) -> Question:
        """Who vouches: the command line."""
        assert self.desk is not None  # noqa: S101 - `counter` has looked
        case = digest("case-number", b"command-line")
        return Question(self.desk, LOGIN, "", (), self.account, "command-line", case, "command line")


@asynccontextmanager
async def _visiting(folder: Path, person: str, desk: str) -> AsyncIterator[_Here]:
    def domain(family: Family) -> DomainName:
        return DomainName(f"{family.town}/residents") if desk else LOGIN

    if not person:
        at, account = protagonist_at(folder, domain)
    elif person.startswith("@"):
        at, account = _applicant(folder, person, desk)
    else:
        at, account = DomainName(desk or LOGIN), person.encode()
    async with visited(folder) as country:
        yield _Here(country, account, at if desk else None)


def _applicant(folder: Path, person: str, desk: str) -> tuple[DomainName, bytes]:
    """Of the people in the demo who have an account, the n-th."""
    if not (folder / "demo.sqlite").is_file():
        raise CountryMissing()
    journal = Journal(folder / "demo.sqlite")
    try:
        about = journal.steps["about"]
    finally:
        journal.close()
    roster = Roster(about["residents"], about["seed"])
    applicants = [family.applicant for family in roster.families if family.applicant]
    place = person.removeprefix("@")
    if not place.isdecimal() or not 1 <= int(place) <= len(applicants):
        raise AccountUnknown()
    member = applicants[int(place) - 1]
    at = DomainName(f"{member.family.town}/residents") if desk else LOGIN
    return at, roster.reference(at, member)


@app.command(name="stand-by")
def stand_by(
    directory: DirOption,
    person: PersonOption = "",
    counter: CounterOption = False,
    desk: DeskOption = YOKOHAMA,
    name: Annotated[str, typer.Option(help="At a counter: the name on the papers that were shown.")] = "",
) -> None:
    """代理を引き受ける: print a code for whoever is willing to act for somebody else.

    Whoever names the code gives its holder a mandate; it opens nothing by itself. From the portal it is good for an
    hour, from a counter for a week. Example:

      kakine mandate stand-by --dir country/1-1000 --person @2
    """
    typer.echo(asyncio.run(_stand_by(directory, person, desk if counter else "", name)))


async def _stand_by(folder: Path, person: str, desk: str, name: str) -> str:
    async with _visiting(folder, person, desk) as here:
        if desk:
            return await here.counter.stand_by(here.clerk, name)
        code: str = await here.country.portal.mandates.stand_by(here.account)
        return code


@app.command()
def give(
    directory: DirOption,
    code: Annotated[str, typer.Option("--to", help="The code of whoever is to act.")],
    person: PersonOption = "",
    client: Annotated[
        list[str] | None, typer.Option("--for", help="A relying party: yokohama-childcare. May be repeated.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="May read the history of exchanges.")] = False,
    days: Annotated[int, typer.Option(min=1, help="For how many days from now.")] = 30,
    counter: CounterOption = False,
    desk: DeskOption = YOKOHAMA,
    name: Annotated[str, typer.Option(help="At a counter: the name on the papers that were shown.")] = "",
    basis: Annotated[
        Basis, typer.Option(help="At a counter: by what right, by papers of family or court.")
    ] = Basis.PROXY,
    cleared: Annotated[
        bool,
        typer.Option(
            "--cleared", help="At a counter: protection (支援措置) was looked into, and is not against them."
        ),
    ] = False,
) -> None:
    """代理を頼む: let whoever stands by under a code act, and print the number of the mandate.

    Without --counter it is the person's own decision, a proxy for a year at most; it waits three days, in which it can
    be undone, and is in force at once where a counter has seen the person. Example:

      kakine mandate give --dir country/1-1000 --to 1234-5678-9ABC-DEFG --for yokohama-childcare --days 90
    """
    asked = _Asked(code, tuple(sorted(set(client or ()))), history, days, name, basis, cleared)
    typer.echo(asyncio.run(_give(directory, person, desk if counter else "", asked)))


@dataclass(frozen=True)
class _Asked:
    """What `give` is told."""

    code: str
    clients: tuple[str, ...]
    history: bool
    days: int
    name: str
    basis: Basis
    cleared: bool


async def _give(folder: Path, person: str, desk: str, asked: _Asked) -> str:
    async with _visiting(folder, person, desk) as here:
        now_ms = here.country.site.clock()
        until_ms = now_ms + asked.days * DAY_MS
        terms = Terms(asked.basis, asked.clients, asked.history, now_ms, until_ms)
        if desk:
            made = here.counter.appoint(here.clerk, asked.name, asked.code, terms, cleared=asked.cleared)
            return paper_code(await made)
        portal = here.country.portal
        number: bytes = await portal.mandates.give(here.account, asked.code, terms)
        await portal.acts.ask(here.account, GIVEN, number)
        return paper_code(number)


@app.command(name="list")
def list_(
    directory: DirOption,
    person: PersonOption = "",
    counter: CounterOption = False,
    desk: DeskOption = YOKOHAMA,
) -> None:
    """代理の一覧: who may act for a person, and for whom the person may act. Example:

    kakine mandate list --dir country/1-1000
    """
    for shown in asyncio.run(_list(directory, person, desk if counter else "")):
        for line in _lines(shown):
            typer.echo(line)


async def _list(folder: Path, person: str, desk: str) -> Sequence[Shown]:
    async with _visiting(folder, person, desk) as here:
        if desk:
            return await here.counter.listed(here.clerk)
        return [each.shown for each in here.country.portal.mandates.listed(here.account)]


def _lines(shown: Shown) -> Sequence[str]:
    terms = shown.terms
    until = in_japan(terms.until_ms).date().isoformat()
    role = "代理してもらう / acts for you" if shown.given else "代理する / you act for"
    places = [*terms.clients, *(["本人の記録 / history"] if terms.history else [])]
    waits = "  待機中 / waits" if shown.waits else ""
    return (
        f"{paper_code(shown.number)}  {role}: {shown.called}",
        f"      {BASES[terms.basis.value]}  {until} まで / until  {'、'.join(places)}{waits}",
    )


@app.command()
def end(
    directory: DirOption,
    number: Annotated[
        str, typer.Argument(help="Number of a mandate; at a counter, without it all given.")
    ] = "",
    person: PersonOption = "",
    counter: CounterOption = False,
    desk: DeskOption = YOKOHAMA,
) -> None:
    """代理を終える: end a mandate at once, by whoever has given it or whoever holds it. Example:

    kakine mandate end 1234-5678-9ABC-DEFG --dir country/1-1000
    """
    if not number and not counter:
        raise typer.BadParameter("which one? `kakine mandate list` shows all")
    asyncio.run(_end(directory, person, desk if counter else "", paper_bytes(number) if number else b""))


async def _end(folder: Path, person: str, desk: str, number: bytes) -> None:
    async with _visiting(folder, person, desk) as here:
        if desk:
            await here.counter.end(here.clerk, number)
        else:
            await here.country.portal.mandates.end(here.account, number)


@app.command()
def read(directory: DirOption, number: NumberArgument, person: PersonOption = "") -> None:
    """代理で記録を見る: read the history of whoever has given the mandate. The reading stands in it. Example:

    kakine mandate read 1234-5678-9ABC-DEFG --dir country/1-1000 --person @2
    """
    for line in asyncio.run(_read(directory, person, paper_bytes(number))):
        typer.echo(line)


async def _read(folder: Path, person: str, number: bytes) -> list[str]:
    async with _visiting(folder, person, "") as here:
        seen = await own_history(here.country, here.account, mandate=number)
        return list(history_lines(seen.lines, Words(here.country.site.pack, sealings(here.country))))
