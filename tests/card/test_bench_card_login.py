"""`make bench-card-login` measures cards as they are today: a small run of the same program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def test_every_row_has_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "bench"))
    monkeypatch.delitem(sys.modules, "card_login", raising=False)
    import card_login  # type: ignore[import-not-found]

    rows = card_login.measure(tmp_path, 2)
    assert len(rows) == 7
    assert all(cpu > 0 and wall > 0 for _, cpu, wall in rows)
    assert card_login.table(rows).count("\n") == 8
