"""The legal pack: TOML files that a lawyer reads and compares, as typed entries.

Pure: the files come as a mapping of path to bytes (`runtime.pack` reads them from disk). The pack holds no
keys.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import msgspec

from kakine.values.problems import PackMalformed


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class TypeEntry(_Entry, frozen=True):
    """`[[type]]` of party_types.toml."""

    id: str
    ja: str
    en: str


class FileEntry(_Entry, frozen=True):
    """`[[file]]` of files.toml."""

    id: str
    ja: str
    en: str


class ItemEntry(_Entry, frozen=True):
    """`[[item]]` of items.toml; `layout` 0 means that there is no layout yet."""

    id: str
    ja: str
    en: str
    area: str
    layout: int


class RowEntry(_Entry, frozen=True):
    """`[[row]]` of a procedure. `provider_ja` is the order's wording where the type's name differs."""

    id: str
    provider_type: str
    item: str
    start: date
    requester_assessment: str
    provider_assessment: str
    provider_ja: str = ""


class ProcedureEntry(_Entry, frozen=True):
    """One file of procedures/."""

    id: str
    law_ja: str
    law_en: str
    article: str
    ja: str
    en: str
    requester_type: str
    row: list[RowEntry]
    requester_ja: str = ""


class DomainEntry(_Entry, frozen=True):
    """`[[party.domain]]`."""

    name: str
    epoch: int
    provides: list[str] = []
    asks: list[str] = []


class PartyEntry(_Entry, frozen=True):
    """`[[party]]` of parties.toml."""

    name: str
    ja: str
    en: str
    number: str
    roles: list[str]
    synthetic: bool = False
    types: list[str] = []
    domain: list[DomainEntry] = []
    signer: str = ""


class AssessmentEntry(_Entry, frozen=True):
    """`[[assessment]]` of assessments.toml."""

    id: str
    party: str
    file: str
    level: str
    published: date
    review: date
    status: str


class GroundEntry(_Entry, frozen=True):
    """`[[ground]]` of system.toml."""

    id: str
    ja: str
    en: str
    article: str
    requesters: list[str]
    providers: list[str]
    protective: bool


class SealingEntry(_Entry, frozen=True):
    """`[[sealing]]` of system.toml: a row of the order under which records may be withheld for a time."""

    id: str
    days: int
    article: str
    ja: str
    en: str


class ClientEntry(_Entry, frozen=True):
    """`[[client]]` of clients.toml."""

    id: str
    domain: str
    ja: str
    en: str
    redirects: list[str]
    scopes: list[str] = []


class _Types(_Entry, frozen=True):
    type: list[TypeEntry]


class _Files(_Entry, frozen=True):
    file: list[FileEntry]


class _Items(_Entry, frozen=True):
    item: list[ItemEntry]


class _Parties(_Entry, frozen=True):
    party: list[PartyEntry]


class _Assessments(_Entry, frozen=True):
    assessment: list[AssessmentEntry]


class _Clients(_Entry, frozen=True):
    client: list[ClientEntry] = []


class _System(_Entry, frozen=True):
    waiting_days: int
    ground: list[GroundEntry]
    sealing: list[SealingEntry] = []


@dataclass(frozen=True)
class Pack:
    """A pack as read. `layouts` maps (item id, version) to the decoded JSON Schema; `procedures` maps path to
    entry.
    """

    types: list[TypeEntry]
    files: list[FileEntry]
    items: list[ItemEntry]
    procedures: dict[str, ProcedureEntry]
    parties: list[PartyEntry]
    assessments: list[AssessmentEntry]
    grounds: list[GroundEntry]
    waiting_days: int
    layouts: dict[tuple[str, int], dict[str, Any]]
    clients: list[ClientEntry]
    sealings: list[SealingEntry] = field(default_factory=list)

    @property
    def row_count(self) -> int:
        """Rows of all procedures."""
        return sum(len(procedure.row) for procedure in self.procedures.values())


T = TypeVar("T")


def _toml(files: Mapping[str, bytes], path: str, kind: type[T]) -> T:
    if path not in files:
        raise PackMalformed(file=path, fault="missing")
    try:
        return msgspec.convert(tomllib.loads(files[path].decode()), kind)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as fault:
        raise PackMalformed(file=path, fault=str(fault)) from fault


def _layout(path: str, content: bytes) -> tuple[tuple[str, int], dict[str, Any]]:
    try:
        _, item, name = path.split("/")
        version = int(name.removesuffix(".schema.json").removeprefix("v"))
        schema = json.loads(content)
    except ValueError as fault:
        raise PackMalformed(file=path, fault="not layouts/<item>/v<n>.schema.json, or not JSON") from fault
    if not isinstance(schema, dict):
        raise PackMalformed(file=path, fault="not a JSON object")
    return (item, version), schema


def read_pack(files: Mapping[str, bytes]) -> Pack:
    """The pack in `files` (path relative to the pack, with slashes, to content).

    Raises PackMalformed with the file's path. Checks form only; `gazette_check.faults` checks what the files
    say.
    """
    system = _toml(files, "system.toml", _System)
    return Pack(
        types=_toml(files, "party_types.toml", _Types).type,
        files=_toml(files, "files.toml", _Files).file,
        items=_toml(files, "items.toml", _Items).item,
        procedures={
            path: _toml(files, path, ProcedureEntry)
            for path in sorted(files)
            if path.startswith("procedures/")
        },
        parties=_toml(files, "parties.toml", _Parties).party,
        assessments=_toml(files, "assessments.toml", _Assessments).assessment,
        grounds=system.ground,
        waiting_days=system.waiting_days,
        layouts=dict(_layout(path, files[path]) for path in sorted(files) if path.startswith("layouts/")),
        sealings=system.sealing,
        clients=_toml(files, "clients.toml", _Clients).client,
    )
