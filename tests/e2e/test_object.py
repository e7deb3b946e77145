"""`kakine object` and what `kakine history` and `kakine audit` show of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attacks.insider import tampering
from attacks.test_objections import swapped
from kakine.cli.root import app
from kakine.country import CONVERTERS
from kakine.wire.request import Mode

from land import CHILDREN, LOGIN, TAX, Land, ref


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A country at rest: an honest question about 0; one about 0 and 1 in which converter 2 exchanged their records."""
    with Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX, LOGIN)) as land:
        land.run(land.country.refresh())
        land.run(land.ask(0, mode=Mode.S0_PLUS))
        requester = land.requester()
        codes = [land.code(CHILDREN, j) for j in (0, 1)]
        prepared = land.run(requester.prepare(land.wish(codes, Mode.S0_PLUS)))
        with tampering(land, 2, swapped(prepared)):
            land.run(land.yokohama.desk.carrier.send(requester, prepared, CHILDREN.encode()))
    return tmp_path / "land"


def kakine(*words: str) -> str:
    given = CliRunner().invoke(app, words)
    if given.exception is not None and not isinstance(given.exception, SystemExit):
        raise given.exception
    return given.output


def places(folder: Path, j: int) -> list[str]:
    """Numbers of the questions of Yokohama in person j's history."""
    said = kakine("history", "--dir", str(folder), "--person", ref(j).decode())
    return re.findall(r"yokohama/children → .*? #(\d+)", said)


def test_a_person_objects_and_reads_the_answer(folder: Path) -> None:
    """The honest line is answered "right"; the line that was about somebody else names the converter."""
    honest, wrong = places(folder, 0)[0], places(folder, 1)[0]
    said = kakine("object", "--dir", str(folder), "--person", ref(0).decode(), "--index", honest)
    assert "変換は正しかった / answered: the conversion was right" in said
    words = ("object", "--dir", str(folder), "--person", ref(1).decode(), "--index", wrong)
    first = kakine(*words, "--reason", "not-me")
    assert f"{CONVERTERS[1]} at fault" in first
    assert kakine(*words) == first
    said = kakine("history", "--dir", str(folder), "--person", ref(1).decode())
    assert f"異議に回答あり: {CONVERTERS[1]} の誤り (output)" in said
    audit = kakine("audit", "--dir", str(folder))
    assert "異議 / objections: 2, 回答 / answers: 2, 期限超過 / late: 0" in audit


def test_a_correction_is_asked_for_with_a_note_and_the_agencys_reply_is_printed(folder: Path) -> None:
    """What the agency writes stays letters; the note is read by its desk, and a second one changes nothing."""
    place = places(folder, 0)[0]
    words = ("object", "--dir", str(folder), "--person", ref(0).decode(), "--index", place)
    asked = (*words, "--reason", "data-wrong")
    first = kakine(*asked, "--note", "税額が二重です")
    assert "機関に渡した / passed on to yokohama, 期限 / due 20" in first
    assert kakine(*asked, "--note", "別の説明") == first
    tax = ("--dir", str(folder), "--as", "yokohama/tax")
    head, note = kakine("desk", "claims", *tax).splitlines()
    assert note == "  税額が二重です"
    kakine("desk", "answer", head.split()[0], "--outcome", "corrected", "--words", "直しました\x1b[2J", *tax)
    told = kakine(*words)
    assert "yokohama の答え / answer, 20" in told
    assert ": 訂正した / corrected" in told
    assert "「直しました\\x1b[2J」" in told


def test_a_note_that_is_too_long_begins_nothing(folder: Path) -> None:
    place = places(folder, 0)[0]
    words = ("object", "--dir", str(folder), "--person", ref(0).decode(), "--index", place)
    said = kakine(*words, "--reason", "data-wrong", "--note", "あ" * 401)
    assert "400" in said
    assert "異議 / objections: 0" in kakine("audit", "--dir", str(folder))
