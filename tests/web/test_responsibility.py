"""No page puts the loss on the person: the page of responsibility, and every text that is shown anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kakine.parties.portal.site.responsibility import MATRIX, Bearer

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".html", ".po", ".js", ".mjs", ".json", ".toml", ".typ", ".py"}
TEXTS = sorted(
    path
    for path in (ROOT / "src" / "kakine").rglob("*")
    if path.suffix in SUFFIXES and "vendor" not in path.parts
)
PAGES = [*TEXTS, *(ROOT / "docs").rglob("*.md"), *(ROOT / "verify").glob("*.html"), ROOT / "README.md"]
BLAMES = re.compile(
    r"自己責任|ご自身の責任|お客様の責任|責任を(?:一切)?負いません|責任を負いかね|一切の責任|免責|"
    r"(?:at|on)\s+(?:your|their|the\s+user'?s?)\s+own\s+risk|own\s+responsibility|"
    r"(?:not|no)\s+(?:be\s+)?(?:liable|responsible|liability|responsibility)\s+for",
    re.IGNORECASE,
)


def test_each_class_of_incident_has_a_bearer_and_none_is_the_person() -> None:
    assert len({each.what for each in MATRIX}) == len(MATRIX) >= 9
    assert {each.bearer for each in MATRIX} == set(Bearer)
    assert not [each for each in Bearer if re.search("本人|あなた|利用者|住民", each.value)]


def test_no_text_puts_the_risk_on_whoever_reads_it() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): BLAMES.findall(path.read_text("utf-8"))
        for path in PAGES
        if BLAMES.search(path.read_text("utf-8"))
    }
    assert found == {}
    assert len(TEXTS) > 300


@pytest.mark.parametrize(
    "said",
    [
        "自己責任でご利用ください",
        "当機関は一切の責任を負いません",
        "Use it at your own risk.",
        "We are not liable for losses",
        "You use this on your own\nresponsibility",
    ],
)
def test_the_search_finds_such_words(said: str) -> None:
    assert BLAMES.search(said)
