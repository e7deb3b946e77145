"""The bill of materials: every locked package and every file of others in this repository, as CycloneDX 1.6 JSON.

.venv/bin/python supply/sbom.py [FILE]       # .artefacts/kakine.cdx.json; `make sbom`

The same locks and files give the same bytes: no time, a serial number out of the content, nothing of the machine. A
package has the hashes of all files of its version, as in the lock; what runs is `required`, what only the tests need
`excluded`. Licences are taken from the installed packages, and what those leave open from licences.toml.

NOT said: which package needs which (the first level only), what a binary wheel has been built from, known weaknesses
(`make audit-deps`).
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
import uuid
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import ExpressionError, Licensing, get_spdx_licensing
from packageurl import PackageURL

from locks import DEV, ROOT, RUN, Locked, direct, faults, faults_installed, locked

OWN = "Apache-2.0"
_SPACE = uuid.UUID("6f1f5c5a-4d4a-5d0c-9a5e-6b616b696e65")

_SAID = {  # classifiers that name one licence
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}


class LicenceRefused(Exception):
    """A licence that is not known, or is not accepted beside Apache-2.0."""


@cache
def table() -> dict[str, Any]:
    """licences.toml."""
    return tomllib.loads((ROOT / "supply" / "licences.toml").read_text("utf-8"))


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()


def licence_of(name: str) -> str:
    """The SPDX expression of a package. Raises `LicenceRefused` where nothing says it clearly."""
    if name in table()["read"]:
        return normal(table()["read"][name])
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError as fault:
        raise LicenceRefused(f"{name}: not installed, and not in licences.toml") from fault
    if expression := said.get("License-Expression"):
        return normal(expression)
    kinds = {_SAID[each] for each in said.get_all("Classifier") or () if each in _SAID}
    if len(kinds) == 1:
        return kinds.pop()
    try:
        return normal(said.get("License") or "")
    except LicenceRefused as fault:
        raise LicenceRefused(f"{name}: its metadata does not say a licence clearly") from fault


def normal(expression: str) -> str:
    """In the SPDX way of writing. Raises `LicenceRefused` for what is no expression of known licences."""
    try:
        parsed = _spdx().parse(expression, validate=True)
    except ExpressionError as fault:
        raise LicenceRefused(f"{expression!r} is no SPDX expression") from fault
    if parsed is None:
        raise LicenceRefused("no licence")
    return str(parsed)


def accepted(expression: str, *, copied: bool = False) -> bool:
    """Whether it goes together with Apache-2.0: one side of each OR, both of each AND. `copied` for what is written
    into this repository, where fewer are accepted."""
    good = set(table()["copied"]["licences"] if copied else table()["accepted"])

    def holds(part: Any) -> bool:
        if not getattr(part, "args", ()):
            return part.render() in good
        return (any if part.operator.strip() == "OR" else all)(map(holds, part.args))

    return holds(_spdx().parse(expression, validate=True))


def bill() -> Bom:
    """The whole document. Raises `LicenceRefused`."""
    run, dev = locked(RUN), locked(DEV)
    asked, _ = direct()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    own = Component(
        name="kakine",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref="kakine",
        purl=PackageURL("pypi", name="kakine", version=version),
        licenses=[LicenseExpression(OWN)],
    )
    packages = [_package(each, name in run) for name, each in sorted((dev | run).items())]
    assets = [_asset(each) for each in vendored()]
    bom = Bom(components=[*packages, *assets], serial_number=_SPACE)
    bom.metadata.component = own
    bom.metadata.timestamp = None  # type: ignore[assignment]  # what it was made of says when it is another
    bom.register_dependency(own, [each for each in packages if each.name in asked] + assets)
    return bom


def _package(one: Locked, runs: bool) -> Component:
    return Component(
        name=one.name,
        version=one.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"pypi/{one.name}",
        scope=ComponentScope.REQUIRED if runs else ComponentScope.EXCLUDED,
        purl=PackageURL("pypi", name=one.name, version=one.version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in one.hashes],
        licenses=[LicenseExpression(_checked(one.name, licence_of(one.name)))],
    )


def _checked(name: str, expression: str, *, copied: bool = False) -> str:
    if not accepted(expression, copied=copied):
        raise LicenceRefused(f"{name}: {expression} is not in licences.toml")
    return expression


def vendored() -> list[dict[str, Any]]:
    """vendored.toml, with the paths for the patterns."""
    rows: list[dict[str, Any]] = tomllib.loads((ROOT / "supply" / "vendored.toml").read_text("utf-8"))[
        "asset"
    ]
    for row in rows:
        row["paths"] = sorted(path for each in row["files"] for path in ROOT.glob(each) if path.is_file())
    return rows


def _asset(row: dict[str, Any]) -> Component:
    whole = [HashType(alg=HashAlgorithm.SHA_256, content=row["package"])] if "package" in row else []
    return Component(
        name=row["name"],
        version=row["version"],
        type=ComponentType.LIBRARY,
        bom_ref=f"copied/{row['name']}",
        scope=ComponentScope.REQUIRED,
        purl=PackageURL.from_string(row["purl"]),
        hashes=whole,
        licenses=[LicenseExpression(_checked(row["name"], normal(row["licence"]), copied=True))],
        components=list(_files(row["paths"])),
    )


def _files(paths: list[Path]) -> Iterator[Component]:
    for path in paths:
        name, data = path.relative_to(ROOT).as_posix(), path.read_bytes()
        digest = HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(data).hexdigest())
        yield Component(name=name, type=ComponentType.FILE, bom_ref=f"file/{name}", hashes=[digest])


def document() -> str:
    """The bill as text, with a serial number that is a digest of the rest. Raises `LicenceRefused`, and `ValueError`
    if the schema does not hold."""
    bom = bill()
    bom.serial_number = uuid.uuid5(_SPACE, _text(bom))
    text = _text(bom)
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(str(wrong))
    return text


def _text(bom: Bom) -> str:
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """Write it, unless the locks or what is installed have a fault. The exit code."""
    wrong = [*faults(), *faults_installed()]
    try:
        text = "" if wrong else document()
    except LicenceRefused as fault:
        wrong = [str(fault)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    path = Path(arguments[0]) if arguments else ROOT / ".artefacts" / "kakine.cdx.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    print(f"{path}  sha256 {hashlib.sha256(text.encode()).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
