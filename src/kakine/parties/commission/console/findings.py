"""What monitors have found, out of folders that anybody may have sent: shown as codes, numbers and names of the law.

Nothing that stands in such a folder is trusted to be what it says: a text in it might be somebody's name, a long
number somebody's number. So no text of it reaches a page unless the law or the policy has the very same, and no number
of ten digits or more.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from kakine.clients.monitor import evidence
from kakine.clients.monitor.findings import Finding, text
from kakine.clients.monitor.levels import Level
from kakine.clients.monitor.proving import check
from kakine.values.problems import EvidenceMalformed, Problem
from kakine.wire.policy import Policy

MOST_FOLDERS = 50
MOST_FINDINGS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")
_WITHHELD = "…"
_NUMBERS = 10**9


@dataclass(frozen=True)
class Shown:
    """One finding: its sentences, how far the evidence reaches, and what failed or which keys are to be compared."""

    code: str
    log: str
    level: Level
    why: str
    ja: str
    en: str


@dataclass(frozen=True)
class Folder:
    """One folder. `problem` is the code of why it is not read, "" if it is; `more` are findings that are not listed."""

    name: str
    findings: list[Shown]
    problem: str = ""
    more: int = 0


def folders(at: Path, policy: Policy, known: Collection[str]) -> list[Folder]:
    """The folders in this one, by name. `known` are names of the law that may stand in a sentence."""
    if not at.is_dir():
        return []
    names = {*known, *(log.name for log in policy.logs)}
    return list(_read(at, policy, names))


def _read(at: Path, policy: Policy, names: Collection[str]) -> Iterator[Folder]:
    found = sorted(each for each in at.iterdir() if each.is_symlink() or each.is_dir())
    for number, each in enumerate(found[:MOST_FOLDERS], 1):
        fit = bool(_NAME.match(each.name))
        name = each.name if fit else f"#{number}"
        try:
            if not fit or each.is_symlink():
                raise EvidenceMalformed(part="folder")
            verdicts = check(evidence.load(each), policy)
        except Problem as problem:
            part = str(problem.facts.get("part", ""))
            yield Folder(name, [], f"{problem.code} {part}".rstrip())
            continue
        shown = [
            Shown(str(one.finding.code), one.finding.log, one.level, one.why, *sentences(one.finding, names))
            for one in verdicts[:MOST_FINDINGS]
        ]
        yield Folder(name, shown, more=len(verdicts) - len(shown))


def sentences(finding: Finding, names: Collection[str]) -> tuple[str, str]:
    """日本語 and English; facts that might be of a person are left out."""

    def fit(value: object) -> bool:
        return 0 <= value < _NUMBERS if isinstance(value, int) else value in names

    facts: defaultdict[str, object] = defaultdict(lambda: _WITHHELD)
    facts |= {name: value if fit(value) else _WITHHELD for name, value in finding.facts.items()}
    ja, en = text("findings", str(finding.code))
    return ja.format_map(facts), en.format_map(facts)
