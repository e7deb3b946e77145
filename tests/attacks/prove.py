"""Take each defence out of a copy of the source and see the test that defends it fail.

    python tests/attacks/prove.py [claim…]

The shared checkout is never changed: the copy lies in a temporary folder that comes first on PYTHONPATH. A
mutation survives if its test still passes, or if pytest could not run it at all (exit code other than 1).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLES = Path(__file__).resolve().parent / "mutations"
FAILED = 1  # pytest: tests ran and some failed
SECONDS = 300


@dataclass(frozen=True)
class Edit:
    """One text in one file, and what takes its place."""

    file: str
    old: str
    new: str

    def occurrences(self, root: Path) -> int:
        """How often the old text stands in the file below `root`. Raises OSError if there is no such file."""
        return (root / self.file).read_text().count(self.old)

    def apply(self, root: Path) -> None:
        """Change the copy below `root`. Raises ValueError unless the old text stands there exactly once."""
        found = self.occurrences(root)
        if found != 1:
            raise ValueError(f"{self.file}: the old text stands there {found} times")
        path = root / self.file
        path.write_text(path.read_text().replace(self.old, self.new))


@dataclass(frozen=True)
class Mutation:
    """A claim, the test that defends it, and the defence that is taken out."""

    claim: str
    test: str
    edits: tuple[Edit, ...]


def mutations(tables: Path = TABLES) -> list[Mutation]:
    """Every row of every table. Raises KeyError or tomllib.TOMLDecodeError on a malformed one."""
    rows = [
        row for table in sorted(tables.glob("*.toml")) for row in tomllib.loads(table.read_text())["mutation"]
    ]
    return [_mutation(row) for row in rows]


def _mutation(row: dict[str, object]) -> Mutation:
    further = row.get("also", [])
    assert isinstance(further, list)
    edits = tuple(Edit(str(edit["file"]), str(edit["old"]), str(edit["new"])) for edit in [row, *further])
    return Mutation(str(row["claim"]), str(row["test"]), edits)


def outcome(mutation: Mutation, work: Path) -> int:
    """Run the test with the defence out, and hand back pytest's exit code."""
    _copy(work)
    for edit in mutation.edits:
        edit.apply(work)
    return _run(mutation.test, work)


def _copy(work: Path) -> None:
    copy = work / "src"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    # The pack is found from where the package lies. A copy, no link: an edit through a link would change the checkout.
    pack = work / "gazette"
    shutil.rmtree(pack, ignore_errors=True)
    shutil.copytree(ROOT / "gazette", pack)


def _run(test: str, work: Path) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": str(work / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, timeout=SECONDS, check=False
    )
    return run.returncode


@dataclass
class Judge:
    """Says of each mutation whether its test catches it. A test that fails without any mutation catches nothing, so
    each is run once on an unchanged copy first."""

    work: Path
    sound: dict[str, bool] = field(default_factory=dict)

    def verdict(self, row: Mutation) -> str:
        """The word "caught", or why nothing was proved."""
        if row.test not in self.sound:
            _copy(self.work)
            self.sound[row.test] = _run(row.test, self.work) == 0
        if not self.sound[row.test]:
            return "BROKEN: fails unchanged"
        try:
            code = outcome(row, self.work)
        except (ValueError, OSError) as fault:
            return f"STALE: {fault}"
        return "caught" if code == FAILED else f"SURVIVED ({code})"


def chosen(claims: Collection[str]) -> list[Mutation]:
    """The rows of these claims; all rows when none is named."""
    return [row for row in mutations() if not claims or row.claim in claims]


def main(claims: Sequence[str]) -> int:
    """Print one line per mutation; 1 if one survived or nothing was chosen."""
    survived = 0
    rows = chosen(claims)
    with tempfile.TemporaryDirectory(prefix="kakine-prove-") as folder:
        judge = Judge(Path(folder))
        for row in rows:
            verdict = judge.verdict(row)
            survived += verdict != "caught"
            print(f"{row.claim:8}{verdict:14}{row.edits[0].file:48}{row.test}", flush=True)
    print(f"{len(rows) - survived} of {len(rows)} caught")
    return int(bool(survived) or not rows)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
