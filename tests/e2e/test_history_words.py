"""What `kakine history` says of each line: what was answered, and of what nobody answers, what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kakine.cli.demo_story import Words, completeness_lines, history_lines
from kakine.cli.own_history import Read, own_history
from kakine.country import LOGIN

from land import CHILDREN, TAX, Land, pack, person, ref

DOMAINS = (CHILDREN, TAX, LOGIN)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Asked about and answered, asked without an answer, given new codes, and read twice."""
    folder: Path = tmp_path_factory.mktemp("words") / "land"
    with Land.founded(folder, people=1, domains=DOMAINS) as land:
        land.run(land.ask(0))
        requester = land.requester()
        asked = land.run(requester.prepare(land.wish([land.code(CHILDREN, 0)])))
        land.run(requester.convert(asked))
        land.run(land.country.registry.codes.rekey_person(person(0), DOMAINS))
        land.run(own_history(land.country, ref(0)))
        return land.run(own_history(land.country, ref(0)))


def said(read: Read) -> list[tuple[str, str]]:
    """(ground, what came of it) of each line."""
    told = list(history_lines(read.lines, Words(pack())))[1::2]
    return [(line.ground, text.split("  ")[-1]) for line, text in zip(read.lines, told, strict=True)]


def test_a_line_says_what_was_answered_or_that_nothing_was_confirmed(read: Read) -> None:
    asked = [result for ground, result in said(read) if ground == "JO106"]
    assert asked == ["提供した / delivered", "未確認 / not confirmed"]


def test_every_reading_is_a_line_and_says_viewed(read: Read) -> None:
    """The present one too: it is the last."""
    assert [result for ground, result in said(read) if ground == "OWN-HISTORY"] == ["閲覧 / viewed"] * 2
    assert said(read)[-1][0] == "OWN-HISTORY"


def test_a_request_that_ends_at_the_record_keepers_says_recorded(read: Read) -> None:
    """The switch from the old code to the new one, which names both."""
    assert {result for ground, result in said(read) if ground == "RETIRE"} == {"記録済み / recorded"}


def test_both_record_keepers_gave_all_rows(read: Read) -> None:
    assert (read.hidden, read.doubts, set(read.confirmed)) == ({}, {}, {"mailbox-a", "mailbox-b"})
    assert read.signed == read.verified
    assert read.complete


def test_a_row_that_one_record_keeper_lacks_is_named_with_its_place(read: Read) -> None:
    lacking = replace(read, hidden={"mailbox-b": [7, 12]})
    said, verdict = completeness_lines(lacking)
    assert said == "× mailbox-b は #7, #12 を示していない / does not show these entries."
    assert verdict == "不完全: この一覧をすべてと見なせない。 / NOT complete."


def test_a_record_keeper_whose_index_does_not_fit_is_named_with_the_reason(read: Read) -> None:
    doubted = replace(read, doubts={"mailbox-a": "index-mismatch"})
    said, verdict = completeness_lines(doubted)
    assert said.startswith("× mailbox-a の索引と合わない")
    assert "index-mismatch" in said
    assert verdict.endswith("NOT complete.")
