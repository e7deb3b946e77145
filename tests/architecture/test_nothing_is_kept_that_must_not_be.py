"""What no table, message, layout or record may have a place for, so that it cannot be filled by and by."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import kakine
from kakine.card.profile import profile
from kakine.contracts import registry as contract
from kakine.contracts.registry import Entry
from kakine.runtime.pack import pack_folder
from kakine.values.identifiers import IndividualNumber
from kakine.values.problems import CheckDigitWrong, IdentifierMalformed
from registry_office import HANAKO
from road import raw_call

from land import CHILDREN, TAX, Land

FORBIDDEN = re.compile(
    r"photo|face|facial|portrait|biometr|fingerprint|iris|template|ethnic|race|racial|nationality|belief|"
    r"religio|creed|union|sexual|orientation|score|rating|profile|ranking|suspicion|credit",
)
ALLOWED = {"interface", "surface", "trace", "embrace"}
TWELVE = re.compile(rb"(?<!\d)\d{12}(?!\d)")


def words(name: str) -> set[str]:
    return set(re.split(r"[^a-z]+", re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())) - {""}


def forbidden(name: str) -> bool:
    return any(FORBIDDEN.fullmatch(word) or FORBIDDEN.match(word) for word in words(name) - ALLOWED)


@pytest.mark.parametrize(
    "name", ["photo", "face_template", "riskScore", "ethnicity", "trade_union", "religion"]
)
def test_the_list_of_forbidden_names_is_recognised(name: str) -> None:
    assert forbidden(name)


def structs() -> Iterator[type[msgspec.Struct]]:
    """Every message and record class of the project."""
    for module in pkgutil.walk_packages(kakine.__path__, "kakine."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting: list[type[msgspec.Struct]] = [msgspec.Struct]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if kind.__module__.startswith("kakine."):
                yield kind


def test_no_message_has_a_field_that_must_not_exist() -> None:
    seen = [(kind.__name__, name) for kind in structs() for name in kind.__struct_fields__]
    assert len(seen) > 200
    assert [place for place in seen if forbidden(place[1])] == []


def columns(path: Path) -> Iterator[tuple[str, str, str]]:
    """(file, table, column)."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f"PRAGMA table_info({table})"):
                yield path.name, table, row[1]
    db.close()


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Land, str]]:
    """A country with people, exchanges, and one resident who was entered and numbered."""
    with Land.founded(tmp_path_factory.mktemp("lived") / "land", 2, (CHILDREN, TAX)) as land:
        entry = Entry(
            bytes(16),
            HANAKO.name,
            HANAKO.kana,
            HANAKO.birth,
            HANAKO.sex,
            bytes(16),
            HANAKO.birth,
            HANAKO.address,
        )
        body = msgspec.msgpack.encode(contract.Enter([entry]))
        app = land.country.apps["registry"]  # type: ignore[index]
        reply = land.run(raw_call(app, "yokohama", contract.ENTER.path, body))
        given = msgspec.msgpack.decode(reply.body, type=contract.EnterAnswer).outcomes[0]
        assert isinstance(given, contract.Numbered)
        land.run(land.ask(0))
        yield land, given.number


def test_no_table_has_a_column_that_must_not_exist(lived_in: tuple[Land, str]) -> None:
    land, _ = lived_in
    seen = [place for path in sorted(land.folder.glob("*.sqlite")) for place in columns(path)]
    assert len(seen) > 80
    assert [place for place in seen if forbidden(place[1]) or forbidden(place[2])] == []


def names_in(layout: object) -> Iterator[str]:
    if isinstance(layout, dict):
        yield from layout.get("properties", {})
        for value in layout.values():
            yield from names_in(value)
    elif isinstance(layout, list):
        for value in layout:
            yield from names_in(value)


def test_no_layout_has_a_field_that_must_not_exist() -> None:
    layouts = sorted((pack_folder() / "layouts").rglob("*.json"))
    assert layouts
    for path in layouts:
        found = set(names_in(json.loads(path.read_text())))
        assert found, path.name
        assert [name for name in found if forbidden(name)] == [], path.name


@pytest.mark.parametrize("kind", ["interop", "product"])
def test_no_card_has_a_place_for_a_photo_or_a_template(kind: str) -> None:
    """By name, and by the tags that PIV has for fingerprints, a facial image and irises."""
    rows = [row for application in profile(kind).application for row in application.file]
    assert rows
    assert [row.name for row in rows if forbidden(row.name)] == []
    assert {"5FC103", "5FC108", "5FC121"} & {row.id for row in rows} == set()


def individual_numbers(data: bytes) -> set[bytes]:
    """Texts of twelve digits whose check digit is right."""
    found = set()
    for digits in TWELVE.findall(data):
        try:
            IndividualNumber(digits.decode())
        except (CheckDigitWrong, IdentifierMalformed):
            continue
        found.add(digits)
    return found


def cells(path: Path) -> Iterator[tuple[str, str, bytes]]:
    """(table, column, value as bytes) of everything stored."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        for _, table, column in set(columns(path)):
            for (value,) in db.execute(f'SELECT "{column}" FROM "{table}"'):  # noqa: S608
                yield table, column, value if isinstance(value, bytes) else str(value).encode()
    db.close()


def test_an_individual_number_stands_in_one_table_of_one_party(lived_in: tuple[Land, str]) -> None:
    land, number = lived_in
    places = {
        (path.name, table, column)
        for path in sorted(land.folder.glob("*.sqlite"))
        for table, column, value in cells(path)
        if individual_numbers(value)
    }
    assert individual_numbers(number.encode())
    assert places == {("registry.sqlite", "number", "number")}
