"""`kakine monitor`: what anybody can run against a country to see that its public log is honest."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperGroup

from kakine.cli.ledger_tiles import PolicyOption, one_log, reader
from kakine.cli.monitor_country import erasing, refuser, watched_country
from kakine.cli.monitor_stores import stored
from kakine.cli.monitor_words import as_data, lines, verdict_lines
from kakine.cli.visiting import visited
from kakine.clients.monitor import evidence
from kakine.clients.monitor.erasures import Erasing
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.memory import Memory
from kakine.clients.monitor.proving import check
from kakine.clients.monitor.reading import Limits, Refusal, Watched
from kakine.clients.monitor.rounds import Look, look
from kakine.clients.monitor.sources import Files
from kakine.country import LOGS, system_clock
from kakine.values.problems import CheckpointInvalid, CountryMissing, Problem, StoreInUse
from kakine.wire import policy
from kakine.wire.checkpoint import origin_of


class _WithFolder(TyperGroup):
    """`kakine monitor FOLDER`: a word that is no command is the folder of a country."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.allow_interspersed_args = not any(word in self.commands for word in args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        params = super().get_params(ctx)
        return [each for each in params if ctx.allow_interspersed_args or not isinstance(each, TyperArgument)]


app = typer.Typer(
    cls=_WithFolder,
    invoke_without_command=True,
    help="監視: see for yourself that a country's public log is honest.",
)

_FILE = {"exists": True, "dir_okay": False}


@dataclass(frozen=True)
class _Plan:
    """What the command line asked for."""

    directory: Path | None
    tiles: Path | None
    policy: Path | None
    heads: list[Path]
    limits: Limits
    again: bool
    evidence: Path | None
    as_json: bool


@app.callback()
def monitor(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The same as --dir.")] = None,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="Folder of a country: read both its logs through its public calls."),
    ] = None,
    tiles: Annotated[
        Path | None,
        typer.Option(
            help="Folder of static files instead, of the log or of a mirror.", exists=True, file_okay=False
        ),
    ] = None,
    trusted: Annotated[
        Path | None,
        typer.Option("--policy", help="With --tiles: the policy that names the log's key.", **_FILE),
    ] = None,
    head: Annotated[
        list[Path] | None,
        typer.Option(
            help="A signed head that was seen elsewhere, as a file; may stand several times.", **_FILE
        ),
    ] = None,
    state: Annotated[
        Path, typer.Option(help="The monitor's own folder; heads it has verified stay there.")
    ] = Path("monitor"),
    once: Annotated[
        bool, typer.Option("--once", help="Look once and exit; 1 if anything was found.")
    ] = False,
    every: Annotated[int, typer.Option(min=1, help="Without --once: seconds between two looks.")] = 10,
    again: Annotated[
        bool, typer.Option("--again", help="First read every entry and tile again, not only the new ones.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--evidence", help="Folder to write what shows the findings to others into."),
    ] = None,
    heartbeat: Annotated[
        int | None,
        typer.Option(min=1, help="Seconds in which an entry is promised. Without it silence is not judged."),
    ] = None,
    indexed: Annotated[
        int | None,
        typer.Option(
            min=1, help="Minutes in which an entry is promised to be indexed. Without it no index is late."
        ),
    ] = None,
    skew: Annotated[int, typer.Option(min=0, help="Minutes by which times may go back or ahead.")] = 10,
    owed: Annotated[int, typer.Option(min=10, help="Minutes after which a missing outcome is named.")] = 10,
    erased: Annotated[
        int, typer.Option(min=0, help="Days after which a month that is over must have been erased.")
    ] = 31,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look instead of text.")] = False,
) -> None:
    """監視: see for yourself that a country's public log is honest. Anybody may; nobody has to be trusted for it.

    Of each log it checks the signed head, reads the entries that are new, builds the tree anew, holds the head against
    every head it or others have seen, and asks the record keepers what they hold and have indexed. What it has verified
    it keeps in its own folder, so the next run goes on there and notices a log that was put back to yesterday. Exit
    status 1 if anything was found. It sees and stores no person: numbers of entries, counts, hashes. Examples:

      kakine monitor country/1-1000 --once

      kakine monitor country/1-1000 --every 60 --evidence found

      kakine monitor --once --tiles public --policy policy.txt --head mirror/checkpoint

      kakine monitor check-evidence found --policy policy.txt
    """
    if context.invoked_subcommand is not None:
        return
    if (folder, directory, tiles).count(None) != 2 or (tiles is None) != (trusted is None):
        raise typer.BadParameter("give DIR, or --tiles together with --policy")
    limits = Limits(skew, owed, heartbeat, indexed, erased)
    plan = _Plan(folder or directory, tiles, trusted, head or [], limits, again, out, as_json)
    memory = Memory(state)
    try:
        found = _look(plan, memory) if once else _repeat(plan, memory, every)
    finally:
        memory.close()
    if found:
        raise typer.Exit(1)


