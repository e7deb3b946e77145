"""A job over a file in a country that runs apart: `kakine ask --file`, as an agency's clerk would run it.

Counted is all that the clerk waits for: the start of the command, the job, the file with the answers. Part of
bench/country.py.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kakine.cli.apart_processes import about

DOMAIN, PROVIDER, PROCEDURE, ROW = "yokohama/children", "yokohama/residents", "JO106", "JO106.3"


def people(folder: Path) -> Sequence[str]:
    """Whom that desk knows, by its own references. More residents, more people in the file."""
    return sorted({str(each["reference"]) for each in about(folder).questions if each["domain"] == DOMAIN})


def run(folder: Path, known: Sequence[str], case: str) -> dict[str, Any]:
    """Ask about everybody once, under case numbers of this run alone."""
    file, out = folder / "people.csv", folder / f"answers-{case}.csv"
    file.write_text("reference,case\n" + "".join(f"{each},{case}-{each}\n" for each in known))
    what = ["--as", DOMAIN, "--provider", PROVIDER, "--procedure", PROCEDURE, "--row", ROW, "--plain"]
    command = [sys.executable, "-m", "kakine", "ask", "--dir", str(folder), *what]
    begun = time.perf_counter()
    done = subprocess.run(
        [*command, "--file", str(file), "--out", str(out)], capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"the job over a file: {done.stderr}")
    return {**counted(out), "seconds": seconds, "per_second": len(known) / seconds}


def counted(out: Path) -> dict[str, Any]:
    """What came of the people of a file."""
    with out.open(encoding="utf-8", newline="") as lines:
        results = Counter(row["result"] or f"refused: {row['problem']}" for row in csv.DictReader(lines))
    return {"count": results.total(), "results": dict(results)}
