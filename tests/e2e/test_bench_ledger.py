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
    for name in ("ledger", "ledger_floors", "ledger_load", "ledger_million", "ledger_parts"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import ledger  # type: ignore[import-not-found]

    monkeypatch.setattr(ledger, "SHAPES", [(3, 1, 2), (2, 50, 1)])
    return ledger


PEER = {"peer": 1.0, "faster": 1.0, "peer_append": 1.0, "faster_append": 1.0}


def test_the_floor_writes_the_rows_that_the_ledger_wrote(bench: ModuleType, tmp_path: Path) -> None:
    """Entry by entry, and in the same groups; each checkpoint comes with a group after its own."""
    from kakine.parties.ledger.store import METADATA, Store
    from kakine.runtime.database import Database

    _, growths = bench.receipts(tmp_path / "ours", 3, 50, 2)
    bench.floors.bare(tmp_path / "floor", growths)
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


def test_the_floor_with_callers_answers_each_where_its_rows_stand(bench: ModuleType, tmp_path: Path) -> None:
    """As many callers, each with rows of its own, and every row durable under its own tag."""
    from kakine.parties.ledger.store import METADATA, Store
    from kakine.runtime.database import Database

    bench.floors.group_commit(tmp_path / "floor", 3, 50, 2)
    database = Database.open(tmp_path / "floor", METADATA)
    store = Store(database)
    assert store.head().size == 300
    for number in range(6):
        asked = bench.floors.request(number, 50)
        tags = [asked.tags[at : at + 32] for at in range(0, len(asked.tags), 32)]
        assert b"".join(store.find_all(tags)[tag][1] for tag in tags) == asked.entries
    database.close()


def test_every_shape_gets_a_row_and_every_figure_a_place(bench: ModuleType, tmp_path: Path) -> None:
    rows = bench.measure(tmp_path, rounds=1, with_peer=False)
    assert [(row["callers"], row["entries"]) for row in rows] == [(3, 1), (2, 50)]
    for columns in (bench.COLUMNS, bench.FURTHER):
        shown = bench.table([*rows, rows[0] | PEER], columns).split("\n")
        assert {line.count("|") for line in shown} == {2 + len(columns)}
        assert "|  |" not in shown[-1]
    figures = bench.ledger_million.measure(tmp_path, 2000, bench.receipts, bench.floors.bare, 1)
    assert figures["raw_mb"] == pytest.approx(2000 * 64 / 1e6, rel=0.01)
    assert "restart" in bench.ledger_million.table(figures)


def test_the_parts_of_a_receipt_are_measured_where_the_ledger_does_them(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.ledger_parts, "SHAPES", [(2, 1, 2)])
    found = bench.ledger_parts.measure(tmp_path)
    assert all(spent > 0 for spent in found[2, 1].values())
    assert bench.ledger_parts.table(found).count("\n") == 1 + len(found[2, 1])
