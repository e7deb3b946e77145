"""The rule by which somebody is found without their number: every item agrees, for one person; else refuse.

Cross-office guideline on linking (横断的ガイドライン, 2023-10-05): name, kana, birth, sex and address must
all match. There is no score and no best candidate: wrong links of 2021-2023 came from partial answers that
somebody accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from kakine.protocols.characters import alike, normal, same
from kakine.values.problems import ItemsIncomplete, MatchMany, MatchNone

Key = TypeVar("Key")


class Sex(StrEnum):
    """As entered on the resident record, which may leave it open."""

    FEMALE = "female"
    MALE = "male"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Items:
    """The five items. An `address` of None states that the person has none; it does not stand for "unknown".

    Name and kana are empty for a newborn without a name. Not shown by `repr`.
    """

    name: str
    kana: str
    birth: date
    sex: Sex
    address: str | None

    def __repr__(self) -> str:
        return "<Items>"


def identical(one: Items, other: Items) -> bool:
    """Whether all five items are the same, encodings aside; empty ones equal empty ones."""
    return (
        one.birth == other.birth
        and one.sex is other.sex
        and same(one.kana, other.kana)
        and same(one.name, other.name)
        and _same_address(one.address, other.address)
    )


def similar(one: Items, other: Items) -> bool:
    """Whether a human should be asked if the two are one person: texts `alike`, birth and sex equal."""
    return (
        one.birth == other.birth
        and one.sex is other.sex
        and alike(one.kana, other.kana)
        and alike(one.name, other.name)
        and alike(one.address or "", other.address or "")
    )


def match(wanted: Items, candidates: Iterable[tuple[Key, Items]]) -> Key:
    """The key of the one candidate identical to `wanted`.

    Raises ItemsIncomplete (an item asked with is blank: a blank agrees with anybody), MatchNone with the
    number of `similar` ones (`ask`: let the person say, never choose among them), MatchMany with the number
    of identical ones. Not checked: that whoever gives the items is the person.
    """
    for item in ("name", "kana", "address"):
        value = getattr(wanted, item)
        if value is not None and not normal(value):
            raise ItemsIncomplete(item=item)
    pool = list(candidates)
    found = [key for key, items in pool if identical(wanted, items)]
    if len(found) > 1:
        raise MatchMany(count=len(found))
    if not found:
        raise MatchNone(ask=sum(similar(wanted, items) for _, items in pool))
    return found[0]


def _same_address(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return same(one, other)
