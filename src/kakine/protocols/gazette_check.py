"""What can be wrong with a legal pack. Each fault names the file and the rule; nothing is repaired or
skipped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from kakine.protocols.gazette_pack import DomainEntry, Pack, PartyEntry, ProcedureEntry, RowEntry
from kakine.protocols.logins import SCOPES, may_return_to
from kakine.values.identifiers import CorporateNumber
from kakine.values.labels import DomainName, PartyName
from kakine.values.problems import CheckDigitWrong, IdentifierMalformed, LabelMalformed
from kakine.wire.gazette import MOST_SEALED

ROLES = frozenset(
    (
        "registry",
        "converter",
        "gateway",
        "ledger",
        "signer",
        "mailbox",
        "commission",
        "ministry",
        "portal",
        "authority",
    )
)
LEVELS = frozenset(("basic", "focused", "full"))
STATUSES = frozenset(("published", "withdrawn"))
ITEM_ID = re.compile(r"TK-[0-9]{4}\Z")

NEVER = re.compile(
    r"\b(ethnic\w*|race|racial|religio\w*|belief\w*|creed|faith|trade union|labou?r union|union member\w*"
    r"|union|sexual\w*|gender identity|photo\w*|portrait|face|facial|biometric\w*)\b"
    r"|民族|人種|宗教|信条|信仰|労働組合|組合員|性的|性自認|顔写真|写真|顔認証|生体",
    re.IGNORECASE,
)
"""Words for what no layout may hold: ethnicity, belief, union membership, sexuality, pictures of faces."""


@dataclass(frozen=True, order=True)
class Fault:
    """`where` is a path in the pack, `what` a sentence."""

    where: str
    what: str


def faults(pack: Pack) -> list[Fault]:
    """Every fault of `pack`, sorted; an empty list means that a country can be founded on it.

    Not checked: whether the rows agree with the order itself; README.md of the pack names the source.
    """
    found = (
        *_twice(pack),
        *_procedures(pack),
        *_parties(pack),
        *_assessments(pack),
        *_grounds(pack),
        *_sealings(pack),
        *_clients(pack),
        *_layouts(pack),
        *_served(pack),
    )
    return sorted(set(found))


def _repeated(where: str, names: Iterable[str]) -> Iterator[Fault]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Fault(where, f"{name} stands {count} times")


def _twice(pack: Pack) -> Iterator[Fault]:
    procedures = pack.procedures.values()
    yield from _repeated("party_types.toml", (entry.id for entry in pack.types))
    yield from _repeated("files.toml", (entry.id for entry in pack.files))
    yield from _repeated("items.toml", (entry.id for entry in pack.items))
    yield from _repeated("procedures/", (entry.id for entry in procedures))
    yield from _repeated("procedures/", (row.id for entry in procedures for row in entry.row))
    yield from _repeated("parties.toml", (entry.name for entry in pack.parties))
    yield from _repeated("parties.toml", (d.name for entry in pack.parties for d in entry.domain))
    yield from _repeated("assessments.toml", (entry.id for entry in pack.assessments))
    yield from _repeated("system.toml", (entry.id for entry in pack.grounds))
    yield from _repeated("clients.toml", (entry.id for entry in pack.clients))


def _unknown(where: str, kind: str, names: Iterable[str], known: Iterable[str]) -> Iterator[Fault]:
    for name in sorted(set(names) - set(known)):
        yield Fault(where, f"{kind} {name} is not defined")


def _procedures(pack: Pack) -> Iterator[Fault]:
    for path, entry in pack.procedures.items():
        if path != f"procedures/{entry.id}.toml":
            yield Fault(path, f"the file of {entry.id} has another name")
        yield from _unknown(path, "party type", [entry.requester_type], (known.id for known in pack.types))
        if not entry.row:
            yield Fault(path, "has no row")
        for row in entry.row:
            yield from _row(pack, path, entry, row)


def _row(pack: Pack, path: str, procedure: ProcedureEntry, row: RowEntry) -> Iterator[Fault]:
    if not re.fullmatch(re.escape(procedure.id) + r"\.[1-9][0-9]*", row.id):
        yield Fault(path, f"row {row.id} is not {procedure.id}.<number>")
    yield from _unknown(path, "party type", [row.provider_type], (known.id for known in pack.types))
    yield from _unknown(path, "item", [row.item], (known.id for known in pack.items))
    files = [row.requester_assessment, row.provider_assessment]
    yield from _unknown(path, "file", files, (known.id for known in pack.files))


def _parties(pack: Pack) -> Iterator[Fault]:
    where = "parties.toml"
    for role in ("commission", "ministry"):
        if sum(role in entry.roles for entry in pack.parties) != 1:
            yield Fault(where, f"exactly one party must have the role {role}")
    for entry in pack.parties:
        try:
            PartyName(entry.name)
            CorporateNumber(entry.number)
        except LabelMalformed:
            yield Fault(where, f"{entry.name} is not a party name")
        except (CheckDigitWrong, IdentifierMalformed) as fault:
            yield Fault(where, f"the corporate number of {entry.name}: {fault.title}")
        yield from _unknown(where, "role", entry.roles, ROLES)
        yield from _unknown(where, "party type", entry.types, (known.id for known in pack.types))
        for domain in entry.domain:
            yield from _domain(pack, where, entry, domain)


def _domain(pack: Pack, where: str, party: PartyEntry, domain: DomainEntry) -> Iterator[Fault]:
    try:
        if DomainName(domain.name).party != party.name:
            yield Fault(where, f"domain {domain.name} does not belong to {party.name}")
    except LabelMalformed:
        yield Fault(where, f"{domain.name} is not a domain name")
    if domain.epoch < 1:
        yield Fault(where, f"the epoch of {domain.name} is below 1")
    yield from _unknown(where, "item", domain.provides, (known.id for known in pack.items))
    yield from _unknown(where, "procedure", domain.asks, (known.id for known in pack.procedures.values()))
    for procedure in pack.procedures.values():
        if procedure.id in domain.asks and procedure.requester_type not in party.types:
            yield Fault(
                where, f"{domain.name} asks under {procedure.id} but is no {procedure.requester_type}"
            )


def _assessments(pack: Pack) -> Iterator[Fault]:
    where = "assessments.toml"
    yield from _repeated(where, (f"{entry.party} and {entry.file}" for entry in pack.assessments))
    yield from _unknown(where, "party", (a.party for a in pack.assessments), (p.name for p in pack.parties))
    yield from _unknown(where, "file", (a.file for a in pack.assessments), (f.id for f in pack.files))
    yield from _unknown(where, "level", (a.level for a in pack.assessments), LEVELS)
    yield from _unknown(where, "status", (a.status for a in pack.assessments), STATUSES)
    for entry in pack.assessments:
        if entry.review <= entry.published:
            yield Fault(where, f"{entry.id} is to be reviewed before it is published")


def _grounds(pack: Pack) -> Iterator[Fault]:
    if pack.waiting_days < 0:
        yield Fault("system.toml", "the waiting time is negative")
    for entry in pack.grounds:
        yield from _unknown("system.toml", "role", entry.requesters, ROLES | {"hash"})
        yield from _unknown("system.toml", "role", entry.providers, ROLES | {"self"})


def _sealings(pack: Pack) -> Iterator[Fault]:
    where = "system.toml"
    rows = [row.id for entry in pack.procedures.values() for row in entry.row]
    yield from _repeated(where, (entry.id for entry in pack.sealings))
    yield from _unknown(where, "row", (entry.id for entry in pack.sealings), rows)
    for entry in pack.sealings:
        if not 1 <= entry.days <= MOST_SEALED:
            yield Fault(where, f"{entry.id} may be sealed for 1 to {MOST_SEALED} days")
        if not entry.article:
            yield Fault(where, f"no article allows that {entry.id} is sealed")


def _clients(pack: Pack) -> Iterator[Fault]:
    where = "clients.toml"
    bare = [
        d.name for p in pack.parties if "gateway" in p.roles for d in p.domain if not (d.asks or d.provides)
    ]
    yield from _unknown(where, "domain without files", (entry.domain for entry in pack.clients), bare)
    for entry in pack.clients:
        yield from _unknown(where, "scope", entry.scopes, SCOPES)
        if not entry.redirects or not all(map(may_return_to, entry.redirects)):
            yield Fault(where, f"{entry.id} must come back to https or loopback addresses")


def _layouts(pack: Pack) -> Iterator[Fault]:
    for item in pack.items:
        if not ITEM_ID.match(item.id):
            yield Fault("items.toml", f"{item.id} is not TK- and four digits")
        if item.layout and (item.id, item.layout) not in pack.layouts:
            yield Fault("items.toml", f"layout v{item.layout} of {item.id} is missing")
        yield from _forbidden("items.toml", (item.ja, item.en))
    for (item_id, version), schema in pack.layouts.items():
        where = f"layouts/{item_id}/v{version}.schema.json"
        yield from _unknown(where, "item", [item_id], (item.id for item in pack.items))
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as fault:
            yield Fault(where, f"not a JSON Schema 2020-12: {fault.message}")
            continue
        yield from _forbidden(where, _strings(schema))
        yield from _closed(where, "the layout", schema)


def _forbidden(where: str, texts: Iterable[str]) -> Iterator[Fault]:
    for text in texts:
        found = NEVER.search(text.replace("_", " "))
        if found:
            yield Fault(where, f"names what no layout may hold: {found[0]}")


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield key
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _closed(where: str, name: str, node: Mapping[str, Any]) -> Iterator[Fault]:
    """Every object refuses fields it does not list, every field has both titles, every number its unit."""
    kind = node.get("type")
    if kind == "array":
        yield from _closed(where, name, node.get("items", {}))
    elif kind == "object":
        if node.get("additionalProperties") is not False:
            yield Fault(where, f"{name} lets in fields it does not list")
        for field, inner in node.get("properties", {}).items():
            if not inner.get("title") or not inner.get("x-title-en"):
                yield Fault(where, f"{field} lacks a title")
            yield from _closed(where, field, inner)
    elif kind in ("integer", "number"):
        if not node.get("x-unit") and not _ordinal(node):
            yield Fault(where, f"{name} lacks a unit")
    elif kind not in ("string", "boolean"):
        yield Fault(where, f"{name} has no plain type")


def _ordinal(node: Mapping[str, Any]) -> bool:
    # Years of taxation and positions in the batch are not quantities, so they have bounds instead of a unit.
    return "minimum" in node and "maximum" in node and node["maximum"] <= 4095


def _served(pack: Pack) -> Iterator[Fault]:
    """Every row that a party asks under has a party that can give the item, and both are assessed."""
    assessed = {(entry.party, entry.file) for entry in pack.assessments}
    for asker in pack.parties:
        asked = {name for domain in asker.domain for name in domain.asks}
        for procedure in pack.procedures.values():
            if procedure.id in asked:
                for row in procedure.row:
                    yield from _served_row(pack, assessed, asker.name, row)


def _served_row(pack: Pack, assessed: set[tuple[str, str]], asker: str, row: RowEntry) -> Iterator[Fault]:
    givers = [
        party.name
        for party in pack.parties
        if row.provider_type in party.types and any(row.item in domain.provides for domain in party.domain)
    ]
    if not givers:
        yield Fault("parties.toml", f"{asker} may ask under {row.id}, but no party can give {row.item}")
    needed = [(asker, row.requester_assessment), *((giver, row.provider_assessment) for giver in givers)]
    for party, file in needed:
        if (party, file) not in assessed:
            yield Fault("assessments.toml", f"{party} has no assessment of {file}, which {row.id} needs")
