"""docs/collusions.md is what its data say; each set names tests that exist; the sets that must be there are."""

from __future__ import annotations

import ast
import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAID = {
    "person": {"no", "readers", "pseudonym", "own", "own, pseudonym", "yes", "as its party"},
    "agencies": {"no", "own", "yes", "as its party"},
    "why": {"no", "row", "own", "yes", "as its party"},
    "when": {"no", "minute", "own", "yes"},
    "content": {"no", "own", "yes", "as its party"},
    "linked": {"no", "readers", "own", "own, readers", "pseudonym", "yes", "as its party"},
}
WANTED = [
    {"2 converters"}, {"3 converters"}, {"2 mailboxes"}, {"mailbox", "converter"}, {"mailbox", "registry"},
    {"mailbox", "3 converters"}, {"mailbox", "portal"}, {"A", "B"}, {"A", "2 converters"}, {"A", "B", "3 converters"},
    {"registry", "converter"}, {"portal", "converter"},
    {"A", "mailbox", "converter"}, {"portal", "authority"}, {"registry", "authority"}, {"2 relying parties"},
]  # fmt: skip
RANK = {"no": 0, "minute": 1, "row": 1, "readers": 1, "own": 1}
RANK |= {"own, readers": 2, "pseudonym": 2, "own, pseudonym": 2, "yes": 3}


@cache
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_collusions", ROOT / "docs" / "make_collusions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SETS: list[dict[str, Any]] = maker().data()["set"]
NAMES = [" + ".join(each["together"]) for each in SETS]


def expanded(each: dict[str, Any]) -> set[str]:
    """`3 converters` are also two and one."""
    found = set[str]()
    for name in each["together"]:
        number, _, many = name.partition(" ")
        if number.isdecimal():
            one = {"mailboxes": "mailbox", "relying parties": "relying party"}.get(
                many, many.removesuffix("s")
            )
            found |= {one, *(f"{n} {many}" for n in range(2, int(number) + 1))}
        else:
            found.add(name)
    return found


def test_the_page_is_what_its_data_say() -> None:
    assert (ROOT / "docs" / "collusions.md").read_text("utf-8") == maker().page()


def test_every_party_stands_alone_and_no_set_twice() -> None:
    alone = {each["together"][0] for each in SETS if len(each["together"]) == 1}
    assert {each["id"] for each in maker().data()["party"]} <= alone
    assert len({frozenset(each["together"]) for each in SETS}) == len(SETS)
    known = {each["id"] for each in maker().data()["party"]} | {"B'"}
    for each in SETS:
        assert {name for name in expanded(each) if not name[0].isdecimal()} <= known


def test_the_sets_that_matter_are_there() -> None:
    there = [set(each["together"]) for each in SETS]
    assert [each for each in WANTED if each not in there] == []


@pytest.mark.parametrize("each", SETS, ids=NAMES)
def test_a_set_says_everything_in_the_words_of_the_page(each: dict[str, Any]) -> None:
    assert {aspect for aspect, words in SAID.items() if each[aspect] not in words} == set()
    assert each["stops"]
    assert each["seen"]
    assert bool(each["tests"]) != bool(each.get("untested"))


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("each", SETS, ids=NAMES)
def test_every_test_that_a_set_names_exists(each: dict[str, Any]) -> None:
    for test in each["tests"]:
        path, _, name = test.partition("::")
        assert name in names_in(path), test


@pytest.mark.parametrize("each", SETS, ids=NAMES)
def test_a_larger_set_learns_no_less(each: dict[str, Any]) -> None:
    """Where one set holds another, no aspect says less."""
    for part in SETS:
        if part is each or not expanded(part) <= expanded(each):
            continue
        for aspect in SAID:
            if "as its party" not in (part[aspect], each[aspect]):
                assert RANK[each[aspect]] >= RANK[part[aspect]], f"{part['together']}: {aspect}"
