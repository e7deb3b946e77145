"""`kakine ask --file`: everybody in a file, taken up where a crash or Ctrl-C left it."""

from __future__ import annotations

import asyncio
import csv
import io
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from kakine.cli.demo_story import RESULTS
from kakine.cli.progress import work
from kakine.cli.visiting import visited
from kakine.crypto import files
from kakine.parties.gateway.app import Gateway
from kakine.parties.gateway.bulk import jobs, store
from kakine.parties.gateway.bulk.jobs import Order, Person
from kakine.parties.gateway.bulk.store import Job, Line, Step
from kakine.values.problems import DomainNotRun, PeopleFileMalformed

COLUMNS = ["reference", "case"]
ANSWERS = ["reference", "case", "result", "items", "data", "problem"]
MOST = 1_000_000
"""People in one file."""
LONGEST = 64
"""Bytes of a reference, and of a case number."""
INTERRUPTED = 130
"""Exit status when somebody stopped it: what was asked is kept, the same command goes on."""


def people_in(path: Path) -> tuple[Person, ...]:
    """The people of a CSV file (UTF-8, RFC 4180) with the columns `reference` and `case`, in its order.

    Raises `PeopleFileMalformed` with the number of the first line that is empty, too long, has another number of fields
    or asks about somebody a second time. No value of a line is named. Line 0 is the file as a whole.
    """
    found = dict[bytes, Person]()
    for number, reference, case in _rows(path):
        person = Person(reference.encode(), case)
        short = 0 < len(person.reference) <= LONGEST and 0 < len(case.encode()) <= LONGEST
        if not short or not (reference + case).isprintable() or person.reference in found:
            raise PeopleFileMalformed(line=number)
        if len(found) == MOST:
            raise PeopleFileMalformed(line=number, most=MOST)
        found[person.reference] = person
    if not found:
        raise PeopleFileMalformed(line=0)
    return tuple(found.values())


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, reference, case) below the head."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            try:
                for row in rows:
                    if len(row) != 2 or (rows.line_num == 1 and row != COLUMNS):
                        raise PeopleFileMalformed(line=rows.line_num)
                    if rows.line_num > 1:
                        yield rows.line_num, row[0], row[1]
            except csv.Error as fault:
                raise PeopleFileMalformed(line=rows.line_num) from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise PeopleFileMalformed(line=0) from fault


def write_answers(path: Path, people: Iterable[Person], lines: Iterable[Line]) -> None:
    """The answers in the order of the file, for this user alone: whole and on disk, or not at all."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(ANSWERS)
    for person, line in zip(people, lines, strict=True):
        told = line.result or line.step, line.items, line.data.decode(), line.problem
        rows.writerow((person.reference.decode(), person.case, *told))
    files.replace(path, text.getvalue().encode())


@contextmanager
def told_to_stop() -> Iterator[asyncio.Event]:
    """An event set by SIGINT and SIGTERM while this lasts: what is under way is finished first."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    signals = signal.SIGINT, signal.SIGTERM
    for each in signals:
        loop.add_signal_handler(each, told.set)
    try:
        yield told
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


async def ask_file(folder: Path, order: Order, out: Path, *, plain: bool) -> None:
    """Ask, hand the answers over, forget them. Raises what refuses; `typer.Exit` when somebody stopped it."""
    async with visited(folder) as country:
        gateway = country.gateways.get(order.domain.party)
        if gateway is None:
            raise DomainNotRun()
        job = await jobs.begin(gateway.office, order)
        await _asked(gateway, job, plain=plain)
        db = gateway.office.db.read()
        write_answers(out, order.people, store.lines(db, job.id))
        for name, many in store.results(db, job.id).items():
            typer.echo(f"{many:>9,}  {RESULTS.get(name, name)}")
        await jobs.end(gateway.office, job)
    typer.echo(f"{job.total:>9,}  → {out}")


async def _asked(gateway: Gateway, job: Job, *, plain: bool) -> None:
    left = store.counts(gateway.office.db.read(), job.id)
    over = job.total - left.get(Step.WAITING, 0) - left.get(Step.UNDER_WAY, 0)
    with told_to_stop() as stop, work("照会 / asked", job.total, plain) as shown:
        shown.advance(over)
        await jobs.run(gateway.desk, gateway.office, job, shown.advance, stop.is_set)
        if shown.count < job.total:
            typer.echo("止めました。同じコマンドで続きます。 / stopped; the same command goes on", err=True)
            raise typer.Exit(INTERRUPTED)
