"""自己情報の閲覧: which holders have what kind of data, and which kinds need more than one way in to be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kakine.crypto.sealing import OpenKey
from kakine.protocols.gazette import Law
from kakine.values.labels import DomainName
from kakine.values.problems import AnswerNotAllowed, AreaUnknown, OwnDataUnfit
from kakine.wire.canonical import decode
from kakine.wire.own_data import OwnData, PageGiven, opened

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


def area_of(law: Law, items: Iterable[str]) -> str:
    """The one area of all these items. Raises `AnswerNotAllowed` for none, and for items of several: what is pulled at
    a time is of one area."""
    named = {item.id: item.area for item in law.gazette.items}
    found = {named.get(item) for item in items}
    area = found.pop() if len(found) == 1 else None
    if area is None:
        raise AnswerNotAllowed(what="area")
    return area


def read(data: bytes, session: OpenKey, asked: Sequence[Holder]) -> list[OwnData]:
    """What a page of an area shows of an encoded `PageGiven`: as `own_data.js` in the browser, with the same codes.

    Raises `NotCanonical`; `OwnDataUnfit` unless there is one answer of each holder asked, in order, of its own items,
    each once and sorted; `SealInvalid`. Does not show that a holder has said so (`wire.own_data.opened`).
    """
    given = decode(data, PageGiven).answers
    if [each.domain for each in given] != [str(each.domain) for each in asked]:
        raise OwnDataUnfit(what="holders")
    told = [opened(session, each.request, each.sealed) for each in given]
    for holder, one in zip(asked, told, strict=True):
        items = [each.item for each in one.items]
        if one.domain != holder.domain or items != sorted(set(items) & set(holder.items)):
            raise OwnDataUnfit(what="items")
    return told
