"""Receipts of one ledger beside floors and a peer of the same run: `make bench-ledger`. Prints Markdown, in about four
minutes; progress goes to stderr.

    python bench/ledger.py [--folder DIR] [--rounds 5] [--leaves 1000000]

- *receipt* is everything from the decoded request on: the checks of both filings' signatures, the sequencer, a durable
  commit, the read-back, the signer with a durable commit of its own in another file, the proof. Callers ask again as
  soon as they are answered. Each request carries 1 entry or 50.
- *group commit* answers as many callers, who bring the same entries and ask again as soon as they are answered.
  Whatever waits, up to as many entries as the ledger takes, goes into one transaction of the same rows, same engine
  and settings; after its commit all of them are answered. It checks nothing, hashes nothing and has no signer.
- *bare* writes the very rows that this ledger just wrote, in the very groups in which it wrote them, into a new file of
  the same engine with the same settings, and does nothing else: one thread, no callers. Nobody can use it.
- *checked* is *group commit* and, for each request, one after the other, the two checks of an Ed25519 signature that no
  ledger can save which lets in only what both record keepers have signed.
- *pymerkle* is pymerkle's tree on SQLite with its own settings, a transaction and a proof for each request; it takes
  one caller at a time and signs nothing. It is installed into `.make/pymerkle` for this and used for nothing else.

A round measures each shape right beside its floors; figures are medians over the rounds, ratios medians of the ratios
of each round, so that what else the machine does touches both. On a machine that does other work as well the ratios of
processor time, in brackets, say more: they count all threads, and waiting for the disk and for others not at all.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import ledger_floors as floors
import ledger_million
import ledger_parts
from ledger_load import receipts

HERE = Path(__file__).resolve().parent

SHAPES = [(1, 1, 1000), (64, 1, 100), (1000, 1, 10), (1, 50, 100), (64, 50, 6), (1000, 50, 1)]
"""(callers, entries in a request, requests of each caller)."""

PEER_ENTRIES = {1: 150, 50: 1500}


def measure(folder: Path, rounds: int, with_peer: bool) -> list[dict[str, Any]]:
    """A row for each shape: medians of figures and of ratios."""
    runs: dict[tuple[int, int], list[dict[str, float]]] = {}
    for turn in range(rounds):
        for callers, count, each in SHAPES:
            with tempfile.TemporaryDirectory(dir=folder) as made:
                place = Path(made)
                ours, growths = receipts(place / "ledger", callers, count, each)
                floor = floors.bare(place / "bare", growths)
                grouped = floors.group_commit(place / "grouped", callers, count, each)
                check = floors.signature_check()
                checked = 1 / (1 / grouped.rate + check / count)
                run = {
                    "rate": ours.rate, "p50": ours.p50, "p99": ours.p99, "cpu": ours.cpu,
                    "group": sum(len(growth.entries) for growth in growths) / len(growths),
                    "grouped": grouped.rate, "grouped_p50": grouped.p50, "grouped_cpu": grouped.cpu,
                    "slower_grouped": grouped.rate / ours.rate, "cpu_grouped": ours.cpu / grouped.cpu,
                    "slower_checked": checked / ours.rate,
                    "cpu_checked": ours.cpu / (grouped.cpu + check / count * 1e6),
                    "bare": floor.rate, "slower": floor.rate / ours.rate, "cpu_bare": ours.cpu / floor.cpu,
                }  # fmt: skip
                if with_peer:
                    theirs = floors.peer("receipts", place / "peer", PEER_ENTRIES[count], count)
                    run |= {"peer": theirs["receipt"], "peer_append": theirs["append"]}
                    run["faster"] = ours.rate / theirs["receipt"]
                    run["faster_append"] = ours.rate / theirs["append"]
            runs.setdefault((callers, count), []).append(run)
            print(f"round {turn + 1} of {rounds}: {callers:,} × {count} measured", file=sys.stderr)
    return [
        {
            "callers": callers,
            "entries": count,
            **{name: median(run[name] for run in each) for name in each[0]},
        }
        for (callers, count), each in runs.items()
    ]


COLUMNS = {
    "receipts/s": "rate:,.0f", "p50 ms": "p50:.2f", "p99 ms": "p99:.2f", "processor µs": "cpu:.1f",
    "group": "group:.0f",
    "group commit/s": "grouped:,.0f", "its p50 ms": "grouped_p50:.2f", "its processor µs": "grouped_cpu:.1f",
    "group commit ÷ ours (processor)": "slower_grouped:.1f cpu_grouped:.1f",
    "checked ÷ ours (processor)": "slower_checked:.1f cpu_checked:.1f",
}  # fmt: skip
FURTHER = {
    "receipts/s": "rate:,.0f", "bare/s": "bare:,.0f", "bare ÷ ours (processor)": "slower:.1f cpu_bare:.1f",
    "pymerkle/s": "peer:,.0f", "ours ÷ pymerkle": "faster:.1f", "its append alone/s": "peer_append:,.0f",
    "ours ÷ that": "faster_append:.1f",
}  # fmt: skip
"""Heading, and the figures under it with their formats; a second figure stands in brackets."""


def table(rows: list[dict[str, Any]], columns: dict[str, str]) -> str:
    """Markdown. A figure that was not measured leaves its place empty."""
    lines = [f"| callers × entries a request | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|"]
    for row in rows:
        cells = [" ".join(_cells(row, wanted)) for wanted in columns.values()]
        lines.append(f"| {row['callers']:,} × {row['entries']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(row: dict[str, Any], wanted: str) -> Iterator[str]:
    for nth, each in enumerate(wanted.split()):
        name, _, form = each.partition(":")
        if name in row:
            yield f"({row[name]:{form}})" if nth else f"{row[name]:{form}}"


def machine() -> str:
    """What this was measured on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} before), "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()} "
        f"{platform.machine()}, commit {commit or 'unknown'}"
    )


def report(folder: Path, rounds: int, leaves: int) -> str:
    """Everything, as Markdown to paste into docs/performance.md."""
    missing = floors.install_peer()
    rows = measure(folder, rounds, not missing)
    lines = [table(rows, COLUMNS), "", table(rows, FURTHER), ""]
    if missing:
        lines += [f"**No comparison with pymerkle was made: {missing}**", ""]
    lines += [ledger_parts.table(ledger_parts.measure(folder)), ""]
    lines.append(ledger_million.table(ledger_million.measure(folder, leaves, receipts, floors.bare, rounds)))
    if not missing:
        theirs = floors.peer("proofs", folder / "pymerkle", leaves, 15)
        lines.append(
            f"| pymerkle: proof / first root | {theirs['proof_ms']:.1f} ms / {theirs['root_ms']:,.0f} ms |"
        )
    print(f"completeness index of {leaves:,} rows", file=sys.stderr)
    # A process of its own, so that its memory is its own.
    command = [sys.executable, HERE / "index.py", str(leaves)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines += ["", f"Completeness index of {leaves:,} rows:", "", done.stdout.strip()]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, help="where the files go; the disk under it is what is measured"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    chosen = parser.parse_args()
    print(machine() + "\n", flush=True)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as made:
        print(report(Path(made), chosen.rounds, chosen.leaves))
