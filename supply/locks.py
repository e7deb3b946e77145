"""What requirements/*.txt lock, and what is wrong with them without asking anybody.

.venv/bin/python supply/locks.py        # exit 1 and a line for each fault
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pip_requirements_parser import RequirementsFile

ROOT = Path(__file__).resolve().parents[1]
RUN, DEV = "run", "dev"
BOOTSTRAP = {"setuptools"}
"""What `python -m venv` puts in by itself; nothing here imports it."""


@dataclass(frozen=True)
class Locked:
    """One version of one package. `hashes` are SHA-256 in hexadecimal digits, one for each file of that version."""

    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str = ""

    @property
    def wanted_here(self) -> bool:
        """Whether this interpreter on this system needs it."""
        return not self.marker or Requirement(f"{self.name}; {self.marker}").marker.evaluate()  # type: ignore[union-attr]


def lock_file(name: str, root: Path = ROOT) -> Path:
    """Of `run` or `dev`."""
    return root / "requirements" / f"{name}.txt"


def locked(name: str, root: Path = ROOT) -> dict[str, Locked]:
    """What a lock file pins, by canonical name. What is wrong in it is in `faults_of`, not raised here."""
    found: dict[str, Locked] = {}
    for each in RequirementsFile.from_file(str(lock_file(name, root))).requirements:
        pinned = [one.version for one in each.specifier or () if one.operator == "=="]
        hashes = sorted(one.removeprefix("sha256:") for one in each.hash_options)
        one = Locked(canonicalize_name(each.name), *pinned[:1] or [""], tuple(hashes), str(each.marker or ""))
        found[one.name] = one
    return found


def direct(root: Path = ROOT) -> tuple[set[str], set[str]]:
    """Names that pyproject.toml asks for: to run, and for development."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    needs = [project["dependencies"], project["optional-dependencies"]["dev"]]
    run, dev = ({canonicalize_name(Requirement(line).name) for line in lines} for lines in needs)
    return run, dev


def faults(root: Path = ROOT) -> Iterator[str]:
    """Every fault of both files, and of one beside the other."""
    run, dev = locked(RUN, root), locked(DEV, root)
    for name in (RUN, DEV):
        yield from faults_of(name, root)
    for name in sorted(run):
        if name not in dev or (run[name].version, run[name].hashes) != (dev[name].version, dev[name].hashes):
            yield f"{name}: run.txt and dev.txt do not lock the same"
    asked_run, asked_dev = direct(root)
    yield from (f"{name}: in pyproject.toml and not in run.txt" for name in sorted(asked_run - run.keys()))
    yield from (f"{name}: in pyproject.toml and not in dev.txt" for name in sorted(asked_dev - dev.keys()))


def faults_of(name: str, root: Path = ROOT) -> Iterator[str]:
    """What one file has that is no pinned requirement with SHA-256 hashes: an option such as the address of an index,
    a link, another operator than `==`, a hash of another kind, a package twice."""
    parsed = RequirementsFile.from_file(str(lock_file(name, root)))
    for option in parsed.options:
        yield f"{name}.txt, line {option.line_number}: an option"
    for line in parsed.invalid_lines:
        yield f"{name}.txt, line {line.line_number}: no requirement"
    for comment in parsed.comments:
        if re.search(r"://|yanked|file:", comment.line):
            yield f"{name}.txt, line {comment.line_number}: an address or a warning in a comment"
    seen = set[str]()
    for each in parsed.requirements:
        if each.link is not None or each.is_editable:
            yield f"{each.name}: a link instead of a version"
        elif [one.operator for one in each.specifier or ()] != ["=="] or "*" in str(each.specifier):
            yield f"{each.name}: not pinned to one version"
        if not each.hash_options or not all(
            re.fullmatch("sha256:[0-9a-f]{64}", one) for one in each.hash_options
        ):
            yield f"{each.name}: without hashes, or with others than SHA-256"
        if each.name in seen:
            yield f"{each.name}: twice in {name}.txt"
        seen.add(each.name)


def faults_installed(root: Path = ROOT) -> Iterator[str]:
    """Where this environment has something else than dev.txt locks; and what is there and nothing asks for."""
    dev = locked(DEV, root)
    here = {canonicalize_name(each.metadata["Name"]): each for each in metadata.distributions()}
    for name, one in sorted(dev.items()):
        if name in here and here[name].version != one.version:
            yield f"{name}: {here[name].version} is installed, {one.version} is locked"
        elif name not in here and one.wanted_here:
            yield f"{name}: locked and not installed"
    yield from (
        f"{name}: installed and not locked"
        for name in sorted(here.keys() - dev.keys() - BOOTSTRAP - {"kakine"})
    )
    needed = set[str](BOOTSTRAP)
    for each in here.values():
        needed |= {canonicalize_name(Requirement(line).name) for line in each.requires or ()}
    asked_run, asked_dev = direct(root)
    yield from (
        f"{name}: locked, and nothing asks for it"
        for name in sorted(dev.keys() - needed - asked_run - asked_dev)
    )


if __name__ == "__main__":
    found = [*faults(), *faults_installed()]
    print("\n".join(found) or "the locks are whole, and what is installed is what they say")
    sys.exit(bool(found))
