"""The Python examples of the how-to pages run, in a real country."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from land import Land, ref

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto"


def examples(page: str) -> list[str]:
    """The Python blocks of a page, in order."""
    return re.findall(r"^```python\n(.*?)^```", (HOWTO / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("examples") / "land", people=2) as founded:
        yield founded


def run(land: Land, page: str) -> dict[str, Any]:
    """Every block of a page, one after another, with `await` as in a function."""
    names: dict[str, Any] = {
        "country": land.country,
        "reference": ref(0),
        "account": ref(0),
        "case_digest": hashlib.sha256(b"case").digest(),
    }
    blocks = examples(page)
    assert blocks
    for block in blocks:
        code = compile(block, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        outcome = eval(code, names)  # noqa: S307 - the project's own documentation
        if inspect.iscoroutine(outcome):
            land.run(outcome)
    return names


def test_the_example_of_asking_gives_an_answer(country: Land) -> None:
    assert run(country, "ask.md")["answer"].items == ("TK-0002",)


def test_the_example_of_a_history_shows_the_question(country: Land) -> None:
    country.run(country.ask(0))
    opened = run(country, "read-a-history.md")["opened"]
    assert any(row.record.common.ground == "JO106" for row in opened if hasattr(row.record.common, "ground"))


def test_the_examples_of_a_receipt_verify_it(country: Land) -> None:
    names = run(country, "check-a-receipt.md")
    assert names["now"].size >= names["head"].size > 0


def test_the_examples_of_the_gazette_stop_a_row_and_allow_it_again(tmp_path: Path) -> None:
    with Land.founded(tmp_path / "land", people=1) as land:
        names = run(land, "change-the-gazette.md")
        assert names["proposed"].kind == "widening"
        law = land.country.book("yokohama")
        assert law.in_force(land.clock()).gazette.suspensions
        pending = law.pending(land.clock())
        assert pending is not None
        assert pending.gazette.suspensions == ()
