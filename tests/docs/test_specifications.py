"""The specifications and the code cite each other rightly."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "spec"
SOURCES = sorted((ROOT / "src").rglob("*.py"))
_ID = r"[A-Z]{3}-\d+\.\d+"

LABELLED = {
    "digest", "framed", "mac", "derive", "stretch", "expand", "sign", "verify", "prf_scalar", "hash_to_scalar",
    "local_key",
}  # fmt: skip
"""Functions and methods whose first text constant is a label of section 11."""


def test_every_id_is_defined_once() -> None:
    defined = Counter(
        found
        for path in SPEC.glob("*.md")
        for found in re.findall(rf"\*\*({_ID})\*\*", path.read_text("utf-8"))
    )
    assert defined
    assert [each for each, count in defined.items() if count > 1] == []


def test_every_id_that_is_cited_is_defined() -> None:
    """In specifications, documents, source and tests; `LCX-5.1, 7.5` cites the first only."""
    defined = {
        i for path in SPEC.glob("*.md") for i in re.findall(rf"\*\*({_ID})\*\*", path.read_text("utf-8"))
    }
    folders = ("spec", "docs", "src", "tests")
    cited = {
        (i, path.name)
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".md", ".py", ".toml"}
        for i in re.findall(rf"\b{_ID}\b", path.read_text("utf-8"))
    }
    assert [each for each in cited if each[0] not in defined] == []


def sections(name: str) -> set[str]:
    """Numbers of the second-level headings of a specification."""
    return set(re.findall(r"^## (\d+)\.", (SPEC / name).read_text("utf-8"), re.MULTILINE))


def cited_sections() -> Iterator[tuple[Path, str, list[str]]]:
    """(file, specification, section numbers) of every mention of a specification in the source."""
    for path in SOURCES:
        text = re.sub(r"\s+", " ", path.read_text("utf-8"))
        for name, rest in re.findall(r"spec/([\w-]+\.md)(.{0,40})", text):
            found = re.match(r"(?:,? sections? | )(\d+)(?:(?: to | and )(\d+))?", rest)
            yield path, name, [each for each in (found.groups() if found else ()) if each]


def test_every_section_that_the_source_cites_is_there() -> None:
    mentions = list(cited_sections())
    assert mentions
    for path, name, numbers in mentions:
        assert (SPEC / name).is_file(), (path.name, name)
        assert set(numbers) <= sections(name), (path.name, name, numbers)


def labels(path: Path) -> Iterator[str]:
    """The label in every call of a labelled function that names one outright."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [each.value for each in node.args[:3] if isinstance(each, ast.Constant)]
        library = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in {
            "hmac",
            "hashlib",
        }
        if name in LABELLED and not library:
            yield from (text for text in texts if isinstance(text, str))


def test_every_label_of_the_source_stands_in_the_register() -> None:
    """A label used twice for two purposes would let a signature or a hash be moved. What the demonstration hashes for
    itself (institutions, command line) is no part of the protocol."""
    text = (SPEC / "lcx.md").read_text("utf-8")
    register = set(re.findall(r"`([a-z0-9-]+)`", text[text.index("## 11. Register of labels") :]))
    ours = [path for path in SOURCES if not {"institutions", "cli"} & set(path.parts)]
    used = {(label, path.name) for path in ours for label in labels(path)}
    assert len(used) > 40
    assert sorted(each for each in used if each[0] not in register) == []
