"""Programs that tests need and that this project does not bring along."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from typing import NoReturn

import pytest


def lacking(what: str) -> NoReturn:
    """Skips loudly; fails where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(what)
    print(what, file=sys.__stderr__)
    pytest.skip(what)


def require_program(name: str) -> None:
    """It is there, or see `lacking`."""
    if shutil.which(name) is None:
        lacking(f"{name} is missing")


@cache
def node() -> str:
    """Node 20 or later: older ones have no Ed25519 in WebCrypto without a flag."""
    if found := shutil.which("node"):
        told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if int(told.removeprefix("v").partition(".")[0]) >= 20:
            return found
    lacking("Node 20 is missing: WHAT RUNS IN A BROWSER HAS NOT BEEN RUN")
