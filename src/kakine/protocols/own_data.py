"""自己情報の閲覧: which holders have what kind of data, and which kinds need more than one way in to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kakine.protocols.gazette import Law
from kakine.values.labels import DomainName
from kakine.values.problems import AreaUnknown

GROUND = "OWN-DATA"

SENSITIVE = frozenset({"care", "child", "disability", "family-register", "health", "welfare"})
"""Areas whose data are, or tell of, what needs special care (要配慮個人情報, Act on the Protection of Personal
Information art. 2(3)): somebody who found a card must not see them."""


@dataclass(frozen=True)
class Holder:
    """A domain, and the items of one area that it gives under any row of the order, sorted."""

    domain: DomainName
    items: tuple[str, ...]


def areas(law: Law) -> Mapping[str, tuple[Holder, ...]]:
    """Every area of the gazette that somebody gives, in the order of their names; holders in the gazette's order.

    Says nothing of any person: the same for everybody.
    """
    area_of = {item.id: item.area for item in law.gazette.items}
    found: dict[str, list[Holder]] = {}
    for party in law.gazette.parties:
        for domain in party.domains:
            given: dict[str, list[str]] = {}
            for item in sorted(domain.provides):
                given.setdefault(area_of[item], []).append(item)
            for area, items in given.items():
                found.setdefault(area, []).append(Holder(DomainName(domain.name), tuple(items)))
    return {area: tuple(found[area]) for area in sorted(found)}


def holders(law: Law, area: str) -> tuple[Holder, ...]:
    """Raises `AreaUnknown`."""
    found = areas(law).get(area)
    if found is None:
        raise AreaUnknown(area=area)
    return found
