"""Take each defence out of a copy of the source and see the test that defends it fail.

    python tests/attacks/prove.py [claim…] [--shard 1/2] [--resume]

The shared checkout is never changed: the copy lies in a temporary folder that comes first on PYTHONPATH. A
mutation is caught if its test fails in its own body. It survives if the test still passes; where a fixture breaks,
or pytest could not run the test at all, nothing has been attacked and nothing is proved.

Every verdict is kept in .make/prove.jsonl with a digest of the tree that it is about. `--resume` runs only what was not
caught in this very tree; `--shard k/n` takes every n-th test with all its rows, so that n processes share the work.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLES = Path(__file__).resolve().parent / "mutations"
RESULTS = ROOT / ".make" / "prove.jsonl"
TREE = ("src", "gazette", "tests", "vectors", "verify")
COUNTED = re.compile(r"(\d+) (passed|failed|errors?)")
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

    @property
    def key(self) -> str:
        """The same for the same row, wherever it stands."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


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


@dataclass(frozen=True)
class Ran:
    """What pytest said: how many tests passed, failed in their body, or met an error around it."""

    code: int
    passed: int = 0
    failed: int = 0
    errors: int = 0

    @classmethod
    def read(cls, code: int, output: str) -> Ran:
        """From the last line of pytest's own summary."""
        lines = output.strip().splitlines() or [""]
        found = {word.rstrip("s"): int(number) for number, word in COUNTED.findall(lines[-1])}
        return cls(code, found.get("passed", 0), found.get("failed", 0), found.get("error", 0))

    @property
    def sound(self) -> bool:
        """Something ran, and nothing else than passed."""
        return self.code == 0 and self.passed > 0

    @property
    def verdict(self) -> str:
        """With the defence out."""
        if self.failed:
            return "caught"
        return f"ERROR around the test ({self.code})" if self.errors or self.code else "SURVIVED"


def outcome(mutation: Mutation, work: Path) -> Ran:
    """Run the test with the defence out."""
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


def _run(test: str, work: Path) -> Ran:
    options = ["-x", "-p", "no:cacheprovider", "--color=no", "--hypothesis-profile=prove"]
    command = [sys.executable, "-m", "pytest", *options, test]
    environment = {**os.environ, "PYTHONPATH": str(work / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return Ran.read(run.returncode, run.stdout)


@dataclass
class Judge:
    """Says of each mutation whether its test catches it. A test that fails without any mutation catches nothing, so
    each is run once on an unchanged copy first."""

    work: Path
    sound: dict[str, bool] = field(default_factory=dict)

    def verdict(self, row: Mutation) -> str:
        """The word "caught", or why nothing was proved."""
        try:
            if row.test not in self.sound:
                _copy(self.work)
                self.sound[row.test] = _run(row.test, self.work).sound
            if not self.sound[row.test]:
                return "BROKEN: does not pass unchanged"
            return outcome(row, self.work).verdict
        except subprocess.TimeoutExpired:
            return f"HUNG for {SECONDS} s"
        except (ValueError, OSError) as fault:
            return f"STALE: {fault}"


@dataclass
class Kept:
    """Verdicts of earlier runs; those of another tree do not count."""

    path: Path
    tree: str

    def caught(self) -> set[str]:
        """The keys of rows that were caught in this tree."""
        if not self.path.exists():
            return set()
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        return {line["row"] for line in lines if line["tree"] == self.tree and line["verdict"] == "caught"}

    def keep(self, row: Mutation, verdict: str) -> None:
        """One line, in one write: shards may share the file."""
        self.path.parent.mkdir(exist_ok=True)
        line = {"tree": self.tree, "row": row.key, "claim": row.claim, "test": row.test, "verdict": verdict}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def tree_digest(root: Path = ROOT) -> str:
    """Of everything that decides a verdict: source, law, tests and vectors."""
    every = hashlib.sha256()
    for path in sorted(each for name in TREE for each in (root / name).rglob("*") if each.is_file()):
        if "__pycache__" not in path.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            every.update(f"{path.relative_to(root)} {content}\n".encode())
    return every.hexdigest()


def chosen(claims: Collection[str], shard: tuple[int, int] = (1, 1)) -> list[Mutation]:
    """The rows of these claims, all when none is named; of them one shard, which keeps the rows of a test together."""
    rows = [row for row in mutations() if not claims or row.claim in claims]
    tests = list(dict.fromkeys(row.test for row in rows))
    number, of = shard
    mine = set(tests[number - 1 :: of])
    return [row for row in rows if row.test in mine]


def _shard(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError("k/n with 1 ≤ k ≤ n, e.g. 1/2")
    return int(number), int(of)


def _left(seconds: float, done: int, rows: int) -> str:
    minutes, rest = divmod(round(seconds / done * (rows - done)), 60)
    return f"{minutes}m{rest:02} left"


def main(arguments: Sequence[str]) -> int:
    """Print one line per mutation; 1 if one was not caught or nothing was chosen."""
    parser = argparse.ArgumentParser(description="Take each defence out of a copy and see its test fail.")
    parser.add_argument("claims", nargs="*", help="rows of these claims only, e.g. A5 A7")
    parser.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="K/N", help="every N-th test, e.g. 1/2"
    )
    parser.add_argument("--resume", action="store_true", help="leave out what was caught in this very tree")
    asked = parser.parse_args(arguments)
    kept = Kept(RESULTS, tree_digest())
    rows = chosen(asked.claims, asked.shard)
    known = kept.caught() if asked.resume else set()
    open_rows = [row for row in rows if row.key not in known]
    wrong: list[tuple[Mutation, str]] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kakine-prove-") as folder:
        judge = Judge(Path(folder))
        for done, row in enumerate(open_rows, 1):
            verdict = judge.verdict(row)
            if tree_digest() == kept.tree:  # else it is about something that was changed meanwhile
                kept.keep(row, verdict)
            if verdict != "caught":
                wrong.append((row, verdict))
            left = _left(time.monotonic() - begun, done, len(open_rows))
            print(
                f"{done:4}/{len(open_rows)} {left:12} {row.claim:8}{verdict:10} {row.edits[0].file} {row.test}",
                flush=True,
            )
    for row, verdict in wrong:
        print(f"NOT CAUGHT  {row.claim}  {verdict}  {row.edits[0].file}  {row.test}")
    print(f"{len(rows) - len(wrong)} of {len(rows)} caught, {len(rows) - len(open_rows)} of them before")
    return int(bool(wrong) or not rows)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
