"""`make bench-card` measures logins by card as they are today: a small run of the same program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def test_every_row_of_a_login_has_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "bench"))
    for name in ("card", "card_login"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import card  # type: ignore[import-not-found]

    card.logins(tmp_path / "logins", 2, together=2)
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 16
    assert all(row.startswith("| ") and " ms; wall " in row for row in rows)
