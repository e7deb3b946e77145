"""The history as JSON and as CSV: what the browser saves is what the command prints, and no cell is worked out."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from browser_reading import Served, served
from copies_of_readings import made_in_node, ours
from kakine.cli.history_copy import COLUMNS, as_csv, as_json, safe
from kakine.cli.root import app
from kakine.protocols.words import words_of

from land import Land, pack, ref

NAMES = json.loads(words_of(pack()))
UNITS = ('=HYPERLINK("http://x")', "児童手当係", "a;=1+1|\t-2\u202e\\", "@SUM(A1)", "'+1", "\uff1d1")
BOTH = """
const { asJson, asCsv } = await at("copies.js");
return [asJson(reading, given.now), asCsv(reading, given.names, { english: given.english })].map(base64);
"""


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copies") / "land"


@pytest.fixture(scope="module")
def given(at: Path) -> Served:
    """A person of whom an agency with strange names of its units has asked."""
    with Land.founded(at, people=1) as land:
        for unit in UNITS:
            land.run(land.ask(0, unit=unit))
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        return served(land)


def theirs(given: Served, *, english: bool = False, **change: object) -> tuple[str, str]:
    asked = {"now": given.now_ms, "names": NAMES, "english": english}
    plain, table = made_in_node(given, BOTH, asked, change)
    return base64.b64decode(plain).decode(), base64.b64decode(table).decode()


def rows_of(table: str) -> list[dict[str, str]]:
    """The table as a spreadsheet's own reader has it."""
    return list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"), newline="")))


def read_back(cell: str) -> str:
    """What `safe` was given."""
    plain = cell.removeprefix("'")
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), plain)


@pytest.mark.parametrize("english", [False, True])
def test_browser_and_command_write_the_same_bytes(given: Served, english: bool) -> None:
    mine = ours(given)
    plain, table = theirs(given, english=english)
    assert plain == as_json(mine, given.now_ms)
    assert table == as_csv(mine, NAMES, english=english)


def test_the_json_says_every_line_of_the_reading(given: Served) -> None:
    mine, found = ours(given), json.loads(theirs(given)[0])
    assert [line["index"] for line in found["lines"]] == [seen.index for seen in mine.lines]
    assert {line["unit"] for line in found["lines"]} >= set(UNITS)
    assert (found["format"], found["verified"]) == ("kakine-history/v1", mine.verified)
    assert (found["complete"], found["public"]) == (mine.complete, mine.public) == (True, True)


def test_a_spreadsheet_reads_the_table_back(given: Served) -> None:
    plain, table = theirs(given)
    rows, lines = rows_of(table), json.loads(plain)["lines"]
    assert tuple(rows[0]) == COLUMNS
    for row, line in zip(rows, lines, strict=True):
        for name in ("requester", "recipient", "ground", "unit", "official", "log", "entry"):
            assert read_back(row[name]) == line[name]
        assert row["index"] == str(line["index"])
        assert [read_back(each) for each in row["rows"].split("|") if each] == line["rows"]
    asked = next(row for row in rows if row["unit"] == "児童手当係")
    assert asked["ground_name"] == NAMES["grounds"][read_back(asked["ground"])][2]


def test_no_cell_of_the_table_is_a_formula_whatever_separates_cells(given: Served) -> None:
    """Comma, semicolon, tab, upright line: some spreadsheet takes each of them for the end of a cell."""
    _, table = theirs(given)
    assert [row["unit"] for row in rows_of(table) if row["unit"].startswith("'")] != []
    for line in table.removeprefix("\ufeff").split("\r\n"):
        for separator in ",;\t|":
            for cell in line.split(separator):
                assert not re.match(r"\s*\"?\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell), (separator, cell)


def test_a_text_comes_back_out_of_its_cell() -> None:
    for text in (*UNITS, "", "''", '"=1"', "\\u{41}", "\r\n=1", "\u2028", "\U000e0001", "葛󠄀"):
        (cell,) = next(csv.reader([f'"{safe(text)}"']))
        assert read_back(cell) == text
        assert cell[:1] not in tuple("=+-@\t\r\n")


def test_a_copy_of_an_incomplete_list_says_so_in_every_line(given: Served) -> None:
    """The reading says it is not complete; nothing in either copy says otherwise."""
    mine = replace(ours(given), hidden={"mailbox-1": (3,)})
    assert not mine.complete
    plain, table = theirs(given, complete=False, hidden={"mailbox-1": [3]})
    assert plain == as_json(mine, given.now_ms)
    assert json.loads(plain)["complete"] is False
    assert table == as_csv(mine, NAMES)
    assert {row["list_complete"] for row in rows_of(table)} == {"no"}


def test_the_command_prints_either(given: Served, at: Path) -> None:
    words = ["history", "--dir", str(at), "--person", ref(0).decode()]
    plain = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert json.loads(plain.stdout)["format"] == "kakine-history/v1"
    table = CliRunner().invoke(app, [*words, "--csv"], catch_exceptions=False)
    assert rows_of(table.stdout)[0]["list_complete"] in ("yes", "no")
    assert CliRunner().invoke(app, [*words, "--json", "--csv"]).exit_code == 2
