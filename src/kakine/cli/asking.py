"""`kakine ask`: one question, or everybody in a file, asked by a desk of a country in a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.apart_asking import ask_apart, ask_file_apart, is_apart
from kakine.cli.asking_many import ask_file, people_in
from kakine.cli.demo_story import RESULTS
from kakine.cli.visiting import DirOption, visited
from kakine.contracts.agency import Told
from kakine.crypto.hashing import digest
from kakine.parties.gateway.asking import Question
from kakine.parties.gateway.bulk.jobs import Order
from kakine.values.labels import DomainName
from kakine.values.problems import DomainNotRun
from kakine.wire.answer import Answered


def ask(
    directory: DirOption,
    requester: Annotated[str, typer.Option("--as", help="Domain that asks: yokohama/children.")],
    procedure: Annotated[str, typer.Option(help="Procedure of the order: JO106.")],
    row: Annotated[list[str], typer.Option(help="Row of it: JO106.2. May be given several times.")],
    provider: Annotated[str, typer.Option(help="Domain that is asked: yokohama/tax.")],
    reference: Annotated[str, typer.Option(help="One person, by the asking domain's own reference.")] = "",
    file: Annotated[
        Path | None,
        typer.Option(help="Many people: CSV with the columns reference and case (number).", dir_okay=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --file: where the answers go, as CSV.", dir_okay=False)
    ] = None,
    official: Annotated[
        str, typer.Option(help="Who is responsible, by the agency's own reference, never a name.")
    ] = "command-line",
    unit: Annotated[
        str, typer.Option(help="The unit that asks, as the person will read it.")
    ] = "command line",
    plain: Annotated[bool, typer.Option(help="Progress as lines, also on a terminal.")] = False,
) -> None:
    """Ask about one person, or about everybody in a file. Each question and its answer will stand in the person's history.

    Examples, with the reference that `kakine demo` printed:

      kakine ask --dir country/1-1000 --as yokohama/children --procedure JO106 --row JO106.2 --provider yokohama/tax --reference 0123456789

      kakine ask --dir country/1-1000 --as yokohama/children --procedure JO106 --row JO106.2 --provider yokohama/tax --file people.csv --out answers.csv

    Try another row or provider to see what refuses. `kakine gazette show JO106` lists the rows.

    In a folder of `kakine apart up` the agency's own system asks, over the network, with the agency's certificate.

    A file is a job: stopped, killed or out of power, the same command goes on where it was, and nobody is asked about twice. When the answers are written out they are forgotten here.
    """  # noqa: E501 - commands to copy
    domain, rows = DomainName(requester), tuple(sorted(row))
    if (file is None) == (reference == "") or (file is None) != (out is None):
        raise typer.BadParameter("either --reference, or --file and --out")
    if file is not None and out is not None:
        people = people_in(file)
        order = Order(domain, DomainName(provider), procedure, rows, official, unit, people)
        work = ask_file_apart if is_apart(directory) else ask_file
        asyncio.run(work(directory, order, out, plain=plain))
        return
    question = Question(
        domain,
        DomainName(provider),
        procedure,
        rows,
        reference.encode(),
        official,
        digest("case-number", b"command-line"),
        unit,
    )
    answer: Answered | Told
    if is_apart(directory):
        answer = asyncio.run(ask_apart(directory, question))
    else:
        answer = asyncio.run(_ask(directory, question))
    typer.echo(RESULTS.get(answer.result, answer.result))
    if answer.data:
        typer.echo(answer.data.decode())


async def _ask(folder: Path, question: Question) -> Answered:
    async with visited(folder) as country:
        gateway = country.gateways.get(question.domain.party)
        if gateway is None:
            raise DomainNotRun()
        answer: Answered = await gateway.desk.ask(question)
        return answer
