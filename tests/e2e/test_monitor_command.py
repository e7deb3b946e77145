"""`kakine monitor` on a folder that a demonstration left, and what its evidence says elsewhere."""

from __future__ import annotations

import json
import secrets
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
from kakine.country import CONVERTERS, LOGS, ORIGIN, identity, signer_of
from kakine.protocols.logs import Log
from kakine.values.problems import Problem
from kakine.wire import checkpoint as notes

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
    assert len(done.out.splitlines()) < 60
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
    assert set(done.told["checks"].values()) == {"clean"}
    assert [told["log"] for told in done.told["logs"]] == [log.origin for log in LOGS]
    for told in done.told["logs"]:
        assert set(told["checks"].values()) == {"clean", "open"}
    shown = kakine("monitor", "--once", "--dir", copy.land, "--state", copy.state).out
    assert shown.count("新規 / new 0") == 2


@pytest.mark.parametrize(
    ("store", "statement", "code"),
    [
        ("mailbox-a", "DELETE FROM row WHERE rowid = 5", "keeper-lacks-request"),
        ("mailbox-b", "DELETE FROM place WHERE rowid = 5", "keeper-lacks-request"),
        ("mailbox-a", LAST_OUTCOME, "keeper-lacks-outcome"),
        ("mailbox-b", LAST_OUTCOME, "keeper-lacks-outcome"),
        ("mailbox-a", "DELETE FROM index_row WHERE rowid = 3", "index-rows-lost"),
        ("mailbox-b", "DELETE FROM index_row WHERE rowid = 3", "index-rows-lost"),
        ("mailbox-a", "DELETE FROM index_root WHERE log LIKE '%/a'", "index-hidden"),
        ("mailbox-b", "DELETE FROM index_root WHERE log LIKE '%/a'", "index-hidden"),
    ],
)
def test_shows_what_one_record_keeper_lost_is_named_at_first_sight(
    demo: tuple[Path, Path], tmp_path: Path, store: str, statement: str, code: str
) -> None:
    """A fresh copy, a monitor that never looked before, and a reader who has the policy and nothing else."""
    fresh = Copy(shutil.copytree(demo[0], tmp_path / "land"), tmp_path / "state")
    fresh.harm(store, statement)
    done = fresh.monitor("--evidence", tmp_path / "found")
    assert (done.code, done.codes) == (1, {code})
    assert {finding["facts"]["party"] for finding in done.told["findings"]} == {store}
    assert {finding["log"] for finding in done.told["findings"]} == {ORIGIN}
    assert set(levels(fresh, tmp_path)) == {code}
    shown = kakine("monitor", fresh.land, "--once", "--state", fresh.state)
    assert (shown.code, f"[{code}] {ORIGIN}" in shown.out) == (1, True)


@pytest.mark.parametrize(
    ("store", "statement", "codes"),
    [
        ("ledger-a", LOGGED_OUTCOME, {"party-refused"}),
        (
            "ledger-a",
            "UPDATE entry SET bytes = zeroblob(80) WHERE idx = 7",
            {"party-refused", "entries-differ", "entry-malformed"},
        ),
        ("mailbox-b", "DROP TABLE place", {"party-refused"}),
    ],
)
def test_harm_to_a_store_that_does_not_open_is_named(
    copy: Copy, tmp_path: Path, store: str, statement: str, codes: set[str]
) -> None:
    shutil.rmtree(copy.state)
    if statement.startswith("DROP"):
        connection = sqlite3.connect(copy.land / f"{store}.sqlite")
        connection.executescript("DROP TABLE place; CREATE TABLE place (x)")
        connection.close()
    else:
        copy.harm(store, statement)
    done = copy.monitor()
    assert (done.code, done.codes) == (1, codes)
    parties = {found["facts"]["party"] for found in done.told["findings"] if "party" in found["facts"]}
    assert parties == {store}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: str(log.ledger))
