"""`kakine demo`: the whole country in one process, from the first entry to the last proof."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.demo_checks import audit, check_history, check_receipts, head, leaks, traces
from kakine.cli.demo_journal import Journal
from kakine.cli.demo_login import ISSUER, PIN, hand_over, log_in, service_of
from kakine.cli.demo_steps import Stage
from kakine.cli.demo_story import Facts, Words, tell
from kakine.cli.serve_sites import Ports, serve_sites
from kakine.cli.visiting import program, site
from kakine.country import LOGIN, Country
from kakine.institutions.cases import Inquiry, applications, yearly_check
from kakine.institutions.families import Family, Roster
from kakine.parties.registry.numbering import check_numbers
from kakine.values.problems import PromiseBroken

LEAST = 60
"""The households that broke real systems come always, and they are some fifty people."""


def demo(
    residents: Annotated[int, typer.Option(min=LEAST, help="How many synthetic residents.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 1,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="Where to keep it all. Without it: country/SEED-RESIDENTS."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Make the last line one JSON object; progress in plain lines.")
    ] = False,
    serve: Annotated[
        bool | None,
        typer.Option(
            "--serve/--no-serve",
            help="End by serving the three sites. Without either: in a terminal yes, else no.",
        ),
    ] = None,
) -> None:
    """Run the whole country: enter residents, decide on allowances, check every promise, serve the three sites.

    A start that was broken off (even by kill -9) goes on where it stopped when started again with the same
    folder; a finished one is checked and told again. Exits 1 if any promise does not hold.

    Afterwards, with D the folder and R a reference that the story prints:

      kakine history --dir D

      kakine ask --dir D --as yokohama/children --procedure JO106 --row JO106.2 \\
          --provider yokohama/tax --reference R

      kakine ledger check --dir D

      kakine gazette diff 0 1 --dir D
    """
    folder = directory or Path("country") / f"{seed}-{residents}"
    words = program(shutil.which("kakine"), Path(sys.executable), Path.cwd())
    facts = asyncio.run(run(folder, residents, seed, as_json, words))
    if as_json:
        typer.echo(facts.as_json())
    broken = [name for name, kept in facts.promises().items() if not kept]
    if broken:
        raise PromiseBroken(promises=broken)
    if serve or (serve is None and sys.stdout.isatty() and not as_json):
        asyncio.run(serve_sites(folder, Ports()))


async def run(folder: Path, residents: int, seed: int, plain: bool, words: Sequence[str]) -> Facts:
    """All steps not done yet, then the checks and the story. Raises what refuses or does not verify.

    `words` begin each command that is proposed at the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / "demo.sqlite")
    try:
        await journal.about(residents, seed)
        ground = site(folder)
        async with await Country.open(ground) as country:
            stage = Stage(country, journal, Roster(residents, seed), plain)
            family = await _play(stage)
            facts = await _facts(stage, family)
            for line in tell(facts, Words(ground.pack)):
                typer.echo(line)
            await _invite(stage, family, words)
            return facts
    finally:
        journal.close()


async def _play(stage: Stage) -> Family:
    await stage.settle()
    await stage.country.refresh()
    await stage.interview()
    await stage.check_all()
    await stage.country.refresh()
    # Chosen once: what is asked later about the chosen person would change who has most answers.
    number = int(await stage.journal.done("protagonist", stage.protagonist().number))
    family = stage.roster.families[number]
    await stage.refuse(family)
    await stage.change_number(family)
    await stage.stop(family)
    await log_in(stage, family)
    return family


def _asked(stage: Stage, family: Family) -> list[Inquiry]:
    bulk = [each for group in yearly_check(stage.roster).values() for each in group]
    return [*applications(stage.roster), *bulk, stage.after_number(family)]


async def _facts(stage: Stage, family: Family) -> Facts:
    country, journal, roster = stage.country, stage.journal, stage.roster
    await country.index()
    witnessed = await country.have_witnessed()
    history = await check_history(country, journal, roster, family, _asked(stage, family))
    known = traces(country, roster, family, await stage.numbers(family))
    return Facts(
        roster.size,
        await check_numbers(country.registry.db),
        journal.results(),
        journal.figures(),
        family,
        history,
        journal.steps["refused"],
        journal.steps["stopped"],
        journal.steps["number"],
        await log_in(stage, family),
        service_of(country),
        await check_receipts(country),
        await audit(country),
        leaks(country, known),
        min(len(each.cosigned) for each in witnessed),
        await head(country),
    )


async def _invite(stage: Stage, family: Family, words: Sequence[str]) -> None:
    """What to type next, as a shell in this folder takes it."""
    question, folder = stage.tax_inquiry(family).question, ("--dir", str(stage.country.site.folder))
    account = stage.roster.reference(LOGIN, family.members[0]).decode()
    who = ("--as", question.domain, "--reference", question.reference.decode())
    what = ("--procedure", question.procedure, "--row", question.rows[0], "--provider", question.provider)
    card = (await hand_over(stage, family)).card
    typer.echo("\n■ 続けて / Go on:")
    for command in (
        ("history", *folder, "--person", account),
        ("ask", *folder, *who, *what),
        ("ledger", "check", *folder),
        ("audit", *folder),
        ("serve", "sites", *folder),
        ("login", "helper", "--card", str(card), "--origin", ISSUER),
    ):
        typer.echo(f"  {shlex.join((*words, *command))}")
    typer.echo(f"カードの暗証番号 / the card's PIN: {PIN}")
