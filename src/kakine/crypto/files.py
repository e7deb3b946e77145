"""Files that hold keys and decisions: whole, for their owner alone, and on the disk when the call returns.

A name is on the disk when its folder is (fsync(2)); a rename takes a name from one whole file to another (rename(2)).
Not looked at: whether the folder is the owner's own, and who else writes the same file at the same time.
"""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE = 0o600
SHOWN = 0o644
"""For what anybody may read."""


def write_private(path: Path, data: bytes) -> None:
    """A new file of mode 600; `FileExistsError` if it is there."""
    _write(path, data, PRIVATE)
    flush(path.parent)


def replace(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """From here on the file holds `data` and has this mode, less what the umask takes. Cut off before, it holds what it
    held, or is not there; what a call that was cut off left beside it the next one writes over."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    _write(fresh, data, mode)
    fresh.replace(path)
    flush(path.parent)


def flush(path: Path) -> None:
    """What has been written to this file, or the names in this folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(path: Path, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)
