"""`make bench-ledger` measures the ledger as it is today: a small run of the same program, without its peer."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """bench/ledger.py with few callers."""
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ("ledger", "ledger_million"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import ledger  # type: ignore[import-not-found]

    monkeypatch.setattr(ledger, "SHAPES", [(3, 1, 2), (2, 50, 1)])
    return ledger


def test_the_floor_writes_the_rows_that_the_ledger_wrote(bench: ModuleType, tmp_path: Path) -> None:
    """Entry by entry, and in the same groups; each checkpoint comes with a group after its own."""
    from kakine.parties.ledger.store import METADATA, Store
    from kakine.runtime.database import Database

    _, growths = bench.receipts(tmp_path / "ours", 3, 50, 2)
    bench.bare(tmp_path / "floor", growths)
    found = []
    for name in ("ours", "floor"):
        database = Database.open(tmp_path / name, METADATA)
        store = Store(database)
        sizes = [size for (size,) in database.read().execute("SELECT size FROM checkpoint ORDER BY size")]
        found.append((list(store.all_entries()), store.head(), store.last_note(), sizes))
        database.close()
    assert found[0] == found[1]
    assert len(found[0][0]) == 300
    assert 0 < len(found[0][3]) < len(growths)


def test_every_shape_gets_a_row_and_every_figure_a_place(bench: ModuleType, tmp_path: Path) -> None:
    rows = bench.measure(tmp_path, rounds=1, with_peer=False)
    assert [(row["callers"], row["entries"]) for row in rows] == [(3, 1), (2, 50)]
    assert bench.table(rows).count("\n") == 3
    figures = bench.ledger_million.measure(tmp_path, 2000, bench.receipts, bench.bare, 1)
    assert figures["raw_mb"] == pytest.approx(2000 * 64 / 1e6, rel=0.01)
    assert "restart" in bench.ledger_million.table(figures)
