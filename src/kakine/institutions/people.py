"""Synthetic residents in households, for demonstrations, tests and benchmarks. Nobody here exists.

The same `rng` state gives the same country. First come the households of `data/cases.toml`, which have
broken real systems; then drawn ones: names by frequency and generation, ages after a rough pyramid of 2025,
three towns. Nothing is made here about income, health, accounts, or anything else that an agency holds.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import Any

import msgspec

from kakine.protocols.matching import Sex
from kakine.values.identifiers import MunicipalityCode

REFERENCE_DAY = date(2026, 4, 1)
"""The day on which the ages are true and after which nothing has happened yet."""


class Relation(StrEnum):
    """To the head of the household (続柄)."""

    HEAD = "head"
    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    OTHER = "other"


class Resident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One invented person. `name` and `kana` are empty for a newborn not yet named; `alias` is a 通称."""

    name: str
    kana: str
    birth: date
    sex: Sex
    relation: Relation
    alias: str = ""
    alias_kana: str = ""
    shielded: bool = False
    abroad: bool = False
    died: date | None = None


class Household(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People of one resident-record household; `address` None if they have none. `case` names a fixture, or
    is empty."""

    town: MunicipalityCode
    residents: tuple[Resident, ...]
    address: str | None = None
    case: str = ""


def households(count: int, rng: Random) -> Iterator[Household]:
    """Whole households until there are at least `count` residents; the fixed cases (about 40 people) come
    always."""
    made = 0
    for household in _cases():
        made += len(household.residents)
        yield household
    while made < count:
        household = _draw(rng)
        made += len(household.residents)
        yield household


# --- data ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Weighted:
    """Things to draw from, with running totals of their weights."""

    things: list[Any]
    totals: list[float]

    def draw(self, rng: Random) -> Any:
        return rng.choices(self.things, cum_weights=self.totals)[0]


def _weighted(pairs: list[tuple[Any, float]]) -> _Weighted:
    return _Weighted([thing for thing, _ in pairs], list(accumulate(weight for _, weight in pairs)))


@dataclass(frozen=True)
class _Names:
    families: _Weighted
    given: dict[tuple[str, int], list[tuple[str, str]]]
    latin: dict[str, list[tuple[str, str]]]


def _rows(name: str) -> list[dict[str, str]]:
    text = files("kakine.institutions").joinpath("data", name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files("kakine.institutions").joinpath("data", name).read_text("utf-8"))


@cache
def _names() -> _Names:
    families = [((row["surname"], row["kana"]), float(row["weight"])) for row in _rows("surnames.csv")]
    given: defaultdict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    for row in _rows("given_names.csv"):
        given[row["sex"], int(row["generation"])].append((row["given"], row["kana"]))
    latin: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in _rows("latin_names.csv"):
        latin[row["part"]].append((row["latin"], row["kana"]))
    return _Names(_weighted(families), dict(given), dict(latin))


@cache
def _towns() -> _Weighted:
    return _weighted([(town, town["weight"]) for town in _toml("towns.toml")["town"]])


@cache
def _cases() -> tuple[Household, ...]:
    return msgspec.convert(
        _toml("cases.toml")["household"],
        tuple[Household, ...],
        dec_hook=lambda kind, value: kind(value),
    )


# --- drawing ------------------------------------------------------------------------------------------------

_BUILDINGS = ("コーポ桜", "グリーンハイツ", "メゾン若葉", "第2富士荘", "ハイツ-あおば", "パークサイド")


@dataclass(frozen=True)
class _Family:
    """The family name that a household shares, in script and kana; `latin` chooses the given names."""

    name: str
    kana: str
    latin: bool


@dataclass(frozen=True, slots=True)
class _Member:
    birth: date
    sex: Sex
    relation: Relation


def _draw(rng: Random) -> Household:
    town = _towns().draw(rng)
    family = _draw_family(rng)
    members = _SHAPES.draw(rng)(rng)
    taken: set[str] = set()
    people = tuple(_person(rng, family, member, taken) for member in members)
    return Household(MunicipalityCode(town["code"]), people, _address(rng, town))


def _draw_family(rng: Random) -> _Family:
    if rng.random() < 0.03:
        name, kana = rng.choice(_names().latin["family"])
        return _Family(name, kana, latin=True)
    name, kana = _names().families.draw(rng)
    return _Family(name, kana, latin=False)


def _born(rng: Random, age: int) -> date:
    return REFERENCE_DAY - timedelta(days=int(age * 365.25) + rng.randint(1, 365))


def _sex(rng: Random) -> Sex:
    return rng.choice((Sex.FEMALE, Sex.MALE))


def _alone(rng: Random) -> list[_Member]:
    age = rng.choices((rng.randint(18, 34), rng.randint(35, 64), rng.randint(65, 97)), (33, 26, 41))[0]
    return [_Member(_born(rng, age), _sex(rng), Relation.HEAD)]


def _couple(rng: Random) -> list[_Member]:
    wife = rng.choices((rng.randint(24, 39), rng.randint(40, 64), rng.randint(65, 93)), (13, 22, 65))[0]
    return _married(rng, wife)


def _married(rng: Random, wife: int) -> list[_Member]:
    sexes = [(max(18, wife + max(-2, round(rng.gauss(1.7, 3.5)))), Sex.MALE), (wife, Sex.FEMALE)]
    if rng.random() < 0.1:
        sexes.reverse()
    relations = (Relation.HEAD, Relation.SPOUSE)
    return [
        _Member(_born(rng, age), sex, relation) for (age, sex), relation in zip(sexes, relations, strict=True)
    ]


def _family(rng: Random) -> list[_Member]:
    mother, children = _mother_and_children(rng)
    return _married(rng, mother) + children


def _three_generations(rng: Random) -> list[_Member]:
    mother, children = _mother_and_children(rng)
    grandmother = _Member(_born(rng, mother + rng.randint(20, 32)), Sex.FEMALE, Relation.PARENT)
    return [*_married(rng, mother), *children, grandmother]


def _one_parent(rng: Random) -> list[_Member]:
    age, children = _mother_and_children(rng)
    sex = Sex.FEMALE if rng.random() < 0.87 else Sex.MALE
    return [_Member(_born(rng, age), sex, Relation.HEAD), *children]


def _mother_and_children(rng: Random) -> tuple[int, list[_Member]]:
    """The mother's age, and the children, youngest first; one birth in fifty is of twins."""
    age = rng.randint(0, 27)
    births = [_born(rng, age)]
    for _ in range(rng.choices((0, 1, 2), (46, 42, 12))[0]):
        twin = rng.random() < 0.02
        age += 0 if twin else rng.randint(2, 4)
        births.append(births[-1] if twin else _born(rng, age))
    mother = age + min(46, max(18, round(rng.gauss(30.5, 4.8))))
    return mother, [_Member(birth, _sex(rng), Relation.CHILD) for birth in births]


_SHAPES = _weighted([(_alone, 38), (_couple, 25), (_family, 26), (_three_generations, 5), (_one_parent, 2.7)])


def _person(rng: Random, family: _Family, member: _Member, taken: set[str]) -> Resident:
    given, kana = _given(rng, family.latin, member.birth, member.sex)
    while given in taken:
        given, kana = _given(rng, family.latin, member.birth, member.sex)
    taken.add(given)
    alias, alias_kana = "", ""
    if family.latin and rng.random() < 0.15:
        surname, surname_kana = _names().families.draw(rng)
        alias, alias_kana = f"{surname}　{kana}", f"{surname_kana}　{kana}"
    name = f"{family.name} {given}" if family.latin else f"{family.name}　{given}"
    return Resident(
        name=name,
        kana=f"{family.kana}　{kana}",
        birth=member.birth,
        sex=member.sex,
        relation=member.relation,
        alias=alias,
        alias_kana=alias_kana,
    )


def _given(rng: Random, latin: bool, birth: date, sex: Sex) -> tuple[str, str]:
    if latin:
        return rng.choice(_names().latin[sex])
    fashion = birth.year + rng.gauss(0, 8)
    generation = 1 + sum(fashion >= year for year in (1952, 1978, 2003))
    return rng.choice(_names().given[sex, generation])


def _address(rng: Random, town: dict[str, Any]) -> str:
    place, last = rng.choice(town["places"])
    if last:
        place = f"{place}{rng.randint(1, last)}丁目{rng.randint(1, 40)}番{rng.randint(1, 30)}号"
    else:
        place = f"{place}{rng.randint(1, 900)}番地{rng.randint(1, 20)}"
    if rng.random() < 0.4:
        place += f"　{rng.choice(_BUILDINGS)}{rng.randint(1, 9)}{rng.randint(1, 12):02}"
    return str(town["name"] + place)
