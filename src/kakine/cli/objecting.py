"""`kakine object`: "this was not about me", "I did not ask for this", "this is wrong"."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.demo_story import dispute_words
from kakine.cli.history import protagonist
from kakine.cli.own_history import own_history
from kakine.cli.own_objections import Disputed, disputes, object_to
from kakine.cli.verify import harmless
from kakine.cli.visiting import FIRST, DirOption, InstanceOption, log_named, visited
from kakine.values.calendar import in_japan
from kakine.wire.objection import MOST_NOTE, Outcome, Reason
from kakine.wire.request import Place

_OUTCOMES = {
    Outcome.CORRECTED: ("訂正した", "corrected"),
    Outcome.KEPT: ("訂正しない", "not corrected"),
    Outcome.EXPLAINED: ("説明", "explained"),
    Outcome.FORWARDED: ("ほかの機関が決める", "for another body to decide"),
}


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
    note: Annotated[
        str, typer.Option(help="For the agency alone, at most 400 characters; what is sent first counts.")
    ] = "",
) -> None:
    """異議を申し立てる: object to one entry of a resident's own history, and hear what the commission answers.

    The objection is itself an entry of that history. The commission checks whether the three converters converted
    rightly, and names who did not; it does not learn whose history it is. Any other reason than not-me is passed on,
    sealed, to the agency that asked or held; its answer is printed once it is there. Once more for the same entry gives
    the same answer. Examples:

      kakine object --dir country/1-1000 --index 42 --reason not-me

      kakine object --dir country/1-1000 --index 42 --reason data-wrong --note 税額が二重です
    """
    if len(note) > MOST_NOTE:
        raise typer.BadParameter(f"at most {MOST_NOTE} characters", param_hint="--note")
    stands = asyncio.run(_object(directory, person.encode(), (instance, index), reason, note))
    typer.echo(f"#{index}: #{stands.objection} {dispute_words(stands)}")
    for line in _agency(stands):
        typer.echo(f"  {line}")


async def _object(folder: Path, account: bytes, at: tuple[str, int], reason: Reason, note: str) -> Disputed:
    async with visited(folder) as country:
        place = Place(log_named(country, at[0]).origin, at[1])
        account = account or protagonist(folder)
        rows = (await own_history(country, account)).rows
        found = await disputes(country, rows, {place: note})
        if place not in found:
            await object_to(country, account, rows, place, reason)
            found = await disputes(country, (await own_history(country, account)).rows, {place: note})
        return found[place]


def _agency(stands: Disputed) -> Iterator[str]:
    """To whom an objection was passed on, and what that agency has answered: its own words, as letters."""
    if stands.passed is None:
        return
    party, due = stands.passed.party, in_japan(stands.passed.due_ms)
    if stands.reply is None:
        came = "渡した / passed on to" if stands.passed.delivered else "渡そうとしている / being passed on to"
        yield f"機関に{came} {harmless(party)}, 期限 / due {due:%Y-%m-%d}"
        return
    said = stands.reply
    ja, en = _OUTCOMES[said.outcome]
    yield f"{harmless(party)} の答え / answer, {in_japan(said.time_ms):%Y-%m-%d}: {ja} / {en}"
    if said.words:
        yield f"「{harmless(said.words)}」"
