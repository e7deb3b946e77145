"""`kakine mandate`: what two people and a clerk type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kakine.cli.root import app
from kakine.values.problems import CountryMissing, DomainNotRun, MandateNotInForce, Problem
from login_site import CHILDCARE, NAMES
from mandates import CARER, RESIDENT, MandateSite

COMMAND = CliRunner()
CODE = re.compile(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}\Z")
CARES, LIVES = f"ref-{CARER}", f"ref-{RESIDENT}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A country that nobody has open."""
    made = tmp_path_factory.mktemp("mandates") / "land"
    with MandateSite.opened(made):
        pass
    return made


def typed(*words: str) -> str:
    done = COMMAND.invoke(app, ("mandate", *words))
    if done.exception:
        raise done.exception
    return done.stdout.strip()


def test_two_people_at_the_portal(folder: Path) -> None:
    at = ("--dir", str(folder))
    code = typed("stand-by", *at, "--person", CARES)
    number = typed("give", *at, "--person", LIVES, "--to", code, "--for", CHILDCARE, "--history")
    assert CODE.match(code)
    assert CODE.match(number)
    assert f"acts for you: {NAMES[CARER]}" in typed("list", *at, "--person", LIVES)
    assert "waits" in typed("list", *at, "--person", CARES)
    with pytest.raises(MandateNotInForce):
        typed("read", number, *at, "--person", CARES)  # three days, in which it can be undone
    typed("end", number, *at, "--person", LIVES)
    assert typed("list", *at, "--person", CARES) == ""


def test_two_people_at_a_counter(folder: Path) -> None:
    at, counter = ("--dir", str(folder)), ("--dir", str(folder), "--counter")
    code = typed("stand-by", *counter, "--person", CARES, "--name", NAMES[CARER])
    made = ("--to", code, "--for", CHILDCARE, "--name", NAMES[RESIDENT], "--basis", "court", "--days", "1000")
    number = typed("give", *counter, "--person", LIVES, *made, "--history")
    shown = typed("list", *counter, "--person", LIVES)
    assert number in shown
    assert "guardian" in shown
    assert f"you act for: {NAMES[RESIDENT]}" in typed("list", *at, "--person", CARES)
    read = typed("read", number, *at, "--person", CARES)
    assert "代理のための確認 / for a mandate" in read
    again = typed("read", number, *at, "--person", CARES)
    assert "代理人による: 後見人 / guardian / by somebody who acts for you" in again
    typed("end", *counter, "--person", LIVES)
    assert typed("list", *at, "--person", CARES) == ""
    with pytest.raises(MandateNotInForce):
        typed("read", number, *at, "--person", CARES)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("list",), CountryMissing),
        (("list", "--person", "@1"), CountryMissing),
        (("list", "--counter", "--person", "x", "--as", "portal/login"), DomainNotRun),
        (("end", "0000-0000-0000-0000", "--person", LIVES), MandateNotInForce),
    ],
)
def test_what_cannot_be_done_has_a_code(folder: Path, words: tuple[str, ...], problem: type[Problem]) -> None:
    with pytest.raises(problem):
        typed(*words, "--dir", str(folder))


def test_an_end_of_everything_is_for_counters(folder: Path) -> None:
    done = COMMAND.invoke(app, ("mandate", "end", "--dir", str(folder), "--person", LIVES))
    assert done.exit_code == 2
