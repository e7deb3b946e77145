"""Reads the vector files of the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "vectors"


def load(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def changed(good: dict[str, Any], hashes: str, change: str) -> dict[str, Any]:
    """A proof of ledger/trees.json with one of the changes listed there; `hashes` names its list of hashes."""
    what, value = change.split()
    listed = list(good[hashes])
    if what == "flip":
        first = h(listed[int(value)])
        listed[int(value)] = (bytes([first[0] ^ 1]) + first[1:]).hex()
    elif what == "drop":
        del listed[int(value)]
    elif what == "twice":
        listed.insert(int(value), listed[int(value)])
    elif what == "add":
        listed.append(value)
    else:
        if what not in good:
            raise ValueError(change)
        return {**good, what: value if "root" in what else int(value)}
    return {**good, hashes: listed}
