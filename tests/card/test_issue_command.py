"""`kakine card issue` in a folder that a demo left, and `kakine login helper --card` beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from issued_cards import IssuedCards
from kakine.cli.root import app
from kakine.values.problems import CardExists, CountryMissing, PersonNotKnown
from login_site import BIRTHS

PRODUCT = 'pin = "258036"\nsignature-password = "ABC123DE"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A country with person 0 that nobody has open."""
    made = tmp_path_factory.mktemp("issue")
    with IssuedCards.opened(made, people=1) as cards:
        (made / "number").write_text(cards.site.numbers[0])
    return made


def typed(*words: object, stdin: str = "") -> Result:
    return CliRunner().invoke(app, [*map(str, words)], input=stdin)


def issue(folder: Path, name: str, *more: object) -> Result:
    words = ("card", "issue", folder / f"{name}.card", "--dir", folder / "land", "--counter-key")
    return typed(*words, folder / f"{name}.counter", "--secrets", "-", *more, stdin=PRODUCT)


def who(folder: Path) -> tuple[str, ...]:
    return ("--person", "ref-0", "--number", (folder / "number").read_text(), "--birth", str(BIRTHS[0]))


def test_a_card_is_issued_and_shown(folder: Path) -> None:
    done = issue(folder, "mine", *who(folder))
    assert done.exit_code == 0, done.output
    for word in (
        "カードを作った",
        "authentication",
        "signature",
        "有効 / active",
        "口座に結び付けた",
        "口座の鍵",
    ):
        assert word in done.output
    assert "258036" not in done.output
    assert (folder / "number").read_text() not in done.output
    shown = typed("card", "show", folder / "mine.card").output
    assert shown.count("証明書 / certificate") == 2
    assert isinstance(issue(folder, "mine", *who(folder)).exception, CardExists)


def test_what_cannot_be_is_named(folder: Path) -> None:
    assert isinstance(issue(folder, "x", "--person", "ref-0").exception, CountryMissing)
    stranger = ("--person", "ref-7", *who(folder)[2:])
    assert isinstance(issue(folder, "y", *stranger).exception, PersonNotKnown)
    assert issue(folder, "z", "--person", "ref-0", "--number", "1").exit_code == 2


def test_the_helper_wants_a_card_or_a_key_with_its_certificate(folder: Path) -> None:
    assert typed("login", "helper", "--origin", "http://localhost:1").exit_code == 2
    both = ("--card", folder / "mine.card", "--key", folder / "number")
    assert typed("login", "helper", "--origin", "http://localhost:1", *both).exit_code == 2


def test_the_helper_says_how_many_tries_are_left_before_it_listens(folder: Path) -> None:
    assert issue(folder, "tries", *who(folder)).exit_code == 0
    command = [sys.executable, "-m", "kakine", "login", "helper", "--port", "0"]
    command += ["--card", str(folder / "tries.card"), "--origin", "http://localhost:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().strip() == "残り / tries left: 5"
            assert process.stdout.readline().startswith("listening on ")
        finally:
            process.kill()


def test_the_help_teaches() -> None:
    said = typed("card", "issue", "--help").output
    for word in (
        "窓口でカードを交付する",
        "kakine card issue --dir",
        "kakine login helper --card",
        "product",
    ):
        assert word in said
