"""`kakine ask`: one question, asked by a desk of a country that a demonstration left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.demo_story import RESULTS
from kakine.cli.visiting import DirOption, visited
from kakine.crypto.hashing import digest
from kakine.parties.gateway.asking import Question
from kakine.values.labels import DomainName
from kakine.values.problems import DomainNotRun
from kakine.wire.answer import Answered


def ask(
    directory: DirOption,
    requester: Annotated[str, typer.Option("--as", help="Domain that asks: yokohama/children.")],
    procedure: Annotated[str, typer.Option(help="Procedure of the order: JO106.")],
    row: Annotated[list[str], typer.Option(help="Row of it: JO106.2. May be given several times.")],
    provider: Annotated[str, typer.Option(help="Domain that is asked: yokohama/tax.")],
    reference: Annotated[str, typer.Option(help="The asking domain's own reference of the person.")],
) -> None:
    """Ask one question about one person. The question and its answer will stand in the person's history.

    Example, with the reference that `kakine demo` printed:

      kakine ask --dir country/1-1000 --as yokohama/children --procedure JO106 --row JO106.2 --provider yokohama/tax --reference 0123456789

    Try another row or provider to see what refuses. `kakine gazette show JO106` lists the rows.
    """  # noqa: E501 - a command to copy
    question = Question(
        DomainName(requester),
        DomainName(provider),
        procedure,
        tuple(sorted(row)),
        reference.encode(),
        "command-line",
        digest("case-number", b"command-line"),
        "command line",
    )
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
