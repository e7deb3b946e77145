"""Code of others that pages load is the code that was published, and all of it is named."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import kakine

VENDOR = Path(kakine.__file__).parent / "web" / "static" / "history" / "vendor"


def test_every_vendored_file_is_the_published_one() -> None:
    listed = dict(
        re.findall(r"^    ([0-9a-f]{64})  (\S+)$", (VENDOR / "README.md").read_text("utf-8"), re.MULTILINE)
    )
    there = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path.name
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert listed == there
