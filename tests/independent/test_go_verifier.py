"""The log's files and the published vectors before a verifier of other authors in another language.

Go's sumdb packages come from Debian, offline. Where they cannot be had the tests are skipped with a reason; with
CI=true they are installed, or the run fails.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from forked_log import Told, witness
from tile_log import VKEY, contents, log

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parents[1] / "vectors" / "ledger"
GOPATH = Path("/usr/share/gocode")
ABSENT = "INDEPENDENT VERIFIER NOT RUN: golang-go and golang-golang-x-mod-dev are missing (install.sh here)"


def has_go() -> bool:
    return shutil.which("go") is not None and (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir()


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built program."""
    in_ci = os.environ.get("CI") == "true"
    if not has_go() and in_ci:
        subprocess.run([HERE / "install.sh"], check=False)
    if not has_go():
        pytest.fail(ABSENT) if in_ci else pytest.skip(ABSENT)
    made = tmp_path_factory.mktemp("go")
    offline = {
        "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": "", "GOPROXY": "off",
        "GOCACHE": str(made / "cache"), "HOME": str(made),
    }  # fmt: skip
    command = ["go", "build", "-o", str(made / "independent"), str(HERE / "main.go")]
    subprocess.run(command, check=True, env={**os.environ, **offline})
    return made / "independent"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The static files of a log of 70,000 entries and four checkpoints."""
    with log(tmp_path_factory.mktemp("log"), 1, 65_536, 69_900, 70_000) as made:
        made.tiles.rebuild()
        yield made.public


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with log(tmp_path, 300) as made:
        made.tiles.rebuild()
        yield made.public


def run(verifier: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [verifier, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=240
    )


def heard(ran: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Its own words, for whoever runs `make test-independent`."""
    print(f"\n    go sumdb: {(ran.stdout + ran.stderr).strip()}  [exit {ran.returncode}]")
    return ran


def test_it_accepts_every_file_of_our_log(verifier: Path, published: Path) -> None:
    ran = heard(run(verifier, "folder", published, VKEY))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("folder: 70000 entries, root ")


def test_it_agrees_with_every_published_vector(verifier: Path) -> None:
    ran = heard(run(verifier, "vectors", VECTORS))
    assert (ran.returncode, ran.stderr) == (0, "")


def test_it_refuses_one_flipped_bit_in_any_file(verifier: Path, small: Path) -> None:
    """First, middle and last byte of each."""
    for name, content in contents(small).items():
        for at in {0, len(content) // 2, len(content) - 1}:
            (small / name).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            ran = run(verifier, "folder", small, VKEY)
            assert ran.returncode == 1, (name, at)
        heard(ran)
        (small / name).write_bytes(content)
    assert run(verifier, "folder", small, VKEY).returncode == 0


def test_it_refuses_every_changed_byte_of_every_file(verifier: Path, tmp_path: Path) -> None:
    """Of a log of 20 entries: its head, its tile, its entries."""
    with log(tmp_path, 20) as made:
        made.tiles.rebuild()
        ran = heard(run(verifier, "flips", made.public, VKEY))
    assert (ran.returncode, ran.stderr) == (0, "")
    bytes_in_all = sum(len(content) for content in contents(made.public).values())
    assert bytes_in_all > 20 * (82 + 32)
    assert f"flips: {bytes_in_all} changed bytes refused\n" in ran.stdout


def test_it_refuses_a_folder_that_lacks_a_file(verifier: Path, small: Path) -> None:
    for name, content in contents(small).items():
        (small / name).unlink()
        assert heard(run(verifier, "folder", small, VKEY)).returncode == 1, name
        (small / name).write_bytes(content)


def test_it_refuses_another_size_or_another_key(verifier: Path, small: Path) -> None:
    note = (small / "checkpoint").read_text()
    (small / "checkpoint").write_text(note.replace("\n300\n", "\n299\n"))
    assert heard(run(verifier, "folder", small, VKEY)).returncode == 1
    (small / "checkpoint").write_text(note)
    other = VKEY.replace("2026/a", "2026/b")
    assert run(verifier, "folder", small, other).returncode == 1


def test_it_accepts_our_cosignatures_and_no_changed_one(verifier: Path, tmp_path: Path) -> None:
    """Witnesses and log are ours, the verifier is not: note, key ids, time and signed text, read by others' code."""
    told, note, keys = Told(), tmp_path / "checkpoint", []
    lines = b""
    for name in ("a.example/w", "b.example/w"):
        with witness(tmp_path, name) as party:
            lines += asyncio.run(party.witness.add(told.body(0, 50)))
            keys.append(party.vkey)
    note.write_bytes(told.note(50) + lines)
    ran = heard(run(verifier, "cosigned", note, VKEY, *keys))
    assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", "cosigned: 2 witnesses\n")
    for wrong in (
        (told.note(50) + lines.splitlines(keepends=True)[0]),
        (told.note(60) + lines),
        note.read_bytes()[:-20] + bytes([note.read_bytes()[-20] ^ 1]) + note.read_bytes()[-19:],
    ):
        note.write_bytes(wrong)
        assert run(verifier, "cosigned", note, VKEY, *keys).returncode == 1


def test_it_refuses_vectors_of_which_one_hash_is_another(verifier: Path, tmp_path: Path) -> None:
    for name in ("trees.json", "checkpoints.json"):
        shutil.copy(VECTORS / name, tmp_path)
    trees = (tmp_path / "trees.json").read_text()
    at = trees.index('"path": [\n      "') + len('"path": [\n      "')
    (tmp_path / "trees.json").write_text(trees[:at] + ("0" if trees[at] != "0" else "1") + trees[at + 1 :])
    assert heard(run(verifier, "vectors", tmp_path)).returncode == 1
