"""`kakine object`: "this was not about me"."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.demo_story import dispute_words
from kakine.cli.history import protagonist
from kakine.cli.own_history import own_history
from kakine.cli.own_objections import Disputed, disputes, object_to
from kakine.cli.visiting import FIRST, DirOption, InstanceOption, log_named, visited
from kakine.wire.objection import Reason
from kakine.wire.request import Place


def object_(
    directory: DirOption,
    index: Annotated[int, typer.Option(min=1, help="Number of the entry; a history shows it as #n.")],
    reason: Annotated[
        Reason, typer.Option(help="Why; it stands in the person's own record only.")
    ] = Reason.NOT_ME,
    instance: InstanceOption = FIRST,
    person: Annotated[
        str, typer.Option(help="Account at the portal; without it the person of whom the demo's story tells.")
    ] = "",
) -> None:
    """異議を申し立てる: object to one entry of a resident's own history, and hear what the commission answers.

    The objection is itself an entry of that history. The commission checks whether the three converters converted
    rightly, and names who did not; it does not learn whose history it is. Once more for the same entry gives the same
    answer. Example:

      kakine object --dir country/1-1000 --index 42 --reason not-me
    """
    stands = asyncio.run(_object(directory, person.encode(), (instance, index), reason))
    typer.echo(f"#{index}: #{stands.objection} {dispute_words(stands)}")


async def _object(folder: Path, account: bytes, at: tuple[str, int], reason: Reason) -> Disputed:
    async with visited(folder) as country:
        place = Place(log_named(country, at[0]).origin, at[1])
        account = account or protagonist(folder)
        rows = (await own_history(country, account)).rows
        found = await disputes(country, rows)
        if place not in found:
            await object_to(country, account, rows, place, reason)
            found = await disputes(country, (await own_history(country, account)).rows)
        return found[place]
