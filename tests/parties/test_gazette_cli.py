"""`kakine gazette` prints the law, compares two states of it and fails on a faulty pack."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gazette_country import book, first, publish
from kakine.cli.gazette import app
from kakine.parties.commission.store import METADATA, State, Store, Stored
from kakine.protocols.gazette_draft import narrowed
from kakine.runtime.database import Database
from kakine.runtime.pack import pack_folder

run = CliRunner()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the pack to change."""
    return shutil.copytree(pack_folder(), tmp_path / "pack")


def change(folder: Path, path: str, old: str, new: str) -> None:
    text = (folder / path).read_text()
    assert old in text
    (folder / path).write_text(text.replace(old, new, 1))


def test_check_counts_the_pack_and_succeeds() -> None:
    """The three numbers of the ministerial order."""
    result = run.invoke(app, ["check"])
    assert (result.exit_code, result.output) == (0, "762 rows, 186 procedures, 67 items\n")


def test_check_names_each_fault_and_fails(copy: Path) -> None:
    """Two faults, two lines, exit 1."""
    change(copy, "parties.toml", "3000020141003", "3000020141004")
    change(copy, "procedures/JO106.toml", '"TK-0002"', '"TK-0999"')
    result = run.invoke(app, ["check", "--pack", str(copy)])
    assert result.exit_code == 1
    assert "corporate number of yokohama" in result.output
    assert "procedures/JO106.toml: item TK-0999 is not defined" in result.output


def test_check_of_no_pack_fails_and_says_so(tmp_path: Path) -> None:
    """A folder that is empty or not there is no pack without faults."""
    for folder in (tmp_path, tmp_path / "none"):
        result = run.invoke(app, ["check", "--pack", str(folder)])
        assert result.exit_code == 1
        assert "pack-malformed" in result.output


def test_show_prints_law_article_and_both_languages() -> None:
    """What a lawyer needs to find the row again."""
    result = run.invoke(app, ["show", "JO106"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for text in ("児童手当法", "第2条表106の項・第108条", "Child allowance", "JO106.4", "公金受取口座情報"):
        assert text in result.output


@pytest.mark.parametrize(
    ("name", "text"), [("JO55-2.1", "JO55-2.1"), ("TK-0002", "地方税関係情報"), ("yokohama", "3000020141003")]
)
def test_show_knows_rows_items_and_parties(name: str, text: str) -> None:
    """By their ids."""
    result = run.invoke(app, ["show", name], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert text in result.output


def test_show_without_an_id_lists_every_procedure() -> None:
    """186 of them."""
    result = run.invoke(app, ["show"], env={"COLUMNS": "300"})
    assert result.output.count("│ JO") == 186


@pytest.mark.parametrize("name", ["JO999", "JO106.99", "nobody"])
def test_show_of_something_unknown_fails(name: str) -> None:
    """It prints no other thing instead."""
    assert run.invoke(app, ["show", name]).exit_code == 1


def test_diff_of_two_folders_speaks_both_languages(copy: Path) -> None:
    """A shorter waiting time is marked as widening."""
    change(copy, "system.toml", "waiting_days = 14", "waiting_days = 7")
    result = run.invoke(app, ["diff", str(pack_folder()), str(copy)])
    assert result.exit_code == 0
    assert result.output.startswith("1 change, 1 widening\n拡大 +")
    assert "from 14 days, 0:00:00 to 7 days, 0:00:00" in result.output


def test_diff_reads_published_versions_a_country_left_behind(tmp_path: Path) -> None:
    """Only published ones: what was intended or abandoned is no law."""
    laws = book()
    publish(laws, lambda old: narrowed(laws.published[0], [], ["JO106.2"], "unused"), "commission")

    async def fill() -> None:
        database = Database.open(tmp_path / "commission.sqlite", METADATA)
        store = Store(database)
        for law in laws.published:
            stored = Stored(law.digest, law.gazette.number, law.encoded, b"", b"", b"", None)
            await store.intend(stored)
            if law.gazette.number == 0:
                await store.settle(law.digest, State.PUBLISHED, b"")
        unpublished = await asyncio.to_thread(run.invoke, app, ["diff", "0", "1", "--dir", str(tmp_path)])
        assert unpublished.exit_code == 2
        await store.settle(laws.published[1].digest, State.PUBLISHED, b"")
        database.close()

    asyncio.run(fill())
    result = run.invoke(app, ["diff", "0", "1", "--dir", str(tmp_path)])
    assert result.exit_code == 0
    assert "1 change, 0 widening" in result.output
    assert "Strikes the row JO106.2." in result.output
    assert first().rows != laws.published[1].gazette.rows
