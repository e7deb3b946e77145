"""`kakine history`: what a resident reads about themselves, with its proofs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli import history_copy
from kakine.cli.demo_journal import Journal
from kakine.cli.demo_story import Words, completeness_lines, history_lines, retention_lines
from kakine.cli.own_history import Read, own_history
from kakine.cli.own_objections import disputes
from kakine.cli.remembered import Since, keep, kept, since
from kakine.cli.visiting import DirOption, visited
from kakine.country import LOGIN, Country
from kakine.institutions.families import Family, Roster
from kakine.protocols.decisions import consents_in
from kakine.protocols.words import words_of
from kakine.values.labels import DomainName
from kakine.values.problems import AccountUnknown, CountryMissing
from kakine.wire.gazette import Sealing


def history(
    directory: DirOption,
    person: Annotated[
        str, typer.Option(help="Account at the portal; without it the person of whom the demo's story tells.")
    ] = "",
    export: Annotated[
        Path | None,
        typer.Option(help="Folder for receipts, records and the policy file, to be checked elsewhere."),
    ] = None,
    remember: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="File of your own that keeps the heads of the logs for your next reading."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The list as one JSON object.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The list as CSV, safe for spreadsheets.")] = False,
) -> None:
    """Read a resident's history: who asked whom about them, under which article, and what was answered.

    Each line is shown only after it has verified: opened with this session's key alone, committed to in the
    public ledger, proved to be in it, and counted by a record keeper. Where one of them, or its public index, lacks
    a row that another shows, that is said, and the exit code is 1. Where the person has objected to a line
    (`kakine object`) the commission is asked how it stands. With --remember, each log must have grown out of what it
    showed at your last reading: one that shows you alone another history is caught. Example:

      kakine history --dir country/1-1000

      kakine history --dir country/1-1000 --export mine

      kakine verify mine/42.tlog-proof --record mine/42.record.json

      kakine history --dir country/1-1000 --csv > mine.csv
    """
    if as_json and as_csv:
        raise typer.BadParameter("either --json or --csv")
    write = _json if as_json else _csv if as_csv else None
    read, lines = asyncio.run(_read(directory, person.encode(), export, remember, write))
    for line in lines:
        typer.echo(line, nl=write is None)
    if not read.complete:
        raise typer.Exit(1)


def _json(read: Read, country: Country) -> str:
    return history_copy.as_json(read, country.site.clock())


def _csv(read: Read, country: Country) -> str:
    return history_copy.as_csv(read, json.loads(words_of(country.site.pack)))


async def _read(
    folder: Path,
    account: bytes,
    export: Path | None,
    remember: Path | None,
    write: Callable[[Read, Country], str] | None = None,
) -> tuple[Read, list[str]]:
    before = kept(remember) if remember else {}
    async with visited(folder) as country:
        read = await own_history(country, account or protagonist(folder), export)
        found = await since(country, before)
        if remember:
            keep(remember, found)
        read = replace(read, accused={**read.accused, **found.accused})
        if write is not None:
            return read, [write(read, country)]
        stands = await disputes(country, read.rows)
        words = Words(country.site.pack, sealings(country))
        shown = list(history_lines(read.lines, words, stands, consents_in(read.rows)))
        opened = read.verified - len(read.erased)
        proofs = f"{read.signed} rows signed for, {opened} opened, verified and found in the ledger"
        public = f"{read.witnessed} of {read.verified} publicly witnessed / 公の証人が確認"
        aged = [f"△ 最新と確認できない / not known to be of now: {said}" for said in read.stale.values()]
        worse = [f"× {origin}: {said}" for origin, said in read.accused.items()]
        retained, grown = retention_lines(read), list(_grown(found))
        believed = (
            f"信頼する鍵と方針の指紋 / fingerprint of the keys and the policy believed: {read.fingerprint}"
        )
        said = [proofs, public, believed, *grown, *aged, *worse, *completeness_lines(read)]
        return read, [*shown, *retained, *said]


def _grown(found: Since) -> Iterator[str]:
    for origin, size in found.grown.items():
        yield (
            f"前回({size} 件)から、台帳 {origin} は増えただけです。 / "
            f"since your last reading, at {size} entries, {origin} has only grown."
        )


def sealings(country: Country) -> dict[str, Sealing]:
    """By row why records under it may be withheld, or might be once, by the latest version of the law that says so."""
    versions = country.book("portal").published
    return {entry.id: entry for law in versions for entry in law.gazette.sealings}


def protagonist(folder: Path) -> bytes:
    """Account of the person of whom the demo's story tells. Raises `CountryMissing`, `AccountUnknown`."""
    return protagonist_at(folder, lambda _: LOGIN)[1]


def protagonist_at(folder: Path, at: Callable[[Family], DomainName]) -> tuple[DomainName, bytes]:
    """A domain that follows from that person's family, and the person's reference there. Raises as `protagonist`."""
    if not (folder / "demo.sqlite").is_file():
        raise CountryMissing()
    journal = Journal(folder / "demo.sqlite")
    try:
        number, about = journal.steps.get("protagonist"), journal.steps["about"]
    finally:
        journal.close()
    if number is None:
        raise AccountUnknown()
    roster = Roster(about["residents"], about["seed"])
    family = roster.families[number]
    return at(family), roster.reference(at(family), family.members[0])
