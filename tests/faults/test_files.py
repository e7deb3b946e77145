"""A file that holds a key, a decision or evidence is the old one or the new one, wherever its writing is cut off."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kakine.clients.monitor import evidence
from kakine.clients.monitor.findings import Code, Evidence, Finding
from kakine.crypto import files

OLD, NEW = b"old" * 1000, b"new" * 2000
STEPS = ("open", "fsync", "replace", "unlink")


class Cut(BaseException):
    """The power is gone."""


class Watched:
    """Notes what is asked of the system, by file, and cuts off at one step, before or after it is done."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int | None = None, *, after: bool = False) -> None:
        self.seen: list[tuple[str, str]] = []
        self._at, self._after = at, after
        for name in STEPS:
            patch.setattr(os, name, self._noting(name, getattr(os, name)))

    def _noting(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **more: Any) -> Any:
            which = os.readlink(f"/proc/self/fd/{given[0]}") if name == "fsync" else str(given[0])
            mine = len(self.seen) == self._at
            self.seen.append((name, Path(which).name))
            if mine and not self._after:
                raise Cut
            try:
                return real(*given, **more)
            finally:
                if mine:
                    raise Cut

        return step


def steps(folder: Path) -> list[tuple[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        watched = Watched(patch)
        files.replace(folder / "kept", NEW)
    return watched.seen


def test_what_is_in_a_file_is_on_the_disk_before_its_name_and_the_name_before_the_answer(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    done = [each for each in steps(folder) if each[0] in ("fsync", "replace")]
    assert done == [("fsync", "kept.new"), ("replace", "kept.new"), ("fsync", "folder")]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("there", [False, True], ids=["a new file", "in place of another"])
def test_cut_off_at_any_step_the_file_is_whole_and_the_same_call_goes_through(
    tmp_path: Path, there: bool, after: bool
) -> None:
    (tmp_path / "count").mkdir()
    for at in range(len(steps(tmp_path / "count"))):
        folder = tmp_path / f"{at}"
        folder.mkdir()
        path = folder / "kept"
        if there:
            files.replace(path, OLD)
            os.link(path, tmp_path / f"{at}.old")
        with pytest.MonkeyPatch.context() as patch:
            Watched(patch, at, after=after)
            with pytest.raises(Cut):
                files.replace(path, NEW)
        assert (path.read_bytes() if path.exists() else None) in (OLD if there else None, NEW)
        files.replace(path, NEW)
        assert path.read_bytes() == NEW
        assert [each.name for each in folder.iterdir()] == ["kept"]
        assert (
            not there or (tmp_path / f"{at}.old").read_bytes() == OLD
        )  # it was replaced, and not written into


def test_the_file_is_for_its_owner_alone_whatever_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    for name in ("kept", "kept.new"):
        (tmp_path / name).write_bytes(OLD)
        (tmp_path / name).chmod(0o644)
    files.replace(path, NEW)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_may_not_be_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    files.write_private(path, NEW)
    with pytest.raises(FileExistsError):
        files.write_private(path, OLD)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (NEW, 0o600)


FOUND = [Finding(Code.HEAD_FORKED, {"size": 1}, Evidence(notes=(b"one", b"other")), "a log")]


def test_evidence_is_on_the_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    """The commission signs that it has it when this returns, and the person who sent it sends nothing again."""
    at = tmp_path / "findings" / "browser-1"
    with pytest.MonkeyPatch.context() as patch:
        done = Watched(patch)
        evidence.write(at, FOUND)
    assert evidence.load(at).findings == FOUND
    placed = [name for step, name in done.seen if step == "replace"]
    assert placed[-1] == "manifest.json.new"
    assert sorted(placed) == sorted(f"{path.name}.new" for path in at.iterdir())
    flushed = [name for step, name in done.seen if step == "fsync"]
    assert set(placed) < set(flushed)
    for folder in ("browser-1", "findings", tmp_path.name):
        assert done.seen.index(("replace", placed[-1])) < last_of(done.seen, ("fsync", folder))


def last_of(seen: list[tuple[str, str]], step: tuple[str, str]) -> int:
    return len(seen) - 1 - seen[::-1].index(step)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_evidence_that_is_written_again_is_whole_wherever_that_is_cut_off(
    tmp_path: Path, after: bool
) -> None:
    folder = tmp_path / "found"
    with pytest.MonkeyPatch.context() as patch:
        watched = Watched(patch)
        evidence.write(folder, FOUND)
    for at in range(len(watched.seen)):
        with pytest.MonkeyPatch.context() as patch, suppress(Cut):
            Watched(patch, at, after=after)
            evidence.write(folder, FOUND)
        assert evidence.load(folder).findings == FOUND
