"""All measurements in one run on one machine: `make bench`. Prints Markdown; takes about twelve minutes.

    python bench/run.py [--residents 100000] [--only chain exchange ledger memory]

Every figure stands beside a peer or a floor of the same run. Nothing here passes or fails; docs/performance.md
says what is aimed at and where we fall short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import chain
import exchange
import ledger

HERE = Path(__file__).resolve().parent


def _machine() -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, commit {commit or 'unknown'}"
    )


def _chain(_: argparse.Namespace) -> str:
    result = chain.run(items=64, rounds=5, repeats=3)
    missing = f"\n\n**No comparison was made: {result['missing']}**" if result["missing"] else ""
    return "```\n" + chain.table(result) + "\n```" + missing


def _exchange(_: argparse.Namespace) -> str:
    return exchange.table(asyncio.run(exchange.measure()))


def _ledger(_: argparse.Namespace) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return ledger.report(Path(folder), rounds=3, leaves=1_000_000)


def _memory(chosen: argparse.Namespace) -> str:
    # A process of its own, so that nothing measured before counts.
    out = subprocess.run(
        [sys.executable, str(HERE / "memory.py"), "--residents", str(chosen.residents)],
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(out.stdout)
    return (
        f"{figures['residents']} residents entered, numbered, enrolled and known to two agencies each, "
        f"in {figures['seconds']:.0f} s: peak {figures['peak_mb']:.0f} MB for all parties together "
        f"({figures['founded_mb']:.0f} MB before the first resident)"
    )


SECTIONS: dict[str, tuple[str, Callable[[argparse.Namespace], str]]] = {
    "chain": ("Conversion beside libpep", _chain),
    "exchange": ("Exchanges in one process", _exchange),
    "ledger": ("Receipts of the ledger, and a completeness index of a million rows", _ledger),
    "memory": ("Memory", _memory),
}


def main() -> None:
    """Run the chosen sections, each printed as soon as it is done."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--residents", type=int, default=100_000)
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    chosen = parser.parse_args()
    print(f"# Measurements\n\n{_machine()}\n", flush=True)
    for name in chosen.only:
        title, measure = SECTIONS[name]
        print(f"## {title}\n", flush=True)
        print(measure(chosen) + "\n", flush=True)


if __name__ == "__main__":
    main()
