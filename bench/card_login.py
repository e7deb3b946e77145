"""What a card costs: `make bench-card-login`. Prints Markdown, in well under a minute.

    python bench/card_login.py [--folder DIR] [--rounds 200]

The card and its terminal run in one process, over the bytes of real commands; there is no reader. A *login* is: select,
PIN, certificate, a signature over a fresh challenge, and the verifier's check of signature and issuer. Status of the
certificate is not part of it. CPU is that of the process; the rest of the wall clock is the disk: a right PIN is two
durable commits, so two bare commits of the same engine and settings to the same folder stand beside as the floor.
*Through PC/SC* is what `opensc-tool` takes for a command and is not measured here.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import Column, Integer, MetaData, Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from cards import CHOSEN, KINDS, LOGIN, authority, certificates, copied, desk, payload, personalised, verify
from kakine.crypto.chipkeys import check_issued
from kakine.runtime.database import alone


def timed(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """(CPU, wall) in milliseconds, medians."""
    cpu, wall = [], []
    for _ in range(rounds):
        before, began = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - before)
        wall.append(time.perf_counter() - began)
    return median(cpu) * 1000, median(wall) * 1000


def logins(folder: Path, kind: str, rounds: int) -> tuple[float, float]:
    """Of one login with an active card."""
    issuer = authority().own()
    with desk(copied(kind, folder / f"{kind}.card")) as at:
        pin = CHOSEN[kind][LOGIN[kind]]

        def login() -> None:
            challenge = os.urandom(32)
            at.terminal.verify(LOGIN[kind], pin)
            certificate = at.terminal.certificate("authentication")
            signature = at.terminal.sign("authentication", payload(kind, challenge))
            verify(certificate, signature, challenge)
            check_issued(certificate, issuer)

        login()
        return timed(login, rounds)


def making(folder: Path, kind: str, rounds: int) -> tuple[float, float]:
    """Of one card, from nothing to its requests: keys drawn, files written."""
    numbers = iter(range(rounds + 1))
    return timed(lambda: personalised(folder / f"new-{kind}-{next(numbers)}.card", kind), rounds)


def certifying(folder: Path, kind: str, rounds: int) -> tuple[float, float]:
    """Of the test authority's two certificates for one card (RSA-2048)."""
    requests = personalised(folder / f"requests-{kind}.card", kind)
    return timed(lambda: certificates(requests), rounds)


def floor(folder: Path, rounds: int) -> tuple[float, float]:
    """Of two bare commits."""
    table = MetaData()
    Table("bare", table, Column("value", Integer))
    with alone(folder / "floor.sqlite", table) as connection:

        def two() -> None:
            connection.execute("INSERT INTO bare VALUES (1)")
            connection.execute("DELETE FROM bare")

        return timed(two, rounds)


def measure(folder: Path, rounds: int) -> list[tuple[str, float, float]]:
    """(what, CPU ms, wall ms) of every row."""
    rows = []
    for kind in KINDS:
        rows.append((f"login, {kind}", *logins(folder, kind, rounds)))
    rows.append(("floor: two durable commits", *floor(folder, rounds)))
    for kind in KINDS:
        rows.append((f"making a card, {kind}", *making(folder, kind, max(2, rounds // 10))))
        rows.append(
            (f"two certificates of a test authority, {kind}", *certifying(folder, kind, max(2, rounds // 10)))
        )
    return rows


def table(rows: list[tuple[str, float, float]]) -> str:
    """Markdown."""
    lines = ["| | CPU ms | wall ms | a second and core |", "|---|---|---|---|"]
    lines += [f"| {what} | {cpu:.2f} | {wall:.2f} | {1000 / cpu:,.0f} |" for what, cpu, wall in rows]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, help="where the cards lie: the disk that is measured")
    parser.add_argument("--rounds", type=int, default=200)
    told = parser.parse_args()
    where = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{where}; {told.rounds} rounds\n")
    with tempfile.TemporaryDirectory(dir=told.folder) as folder:
        print(table(measure(Path(folder), told.rounds)))


if __name__ == "__main__":
    main()