@app.command("check-evidence")
def check_evidence(
    folder: Annotated[
        Path, typer.Argument(help="Folder that --evidence wrote.", exists=True, file_okay=False)
    ],
    trusted: PolicyOption,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """証拠を確かめる: say what a folder of evidence proves, with the policy alone. No network, no country.

    Each finding is proven by the log's own signatures, or somebody's signed word, or only reported. Exit status 1 if
    any evidence does not show what it says. Example:

      kakine monitor check-evidence found --policy policy.txt
    """
    verdicts = check(evidence.load(folder), policy.decode(trusted.read_bytes()))
    if as_json:
        rows = [
            {
                "code": v.finding.code,
                "log": v.finding.log,
                "level": v.level,
                "why": v.why,
                "facts": v.finding.facts,
            }
            for v in verdicts
        ]
        typer.echo(json.dumps({"findings": rows}, ensure_ascii=False))
    else:
        for line in verdict_lines(verdicts):
            typer.echo(line)
    if any(verdict.level is Level.BROKEN for verdict in verdicts):
        raise typer.Exit(1)


def _repeat(plan: _Plan, memory: Memory, every: int) -> bool:
    """Look until interrupted; whether anything was ever found. A country that is in use is looked at next time.

    The look under way is finished first: asyncio may lose an interrupt that comes near its end. A second interrupt ends
    it at once.
    """
    found, stop = False, Event()
    usual = signal.getsignal(signal.SIGINT)

    def interrupted(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, interrupted)
    try:
        while not stop.is_set():
            try:
                found |= _look(plan, memory)
            except StoreInUse as problem:
                typer.echo(str(problem), err=True)
            plan = replace(plan, again=False)
            stop.wait(every)
    finally:
        signal.signal(signal.SIGINT, usual)
    return found


def _look(plan: _Plan, memory: Memory) -> bool:
    """One look, told and kept; whether anything was found."""
    done = asyncio.run(_done(plan, memory))
    if plan.as_json:
        typer.echo(json.dumps(as_data(done), ensure_ascii=False))
    else:
        for line in lines(done):
            typer.echo(line)
    if plan.evidence is not None and done.findings:
        evidence.write(plan.evidence, done.findings)
        typer.echo(f"証拠 / evidence: {plan.evidence}", err=plan.as_json)
    return bool(done.findings)


async def _done(plan: _Plan, memory: Memory) -> Look:
    if plan.directory is None:
        return await _at(plan, memory, [_static(plan)])
    try:
        async with visited(plan.directory) as country:
            every = country.readable()
            heads = _reported(plan.heads, [log.origin for log in every])
            logs = [watched_country(country, heads[log.origin], log) for log in every]
            return await _at(plan, memory, logs, erasing=erasing(country))
    except (CountryMissing, StoreInUse):
        raise  # nothing was asked, so nobody refused
    except Problem as problem:
        refusal = Refusal.of(refuser(problem), problem)
    heads = _reported(plan.heads, [log.origin for log in LOGS])
    with stored(plan.directory, heads, memory) as logs:
        return await _at(plan, memory, logs, refusal)


async def _at(
    plan: _Plan, memory: Memory, logs: list[Watched], *refused: Refusal, erasing: Erasing | None = None
) -> Look:
    keep, now_ms = plan.evidence is not None, system_clock()
    how = {"again": plan.again, "evidence": keep}
    return await look(memory, logs, plan.limits, now_ms, **how, refused=refused, erasing=erasing)


def _static(plan: _Plan) -> Watched:
    assert plan.tiles is not None  # noqa: S101 - the command line has seen to it
    assert plan.policy is not None  # noqa: S101
    origin, key = one_log(plan.policy, plan.tiles)
    heads = _reported(plan.heads, [origin])[origin]
    return Watched(origin, key, Files("tiles", reader(plan.tiles), origin, key), (), heads)


def _reported(heads: list[Path], origins: list[str]) -> dict[str, list[tuple[str, bytes]]]:
    """Heads that were handed over, by their log; what is a head of none is judged with the first."""
    found: dict[str, list[tuple[str, bytes]]] = {origin: [] for origin in origins}
    for number, path in enumerate(heads, 1):
        note = path.read_bytes()
        try:
            origin = origin_of(note)
        except CheckpointInvalid:
            origin = ""
        found[origin if origin in found else origins[0]].append((f"head {number}", note))
    return found
