"""`kakine login`: what a clerk and a developer type."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kakine.cli.root import app
from kakine.crypto.webkeys import CheckKey
from kakine.values.problems import (
    ClientUnauthenticated,
    CountryMissing,
    DomainNotRun,
    PersonNotKnown,
    Problem,
)
from login_site import CHILDCARE, LoginSite

COMMAND = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A country with person 0 that nobody has open."""
    made = tmp_path_factory.mktemp("commands") / "land"
    with LoginSite.opened(made, people=1):
        pass
    return made


def typed(*words: str) -> str:
    done = COMMAND.invoke(app, words)
    if done.exception:
        raise done.exception
    return done.stdout.strip()


def test_a_clerk_prints_a_code(folder: Path) -> None:
    said = typed("login", "paper", "--dir", str(folder), "--reference", "ref-0")
    assert re.fullmatch(r"(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", said)


def test_a_developer_gets_the_key_that_the_law_knows(folder: Path) -> None:
    key = json.loads(typed("login", "client-key", CHILDCARE, "--dir", str(folder)))
    public = {name: value for name, value in key.items() if name != "d"}
    assert CheckKey.of_jwk(public).thumbprint == key["kid"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("paper", "--reference", "ref-9"), PersonNotKnown),
        (("paper", "--reference", "ref-0", "--as", "portal/login"), DomainNotRun),
        (("paper",), CountryMissing),
        (("client-key", "nobody"), ClientUnauthenticated),
    ],
)
def test_what_cannot_be_done_is_named(folder: Path, words: tuple[str, ...], problem: type[Problem]) -> None:
    with pytest.raises(problem):
        typed("login", *words, "--dir", str(folder))
