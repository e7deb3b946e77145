"""What a receipt is made of: processor time of each part, one entry a request, 64 and 1,000 callers. Part of
bench/ledger.py.

Each part is timed where the ledger does it, on the thread that does it. What no part covers is the rest: callers,
futures, the event loop, the signer, hand-overs between threads, and the meters themselves.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import ledger_load
from kakine.crypto.merkle import Tree
from kakine.parties.ledger import sequencer, use_cases
from kakine.parties.ledger.head import Head
from kakine.parties.ledger.store import Store
from kakine.runtime.sqlite import SqliteDatabase
from kakine.wire import filing

SHAPES = [(64, 1, 100), (1000, 1, 10)]

PARTS: list[tuple[str, Any, str]] = [
    ("signatures of the filings, and reading them", filing, "opened"),
    ("that the filings cover the entries", filing.Filing, "covers"),
    ("who must have filed", use_cases.Duties, "_check_filers"),
    ("a place for each, repeats", sequencer.Sequencer, "_place"),
    ("leaf hashes, twice", sequencer, "leaf_hash"),
    ("the tree and its root", Tree, "append"),
    ("reading back", Store, "entries"),
    ("proofs", Head, "receipt"),
    ("transactions of ledger and signer, on their threads", SqliteDatabase, "_transact"),
]
"""(what it is, where its function is, the function's name); none of them waits for another or is in another."""


@contextmanager
def _timed(parts: list[tuple[str, Any, str]]) -> Iterator[dict[str, float]]:
    spent: dict[str, float] = defaultdict(float)

    def meter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            begun = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                spent[name] += time.thread_time() - begun

        return timed

    with ExitStack() as undo:
        for name, place, function in parts:
            undo.enter_context(patch.object(place, function, meter(name, getattr(place, function))))
        yield spent


def measure(folder: Path) -> dict[tuple[int, int], dict[str, float]]:
    """µs of processor time an entry, in all and of each part, by (callers, entries a request)."""
    found = {}
    for callers, count, each in SHAPES:
        with TemporaryDirectory(dir=folder) as made, _timed(PARTS) as spent:
            ours, _ = ledger_load.receipts(Path(made) / "ledger", callers, count, each)
        entries = callers * count * each
        parts = {name: 1e6 * spent[name] / entries for name, _, _ in PARTS}
        found[callers, count] = {"all": ours.cpu, **parts, "the rest": ours.cpu - sum(parts.values())}
        print(f"parts of {callers:,} × {count} measured", file=sys.stderr)
    return found


def table(found: dict[tuple[int, int], dict[str, float]]) -> str:
    """Markdown."""
    shapes = list(found)
    lines = [
        "| processor µs an entry | "
        + " | ".join(f"{callers:,} × {count}" for callers, count in shapes)
        + " |",
        "|---|" + "---|" * len(shapes),
    ]
    for name in found[shapes[0]]:
        cells = [f"{found[shape][name]:.1f}" for shape in shapes]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
