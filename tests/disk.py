"""The disk under SQLite as a test can watch it, fill it, break it, hold it up and cut its power.

    with disk.watched() as steps:                           each write, truncation and flush of every database
        ...
        steps.fault = lambda step: disk.FULL                what SQLite is told instead
    disk.crashed(live, base, steps.done[:at], into, draw)   what is found there after a crash at that step

SQLite's own file system module is taken over where it opens a file: three of its methods are ours and call the real
ones. So nothing of SQLite or of the program is imitated. What has been flushed is on disk; of what has not, any part
may be, and a write may be torn.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import sqlite3
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import pytest

FULL = 13
"""SQLITE_FULL."""
WRITE_FAILED = 10 | (3 << 8)
"""SQLITE_IOERR_WRITE."""
FLUSH_FAILED = 10 | (4 << 8)
"""SQLITE_IOERR_FSYNC."""

_SECTOR = 512

_Int, _Long, _Pointer = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
_OPEN = ctypes.CFUNCTYPE(_Int, _Pointer, _Pointer, _Pointer, _Int, _Pointer)
_WRITE = ctypes.CFUNCTYPE(_Int, _Pointer, _Pointer, _Int, _Long)
_TRUNCATE = ctypes.CFUNCTYPE(_Int, _Pointer, _Long)
_SYNC = ctypes.CFUNCTYPE(_Int, _Pointer, _Int)


class _Vfs(ctypes.Structure):
    """The first members of sqlite3_vfs (sqlite3.h)."""

    _fields_ = (
        ("version", _Int),
        ("file_size", _Int),
        ("longest_path", _Int),
        ("next", _Pointer),
        ("name", ctypes.c_char_p),
        ("data", _Pointer),
        ("open", _Pointer),
    )


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("version", _Int),
        ("close", _Pointer),
        ("read", _Pointer),
        ("write", _Pointer),
        ("truncate", _Pointer),
        ("sync", _Pointer),
        ("others", _Pointer * 13),
    )


@dataclass(frozen=True)
class Step:
    """One thing that was asked of the disk: "write" data at an offset, "truncate" to a size, or "flush"."""

    what: str
    path: Path
    at: int = 0
    data: bytes = b""


@dataclass
class Steps:
    """What was done, in order. `fault` is asked before each step and gives an error code in its place, or 0."""

    done: list[Step] = field(default_factory=list)
    fault: Callable[[Step], int] = lambda step: 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, step: Step, real: Callable[[], int]) -> int:
        """Let a step happen, or not."""
        code = self.fault(step) or real()
        if code == 0:
            with self._lock:
                self.done.append(step)
        return code


@contextmanager
def watched() -> Iterator[Steps]:
    """Every database that is opened meanwhile. Where Python has an SQLite of its own inside, the test is skipped with a
    reason, and fails with CI=true."""
    try:
        library = ctypes.CDLL("libsqlite3.so.0")
    except OSError:
        _absent()
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
    vfs = library.sqlite3_vfs_find(None).contents
    steps, kept = Steps(), list[object]()
    real_open, names = _OPEN(vfs.open), dict[int, Path]()

    def opened(itself: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        # The real one keeps the pointer `name`, so it must be the one that SQLite gave.
        code = real_open(itself, name, file, flags, out)
        if code == 0 and name:
            names[file] = Path(ctypes.string_at(name).decode())
            slot = ctypes.cast(file, ctypes.POINTER(_Pointer))
            made = _taken_over(_Methods.from_address(slot[0]), steps, names)
            kept.append(made)
            slot[0] = ctypes.addressof(made[0])
        return code

    ours = _OPEN(opened)
    before = vfs.open
    vfs.open = ctypes.cast(ours, _Pointer)
    try:
        _require_that_python_uses_it(steps)
        yield steps
    finally:
        vfs.open = before
        # Files that are still open call ours for as long as they are.
        _STILL_CALLED.append((ours, kept))


_STILL_CALLED: list[object] = []


def _taken_over(real: _Methods, steps: Steps, names: dict[int, Path]) -> tuple[_Methods, object]:
    write, truncate, sync = _WRITE(real.write), _TRUNCATE(real.truncate), _SYNC(real.sync)

    def on_write(file: int, data: int, amount: int, at: int) -> int:
        step = Step("write", names[file], at, ctypes.string_at(data, amount))
        return steps.ask(step, lambda: write(file, data, amount, at))

    def on_truncate(file: int, size: int) -> int:
        return steps.ask(Step("truncate", names[file], size), lambda: truncate(file, size))

    def on_sync(file: int, flags: int) -> int:
        return steps.ask(Step("flush", names[file]), lambda: sync(file, flags))

    ours = _WRITE(on_write), _TRUNCATE(on_truncate), _SYNC(on_sync)
    made = _Methods.from_buffer_copy(real)
    made.write, made.truncate, made.sync = (ctypes.cast(each, _Pointer) for each in ours)
    return made, ours


def _require_that_python_uses_it(steps: Steps) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "x")) as database:
        database.execute("CREATE TABLE x (y)")
    if not steps.done:
        _absent()
    steps.done.clear()


def _absent() -> NoReturn:
    missing = "THE DISK WAS NOT WATCHED: this Python has its own SQLite, not libsqlite3.so.0"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def crashed(live: Path, base: Path, steps: Sequence[Step], into: Path, draw: random.Random | None) -> Path:
    """A folder as it is found after `steps` were done in `live`, which was like `base` before them.

    Without `draw` only the program was killed: every step has been done. With it the power failed: what was not flushed
    afterwards is drawn, step by step, to be done, not done, or (a write) done in part.
    """
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(base, into, ignore=NOT_ON_DISK)
    by_file = defaultdict[Path, list[Step]](list)
    for step in steps:
        by_file[into / step.path.relative_to(live)].append(step)
    for path, mine in by_file.items():
        flushed = max((number for number, step in enumerate(mine, 1) if step.what == "flush"), default=0)
        content = bytearray(path.read_bytes() if path.exists() else b"")
        for step in mine[:flushed]:
            _do(content, step)
        for step in mine[flushed:]:
            _do(content, step if draw is None else _left_of(step, draw))
        path.write_bytes(content)
    return into


NOT_ON_DISK = shutil.ignore_patterns("*-shm", "*.lock")
"""Shared memory and locks, which end with the processes that have them."""


def _left_of(step: Step, draw: random.Random) -> Step:
    chance = draw.random()
    if chance < 0.4:
        return replace(step, what="nothing")
    if chance < 0.7 and step.what == "write":
        return replace(step, data=step.data[: _SECTOR * draw.randrange(len(step.data) // _SECTOR + 1)])
    return step


def _do(content: bytearray, step: Step) -> None:
    if step.what == "write" and step.data:
        content.extend(bytes(max(0, step.at - len(content))))
        content[step.at : step.at + len(step.data)] = step.data
    elif step.what == "truncate":
        del content[step.at :]
        content.extend(bytes(step.at - len(content)))
