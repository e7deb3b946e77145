"""One completeness index of a million rows: how long to make, to prove, to check, to audit.

    python bench/index.py [rows]

The floor beside it is what no implementation saves: two HMACs and a leaf hash a row, and the sorting of the rows.
"""

from __future__ import annotations

import hashlib
import hmac
import resource
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from kakine.protocols.index import Index, Listed, opened_row, tag_of, verify_absence, verify_presence
from kakine.protocols.index_check import audit
from kakine.wire.entry import Entry, EntryFlags, EntryKind
from kakine.wire.index import GENESIS

ORIGIN = "ledger.example/2026/a"
DAY = 20_500
PROOFS = 2000

T = TypeVar("T")


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    done = work()
    return time.perf_counter() - begun, done


def _floor(lists: list[Listed]) -> None:
    place = b"LCX-v1/" + bytes(48)
    rows = [hmac.digest(each.key, place, "sha256") + hmac.digest(each.key, place, "sha256") for each in lists]
    rows.sort()
    for row in rows:
        hashlib.sha256(row).digest()


def measure(rows: int = 1_000_000) -> dict[str, float]:
    """Seconds, and milliseconds for one proof; two entries a row."""
    lists = [Listed(hashlib.sha256(b"%d" % n).digest(), DAY, (2 * n, 2 * n + 1)) for n in range(rows)]
    figures: dict[str, float] = {}
    figures["floor, s"], _ = _timed(lambda: _floor(lists))
    figures["index, s"], index = _timed(lambda: Index(ORIGIN, 0, 2 * rows, lists))
    figures["memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    root = index.root("mailbox", GENESIS)
    absent = [hashlib.sha256(b"absent %d" % n).digest() for n in range(PROOFS)]
    present = [tag_of(each.key, ORIGIN, 0, DAY) for each in lists[:PROOFS]]
    took, proofs = _timed(lambda: [index.prove(tag) for tag in absent])
    figures["absence, ms"] = took * 1000 / PROOFS
    took, _ = _timed(lambda: [verify_absence(root, *each) for each in zip(absent, proofs, strict=True)])
    figures["absence checked, ms"] = took * 1000 / PROOFS
    took, proofs = _timed(lambda: [index.prove(tag) for tag in present])
    figures["presence, ms"] = took * 1000 / PROOFS
    took, _ = _timed(lambda: [verify_presence(root, *each) for each in zip(present, proofs, strict=True)])
    figures["presence checked, ms"] = took * 1000 / PROOFS
    entry = Entry(EntryKind.REQUEST, 7, 400, EntryFlags(0), DAY * 1440, bytes(32), bytes(32))
    opened = sorted((opened_row(each, ORIGIN, 0) for each in lists), key=lambda row: row.tag)
    figures["audit, s"], _ = _timed(lambda: audit(root, opened, dict.fromkeys(range(2 * rows), entry)))
    return figures


def table(figures: dict[str, float]) -> str:
    """A table in Markdown."""
    lines = ["| | |", "|---|---|", *(f"| {name} | {value:.3g} |" for name, value in figures.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)))
