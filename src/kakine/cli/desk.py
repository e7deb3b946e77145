"""`kakine desk`: the staff and the journal of an agency's desk, by whoever has the machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from kakine.cli.apart_desk import runs_apart, tell
from kakine.cli.desks import desk_at
from kakine.cli.verify import harmless
from kakine.cli.visiting import DirOption, visited
from kakine.contracts.desk import (
    DESK_STAFF,
    DESK_STAFF_ADD,
    DESK_STAFF_CODE,
    DESK_STAFF_KIN,
    DESK_STAFF_STATE,
    Added,
    CodeFor,
    Colleague,
    KinOf,
    OfDesk,
    StateOf,
)
from kakine.parties.gateway.desk import complaints, journal, people
from kakine.parties.gateway.desk.calls import colleague
from kakine.parties.gateway.desk.complaints import Complaint
from kakine.parties.gateway.desk.office import DAY_MS, CaseDesk
from kakine.parties.gateway.desk.people_store import Role, State, Use
from kakine.parties.gateway.desk.unexplained import Unexplained
from kakine.parties.gateway.desk.unexplained import unexplained as find_unexplained
from kakine.values.calendar import in_japan
from kakine.wire.objection import MOST_WORDS, Outcome

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="職員の窓口: the staff and the journal of an agency's desk.")
staff = typer.Typer(no_args_is_help=True, help="職員: who may work at the desk.")
app.add_typer(staff, name="staff")

AsOption = Annotated[str, typer.Option("--as", help="Domain whose desk it is: yokohama/children.")]
OfficialOption = Annotated[str, typer.Option(help="Reference of the person: official-0123456789.")]


@staff.command()
def add(
    directory: DirOption,
    domain: AsOption,
    name: Annotated[str, typer.Option(help="Name, as colleagues see it.")],
    unit: Annotated[str, typer.Option(help="Unit (係).")],
    role: Annotated[Role, typer.Option(help="What the person does.")] = Role.CLERK,
) -> None:
    """職員を加える: prints the person's reference and a code with which they enrol within three days."""
    if runs_apart(directory, domain):
        made = tell(directory, domain, DESK_STAFF_ADD, Added(domain, name, unit, role.value))
        typer.echo(f"{made.official}  {made.code}")
        return

    async def work(desk: CaseDesk) -> str:
        person, code = await people.add(desk, None, name, unit, role)
        return f"{person.official}  {code}"

    typer.echo(_at(directory, domain, work))


@staff.command(name="list")
def list_(directory: DirOption, domain: AsOption) -> None:
    """職員の一覧: also those who left, so that a complaint that names a reference finds its person."""

    async def work(desk: CaseDesk) -> list[Colleague]:
        return [colleague(each) for each in people.all_of(desk, None)]

    apart = runs_apart(directory, domain)
    found = (
        tell(directory, domain, DESK_STAFF, OfDesk(domain)).people if apart else _at(directory, domain, work)
    )
    for each in found:
        typer.echo(f"{each.official}  {each.role:13}  {each.state:7}  {each.unit}  {each.name}")


@staff.command()
def code(
    directory: DirOption,
    domain: AsOption,
    official: OfficialOption,
    use: Annotated[
        Use, typer.Option(help="For one shift, or to enrol anew (ends all ways in of before).")
    ] = Use.SHIFT,
) -> None:
    """コードを渡す: prints a one-time code."""
    if runs_apart(directory, domain):
        typer.echo(tell(directory, domain, DESK_STAFF_CODE, CodeFor(domain, official, use.value)).code)
        return
    typer.echo(_at(directory, domain, lambda desk: people.print_code(desk, None, official, use)))


@staff.command()
def lock(directory: DirOption, domain: AsOption, official: OfficialOption) -> None:
    """止める: the person does not come in until unlocked."""
    _set_state(directory, domain, official, State.LOCKED)


@staff.command()
def unlock(directory: DirOption, domain: AsOption, official: OfficialOption) -> None:
    """再び使えるようにする: with a new code the person comes in again."""
    _set_state(directory, domain, official, State.ACTIVE)


@staff.command()
def remove(directory: DirOption, domain: AsOption, official: OfficialOption) -> None:
    """外す: for good. The reference stays, for records name it."""
    _set_state(directory, domain, official, State.REMOVED)


def _set_state(directory: Path, domain: str, official: str, new: State) -> None:
    if runs_apart(directory, domain):
        tell(directory, domain, DESK_STAFF_STATE, StateOf(domain, official, new.value))
    else:
        _at(directory, domain, lambda desk: people.set_state(desk, None, official, new))


