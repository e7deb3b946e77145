"""The names of organisations, laws and items as one file that a page shows beside ids (spec/browser.md section 5).

Everybody gets the same whole file: who asked for single names would tell what stands in a sealed record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kakine.protocols.gazette_pack import Pack


def words_of(pack: Pack) -> bytes:
    """JSON, the same bytes for the same pack. By id: (Japanese, English) of domains, items and relying parties; of
    procedures and other grounds also the article; of rows under which records may be withheld the reason and the
    article. By item and version of a layout: of each field (Japanese, English, what its values are called)."""
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
        "sealings": {each.id: [each.ja, each.en, each.article] for each in pack.sealings},
    }
    return json.dumps(named, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _fields(schema: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {
        name: [field.get("title", name), field.get("x-title-en", name), field.get("x-labels", {})]
        for name, field in schema.get("properties", {}).items()
    }
