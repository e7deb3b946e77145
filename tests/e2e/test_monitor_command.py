"""`kakine monitor` on a folder that a demonstration left, and what its evidence says elsewhere."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kakine.cli.root import app
from kakine.country import ORIGIN
from kakine.values.problems import Problem

DESK = ("--as", "yokohama/children", "--procedure", "JO106", "--row", "JO106.2", "--provider", "yokohama/tax")


LAST_OUTCOME = (
    "DELETE FROM filing WHERE first = (SELECT max(first) FROM filing WHERE substr(entries, 2, 1) = x'02')"
)
LOGGED_OUTCOME = (
    "DELETE FROM entry WHERE idx = (SELECT max(idx) FROM entry WHERE substr(bytes, 2, 1) = x'02')"
)


@dataclass(frozen=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        """Its last line as JSON."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found

    @property
    def codes(self) -> set[str]:
        """What was found."""
        return {finding["code"] for finding in self.told["findings"]}


def command(*arguments: object) -> list[str]:
    """As a shell would start it."""
    return [sys.executable, "-m", "kakine", *map(str, arguments)]


def kakine(*arguments: object) -> Ran:
    """The same in this process; a refusal is told as `kakine.__main__` does."""
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    if isinstance(done.exception, Problem):
        return Ran(1, done.stdout, str(done.exception))
    return Ran(done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(a country's folder, the folder of a monitor that has looked at it)."""
    folder = tmp_path_factory.mktemp("demo")
    assert kakine("demo", "--residents", 60, "--seed", 3, "--dir", folder / "land", "--json").code == 0
    done = kakine("monitor", "--once", "--dir", folder / "land", "--state", folder / "state")
    assert (done.code, done.err) == (0, "")
    assert "所見なし / nothing found" in done.out
    assert len(done.out.splitlines()) < 24
    return folder / "land", folder / "state"


@dataclass(frozen=True)
class Copy:
    """A country to do harm to, and the monitor that knows it."""

    land: Path
    state: Path

    def monitor(self, *more: object) -> Ran:
        """Look once."""
        return kakine("monitor", "--once", "--dir", self.land, "--state", self.state, "--json", *more)

    def harm(self, store: str, statement: str) -> None:
        """What an administrator of one store could do."""
        with sqlite3.connect(self.land / f"{store}.sqlite") as connection:
            assert connection.execute(statement).rowcount == 1
        connection.close()


@pytest.fixture
def copy(demo: tuple[Path, Path], tmp_path: Path) -> Copy:
    land, state = demo
    return Copy(shutil.copytree(land, tmp_path / "land"), shutil.copytree(state, tmp_path / "state"))


def test_a_second_look_reads_only_what_is_new(copy: Copy) -> None:
    done = copy.monitor()
    assert (done.code, done.codes) == (0, set())
    assert set(done.told["checks"].values()) == {"clean", "open"}
    shown = kakine("monitor", "--once", "--dir", copy.land, "--state", copy.state).out
    assert "新規 / new 0" in shown


@pytest.mark.parametrize(
    ("store", "statement", "code"),
    [
        ("mailbox-a", "DELETE FROM row WHERE rowid = 5", "keeper-lacks-request"),
        ("mailbox-b", "DELETE FROM place WHERE rowid = 5", "keeper-lacks-request"),
        ("mailbox-a", LAST_OUTCOME, "keeper-lacks-outcome"),
        ("mailbox-b", LAST_OUTCOME, "keeper-lacks-outcome"),
        ("mailbox-a", "DELETE FROM index_row WHERE rowid = 3", "index-rows-lost"),
        ("mailbox-b", "DELETE FROM index_row WHERE rowid = 3", "index-rows-lost"),
        ("mailbox-a", "DELETE FROM index_root WHERE start = 0", "index-hidden"),
        ("mailbox-b", "DELETE FROM index_root WHERE start = 0", "index-hidden"),
        ("ledger-a", LOGGED_OUTCOME, "party-refused"),
        ("ledger-a", "DELETE FROM entry WHERE idx = (SELECT max(idx) FROM entry)", "party-refused"),
        ("ledger-a", "UPDATE entry SET bytes = zeroblob(80) WHERE idx = 7", "party-refused"),
        ("mailbox-b", "DROP TABLE place", "party-refused"),
    ],
)
def test_harm_to_a_store_is_named(copy: Copy, store: str, statement: str, code: str) -> None:
    if statement.startswith("DROP"):
        connection = sqlite3.connect(copy.land / f"{store}.sqlite")
        connection.executescript("DROP TABLE place; CREATE TABLE place (x)")
        connection.close()
    else:
        copy.harm(store, statement)
    done = copy.monitor()
    assert done.code == 1
    assert code in done.codes
    assert {finding["facts"].get("party") for finding in done.told["findings"]} == {store}
    shown = kakine("monitor", "--once", "--dir", copy.land, "--state", copy.state)
    assert (shown.code, f"[{code}]" in shown.out) == (1, True)


def test_yesterdays_ledger_does_not_start_and_says_so(copy: Copy, tmp_path: Path) -> None:
    kept = shutil.copytree(copy.land, tmp_path / "yesterday")
    ask(copy)
    assert copy.monitor().code == 0
    for path in copy.land.glob("ledger-a.sqlite*"):
        path.unlink()
    for path in kept.glob("ledger-a.sqlite*"):
        shutil.copy(path, copy.land / path.name)
    done = copy.monitor()
    assert (done.code, done.codes) == (1, {"party-refused"})
    assert [finding["facts"]["problem"] for finding in done.told["findings"]] == ["ledger-behind"]


def policy(copy: Copy, tmp_path: Path) -> Path:
    """The ledger's key, as the country itself writes it down."""
    done = kakine("ledger-a", "receipt", 0, "--dir", copy.land, "--out", tmp_path / "receipts")
    assert done.code == 0
    return tmp_path / "receipts" / "policy.txt"


def ask(copy: Copy) -> None:
    """One question more in the log."""
    connection = sqlite3.connect(copy.land / "yokohama.sqlite")
    known = connection.execute("SELECT reference FROM holding WHERE domain = 'yokohama/children'").fetchone()[
        0
    ]
    connection.close()
    done = kakine("ask", "--dir", copy.land, *DESK, "--reference", known.decode())
    assert done.code == 0, done.err


def test_static_files_are_watched_without_a_country(copy: Copy, tmp_path: Path) -> None:
    public, trusted = tmp_path / "public", policy(copy, tmp_path)
    assert kakine("ledger-a", "tiles", "--dir", copy.land, "--out", public).code == 0
    look = ("monitor", "--once", "--tiles", public, "--policy", trusted, "--state", tmp_path / "s", "--json")
    assert kakine(*look).codes == set()
    tile = public / "tile" / "0" / "000"
    data = tile.read_bytes()
    tile.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert kakine(*look).codes == set()
    done = kakine(*look, "--again")
    assert (done.code, done.codes) == (1, {"tile-differs"})


def test_a_head_from_elsewhere_is_compared(copy: Copy, demo: tuple[Path, Path], tmp_path: Path) -> None:
    """S6: the mirror shows the log as it was before somebody went on from a backup."""
    assert kakine("ledger-a", "tiles", "--dir", copy.land, "--out", tmp_path / "mirror").code == 0
    head = tmp_path / "mirror" / "checkpoint"
    assert copy.monitor("--head", head).codes == set()
    head.write_bytes(head.read_bytes().replace(ORIGIN.encode(), b"ledger.example/other", 1))
    assert copy.monitor("--head", head).codes == {"reported-head-unsigned"}


def test_without_once_it_looks_again_until_it_is_interrupted(copy: Copy) -> None:
    repeating = command("monitor", "--dir", copy.land, "--state", copy.state, "--every", 1, "--json")
    with subprocess.Popen(repeating, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first, second = running.stdout.readline(), running.stdout.readline()
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
    assert json.loads(first)["size"] == json.loads(second)["size"]


@pytest.mark.parametrize("wrong", [(), ("--dir", "nowhere", "--tiles", ".")])
def test_what_to_watch_must_be_said(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    assert kakine("monitor", "--once", "--state", tmp_path / "s", *wrong).code == 2
    assert not (tmp_path / "s").exists()


def test_a_folder_without_a_country_is_no_finding(tmp_path: Path) -> None:
    done = kakine("monitor", "--once", "--dir", tmp_path, "--state", tmp_path / "s")
    assert (done.code, done.out) == (1, "")
    assert "country-missing" in done.err
