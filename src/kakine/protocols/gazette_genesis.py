"""The first version of a country: everything in the pack, joined with every party's public keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kakine.crypto.hashing import digest
from kakine.protocols.gazette_pack import (
    AssessmentEntry,
    ClientEntry,
    DomainEntry,
    GroundEntry,
    ItemEntry,
    Pack,
    PartyEntry,
    ProcedureEntry,
    RowEntry,
    SealingEntry,
)
from kakine.values.calendar import days
from kakine.values.problems import PackMalformed
from kakine.wire import gazette as wire
from kakine.wire.gazette import NO_GAZETTE, Gazette, Kind

DAY_MS = 86_400_000


@dataclass(frozen=True)
class PartyKeys:
    """Public keys of a party, 32 bytes each: Ed25519 for signatures, X25519 for sealing; and by name the P-256 keys (65
    bytes) of the relying parties that it runs."""

    signing: bytes
    seal: bytes
    clients: Mapping[str, bytes] = field(default_factory=dict)


def layout_digest(schema: Mapping[str, Any]) -> bytes:
    """32 bytes: the schema with sorted keys and no spaces, so that its formatting on disk does not matter."""
    text = json.dumps(schema, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return digest("layout", text.encode())


def _sorted(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _domain(entry: DomainEntry) -> wire.Domain:
    return wire.Domain(entry.name, entry.epoch, _sorted(entry.provides), _sorted(entry.asks))


def party(entry: PartyEntry, keys: PartyKeys) -> wire.Party:
    """An entry of the pack with the keys of the party."""
    domains = tuple(sorted(map(_domain, entry.domain), key=lambda domain: domain.name))
    return wire.Party(
        name=entry.name,
        ja=entry.ja,
        en=entry.en,
        number=entry.number,
        synthetic=entry.synthetic,
        roles=_sorted(entry.roles),
        types=_sorted(entry.types),
        signing_key=bytes(keys.signing),
        seal_key=bytes(keys.seal),
        domains=domains,
        signer=entry.signer,
    )


def _row(procedure: ProcedureEntry, entry: RowEntry) -> wire.Row:
    return wire.Row(
        id=entry.id,
        procedure=procedure.id,
        provider_type=entry.provider_type,
        item=entry.item,
        start=days(entry.start),
        requester_file=entry.requester_assessment,
        provider_file=entry.provider_assessment,
    )


def _item(pack: Pack, entry: ItemEntry) -> wire.Item:
    schema = pack.layouts.get((entry.id, entry.layout))
    return wire.Item(
        id=entry.id,
        ja=entry.ja,
        en=entry.en,
        area=entry.area,
        version=entry.layout,
        layout=layout_digest(schema) if schema else b"",
    )


def assessment(entry: AssessmentEntry) -> wire.Assessment:
    """An entry of the pack as a version has it."""
    return wire.Assessment(
        id=entry.id,
        party=entry.party,
        file=entry.file,
        level=entry.level,
        published=days(entry.published),
        review=days(entry.review),
        withdrawn=entry.status != "published",
    )


def _procedure(entry: ProcedureEntry) -> wire.Procedure:
    return wire.Procedure(
        entry.id, entry.law_ja, entry.law_en, entry.article, entry.ja, entry.en, entry.requester_type
    )


def _ground(entry: GroundEntry) -> wire.Ground:
    requesters, providers = _sorted(entry.requesters), _sorted(entry.providers)
    return wire.Ground(
        entry.id, entry.ja, entry.en, entry.article, requesters, providers, protective=entry.protective
    )


def _sealing(entry: SealingEntry) -> wire.Sealing:
    return wire.Sealing(entry.id, entry.days, entry.article, entry.ja, entry.en)


def _client(entry: ClientEntry, keys: Mapping[str, PartyKeys]) -> wire.Client:
    run_by = keys.get(entry.domain.partition("/")[0])
    key = run_by.clients.get(entry.id, b"") if run_by else b""
    redirects, scopes = _sorted(entry.redirects), _sorted(entry.scopes)
    return wire.Client(entry.id, entry.domain, entry.ja, entry.en, redirects, scopes, key)


def genesis(pack: Pack, keys: Mapping[str, PartyKeys], now_ms: int) -> Gazette:
    """The first version of a country: everything in the pack, with every party's keys, in force from
    `now_ms`.

    Raises PackMalformed if a party has no keys. Not checked: whether the pack is sound
    (`gazette_check.faults`).
    """
    lacking = [entry.name for entry in pack.parties if entry.name not in keys]
    if lacking:
        raise PackMalformed(file="parties.toml", fault="parties without keys", parties=lacking)
    procedures = pack.procedures.values()
    return Gazette(
        number=0,
        previous=NO_GAZETTE,
        changes=NO_GAZETTE,
        kind=Kind.GENESIS,
        published_ms=now_ms,
        effective_ms=now_ms,
        waiting_ms=pack.waiting_days * DAY_MS,
        reason_ja="番号制度の開始",
        reason_en="Founding of the number system",
        types=_by_id([wire.PartyType(entry.id, entry.ja, entry.en) for entry in pack.types]),
        items=_by_id([_item(pack, entry) for entry in pack.items]),
        procedures=_by_id([_procedure(entry) for entry in procedures]),
        rows=_by_id([_row(procedure, entry) for procedure in procedures for entry in procedure.row]),
        parties=tuple(
            sorted((party(entry, keys[entry.name]) for entry in pack.parties), key=lambda each: each.name)
        ),
        assessments=_by_id([assessment(entry) for entry in pack.assessments]),
        grounds=_by_id([_ground(entry) for entry in pack.grounds]),
        suspensions=(),
        sealings=_by_id([_sealing(entry) for entry in pack.sealings]),
        clients=_by_id([_client(entry, keys) for entry in pack.clients]),
    )


N = TypeVar(
    "N",
    wire.PartyType,
    wire.Item,
    wire.Procedure,
    wire.Row,
    wire.Assessment,
    wire.Ground,
    wire.Sealing,
    wire.Client,
)


def _by_id(entries: list[N]) -> tuple[N, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.id))


def comparable(pack: Pack) -> Gazette:
    """The pack as a version with stand-in keys made from names: for comparing packs, never for signing."""
    keys = {
        entry.name: PartyKeys(
            digest("no-signing-key", entry.name.encode()), digest("no-seal-key", entry.name.encode())
        )
        for entry in pack.parties
    }
    return genesis(pack, keys, 0)
