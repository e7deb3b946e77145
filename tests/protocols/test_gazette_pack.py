"""The legal pack is whole, and every kind of fault in it is found and named."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from gazette_country import pack
from kakine.protocols.gazette_check import faults
from kakine.protocols.gazette_diff import describe
from kakine.protocols.gazette_genesis import comparable
from kakine.protocols.gazette_pack import read_pack
from kakine.runtime.pack import pack_files, pack_folder
from kakine.values.problems import PackMalformed

FILES = pack_files(pack_folder())
ALLOWANCE = "procedures/JO106.toml"


def with_text(path: str, old: str, new: str) -> dict[str, bytes]:
    text = FILES[path].decode()
    assert old in text
    return {**FILES, path: text.replace(old, new, 1).encode()}


def test_the_pack_holds_the_whole_table_of_the_order() -> None:
    """762 rows of 186 procedures about 67 items, without a fault."""
    assert (pack().row_count, len(pack().procedures), len(pack().items)) == (762, 186, 67)
    assert faults(pack()) == []


def test_every_item_of_the_five_first_procedures_has_a_layout() -> None:
    """Whatever JO106, JO81, JO69, JO141 and JO53 ask for has a versioned JSON Schema."""
    wanted = {
        row.item
        for entry in pack().procedures.values()
        if entry.id in ("JO106", "JO81", "JO69", "JO141", "JO53")
        for row in entry.row
    }
    assert wanted == {item for item, _ in pack().layouts}


def test_a_layout_refuses_a_field_it_does_not_name() -> None:
    """Data of a layout can be checked, and nothing may ride along with it."""
    tax = Draft202012Validator(pack().layouts[("TK-0002", 1)])
    record = {"fiscal_year": 2026, "taxed": "taxed", "total_income": 3_000_000}
    assert tax.is_valid(record)
    assert not tax.is_valid({**record, "note": "x"})
    assert not tax.is_valid({**record, "total_income": -1})
    assert not tax.is_valid({"fiscal_year": 2026})


@pytest.mark.parametrize(
    ("path", "old", "new", "where", "what"),
    [
        (ALLOWANCE, 'id = "JO106.2"', 'id = "JO106.1"', "procedures/", "JO106.1 stands 2 times"),
        (ALLOWANCE, 'id = "JO106.2"', 'id = "JO107.2"', ALLOWANCE, "row JO107.2 is not JO106.<number>"),
        (ALLOWANCE, 'item = "TK-0002"', 'item = "TK-0999"', ALLOWANCE, "item TK-0999 is not defined"),
        (ALLOWANCE, '"minister_moj"', '"minister_x"', ALLOWANCE, "party type minister_x is not defined"),
        (ALLOWANCE, '"family-register"', '"families"', ALLOWANCE, "file families is not defined"),
        ("parties.toml", "3000020141003", "3000020141004", "parties.toml", "corporate number of yokohama"),
        (
            "parties.toml",
            '"JO106", "JO81"',
            '"JO106", "JO42", "JO81"',
            "assessments.toml",
            "public-assistance",
        ),
        (
            "parties.toml",
            '"JO106", "JO81"',
            '"JO1"',
            "parties.toml",
            "asks under JO1 but is no minister_mhlw",
        ),
        ("parties.toml", '"yokohama/tax"', '"sapporo/tax"', "parties.toml", "does not belong to yokohama"),
        (
            "parties.toml",
            '"commission"]',
            '"converter"]',
            "parties.toml",
            "exactly one party must have the role",
        ),
        (
            "assessments.toml",
            'file = "family-register"',
            'file = "immigration"',
            "assessments.toml",
            "koseki has no assessment of family-register, which JO106.1 needs",
        ),
        ("assessments.toml", "review = 2031", "review = 2021", "assessments.toml", "before it is published"),
        ("assessments.toml", '"full"', '"thorough"', "assessments.toml", "level thorough is not defined"),
        ("items.toml", "戸籍関係情報", "顔写真情報", "items.toml", "顔写真"),
        ("system.toml", '["hash"]', '["police"]', "system.toml", "role police is not defined"),
    ],
)
def test_each_fault_is_found_and_named(path: str, old: str, new: str, where: str, what: str) -> None:
    """Ids, references, check digits, entitlements, assessments and forbidden fields."""
    found = faults(read_pack(with_text(path, old, new)))
    assert any(fault.where == where and what in fault.what for fault in found), found


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"type": "objekt"}, "not a JSON Schema 2020-12"),
        ({"additionalProperties": True}, "lets in fields it does not list"),
        ({"properties": {"x": {"type": "string"}}}, "x lacks a title"),
        ({"properties": {"x": {"type": "integer", "title": "額", "x-title-en": "sum"}}}, "x lacks a unit"),
        ({"properties": {"x": {"title": "何か", "x-title-en": "anything"}}}, "x has no plain type"),
        ({"properties": {"religion": {"type": "string", "title": "欄", "x-title-en": "field"}}}, "religion"),
        ({"properties": {"x": {"type": "string", "title": "所属労働組合", "x-title-en": "x"}}}, "労働組合"),
        ({"properties": {"face_photo": {"type": "string", "title": "欄", "x-title-en": "x"}}}, "face"),
    ],
)
def test_a_layout_can_not_hold_what_is_never_built(change: dict[str, object], what: str) -> None:
    """Nor be open, untitled, without units, or something else than a JSON Schema."""
    path = "layouts/TK-0002/v1.schema.json"
    schema = {**json.loads(FILES[path]), **change}
    found = faults(read_pack({**FILES, path: json.dumps(schema).encode()}))
    assert any(fault.where == path and what in fault.what for fault in found), found


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("system.toml", None),
        ("items.toml", b"[[item]\n"),
        ("items.toml", b"\xff"),
        ("party_types.toml", b'[[type]]\nid = "x"\nja = "x"\nen = "x"\nextra = 1\n'),
        ("layouts/TK-0002/v1.schema.json", b"{"),
        ("layouts/TK-0002/v1.schema.json", b"[]"),
        ("layouts/TK-0002/first.json", b"{}"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(path: str, content: bytes | None) -> None:
    """Missing, broken or with a field too many: nothing is guessed or skipped."""
    files = {**FILES, path: content} if content is not None else {k: v for k, v in FILES.items() if k != path}
    with pytest.raises(PackMalformed) as refusal:
        read_pack(files)  # type: ignore[arg-type]
    assert refusal.value.facts["file"] == path


def test_two_packs_are_compared_in_words_of_both_languages() -> None:
    """A later start narrows, a new party type widens; both have a sentence that names the row."""
    old = comparable(pack())
    later = comparable(read_pack(with_text(ALLOWANCE, "start = 2024-05-27", "start = 2027-01-01")))
    (change,) = describe(old, later)
    assert (change.widens, change.name) == (False, "JO106.1")
    assert "2027-01-01" in change.ja
    assert "JO106.1 from 2024-05-27 to 2027-01-01" in change.en
    (back,) = describe(later, old)
    assert back.widens
    assert describe(old, old) == []


def test_a_changed_layout_is_seen_whatever_its_formatting() -> None:
    """A field more in a layout widens the item; another indentation is no change."""
    path = "layouts/TK-0002/v1.schema.json"
    schema = json.loads(FILES[path])
    same = {**FILES, path: json.dumps(schema, indent=7).encode()}
    assert describe(comparable(pack()), comparable(read_pack(same))) == []
    schema["properties"]["more"] = {"type": "boolean", "title": "別", "x-title-en": "more"}
    wider = {**FILES, path: json.dumps(schema).encode()}
    (change,) = describe(comparable(pack()), comparable(read_pack(wider)))
    assert (change.widens, change.name) == (True, "TK-0002")
