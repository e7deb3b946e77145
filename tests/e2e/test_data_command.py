"""`kakine data`: an area is looked at, closed, and opened again after its wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kakine.cli.root import app

from land import Land, ref


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Land.founded(tmp_path / "land", people=1) as land:
        land.run(land.country.refresh())
    return tmp_path / "land"


def kakine(folder: Path, *words: str) -> str:
    given = CliRunner().invoke(app, ["data", *words, "--dir", str(folder), "--person", ref(0).decode()])
    if given.exception is not None and not isinstance(given.exception, SystemExit):
        raise given.exception
    return given.output


def test_an_area_is_closed_and_shows_none(folder: Path) -> None:
    assert "income: 0" in kakine(folder, "tax")
    assert "閉鎖中" not in kakine(folder)
    assert "done" in kakine(folder, "tax", "--close")
    assert "tax  閉鎖中 / closed" in kakine(folder)
    assert kakine(folder, "tax").count("なし / none") == 3
    assert "waiting" in kakine(folder, "tax", "--open")
    assert kakine(folder, "tax").count("なし / none") == 3


@pytest.mark.parametrize("words", [("--close",), ("tax", "--close", "--open")])
def test_it_says_what_to_close_or_to_open(folder: Path, words: tuple[str, ...]) -> None:
    assert "--close or --open, and an area" in kakine(folder, *words)
