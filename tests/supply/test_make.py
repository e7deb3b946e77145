"""What `make` puts into .venv beside the packages: the command `kakine`."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from outside_tools import require_program

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ".venv/bin/kakine"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile and an interpreter that says how it was called."""
    require_program("make")
    folder = tmp_path / "a clone"
    (folder / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    python = folder / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nprintf \'%s\\n\' "$0" "$@"\n')
    python.chmod(0o755)
    return folder


def test_make_writes_a_command_that_runs_the_program_from_any_folder(clone: Path) -> None:
    subprocess.run(["make", "-s", COMMAND], cwd=clone, check=True, timeout=60)
    command = clone / COMMAND
    assert stat.S_IMODE(command.stat().st_mode) == 0o755
    done = subprocess.run(
        ["kakine", "ask", "two words", ""],
        cwd="/",
        env={"PATH": f"{command.parent}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
        text=True,
    )
    python = str(clone / ".venv" / "bin" / "python")
    assert done.stdout.splitlines() == [python, "-m", "kakine", "ask", "two words", ""]


def test_what_make_installs_has_the_command(clone: Path) -> None:
    """Also in a folder where everything else is there already."""
    said = subprocess.run(
        ["make", "-n", ".make/run"], cwd=clone, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert said.index(COMMAND) < said.index("installing what the country needs")
