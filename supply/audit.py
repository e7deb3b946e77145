"""Known weaknesses of what is locked, by pip-audit, or by a file of advisories that the operator brings.

.venv/bin/python supply/audit.py                          # PyPI, then OSV: the first one that can be asked
.venv/bin/python supply/audit.py --osv-url URL            # a service of one's own that speaks OSV's API
.venv/bin/python supply/audit.py --advisories all.zip     # OSV's file for the ecosystem PyPI, or a folder of such JSON

pip-audit ends with 0 and "No known vulnerabilities found" where its source knows none of the packages. So a source is
believed only if it knows a weakness that has been public for years (`CANARY`), and every locked package must have got
an answer. Exit 0: all were looked up, nothing is known. 1: something is known. 2: nobody could be asked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from locks import DEV, faults, faults_installed, lock_file, locked

CANARY = ("jinja2", "2.10", "CVE-2019-10906")
"""A package, a version of it, and a weakness of that version."""
SERVICES = (("pypi",), ("osv",))
OLDEST = timedelta(days=31)
"""A file whose newest advisory is older than this is none of now."""


class Unusable(Exception):
    """The source cannot say anything about these packages."""


@dataclass(frozen=True, order=True)
class Known:
    """A weakness that is known of a locked version."""

    package: str
    version: str
    id: str


def by_service(service: Sequence[str], file: Path, names: Iterable[str]) -> list[Known]:
    """What a service of pip-audit (its options) says of a requirements file with hashes. Raises `Unusable`: it cannot
    be reached, does not know the canary, or gave no answer on one of these packages."""
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary.txt"
        canary.write_text(f"{CANARY[0]}=={CANARY[1]}\n")
        sings = _answers(_pip_audit(service, canary, "--no-deps"))
    if CANARY[2] not in {alias for one in sings.values() for each in one for alias in _names(each)}:
        raise Unusable(
            f"{service[0]} does not know {CANARY[2]} of {CANARY[0]} {CANARY[1]}, so it knows nothing"
        )
    told = _pip_audit(service, file, "--require-hashes")
    answers = _answers(told)
    if without := sorted(set(names) - answers.keys()):
        raise Unusable(f"{service[0]} gave no answer on {len(without)} packages, {without[0]} among them")
    versions = {canonicalize_name(each["name"]): each.get("version", "") for each in told["dependencies"]}
    return sorted(
        Known(name, versions[name], each["id"]) for name, found in answers.items() for each in found
    )


def _pip_audit(service: Sequence[str], file: Path, *more: str) -> dict[str, Any]:
    line = [
        sys.executable,
        "-m",
        "pip_audit",
        "-s",
        *service,
        "-f",
        "json",
        "--aliases",
        "on",
        "--disable-pip",
    ]
    line += ["--progress-spinner", "off", "--timeout", "10", *more, "-r", str(file)]
    ended = subprocess.run(line, capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(ended.stdout)
    except json.JSONDecodeError as fault:
        last = (ended.stderr.strip().splitlines() or ["no output"])[-1]
        raise Unusable(f"{service[0]}: {last[:300]}") from fault
    return found


def _answers(told: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Weaknesses by package, of those that were answered on."""
    return {
        canonicalize_name(each["name"]): each["vulns"] for each in told["dependencies"] if "vulns" in each
    }


def _names(advisory: Mapping[str, Any]) -> set[str]:
    return {advisory["id"], *advisory.get("aliases", ())}


