"""The bill of materials has every locked package and every file of others, with licences that go with Apache-2.0."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import locks
import sbom

ASSETS = ("src/kakine/web/static/history/vendor", "src/kakine/paper/fonts")
FOREIGN = re.compile(rb"copyright \(c\)|copyright \d{4}|MIT License|SIL Open Font", re.IGNORECASE)


@cache
def text() -> str:
    return sbom.document()


def components() -> dict[str, dict[str, Any]]:
    return {each["bom-ref"]: each for each in json.loads(text())["components"]}


def test_it_follows_the_schema_of_cyclonedx() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text()) is None
    spoilt = json.loads(text())
    spoilt["components"][0]["type"] = "nonsense"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(spoilt)) is not None


def test_the_same_locks_give_the_same_bytes_without_a_time() -> None:
    assert sbom.document() == text()
    assert "timestamp" not in text()


def test_every_locked_package_is_in_it_with_all_its_hashes() -> None:
    run, dev = locks.locked(locks.RUN), locks.locked(locks.DEV)
    found = components()
    for name, one in (dev | run).items():
        component = found[f"pypi/{name}"]
        assert component["version"] == one.version
        assert sorted(each["content"] for each in component["hashes"]) == list(one.hashes)
        assert component["scope"] == ("required" if name in run else "excluded")
    assert len([each for each in found if each.startswith("pypi/")]) == len(dev | run)


def test_every_file_of_others_is_in_it_with_its_hash() -> None:
    told = {
        file["name"]: file["hashes"][0]["content"]
        for each in components().values()
        for file in each.get("components", ())
    }
    there = {path for folder in ASSETS for path in (locks.ROOT / folder).rglob("*") if path.is_file()}
    # A file elsewhere that carries somebody's copyright is somebody's.
    source = [
        path for path in (locks.ROOT / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    there |= {path for path in source if path.suffix != ".py" and FOREIGN.search(path.read_bytes())}
    names = {path.relative_to(locks.ROOT).as_posix() for path in there if path.name != "README.md"}
    assert names == told.keys()
    for name in names:
        assert told[name] == hashlib.sha256((locks.ROOT / name).read_bytes()).hexdigest()


def test_the_packages_that_files_are_from_are_those_of_their_readme() -> None:
    readme = (locks.ROOT / ASSETS[0] / "README.md").read_text("utf-8")
    rows = [row for row in sbom.vendored() if "package" in row]
    assert sorted(row["package"] for row in rows) == sorted(
        re.findall(r"\.tgz`, SHA-256 `([0-9a-f]{64})`", readme)
    )


def test_every_licence_is_known_and_goes_with_apache_2() -> None:
    for component in components().values():
        assert sbom.accepted(
            component["licenses"][0]["expression"], copied=component["bom-ref"].startswith("copied")
        )


@pytest.mark.parametrize(
    ("expression", "good"),
    [
        ("MIT", True), ("MIT OR AGPL-3.0-only", True), ("MIT AND AGPL-3.0-only", False), ("AGPL-3.0-or-later", False),
        ("Apache-2.0 WITH LLVM-exception", False), ("MIT AND (SSPL-1.0 OR ISC)", True),
    ],
)  # fmt: skip
def test_a_licence_is_accepted_by_every_part_that_binds(expression: str, good: bool) -> None:
    assert sbom.accepted(expression) is good


def test_what_is_only_used_may_be_under_more_licences_than_what_is_copied() -> None:
    assert sbom.accepted("LGPL-3.0-only")
    assert not sbom.accepted("LGPL-3.0-only", copied=True)


@pytest.mark.parametrize("said", ["", "see the file", "MIT License maybe"])
def test_a_licence_that_nobody_can_read_is_an_error(said: str) -> None:
    with pytest.raises(sbom.LicenceRefused):
        sbom.normal(said)


def test_a_package_that_is_not_installed_and_not_in_the_table_is_an_error() -> None:
    with pytest.raises(sbom.LicenceRefused, match="no-such-package"):
        sbom.licence_of("no-such-package")


def test_a_refused_licence_stops_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sbom.table()["read"], "segno", "AGPL-3.0-only")
    with pytest.raises(sbom.LicenceRefused, match="segno"):
        sbom.document()


def test_no_address_stands_in_it_but_the_name_of_its_schema() -> None:
    assert set(re.findall(r"\w+://[^\"]*", text())) == {"http://cyclonedx.org/schema/bom-1.6.schema.json"}
