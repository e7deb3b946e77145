"""What a run has done and found, as a table for people and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from faults.apart.checker import RULES, Verdict


@dataclass
class Report:
    """Counts, and nothing about anybody. `ends` counts questions by how they ended, `skipped` says why a kind of fault
    was not done, `undone` which ones there was no time for, `revived` counts processes that ended by themselves and
    were started again, by party; `ended` why there is no verdict."""

    seed: int
    stores: str
    seconds: float
    faults: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)
    revived: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    looked_at: Mapping[str, int] = field(default_factory=dict)
    breaches: Sequence[Mapping[str, str]] = ()
    undone: Sequence[str] = ()
    ended: str = ""
    took: float = 0

    def judged(self, verdict: Verdict) -> None:
        """Add what the checker found."""
        self.looked_at, self.breaches = dict(verdict.looked_at), [asdict(each) for each in verdict.breaches]

    def text(self) -> str:
        """Markdown."""
        broken = Counter(each["rule"] for each in self.breaches)
        parts = [
            f"# Faults: seed {self.seed}, stores in {self.stores}, {self.seconds:.0f} s\n",
            _table("fault", "injected", self.faults.items()),
            _table("not done", "why", self.skipped.items()) if self.skipped else "",
            _table("started again after it had ended by itself", "times", self.revived.items())
            if self.revived
            else "",
            _table("question ended in", "times", self.ends.items()),
            _table("looked at afterwards", "number", self.looked_at.items()),
            _table("rule", "breaches", ((name, broken[name]) for name in RULES)),
            "\n".join(f"- **{each['rule']}**: {each['about']}" for each in self.breaches[:50]),
            *(f"- not done for lack of time: {each}" for each in self.undone),
            f"**{self.verdict}** after {self.took:.0f} s\n",
        ]
        return "\n".join(part for part in parts if part)

    @property
    def green(self) -> bool:
        """All was looked at, and no rule is broken."""
        return bool(self.looked_at) and not (self.breaches or self.undone or self.ended)

    @property
    def verdict(self) -> str:
        """In a line, with the rules that are broken."""
        if self.green:
            return "green"
        rules = sorted({each["rule"] for each in self.breaches})
        if self.undone:
            rules.append(f"{len(self.undone)} faults not done for lack of time")
        return f"RED: {', '.join([*rules, self.ended] if self.ended else rules) or 'nothing was looked at'}"

    def write(self, folder: Path) -> None:
        """`report.md` and `report.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.md").write_text(self.text())
        (folder / "report.json").write_text(json.dumps(vars(self), ensure_ascii=False, indent=1))


def _table(first: str, second: str, rows: Iterable[tuple[str, object]]) -> str:
    lines = [f"| {first} | {second} |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) + "\n"
