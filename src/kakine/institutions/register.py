"""The family register (戸籍), kept by the Ministry of Justice for all towns. It has no file of foreigners."""

from __future__ import annotations

from collections.abc import Iterator

from kakine.institutions.agency import Agency, Sheet
from kakine.institutions.families import Member, Roster
from kakine.institutions.people import Relation
from kakine.values.labels import DomainName

_KIND = {
    (Relation.HEAD, Relation.CHILD): "child",
    (Relation.SPOUSE, Relation.CHILD): "child",
    (Relation.CHILD, Relation.HEAD): "parent",
    (Relation.CHILD, Relation.SPOUSE): "parent",
    (Relation.HEAD, Relation.SPOUSE): "spouse",
    (Relation.SPOUSE, Relation.HEAD): "spouse",
    (Relation.HEAD, Relation.PARENT): "parent",
    (Relation.PARENT, Relation.HEAD): "child",
}


def agencies() -> list[Agency]:
    """Its one domain."""
    return [Agency(DomainName("koseki/register"), lambda m: m.citizen, _relations)]


def _relations(member: Member, roster: Roster) -> Iterator[Sheet]:
    own = member.resident.relation
    relations = [
        {"kind": kind, "person": other.place}
        for other in member.family.members
        if other is not member and (kind := _KIND.get((own, other.resident.relation)))
    ]
    married = any(relation["kind"] == "spouse" for relation in relations)
    yield (
        "TK-0001",
        {"relations": relations, "marital_status": "married" if married else _single(member)},
    )


def _single(member: Member) -> str:
    if not member.adult:
        return "unmarried"
    return "divorced" if member.family.one_parent and member.place == 0 else "unmarried"