@staff.command()
def kin(
    directory: DirOption,
    domain: AsOption,
    official: OfficialOption,
    reference: Annotated[
        list[str], typer.Option(help="The agency's own reference of the person or a relative.")
    ],
) -> None:
    """本人・親族の届出: on these files the person does not work."""
    references = [each.encode() for each in reference]
    if runs_apart(directory, domain):
        tell(directory, domain, DESK_STAFF_KIN, KinOf(domain, official, references))
        return
    _at(directory, domain, lambda desk: people.declare_kin(desk, None, official, references))


@app.command(name="journal")
def journal_(
    directory: DirOption,
    domain: AsOption,
    check: Annotated[
        bool, typer.Option("--check", help="Recompute every hash, and print their number and the last.")
    ] = False,
    most: Annotated[int, typer.Option(min=1, help="How many lines, newest first.")] = 50,
) -> None:
    """記録を読む: the newest lines of the journal. It names no resident.

    Note the last hash of `--check` elsewhere: a journal that was cut off or written anew does not have it any more.
    """

    async def work(desk: CaseDesk) -> list[str]:
        db = desk.office.db.read()
        if check:
            lines, last = journal.check(db)
            return [f"{lines} lines, last hash {last.hex()}"]
        return [_line(each) for each in journal.latest(db, desk.domain, most)]

    for line in _at(directory, domain, work):
        typer.echo(line)


@app.command()
def unexplained(
    directory: DirOption,
    domain: AsOption,
    days: Annotated[int, typer.Option(min=1, help="How many days back.")] = 1,
) -> None:
    """事案のない照会を探す: requests of this domain that no case explains, for a nightly look. Exits 1 for any.

    Batch jobs and `kakine ask` go past the desk, so they stand here too. Each is in the history of whom it was about.
    """

    async def work(desk: CaseDesk) -> list[Unexplained]:
        return find_unexplained(desk, desk.now_ms - days * DAY_MS)

    found = _at(directory, domain, work)
    for each in found:
        when = in_japan(each.time_ms).strftime("%Y-%m-%d %H:%M")
        rows = " ".join(each.rows)
        typer.echo(
            f"{when}  {each.procedure}  {rows}  {each.people - each.in_cases} of {each.people} in no case"
        )
    if found:
        raise typer.Exit(1)


@app.command(name="claims")
def claims_(directory: DirOption, domain: AsOption) -> None:
    """異議と訂正請求: what people have against exchanges of this domain, oldest first, with the day by which the
    commission names an agency that has not answered. Notes are for this agency alone: mind who sees the screen.
    """

    async def work(desk: CaseDesk) -> list[str]:
        found = [await complaints.seen(desk, None, each.id) for each in await complaints.listed(desk, None)]
        return [line for each in found for line in _claim(each)]

    for line in _at(directory, domain, work):
        typer.echo(line)


@app.command()
def answer(
    directory: DirOption,
    domain: AsOption,
    xid: Annotated[str, typer.Argument(help="The claim, as `kakine desk claims` shows it.")],
    outcome: Annotated[Outcome, typer.Option(help="What was done.")],
    words: Annotated[
        str, typer.Option(help="To the person, at most 1,000 characters; the ground, where kept.")
    ],
) -> None:
    """異議・訂正請求に答える: once; it is sealed to the person, and the commission hears only that it was answered.

    Example: kakine desk answer 0f3c… --as yokohama/tax --outcome corrected --words 直しました
    """
    if len(words) > MOST_WORDS:
        raise typer.BadParameter(f"at most {MOST_WORDS} characters")
    _at(directory, domain, lambda desk: complaints.answer(desk, None, xid, outcome, words))


def _claim(found: Complaint) -> list[str]:
    said = found.claim
    filed, due = (in_japan(ms).strftime("%Y-%m-%d") for ms in (found.kept.since_ms, found.due_ms))
    state = found.reply.outcome.value if found.reply else f"answer by {due}"
    who = said.official or "-"
    head = f"{found.id}  {filed}  {said.reason.value:10}  {state}  {who}  {' '.join(said.items)}"
    return [harmless(head).rstrip(), *([f"  {harmless(said.note)}"] if said.note else [])]


def _line(line: journal.Line) -> str:
    when = in_japan(line.time_ms).strftime("%Y-%m-%d %H:%M")
    return f"{when}  {line.official or '-':19}  {line.what:18}  {line.case or '-':11}  {line.about}".rstrip()


def _at(folder: Path, domain: str, work: Callable[[CaseDesk], Awaitable[T]]) -> T:
    async def run() -> T:
        async with _desk(folder, domain) as desk:
            return await work(desk)

    return asyncio.run(run())


@asynccontextmanager
async def _desk(folder: Path, domain: str) -> AsyncIterator[CaseDesk]:
    async with visited(folder) as country:
        yield desk_at(country, domain)
