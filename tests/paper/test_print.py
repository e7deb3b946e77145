"""Printing from the browser: the codes are those of `kakine paper history`, the counts those of the command."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image
from typer.testing import CliRunner

from browser_reading import Served, served
from copies_of_readings import made_in_node, ours
from kakine.cli.paper import codes_of
from kakine.cli.receipts import export_history
from kakine.cli.root import app
from kakine.cli.yearly import yearly
from kakine.protocols.logs import log_keys
from kakine.protocols.reading import read
from kakine.values.calendar import in_japan

from land import Land, ref

CODES = """
const [{ codesOf }, { filesOf }, { pack }] = await Promise.all(["sheet.js", "elsewhere.js", "packing.js"].map(at));
const files = await filesOf(reading);
return Promise.all(reading.lines.map((line) => codesOf(reading, line, pack, files)));
"""
DOTS = "const { dots } = await at('packing.js'); return dots(given);"
COUNTS = "const { countYear } = await at('year.js'); return given.map((year) => countYear(reading, year));"
YEARS = "const { yearsOf } = await at('year.js'); return yearsOf(reading);"


@pytest.fixture(scope="module")
def land_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("print") / "land"


@pytest.fixture(scope="module")
def printed(land_folder: Path) -> tuple[Served, list[list[str]]]:
    """A reading, and the texts of the codes that the command would print of it."""
    folder = land_folder.parent
    with Land.founded(land_folder, people=1) as land:
        for _ in range(3):
            land.run(land.ask(0))
        land.run(land.country.index())
        land.run(land.country.have_witnessed())
        given = served(land)
        found = read(given.data, given.session, given.now_ms)
        law = land.country.book("portal").in_force(given.now_ms)
        public = found.witnessed == len(found.rows)
        keys = log_keys(law, land.country.logs)
        policy = land.country.policy if public else None
        export_history(found.rows, found.opened.rows, keys, folder / "files", policy)
    mine = dict(codes_of(ours(given), folder / "files"))
    count = len(mine) // 2
    return given, [[mine[f"{kind}-{j}"] for kind in ("receipt", "record")] for j in range(1, count + 1)]


def test_the_browser_prints_the_very_codes_of_the_command(printed: tuple[Served, list[list[str]]]) -> None:
    given, wanted = printed
    assert made_in_node(given, CODES) == wanted
    assert len(wanted) > 3


def test_the_browser_draws_what_a_scanner_reads(printed: tuple[Served, list[list[str]]]) -> None:
    given, wanted = printed
    text = max((text for each in wanted for text in each), key=len)
    rows = made_in_node(given, DOTS, text)
    size = 4 * len(rows)  # four pixels a dot: less than 78 mm at 200 dots an inch
    picture = Image.new("L", (len(rows), len(rows)), 255)
    picture.putdata([0 if dark else 255 for row in rows for dark in row])
    (found,) = zxingcpp.read_barcodes(picture.resize((size, size), Image.Resampling.NEAREST))
    assert found.text == text


def test_both_count_a_year_alike_and_every_line_once(printed: tuple[Served, list[list[str]]]) -> None:
    given, _ = printed
    mine, (year,) = ours(given), made_in_node(given, YEARS)
    assert year == in_japan(given.now_ms).year
    counted = [yearly(mine, each) for each in (year, year - 1)]
    assert made_in_node(given, COUNTS, [year, year - 1]) == json.loads(
        json.dumps([asdict(each) for each in counted])
    )
    assert (counted[0].asked, counted[0].exchanged, counted[0].receivers) == (3, 3, 1)
    assert counted[0].asked + counted[0].own == len(mine.lines)
    assert (counted[1].asked, counted[1].own, counted[1].organisations) == (0, 0, ())


def test_a_year_ends_at_midnight_in_japan(printed: tuple[Served, list[list[str]]]) -> None:
    given, _ = printed
    mine = ours(given)
    eve = 1_798_729_199_999  # 2026-12-31T23:59:59.999+09:00
    lines = [replace(line, time_ms=eve + j) for j, line in enumerate(mine.lines[-3:])]
    mine = replace(mine, lines=lines)
    assert [yearly(mine, year).asked + yearly(mine, year).own for year in (2026, 2027)] == [1, 2]
    moved = f"{{ ...reading, lines: reading.lines.slice(-3).map((line, at) => ({{ ...line, time: {eve} + at }})) }}"
    body = COUNTS.replace("countYear(reading", f"countYear({moved}")
    assert [each["asked"] + each["own"] for each in made_in_node(given, body, [2026, 2027])] == [1, 2]


def letter(folder: Path, out: Path, *words: object) -> str:
    year = in_japan(int(datetime.now(UTC).timestamp() * 1000)).year
    command = [
        "paper",
        "year",
        "--dir",
        folder,
        "--person",
        ref(0).decode(),
        "--year",
        year,
        "--out",
        out,
        *words,
    ]
    done = CliRunner().invoke(app, [str(each) for each in command], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return "".join(page.extract_text() for page in pypdf.PdfReader(out).pages).replace("\n", "")


def test_the_yearly_letter_as_a_pdf_says_the_counts(land_folder: Path, tmp_path: Path) -> None:
    said = letter(land_folder, tmp_path / "ja.pdf").replace(" ", "")
    assert "あなたの情報は3回、1の機関に提供されました" in said
    assert "すべての記録を載せています" in said
    assert "exchanged 3 times. Organisations that got something: 1" in letter(
        land_folder, tmp_path / "en.pdf", "--language", "en"
    )
    easy = letter(land_folder, tmp_path / "easy.pdf", "--language", "easy").replace(" ", "")
    assert "じょうほうは3回、1のところにわたされました" in easy