def by_file(path: Path, versions: Mapping[str, str], now: datetime) -> list[Known]:
    """What advisories in OSV's format (a zip, or a folder, of JSON) say of these versions. Raises `Unusable`: it is no
    such file, does not know the canary, or its newest entry is older than `OLDEST`."""
    wanted, newest = {**versions}, ""
    found, sings = list[Known](), False
    for advisory in _advisories(path):
        newest = max(newest, advisory.get("modified", ""))
        if "withdrawn" in advisory:
            continue
        if CANARY[2] in _names(advisory):
            sings = sings or any(hits(each, CANARY[0], CANARY[1]) for each in advisory.get("affected", ()))
        found += [
            Known(name, version, advisory["id"])
            for name, version in wanted.items()
            if any(hits(each, name, version) for each in advisory.get("affected", ()))
        ]
    if not sings:
        raise Unusable(
            f"{path.name} does not know {CANARY[2]} of {CANARY[0]} {CANARY[1]}, so it knows nothing"
        )
    if newest < (now - OLDEST).strftime("%Y-%m-%dT%H:%M:%SZ"):
        raise Unusable(f"{path.name}: its newest advisory is of {newest[:10]}")
    return sorted(set(found))


def _advisories(path: Path) -> Iterator[dict[str, Any]]:
    try:
        if path.is_dir():
            texts: Iterable[bytes] = (each.read_bytes() for each in sorted(path.rglob("*.json")))
        else:
            file = zipfile.ZipFile(path)
            texts = (file.read(each) for each in file.namelist() if each.endswith(".json"))
        for text in texts:
            yield json.loads(text)
    except (OSError, zipfile.BadZipFile, ValueError) as fault:
        raise Unusable(f"{path.name} is no file of advisories") from fault


def hits(affected: Mapping[str, Any], name: str, version: str) -> bool:
    """Whether an `affected` entry is about this version, as the OSV schema says: it is listed, or in a range of the
    ecosystem. A version that cannot be compared counts as hit."""
    package = affected.get("package", {})
    if package.get("ecosystem") != "PyPI" or canonicalize_name(package.get("name", "")) != name:
        return False
    if version in affected.get("versions", ()):
        return True
    return any(
        _within(each.get("events", ()), version)
        for each in affected.get("ranges", ())
        if each["type"] == "ECOSYSTEM"
    )


def _within(events: Iterable[Mapping[str, str]], version: str) -> bool:
    try:
        own, inside = Version(version), False
        steps = sorted(
            (Version("0.dev0" if mark == "0" else mark), kind)
            for each in events
            for kind, mark in each.items()
        )
    except InvalidVersion:
        return True
    for mark, kind in steps:
        if kind == "introduced" and mark <= own:
            inside = True
        elif (kind == "fixed" and mark <= own) or (kind == "last_affected" and mark < own):
            inside = False
    return inside


def asked(advisories: Path | None, osv_url: str | None, now: datetime) -> tuple[str, list[Known]]:
    """The source that answered, and what it knows. Raises `Unusable` with all that was tried."""
    versions = {each.name: each.version for each in locked(DEV).values()}
    if advisories is not None:
        return advisories.name, by_file(advisories, versions, now)
    here = [each.name for each in locked(DEV).values() if each.wanted_here]
    tried = list[str]()
    for service in SERVICES if osv_url is None else (("osv", "--osv-url", osv_url),):
        try:
            return service[0], by_service(service, lock_file(DEV), here)
        except Unusable as fault:
            tried.append(str(fault))
    raise Unusable("\n".join(tried))


def main(arguments: list[str]) -> int:
    """The exit code: see above."""
    parser = argparse.ArgumentParser(description="Known weaknesses of what is locked.")
    parser.add_argument("--advisories", type=Path, help="OSV's all.zip of PyPI, or a folder of its JSON")
    parser.add_argument("--osv-url", help="a service of one's own that speaks OSV's API")
    own = parser.parse_args(arguments)
    if wrong := [*faults(), *faults_installed()]:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    try:
        source, found = asked(own.advisories, own.osv_url, datetime.now(UTC))
    except Unusable as fault:
        print(f"NOT AUDITED: nobody could be asked.\n{fault}", file=sys.stderr)
        return 2
    for each in found:
        print(f"{each.package} {each.version}: {each.id}")
    print(f"{source}: {len(found)} known of {len(locked(DEV))} locked packages")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
