"""What is locked is pinned, hashed, asked for, and what is installed; nothing says where it came from."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import locks


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The locks of this repository, to be spoiled."""
    shutil.copytree(locks.ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(locks.ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def change(root: Path, name: str, edit: Callable[[str], str]) -> None:
    path = locks.lock_file(name, root)
    before = path.read_text()
    path.write_text(edit(before))
    assert path.read_text() != before


def test_the_locks_have_no_fault() -> None:
    assert list(locks.faults()) == []


def test_what_is_installed_is_what_is_locked_and_something_asks_for_each() -> None:
    assert list(locks.faults_installed()) == []


def test_no_lock_names_an_address() -> None:
    for name in (locks.RUN, locks.DEV):
        assert not re.search(r"://|--(extra-)?index|--find-links", locks.lock_file(name).read_text())


def test_each_lock_holds_what_pyproject_asks_for() -> None:
    run, dev = locks.direct()
    assert run <= locks.locked(locks.RUN).keys()
    assert run | dev <= locks.locked(locks.DEV).keys()


SPOILT: dict[str, Callable[[str], str]] = {
    "an option": lambda text: "--extra-index-url https://packages.example/simple\n" + text,
    "an address or a warning": lambda text: "# from https://packages.example/simple\n" + text,
    "not pinned": lambda text: text.replace("aiohttp==", "aiohttp>=", 1),
    "a link": lambda text: (
        text + "\nevil @ https://packages.example/evil.whl --hash=sha256:" + "0" * 64 + "\n"
    ),
    "without hashes": lambda text: text + "\nevil==1.0\n",
    "others than SHA-256": lambda text: text + "\nevil==1.0 --hash=md5:" + "0" * 32 + "\n",
    "twice": lambda text: text + "\naiohttp==3.0 --hash=sha256:" + "0" * 64 + "\n",
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_lock_that_was_spoilt_is_named(copy: Path, fault: str) -> None:
    change(copy, locks.RUN, SPOILT[fault])
    assert [each for each in locks.faults(copy) if fault in each]


def test_a_hash_that_only_one_lock_has_is_named(copy: Path) -> None:
    change(copy, locks.RUN, lambda text: text.replace("sha256:0", "sha256:1", 1))
    assert [each for each in locks.faults(copy) if "do not lock the same" in each]


def test_a_package_that_is_asked_for_and_not_locked_is_named(copy: Path) -> None:
    path = copy / "pyproject.toml"
    path.write_text(path.read_text().replace('"aiohttp>=3.11",', '"aiohttp>=3.11",\n  "evil>=1",', 1))
    assert "evil: in pyproject.toml and not in run.txt" in list(locks.faults(copy))


def test_a_locked_package_that_nothing_asks_for_is_named(copy: Path) -> None:
    change(copy, locks.DEV, lambda text: text + "\nevil==1.0 --hash=sha256:" + "0" * 64 + "\n")
    assert [each for each in locks.faults_installed(copy) if each == "evil: locked, and nothing asks for it"]
