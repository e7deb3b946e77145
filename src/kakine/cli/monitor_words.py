"""What a look of the monitor found, in lines and as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kakine.clients.monitor.checks import CHECKS, TOGETHER
from kakine.clients.monitor.findings import Finding, text
from kakine.clients.monitor.proving import Verdict
from kakine.clients.monitor.rounds import Look, Round

_MARKS = {"clean": "✓", "found": "✗", "open": "–"}


def as_data(done: Look) -> dict[str, Any]:
    """For `--json`."""
    logs = [
        {
            "log": each.reading.watched.origin,
            "size": each.reading.at.size if each.reading.at else None,
            "root": each.reading.at.root.hex() if each.reading.at else None,
            "checks": {name: state for name, state, _ in _states(each)},
        }
        for each in done.rounds
    ]
    rows = []
    for finding in done.findings:
        japanese, english = _sentences(finding)
        told = {"code": finding.code, "log": finding.log, "facts": finding.facts}
        rows.append({**told, "ja": japanese, "en": english})
    together = {name: state for name, state, _ in _states_together(done)}
    return {"logs": logs, "checks": together, "findings": rows}


def _states(done: Round) -> Iterator[tuple[str, str, str]]:
    """(check, "clean", "found" or "open", why it was not judged)."""
    for each in CHECKS:
        lacks = each.lacks(done.reading)
        yield each.name, _state(done.found[each.name], lacks), lacks


def _states_together(done: Look) -> Iterator[tuple[str, str, str]]:
    for each in TOGETHER:
        lacks = each.lacks(done.whole)
        yield each.name, _state(done.together[each.name], lacks), lacks


def _state(found: list[Finding], lacks: str) -> str:
    return "found" if found else "open" if lacks else "clean"


def lines(done: Look) -> Iterator[str]:
    """For people."""
    earlier = [each for one in done.rounds for each in one.earlier]
    if not done.rounds:
        yield "台帳を読めなかった / no log could be read"
    for each in done.rounds:
        reading = each.reading
        at, new = reading.at, len(reading.tail.kinds) if reading.tail else 0
        size = f"{at.size} 件 / entries, 新規 / new {new}, root {at.root.hex()[:16]}…" if at else "–"
        yield f"■ {reading.watched.origin}: {size}"
        yield from _checked(_states(each))
    if done.rounds:
        yield "■ すべての台帳 / all logs"
        yield from _checked(_states_together(done))
    for finding in done.findings:
        since = "（以前から / from an earlier look）" if finding in earlier else ""
        yield f"\n[{finding.code}] {finding.log}".rstrip() + since
        for sentence in _sentences(finding):
            yield f"  {sentence}"
    if not done.findings:
        yield "所見なし / nothing found"


def _checked(states: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    for name, state, lacks in states:
        japanese, english = text("checks", name)
        yield f"{_MARKS[state]} {japanese} / {english}" + (f" ({lacks})" if lacks else "")


def verdict_lines(verdicts: list[Verdict]) -> Iterator[str]:
    """What evidence is worth."""
    for verdict in verdicts:
        level = text("levels", verdict.level)
        yield f"[{verdict.finding.code}] {_printable(verdict.finding.log)}".rstrip()
        for sentence, said in zip(_sentences(verdict.finding), level, strict=True):
            yield f"  {sentence}"
            yield f"    → {said}" + (f" [{verdict.why}]" if verdict.why else "")
    if not verdicts:
        yield "所見なし / no findings"


def _sentences(finding: Finding) -> tuple[str, ...]:
    return tuple(map(_printable, finding.sentences()))


def _printable(told: str) -> str:
    """Facts come from others, or from a file: nothing in them may look like a line of its own."""
    return "".join(c if c.isprintable() else "?" for c in told)
