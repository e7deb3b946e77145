"""The names of organisations, laws and items as one file that a page shows beside ids (spec/browser.md section 5).

Everybody gets the same whole file: who asked for single names would tell what stands in a sealed record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kakine.protocols.gazette_pack import Pack
from kakine.protocols.own_data import SENSITIVE
from kakine.values.calendar import days


def words_of(pack: Pack) -> bytes:
    """JSON, the same bytes for the same pack. By id: (Japanese, English) of domains, items and relying parties; of
    procedures and other grounds also the article; of rows under which records may be withheld the reason and the
    article. By item and version of a layout: of each field (Japanese, English, what its values are called). `starts`
    has the rows of the order by the day (since 1970) from which they stand; `quiet` what one way in does not show."""
    procedures = {
        each.id: [f"{each.law_ja} {each.article}", f"{each.law_en} {each.article}", each.ja, each.en]
        for each in pack.procedures.values()
    }
    grounds = {each.id: [each.article, each.article, each.ja, each.en] for each in pack.grounds}
    domains = {domain.name: [each.ja, each.en] for each in pack.parties for domain in each.domain}
    layouts = {f"{item}/{version}": _fields(schema) for (item, version), schema in pack.layouts.items()}
    named = {
        "domains": domains,
        "parties": {each.name: [each.ja, each.en] for each in pack.parties},
        "clients": {each.id: [each.ja, each.en] for each in pack.clients},
        "grounds": grounds | procedures,
        "layouts": layouts,
        "items": {each.id: [each.ja, each.en] for each in pack.items},
        "starts": _starts(pack),
        "quiet": _quiet(pack),
        "sealings": {each.id: [each.ja, each.en, each.article] for each in pack.sealings},
    }
    return json.dumps(named, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _fields(schema: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        name: [field.get("title", name), field.get("x-title-en", name), field.get("x-labels", {})]
        for name, field in schema.get("properties", {}).items()
    }


def _starts(pack: Pack) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for procedure in pack.procedures.values():
        for row in procedure.row:
            found.setdefault(days(row.start), []).append(row.id)
    return found


def _quiet(pack: Pack) -> dict[str, list[str]]:
    """Items of areas that need special care (`own_data.SENSITIVE`); domains that give nothing else, and all domains of
    a party that gives nothing else: whom a person is known to says as much as what is known."""
    items = {each.id for each in pack.items if each.area in SENSITIVE}
    domains = set[str]()
    for party in pack.parties:
        giving = [domain for domain in party.domain if domain.provides]
        only = {domain.name for domain in giving if items.issuperset(domain.provides)}
        domains |= {domain.name for domain in party.domain} if giving and len(only) == len(giving) else only
    return {"items": sorted(items), "domains": sorted(domains)}
