"""PostgreSQL's programs, from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from kakine.values.problems import ServerMissing

PACKAGE = "postgresql"
_ROOM = Path("/usr/lib/postgresql")
_NO_SERVICE = Path("/etc/postgresql-common/createcluster.d/kakine.conf")
"""While it is there, Debian's package makes no server of its own: none is asked for, and it would open a port."""
_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=120")


def programs() -> Path | None:
    """The folder of the newest server's programs, or None."""
    found = sorted(_ROOM.glob("*/bin/initdb"), key=lambda each: float(each.parent.parent.name))
    return found[-1].parent if found else None


def install(say: Callable[[str], None]) -> None:
    """Have the programs here: by apt-get where they are missing and the user may, as root or by `sudo` without a
    password. Raises `ServerMissing`, which names the package, where they cannot be had so."""
    if programs() is not None:
        return
    rights = _rights()
    if rights is None or shutil.which("apt-get") is None:
        raise ServerMissing(package=PACKAGE, instead="--engine sqlite")
    say(f"apt-get install {PACKAGE} ...")
    _do([*rights, "mkdir", "-p", str(_NO_SERVICE.parent)])
    _do([*rights, "tee", str(_NO_SERVICE)], "create_main_cluster = false\n")
    try:
        # Old lists name packages that are gone; where they cannot be renewed, those that are here may do.
        _do([*rights, *_APT, "update"])
        failed = _do([*rights, *_APT, "install", "-y", "--no-install-recommends", PACKAGE])
    finally:
        _do([*rights, "rm", "-f", str(_NO_SERVICE)])
    if programs() is None:
        raise ServerMissing(package=PACKAGE, instead="--engine sqlite", apt=failed)


def _rights() -> Sequence[str] | None:
    """What stands before a command that only root may give; None if that cannot be had."""
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") is None or _do(["sudo", "-n", "true"]):
        return None
    return ("sudo", "-n")


def _do(command: Sequence[str], given: str = "") -> str:
    """The last line of what went wrong, or nothing."""
    told = subprocess.run(command, input=given, capture_output=True, text=True, check=False, cwd="/")
    return (told.stderr.strip().splitlines() or ["failed"])[-1] if told.returncode else ""
