"""`kakine ledger seals`, `kakine unseal`, and what `kakine history` and `kakine audit` show of seals."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attacks.test_seals import DAYS, with_leave
from kakine.cli.root import app

from land import CHILDREN, LOGIN, TAX, Land, ref


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A country at rest in which something about person 0 is withheld for three days."""
    with Land.founded(tmp_path / "land", 1, (CHILDREN, TAX, LOGIN), with_leave()) as land:
        land.run(land.country.refresh())
        land.run(land.ask(0))
        land.run(land.ask(0, seal_days=DAYS))
        land.run(land.country.index())
    return tmp_path / "land"


def kakine(*words: str) -> tuple[int, str]:
    given = CliRunner().invoke(app, words)
    if given.exception is not None and not isinstance(given.exception, SystemExit):
        raise given.exception
    return given.exit_code, given.output


def test_anybody_counts_seals_and_is_alarmed_by_what_is_overdue(folder: Path) -> None:
    where = "--dir", str(folder)
    code, said = kakine("ledger", "seals", *where)
    assert code == 0
    assert "2 sealed entries, 2 of them still sealed, 0 overdue" in said
    (until,) = {date.fromisoformat(each) for each in re.findall(r"/ until (\S+)", said)}
    asked = until - timedelta(days=DAYS)
    assert datetime.now(UTC).date() - asked in (timedelta(0), timedelta(1))  # it may be midnight meanwhile
    for days, expected in ((0, 0), (1, 1)):
        code, said = kakine("ledger", "seals", *where, "--now", str(until + timedelta(days=days)))
        assert code == expected
    assert said.count("overdue: ledger.kakine.example/2026/a #") == 2
    code, said = kakine("audit", *where)
    assert code == 0
    assert "2 of them still sealed" in said


def test_nothing_is_opened_or_shown_before_its_day(folder: Path) -> None:
    where = "--dir", str(folder)
    assert kakine("unseal", *where) == (0, "0 件の封印を解除した / opened\n")
    code, said = kakine("history", *where, "--person", ref(0).decode())
    assert code == 0
    assert said.count("yokohama/children → ") == 1
    assert "sealed for a time in the whole country so far: 2 entries" in said
