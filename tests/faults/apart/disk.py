"""A small disk of a party's own, that can be full, slow or stand still: a file with a file system in it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from faults.apart.net import run, why_not

MEGABYTES = 64
"""Of a party's disk; more is given for a server."""
_GROUPS = Path("/sys/fs/cgroup/blkio")
_CHUNK = bytes(1 << 16)


class Disk:
    """Mounted over a folder, whose files move onto it. Nobody may have any of them open."""

    def __init__(self, folder: Path, image: Path, megabytes: int = MEGABYTES) -> None:
        self.folder = folder
        self._fill = folder / "fill"
        self._group = _GROUPS / f"kakine-{image.stem}"
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        # Without a journal every write of a party is that party's own, so that its group can be slowed down.
        run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", image)
        kept = folder.with_name(f"{folder.name}.moved")
        run("cp", "-a", folder, kept)
        run("mount", "-o", "loop", image, folder)
        run("cp", "-a", f"{kept}/.", folder)
        shutil.rmtree(kept)
        device = Path(run("findmnt", "-no", "SOURCE", folder).strip()).name
        self._device = Path(f"/sys/block/{device}/dev").read_text().strip()

    def full(self) -> None:
        """Not a byte is left."""
        with self._fill.open("wb", buffering=0) as file:
            try:
                while file.write(_CHUNK):
                    pass
            except OSError:
                return

    def empty(self) -> None:
        """As before `full`."""
        self._fill.unlink(missing_ok=True)

    def freeze(self, *, frozen: bool) -> None:
        """Who writes waits until it thaws."""
        run("fsfreeze", "-f" if frozen else "-u", self.folder)

    def slow(self, pids: Sequence[int], writes_a_second: int) -> None:
        """Of these processes: so many writes a second, 0 for as many as they like."""
        self._group.mkdir(exist_ok=True)
        for pid in pids:
            (self._group / "cgroup.procs").write_text(str(pid))
        (self._group / "blkio.throttle.write_iops_device").write_text(f"{self._device} {writes_a_second}")

    def close(self) -> None:
        """Unmount it. Whoever was slowed down has ended."""
        why_not("fsfreeze", "-u", self.folder)  # where a run was broken off
        run("umount", "--lazy", self.folder)
        if self._group.is_dir():
            self._group.rmdir()


def lacking() -> str:
    """Why there are no such disks here; nothing if there are."""
    why = why_not("losetup", "--find")
    return f"loop device: {why}" if why else why_not("mkfs.ext4", "-V")


def cannot_be_slow() -> str:
    """Why a disk cannot be slowed down here; nothing if it can."""
    return "" if (_GROUPS / "blkio.throttle.write_iops_device").exists() else f"{_GROUPS} has no throttle"
