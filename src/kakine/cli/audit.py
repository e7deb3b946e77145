"""`kakine audit`: the commission checks the converters."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from kakine.cli.own_objections import count_objections
from kakine.cli.visiting import DirOption, visited
from kakine.parties.commission.audit_store import Objection, Verdict
from kakine.protocols.objections import Counted
from kakine.wire.canonical import decode
from kakine.wire.request import Place

_KINDS = {
    "window": "一件ごとの照会の検算 / single exchanges, checked in windows",
    "dispute": "争いの裁定 / disputes",
    "objection": "異議への回答 / objections answered",
    "enrolment": "登録の抽出検査 / sampled enrolments",
    "count": "提供件数の突合 / releases counted against the log",
    "index": "記録保管者の索引の突合 / completeness indexes of the record keepers compared",
}


def audit(
    directory: DirOption,
    samples: Annotated[
        int, typer.Option(min=0, max=1000, help="Enrolments to look at, drawn at random.")
    ] = 0,
) -> None:
    """Check every single exchange (mode S0+) that has not been checked yet, count releases, sample enrolments, and
    answer objections.

    The auditor sees blinded points and which link a request was on, never a person. It goes on where it stopped, and
    keeps every verdict. Exit status 1 if any of them names a fault. Example:

      kakine audit --dir country/1-1000 --samples 20
    """
    verdicts, left, counts = asyncio.run(_run(directory, samples))
    for kind, words in _KINDS.items():
        found = [verdict for verdict in verdicts if verdict.kind == kind]
        faults = [verdict for verdict in found if verdict.fault]
        requests = sum(verdict.requests for verdict in found)
        typer.echo(f"{words}: {len(found)} ({requests}), 誤り / faults: {len(faults)}")
        for verdict in faults:
            typer.echo(f"  {verdict.party}: {verdict.fault}  {verdict.subject.hex()[:16]}")
    typer.echo(
        f"異議 / objections: {counts.objections}, 回答 / answers: {counts.answers}, 期限超過 / late: {counts.late}"
    )
    for each, late in left:
        said = "期限超過 / late" if late else "回答待ち / not answered yet"
        typer.echo(f"  #{decode(each.place, Place).index}: {said}  {each.waiting}".rstrip())
    if any(verdict.fault for verdict in verdicts) or counts.late:
        raise typer.Exit(1)


async def _run(folder: Path, samples: int) -> tuple[list[Verdict], list[tuple[Objection, bool]], Counted]:
    async with visited(folder) as country:
        left = await country.auditor.answer_objections()
        late = country.auditor.late(left)
        await country.auditor.check_windows()
        await country.auditor.check_counts()
        await country.auditor.check_indexes()
        if samples:
            await country.auditor.sample_enrolments(samples)
        counts = await count_objections(country)
        return country.auditor.verdicts(), [(each, each in late) for each in left], counts
