"""The folder that shows findings to others (spec/monitor.md section 4): a manifest, signed notes, receipts."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kakine.clients.monitor.findings import PROVABLE, Code, Evidence, Fact, Finding, Said
from kakine.clients.monitor.gathering import read_whole
from kakine.clients.monitor.reading import Reading
from kakine.crypto import files
from kakine.values.problems import EvidenceMalformed, Problem
from kakine.wire.canonical import UNDECODABLE
from kakine.wire.proof import SUFFIX, Proof

FORMAT = "kakine-evidence-v1"
MANIFEST = "manifest.json"

_MOST_BYTES = 1 << 20
_MOST_IN_ALL = 1 << 23
"""Bytes of a file, and of all that a manifest names; a file that it names twice counts twice."""


class Spoken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement of a record keeper, in base64."""

    statement: str
    signature: str
    key: str


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One finding, in the log of this origin, or in none. `notes` and `receipts` are names of files in the folder, the
    rest is base64."""

    code: Code
    log: str
    facts: dict[str, Fact]
    notes: list[str]
    receipts: list[str]
    growth: list[str]
    statements: list[Spoken]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in the folder."""

    format: str
    findings: list[Shown]


@dataclass(frozen=True)
class Bundle:
    """A folder of evidence as it was read: nothing of it has been checked."""

    findings: list[Finding]


async def completed(reading: Reading, found: list[Finding], *, everything: bool) -> list[Finding]:
    """The findings with receipts and proofs where they need some; only those that can be proven unless `everything`.

    A log that refuses to be read again leaves them without: they are then no more than reported.
    """
    wanting = [
        f for f in found if (f.evidence.entries or f.evidence.grown) and (everything or f.code in PROVABLE)
    ]
    if not wanting or reading.at is None:
        return found
    if reading.whole is None:
        try:
            await read_whole(reading)
        except Problem:
            return found
    if reading.whole is None:
        return found
    made = {each.key: await _complete(reading, each) for each in wanting}
    return [made.get(each.key, each) for each in found]


async def _complete(reading: Reading, finding: Finding) -> Finding:
    tree, source, evidence = reading.whole, reading.watched.source, finding.evidence
    assert tree is not None  # noqa: S101 - the caller has looked
    receipts = []
    for index in evidence.entries:
        (entry,) = await source.entries(index, index + 1)
        receipts.append(Proof(entry, index, tree.inclusion_path(index), reading.note).encode())
    growth: tuple[bytes, ...] = ()
    if evidence.grown is not None:
        old, new = evidence.grown
        growth = (tree.root(old), *tree.consistency_proof(old, new))
    return msgspec.structs.replace(
        finding, evidence=msgspec.structs.replace(evidence, receipts=tuple(receipts), growth=growth)
    )


def write(folder: Path, findings: list[Finding]) -> None:
    """Write the folder anew; other files in it stay. Its manifest is written last, and all is on the disk when the call
    returns. Cut off before, a folder that held other findings may show some of both."""
    fresh = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    shown = [_write_one(folder, number, finding) for number, finding in enumerate(findings, 1)]
    data = msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, shown)), indent=1)
    files.replace(folder / MANIFEST, data + b"\n", files.SHOWN)
    for each in {folder, *fresh}:
        files.flush(each.parent)


def _write_one(folder: Path, number: int, finding: Finding) -> Shown:
    evidence = finding.evidence
    notes = [f"{number}-{finding.code}.{k}.note" for k in range(1, len(evidence.notes) + 1)]
    receipts = [f"{number}-{finding.code}.{k}{SUFFIX}" for k in range(1, len(evidence.receipts) + 1)]
    for name, data in zip((*notes, *receipts), (*evidence.notes, *evidence.receipts), strict=True):
        files.replace(folder / name, data, files.SHOWN)
    said = [Spoken(_text(each.statement), _text(each.signature), _text(each.key)) for each in evidence.said]
    growth = [_text(each) for each in evidence.growth]
    return Shown(finding.code, finding.log, finding.facts, notes, receipts, growth, said)


def load(folder: Path) -> Bundle:
    """What the folder holds. Raises `EvidenceMalformed`; names that lead out of the folder are refused."""
    try:
        manifest = msgspec.json.decode(_file(folder, MANIFEST), type=Manifest)
    except UNDECODABLE as fault:
        raise EvidenceMalformed(part="manifest") from fault
    if manifest.format != FORMAT:
        raise EvidenceMalformed(part="format")
    named = [name for shown in manifest.findings for name in (*shown.notes, *shown.receipts)]
    if sum(_size(folder, name) for name in named) > _MOST_IN_ALL:
        raise EvidenceMalformed(part="size")
    return Bundle([_load_one(folder, shown) for shown in manifest.findings])


def _load_one(folder: Path, shown: Shown) -> Finding:
    evidence = Evidence(
        notes=tuple(_file(folder, name) for name in shown.notes),
        receipts=tuple(_file(folder, name) for name in shown.receipts),
        growth=tuple(map(_data, shown.growth)),
        said=tuple(Said(_data(s.statement), _data(s.signature), _data(s.key)) for s in shown.statements),
    )
    return Finding(shown.code, shown.facts, evidence, shown.log)


def _size(folder: Path, name: str) -> int:
    path = folder / name
    try:
        if Path(name).name != name or path.is_symlink() or not path.is_file():
            raise EvidenceMalformed(part="file")
        return path.stat().st_size
    except OSError as fault:  # a name longer than the disk takes, a file that may not be read
        raise EvidenceMalformed(part="file") from fault


def _file(folder: Path, name: str) -> bytes:
    if _size(folder, name) > _MOST_BYTES:
        raise EvidenceMalformed(part="file")
    try:
        return (folder / name).read_bytes()
    except OSError as fault:
        raise EvidenceMalformed(part="file") from fault


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _data(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise EvidenceMalformed(part="base64") from fault
