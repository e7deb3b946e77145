"""Where a new agency is, in the settings of those that will call it: into the file, which their process rereads."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kakine.process.settings import Settings, read
from kakine.values.problems import SettingsMalformed


def add_address(path: Path, name: str, addresses: Sequence[str]) -> bool:
    """Let the party of this settings file call `name` there, and be called by it where it names its callers; whether
    anything changed. Nothing else in the file does. Raises `SettingsMalformed` where the file cannot be changed so."""
    before = read(path)
    where = addresses[0] if len(addresses) == 1 else list(addresses)
    wanted = _with(before, name, where)
    if wanted == before:
        return False
    text = path.read_text()
    text = _line_after(text, "[addresses]", name, where)
    if wanted.callers != before.callers:
        text = _replaced(text, "callers", wanted.callers)
    fresh = path.with_name(f"{path.name}.new")
    with open(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, path.stat().st_mode & 0o777), "w"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    # A file that somebody has laid out otherwise is left as it is.
    if msgspec.structs.replace(read(fresh), file=before.file) != wanted:
        fresh.unlink()
        raise SettingsMalformed(why="write the address in by hand")
    fresh.replace(path)
    return True


def _with(settings: Settings, name: str, where: str | list[str]) -> Settings:
    known = {**settings.addresses, name: where}
    callers = settings.callers
    if callers is not None and name not in callers:
        callers = [*callers, name]
    return msgspec.structs.replace(settings, addresses=known, callers=callers)


def _line_after(text: str, table: str, name: str, value: object) -> str:
    """The table with this line first, and without any other of that name in it."""
    head, found, rest = text.partition(f"{table}\n")
    if not found:
        raise SettingsMalformed(why="write the address in by hand")
    own, mark, others = rest.partition("\n[")
    kept = [line for line in own.split("\n") if line.partition("=")[0].strip() != name]
    return f"{head}{found}{name} = {json.dumps(value)}\n" + "\n".join(kept) + mark + others


def _replaced(text: str, name: str, value: object) -> str:
    written = [
        f"{name} = {json.dumps(value)}" if line.partition("=")[0].strip() == name else line
        for line in text.split("\n")
    ]
    return "\n".join(written)
