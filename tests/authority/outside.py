"""Tools that are not ours, and what to do where they are missing: install, skip loudly, fail where CI=true."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSTALL = Path(__file__).with_name("install.sh")
BIN = Path(sys.executable).parent


def require(*wanted: str) -> None:
    """Programs or files by path."""
    if all(shutil.which(each) or Path(each).exists() for each in wanted):
        return
    said = f"OUTSIDE CHECK NOT RUN: {', '.join(wanted)} missing (install.sh here)"
    if os.environ.get("CI") != "true":
        pytest.skip(said)
    if subprocess.run([INSTALL], check=False).returncode:
        pytest.fail(said)


def verdict(*command: object, good: bool | None = True, folder: Path) -> str:
    """Run a tool, print what it said, and hold its exit status against what is expected, if anything is."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False)
    said = (done.stdout + done.stderr).strip()
    print(f"$ {' '.join([Path(words[0]).name, *words[1:]])}\n{said or 'no finding'}\n")
    assert good is None or (done.returncode == 0) is good, said
    return said
