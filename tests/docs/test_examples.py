"""The Python examples of the how-to pages run, in a real country."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kakine.protocols.gates import WINDOW_MS
from kakine.runtime.codebook import token_of
from kakine.values.problems import DomainMoving
from kakine.wire.request import Mode

from land import CHILDREN, TAX, Land, ref

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto"


def examples(page: str) -> list[str]:
    """The Python blocks of a page, in order."""
    return re.findall(r"^```python\n(.*?)^```", (HOWTO / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    with Land.founded(tmp_path_factory.mktemp("examples") / "land", people=2) as founded:
        yield founded


def run(land: Land, page: str, between: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Every block of a page, one after another, with `await` as in a function; `between` follows each but the last."""
    names: dict[str, Any] = {
        "country": land.country,
        "reference": ref(0),
        "account": ref(0),
        "case_digest": hashlib.sha256(b"case").digest(),
    }
    blocks = examples(page)
    assert blocks
    for position, block in enumerate(blocks):
        if position:
            between()
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
    assert any(
        row.record.common.ground == "JO106" for row in opened.rows if hasattr(row.record.common, "ground")
    )


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


def test_the_examples_of_an_audit_look_at_a_window_a_dispute_and_samples(tmp_path: Path) -> None:
    """And each has something to look at."""
    with Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX)) as land:
        land.run(land.ask(0, mode=Mode.S0_PLUS))
        run(land, "audit.md")
        found = land.country.auditor.verdicts()
        assert [(verdict.kind, verdict.fault) for verdict in found] == [
            ("window", ""), ("dispute", ""), ("enrolment", ""), ("enrolment", ""),
        ]  # fmt: skip


def test_the_examples_of_a_move_replace_every_code_of_the_domain(tmp_path: Path) -> None:
    """In between the domain does not ask; afterwards it does, and the old codes are gone."""
    with Land.founded(tmp_path / "land", people=2, domains=(CHILDREN, TAX)) as land:
        store = land.yokohama.office.db
        before = token_of(store.read(), CHILDREN, ref(0))
        waits = iter([True])

        def until_it_is_law() -> None:
            if next(waits, False):
                law = land.country.book("yokohama").in_force(land.clock()).gazette
                land.clock.advance((law.waiting_ms + 86_400_000 + WINDOW_MS) / 1000 + 1)
                land.run(land.country.refresh())
                with pytest.raises(DomainMoving):
                    land.run(land.ask(0))

        assert run(land, "move-a-domain-to-a-new-key.md", until_it_is_law)["replaced"] == 2
        assert token_of(store.read(), CHILDREN, ref(0)) != before
        assert store.read().execute("SELECT count(*) FROM former_token").fetchone() == (0,)
        assert land.run(land.ask(0)).result == "delivered"
