"""Where the legal pack lies, and its files as bytes."""

from __future__ import annotations

from pathlib import Path

import kakine
from kakine.values.problems import PackMalformed

_READ = (".toml", ".json")


def pack_folder() -> Path:
    """The pack inside the installed package if there is one, else `gazette/` of the source checkout."""
    package = Path(kakine.__file__).parent
    installed = package / "_gazette"
    return installed if installed.is_dir() else package.parents[1] / "gazette"


def pack_files(folder: Path) -> dict[str, bytes]:
    """Path relative to `folder`, with slashes, to content, for every TOML and JSON file in it.

    Raises PackMalformed if there is no such folder. The folder's own path stays out of the problem.
    """
    if not folder.is_dir():
        raise PackMalformed(file=".", fault="no such folder")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in _READ and path.is_file()
    }
