"""`kakine card lost`, `found`, `give-up`, `loss-code`: what a counter, or a clerk at the telephone, passes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.card_asking import SecretsOption, field, prompt, read
from kakine.cli.visiting import DirOption, visited
from kakine.contracts.registry import CardNews, Subject
from kakine.country import AUTHORITY, LOGIN, REGISTRY, Country
from kakine.crypto.hashing import digest
from kakine.institutions.counter import CardCounter
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.vouching import report_cards
from kakine.protocols.logins import PAPER_BYTES
from kakine.values.labels import DomainName
from kakine.values.problems import DomainNotRun

NumberOption = Annotated[
    str, typer.Option(help="個人番号: the number of the resident who stands there.", show_default=False)
]
BornOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date of birth, as the second check.")
]
DeskOption = Annotated[str, typer.Option("--as", help="Residents' desk of the resident's municipality.")]
ReferenceOption = Annotated[
    str,
    typer.Option(help="The desk's own reference of the person: the portal is told too, and at once."),
]
DESK = "yokohama/residents"


def lost(
    directory: DirOption,
    by_code: Annotated[
        bool, typer.Option("--by-code", help="紛失コード: at the telephone, instead of number and birth.")
    ] = False,
    given: SecretsOption = None,
    number: NumberOption = "",
    born: BornOption = None,
    desk: DeskOption = DESK,
    reference: ReferenceOption = "",
) -> None:
    """カードをなくした: a card is lost. Its certificates are on hold for a day, and then over; every verifier knows
    within the hour in which a status list is good. By telephone it takes the code that the counter gave, and asks for
    it: what stands in a command can be read by every account of the machine. Example:

      kakine card lost --by-code --dir country/1-1000

      kakine card lost --number 123456789018 --born 1990-02-03 --dir country/1-1000
    """
    if by_code:
        code = field(read(given), "code") if given is not None else prompt("紛失コード / code for loss")
        _run(directory, desk, lambda at, _: at.lost_by_code(code, os.urandom(16)))
        typer.echo(
            "電話で受け付けた。一時停止は24時間 / on hold for 24 hours; go to your counter before they are over"
        )
        return
    subject = _subject(number, born)
    _report(directory, desk, subject, CardNews.LOST, reference, lost=True)
    typer.echo("一時停止した / on hold, for 24 hours at most")


def found(
    directory: DirOption,
    number: NumberOption = "",
    born: BornOption = None,
    desk: DeskOption = DESK,
    reference: ReferenceOption = "",
) -> None:
    """カードが見つかった: the card was shown at the counter again, within a day: its certificates are good again."""
    _report(directory, desk, _subject(number, born), CardNews.FOUND, reference, lost=False)
    typer.echo("一時停止を解いた / no longer on hold")


def give_up(
    directory: DirOption,
    number: NumberOption = "",
    born: BornOption = None,
    desk: DeskOption = DESK,
    reference: ReferenceOption = "",
) -> None:
    """カードをあきらめる: the card does not come back: its certificates are revoked for good, and a new card can be
    issued (`kakine card request`, `load`)."""
    _report(directory, desk, _subject(number, born), CardNews.ENDED, reference, lost=True)
    typer.echo("失効した / revoked")


def loss_code(
    directory: DirOption, number: NumberOption = "", born: BornOption = None, desk: DeskOption = DESK
) -> None:
    """紛失コード: print the code by which this resident can report the card lost from any telephone. Keep it apart from
    the card. The one before is void."""
    subject, given = _subject(number, born), list[str]()

    async def work(at: CardCounter, country: Country) -> None:
        given.append(await at.loss_code(subject, os.urandom(PAPER_BYTES)))

    _run(directory, desk, work)
    typer.echo(given[0])


def _subject(number: str, born: datetime | None) -> Subject:
    if not number or born is None:
        raise typer.BadParameter("a counter needs --number and --born")
    return Subject(number, born.date())


def _report(folder: Path, desk: str, subject: Subject, news: CardNews, reference: str, *, lost: bool) -> None:
    async def work(at: CardCounter, country: Country) -> None:
        await at.report(subject, news, os.urandom(16))
        if reference:
            gateway = country.gateways[DomainName(desk).party]
            case = digest("case-number", b"command-line")
            clerk = Question(
                DomainName(desk), LOGIN, "", (), reference.encode(), "command-line", case, "cards"
            )
            await report_cards(gateway.office, gateway.desk, clerk, LOGIN, lost=lost)

    _run(folder, desk, work)


def _run(folder: Path, desk: str, work: Callable[[CardCounter, Country], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with visited(folder) as country:
            party = DomainName(desk).party
            if party not in country.gateways:
                raise DomainNotRun()
            await work(CardCounter(country.peers(party), REGISTRY.party, AUTHORITY), country)
            await country.authority.publish()

    asyncio.run(inside())
