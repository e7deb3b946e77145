"""`kakine monitor`: what anybody can run against a country to see that its public log is honest."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from kakine.cli.ledger_tiles import PolicyOption, one_log, reader
from kakine.cli.visiting import visited
from kakine.clients.monitor import evidence
from kakine.clients.monitor.checks import CHECKS
from kakine.clients.monitor.findings import Code, Fact, Finding, text
from kakine.clients.monitor.memory import Memory
from kakine.clients.monitor.proving import Level, Verdict, check
from kakine.clients.monitor.reading import Limits, Refusal, Watched
from kakine.clients.monitor.rounds import Round, one_round
from kakine.clients.monitor.sources import Files, Mailbox, Running
from kakine.country import LEDGER, ORIGIN, Country, system_clock
from kakine.values.problems import CountryMissing, Problem, StoreInUse
from kakine.wire import policy

app = typer.Typer(
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
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Folder of a country: read it through its public calls.")
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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a look instead of text.")] = False,
) -> None:
    """監視: see for yourself that a country's public log is honest. Anybody may; nobody has to be trusted for it.

    It checks the signed head, reads the entries that are new, builds the tree anew, holds the head against every head
    it or others have seen, and asks the record keepers what they hold. What it has verified it keeps in its own
    folder, so the next run goes on there and notices a log that was put back to yesterday. Exit status 1 if anything
    was found. It sees and stores no person: numbers of entries, counts, hashes. Examples:

      kakine monitor --once --dir country/1-1000

      kakine monitor --dir country/1-1000 --every 60 --evidence found

      kakine monitor --once --tiles public --policy policy.txt --head mirror/checkpoint

      kakine monitor check-evidence found --policy policy.txt
    """
    if context.invoked_subcommand is not None:
        return
    if (directory is None) == (tiles is None) or (tiles is None) != (trusted is None):
        raise typer.BadParameter("give --dir, or --tiles together with --policy")
    limits = Limits(skew, owed, heartbeat, indexed)
    plan = _Plan(directory, tiles, trusted, head or [], limits, again, out, as_json)
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
            {"code": v.finding.code, "level": v.level, "why": v.why, "facts": v.finding.facts}
            for v in verdicts
        ]
        typer.echo(json.dumps({"findings": rows}, ensure_ascii=False))
    else:
        for line in _verdict_lines(verdicts):
            typer.echo(line)
    if any(verdict.level is Level.BROKEN for verdict in verdicts):
        raise typer.Exit(1)


def _verdict_lines(verdicts: list[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        level = text("levels", verdict.level)
        yield f"[{verdict.finding.code}]"
        for sentence, said in zip(_sentences(verdict.finding), level, strict=True):
            yield f"  {sentence}"
            yield f"    → {said}" + (f" [{verdict.why}]" if verdict.why else "")
    if not verdicts:
        yield "所見なし / no findings"


def _repeat(plan: _Plan, memory: Memory, every: int) -> bool:
    """Look until interrupted; whether anything was ever found. A country that is in use is looked at next time."""
    found = False
    try:
        while True:
            try:
                found |= _look(plan, memory)
            except StoreInUse as problem:
                typer.echo(str(problem), err=True)
            plan = _Plan(**{**plan.__dict__, "again": False})
            time.sleep(every)
    except KeyboardInterrupt:
        typer.echo("", err=True)
    return found


def _look(plan: _Plan, memory: Memory) -> bool:
    """One look, told and kept; whether anything was found."""
    done = asyncio.run(_round(plan, memory))
    if isinstance(done, Round):
        return _told(plan, done, done.findings)
    facts: dict[str, Fact] = {"party": done.party, "problem": done.problem, "part": done.part}
    return _told(plan, None, [Finding(Code.PARTY_REFUSED, facts)])


async def _round(plan: _Plan, memory: Memory) -> Round | Refusal:
    reported = [(f"head {number}", path.read_bytes()) for number, path in enumerate(plan.heads, 1)]
    async with AsyncExitStack() as stack:
        if plan.directory is not None:
            try:
                country = await stack.enter_async_context(visited(plan.directory))
            except (CountryMissing, StoreInUse):
                raise  # nothing was asked, so nobody refused
            except Problem as problem:
                return Refusal.of(refuser(problem), problem)
            watched = watched_country(country, reported)
        else:
            watched = _static(plan, reported)
        keep = plan.evidence is not None
        return await one_round(memory, watched, plan.limits, system_clock(), again=plan.again, evidence=keep)


def _static(plan: _Plan, reported: list[tuple[str, bytes]]) -> Watched:
    assert plan.tiles is not None  # noqa: S101 - the command line has seen to it
    assert plan.policy is not None  # noqa: S101
    origin, key = one_log(plan.policy, plan.tiles)
    return Watched(origin, key, Files("tiles", reader(plan.tiles), origin, key), (), reported)


def watched_country(country: Country, reported: list[tuple[str, bytes]]) -> Watched:
    """The log and the record keepers of a country, as any party may call them; keys are those of the gazette."""
    peers, law = country.peers("portal"), country.book("portal").in_force(country.site.clock())
    keepers = [Mailbox(peers, name, law.signing_key(name), ORIGIN) for name in law.keeper_parties]
    return Watched(ORIGIN, law.log_key(LEDGER), Running(peers, LEDGER), keepers, reported)


def refuser(problem: Problem) -> str:
    """The party that did not start: as the country noted it, else the innermost whose code the problem came through.

    A country in one process starts all parties or none, and the problem itself does not name one.
    """
    noted = getattr(problem, "__notes__", [])
    if noted:
        return str(noted[-1])
    found, at = "country", problem.__traceback__
    while at is not None:
        package = str(at.tb_frame.f_globals.get("__name__", "")).split(".")
        if package[:2] == ["kakine", "parties"]:
            found = package[2]
        at = at.tb_next
    return found


def _told(plan: _Plan, done: Round | None, findings: list[Finding]) -> bool:
    if plan.as_json:
        typer.echo(json.dumps(_as_data(done, findings), ensure_ascii=False))
    else:
        for line in _lines(done, findings):
            typer.echo(line)
    if plan.evidence is not None and findings:
        evidence.write(plan.evidence, done.reading.watched.origin if done else "", findings)
        typer.echo(f"証拠 / evidence: {plan.evidence}", err=plan.as_json)
    return bool(findings)


def _as_data(done: Round | None, findings: list[Finding]) -> dict[str, Any]:
    at = done.reading.at if done else None
    rows = []
    for each in findings:
        japanese, english = _sentences(each)
        rows.append({"code": each.code, "facts": each.facts, "ja": japanese, "en": english})
    states = {name: state for name, state, _ in _states(done)} if done else {}
    return {
        "size": at.size if at else None,
        "root": at.root.hex() if at else None,
        "checks": states,
        "findings": rows,
    }


def _states(done: Round) -> Iterator[tuple[str, str, str]]:
    """(check, "clean", "found" or "open", why it was not judged)."""
    for each in CHECKS:
        lacks = each.lacks(done.reading)
        state = "found" if done.found[each.name] else "open" if lacks else "clean"
        yield each.name, state, lacks


def _lines(done: Round | None, findings: list[Finding]) -> Iterator[str]:
    if done is None:
        yield "台帳を読めなかった / the log could not be read"
    else:
        reading = done.reading
        at, new = reading.at, len(reading.tail.kinds) if reading.tail else 0
        size = f"{at.size} 件 / entries, 新規 / new {new}, root {at.root.hex()[:16]}…" if at else "–"
        yield f"■ {reading.watched.origin}: {size}"
        marks = {"clean": "✓", "found": "✗", "open": "–"}
        for name, state, lacks in _states(done):
            japanese, english = text("checks", name)
            yield f"{marks[state]} {japanese} / {english}" + (f" ({lacks})" if lacks else "")
    for finding in findings:
        japanese, english = _sentences(finding)
        since = "（以前から / from an earlier look）" if done and finding in done.earlier else ""
        yield f"\n[{finding.code}]{since}\n  {japanese}\n  {english}"
    if not findings:
        yield "所見なし / nothing found"


def _sentences(finding: Finding) -> tuple[str, ...]:
    """Facts come from others, or from a file: nothing in them may look like a line of its own."""
    return tuple("".join(c if c.isprintable() else "?" for c in each) for each in finding.sentences())