def test_shows_yesterdays_ledger_is_named_as_such(copy: Copy, tmp_path: Path, log: Log) -> None:
    """The country does not start with it; the folder still tells, to a monitor that never looked before."""
    for name in ("the day before", "yesterday"):
        kept = shutil.copytree(copy.land, tmp_path / name)
        assert kakine("ledger", "beat", "--dir", copy.land, "--instance", log.origin[-1]).code == 0
    assert kakine("ledger", "witness", "--dir", copy.land).code == 0
    for path in copy.land.glob(f"{log.ledger}.sqlite*"):
        path.unlink()
    for path in kept.glob(f"{log.ledger}.sqlite*"):
        shutil.copy(path, copy.land / path.name)
    fresh = Copy(copy.land, tmp_path / "state")
    done = fresh.monitor("--evidence", tmp_path / "found")
    assert (done.code, done.codes) == (1, {"party-refused", "head-rolled-back"})
    refused, *rolled = done.told["findings"]
    assert refused["facts"] == {"party": log.ledger, "problem": "ledger-behind", "part": ""}
    assert {found["log"] for found in rolled} == {log.origin}
    assert {found["facts"]["who"] for found in rolled} >= {*CONVERTERS, "citizens-watch"}
    assert levels(fresh, tmp_path)["head-rolled-back"] == "reported"
    assert {found["log"] for found in rolled} == {log.origin}


def levels(copy: Copy, tmp_path: Path) -> dict[str, str]:
    """What evidence is worth to a reader with the published policy alone, by code."""
    trusted = shutil.copy(copy.land / "policy.txt", tmp_path / "published.txt")
    done = kakine("monitor", "check-evidence", tmp_path / "found", "--policy", trusted, "--json")
    assert done.code == 0
    return {finding["code"]: finding["level"] for finding in done.told["findings"]}


def policy(copy: Copy, tmp_path: Path) -> Path:
    """The ledger's key, as the country itself writes it down."""
    done = kakine("ledger", "receipt", 0, "--dir", copy.land, "--out", tmp_path / "receipts")
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
    assert kakine("ledger", "tiles", "--dir", copy.land, "--out", public).code == 0
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
    assert kakine("ledger", "tiles", "--dir", copy.land, "--out", tmp_path / "mirror").code == 0
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
        assert running.wait(120) == 0
    assert json.loads(first)["logs"] == json.loads(second)["logs"]


@pytest.mark.parametrize("wrong", [(), ("--dir", "nowhere", "--tiles", ".")])
def test_what_to_watch_must_be_said(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    assert kakine("monitor", "--once", "--state", tmp_path / "s", *wrong).code == 2
    assert not (tmp_path / "s").exists()


def test_a_folder_without_a_country_is_no_finding(tmp_path: Path) -> None:
    done = kakine("monitor", "--once", "--dir", tmp_path, "--state", tmp_path / "s")
    assert (done.code, done.out) == (1, "")
    assert "country-missing" in done.err


def test_a_fork_that_a_witness_keeps_is_shown_by_the_command_that_has_heads_witnessed(
    copy: Copy, tmp_path: Path
) -> None:
    """And the same head convicts the log in what the monitor writes for others."""
    assert kakine("ledger", "witness", "--dir", copy.land).code == 0
    key = identity(copy.land / "keys", signer_of(LOGS[0]), secrets.token_bytes).signing
    other = notes.make(ORIGIN, 5, bytes(32), key)
    with sqlite3.connect(copy.land / "witnesses" / "regulator.sqlite") as connection:
        connection.execute("INSERT INTO forked_head VALUES (?, ?, ?)", (ORIGIN, bytes(32), other))
    connection.close()
    done = kakine("ledger", "witness", "--dir", copy.land)
    assert done.code == 1
    assert f"{ORIGIN}: regulator" in done.out
    done = copy.monitor("--evidence", tmp_path / "found")
    assert (done.code, done.codes) == (1, {"head-forked"})
    assert levels(copy, tmp_path) == {"head-forked": "proven"}
