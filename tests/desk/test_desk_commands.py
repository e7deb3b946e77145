"""`kakine desk` and `kakine serve desk` on a country in a folder."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kakine.cli.own_history import own_history
from kakine.cli.own_objections import disputes, object_to
from kakine.cli.root import app
from kakine.country import LOGIN
from kakine.protocols.objections import place_of
from kakine.values.problems import DomainNotRun
from kakine.wire.objection import Reason
from kakine.wire.record import RequestRecord

from land import CHILDREN, TAX, Land, ref

WHERE = ("--as", "yokohama/children")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("desk") / "land"
    with Land.founded(made, 2, (CHILDREN, TAX)) as land:
        land.run(land.ask(0))
    return made


def told(folder: Path, *words: str, code: int = 0) -> str:
    where = WHERE if "--as" not in words else ()
    found = CliRunner().invoke(app, [*words, "--dir", str(folder), *where], catch_exceptions=False)
    assert found.exit_code == code, found.output
    return found.output


def test_staff_from_the_command_line(folder: Path) -> None:
    name = ("--name", "山田 花子", "--unit", "給付係", "--role", "clerk")
    official, code = told(folder, "desk", "staff", "add", *name).split()
    assert len(code) == 19
    assert f"{official}  clerk          active   給付係  山田 花子" in told(folder, "desk", "staff", "list")
    for act, state in (("lock", "locked"), ("unlock", "active"), ("remove", "removed")):
        told(folder, "desk", "staff", act, "--official", official)
        assert f"{official}  clerk          {state:7}" in told(folder, "desk", "staff", "list")
    lines = told(folder, "desk", "journal")
    assert "staff-removed" in lines.splitlines()[0]
    assert "山田" not in lines
    assert "4 lines, last hash " in told(folder, "desk", "journal", "--check")


def test_the_nightly_look_finds_what_no_case_explains(folder: Path) -> None:
    found = told(folder, "desk", "unexplained", code=1)
    assert "JO106.2  1 of 1 in no case" in found


def test_there_is_no_desk_of_a_domain_that_is_not_run(folder: Path) -> None:
    with pytest.raises(DomainNotRun):
        told(folder, "desk", "staff", "list", "--as", "nowhere/children")


def test_the_served_desk_says_where_it_is_and_who_may_log_in(folder: Path) -> None:
    command = [sys.executable, "-m", "kakine", "serve", "desk", "--dir", str(folder), *WHERE, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        lines = []
        for line in running.stdout:
            lines.append(line.strip())
            if line.startswith("desk "):
                break
        try:
            page = urllib.request.urlopen(lines[-1].removeprefix("desk ") + "/", timeout=120).read().decode()  # noqa: S310
        finally:
            running.terminate()
            running.stdout.close()
    assert sum("passphrase" in line for line in lines) == 4
    assert "職員のログイン" in page


def test_what_a_person_has_against_the_agency_is_read_and_answered(tmp_path: Path) -> None:
    """A note that would write to the terminal stays letters."""
    made = tmp_path / "land"
    with Land.founded(made, 1, (CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        land.run(land.ask(0))
        rows = land.run(own_history(land.country, ref(0))).rows
        place = next(
            place_of(row)
            for row in rows
            if isinstance(row.record, RequestRecord) and row.record.common.ground == "JO106"
        )
        land.run(object_to(land.country, ref(0), rows, place, Reason.DATA_WRONG))
        rows = land.run(own_history(land.country, ref(0))).rows
        land.run(disputes(land.country, rows, {place: "二重です\x1b[2J"}))
    tax = ("--as", "yokohama/tax")
    head, note = told(made, "desk", "claims", *tax).splitlines()
    assert "data-wrong  answer by " in head
    assert head.endswith("TK-0002")
    assert note == "  二重です\\x1b[2J"
    assert told(made, "desk", "claims") == ""
    words = ("--outcome", "corrected", "--words", "直しました")
    told(made, "desk", "answer", head.split()[0], *words, *tax)
    assert "data-wrong  corrected" in told(made, "desk", "claims", *tax)
