"""Synthetic residents: deterministic, plausible, and containing the households that broke real systems."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice, pairwise

import pytest

from kakine.institutions.people import REFERENCE_DAY, Household, Relation, Resident, households
from kakine.protocols.characters import alike, normal, same
from kakine.protocols.matching import Sex


@pytest.fixture(scope="module")
def country() -> list[Household]:
    return list(households(12_000, random.Random(2026)))


def people(country: list[Household], case: str | None = None) -> list[tuple[Household, Resident]]:
    return [(h, one) for h in country for one in h.residents if case is None or h.case == case]


def age(one: Resident) -> float:
    return (REFERENCE_DAY - one.birth).days / 365.25


def test_the_same_seed_gives_the_same_country():
    first, again, other = (list(households(500, random.Random(seed))) for seed in (5, 5, 6))
    assert first == again != other


def test_a_country_has_the_people_asked_for_and_at_most_a_household_more(country):
    assert 12_000 <= len(people(country)) < 12_010


def test_people_are_made_as_they_are_taken():
    assert len(list(islice(households(10**12, random.Random(0)), 100))) == 100


def test_about_fifteen_in_a_hundred_are_children(country):
    minors = sum(age(one) < 18 for _, one in people(country)) / len(people(country))
    old = sum(age(one) >= 65 for _, one in people(country)) / len(people(country))
    assert 0.13 < minors < 0.18
    assert 0.22 < old < 0.32


def test_about_eight_in_a_hundred_households_with_children_have_one_parent(country):
    with_minors = [
        h for h in country if any(one.relation is Relation.CHILD and age(one) < 18 for one in h.residents)
    ]
    alone = [h for h in with_minors if not any(one.relation is Relation.SPOUSE for one in h.residents)]
    assert 0.05 < len(alone) / len(with_minors) < 0.12


def test_nobody_is_born_in_the_future_or_before_their_children_could_have_a_parent(country):
    for household in country:
        parents = [
            age(one) for one in household.residents if one.relation in (Relation.HEAD, Relation.SPOUSE)
        ]
        children = [age(one) for one in household.residents if one.relation is Relation.CHILD]
        assert all(0 <= age(one) < 112 for one in household.residents)
        assert all(min(parents) - child > 14 for child in children)


def test_siblings_are_twins_or_at_least_ten_months_apart(country):
    for household in country:
        births = sorted(one.birth for one in household.residents if one.relation is Relation.CHILD)
        gaps = [(later - earlier).days for earlier, later in pairwise(births)]
        assert all(gap == 0 or gap > 300 for gap in gaps)


def test_every_household_has_one_head_and_a_true_town(country):
    assert {household.town for household in country} == {"141003", "011002", "272035"}
    for household in country:
        assert [one.relation for one in household.residents].count(Relation.HEAD) == 1


def test_family_names_are_as_frequent_as_in_japan(country):
    heads = Counter(h.residents[0].name.split("　")[0] for h in country if not h.case)
    assert heads["佐藤"] + heads["鈴木"] > 4 * (heads["五十嵐"] + heads["須田"])
    assert len(heads) > 200


def test_names_and_kana_are_printable_and_given_together(country):
    for _, one in people(country):
        assert bool(one.name) == bool(one.kana)
        assert all(character in "　ー" or "ァ" <= character <= "ヺ" for character in one.kana)


@pytest.mark.parametrize(
    "case",
    [
        "same-name-same-birth", "twins", "transposed-kana", "variant-characters", "shielded", "shielded-from",
        "no-address", "deceased", "abroad", "newborn-without-name", "two-households-one-address", "alias",
    ],
)  # fmt: skip
def test_even_the_smallest_country_has_every_case(case):
    assert any(household.case == case for household in households(0, random.Random(0)))


def test_the_cases_are_what_they_are_called(country):
    (one, first), (other, second) = [
        pair for pair in people(country, "same-name-same-birth") if pair[1].relation is Relation.HEAD
    ]
    assert (first.name, first.kana, first.birth, one.town) == (
        second.name,
        second.kana,
        second.birth,
        other.town,
    )
    assert one.address != other.address
    births = Counter(child.birth for _, child in people(country, "twins"))
    assert 2 in births.values()
    shielded = people(country, "shielded")
    assert all(resident.shielded for _, resident in shielded)
    assert {age(resident) < 18 for _, resident in shielded} == {True, False}
    assert [h.address for h, _ in people(country, "no-address")] == [None]
    assert any(resident.died for _, resident in people(country, "deceased"))
    assert all(resident.abroad for _, resident in people(country, "abroad"))
    assert any(not resident.name for _, resident in people(country, "newborn-without-name"))
    assert len({h.address for h in country if h.case == "two-households-one-address"}) == 1
    assert any(resident.alias for _, resident in people(country, "alias"))


def test_the_transposed_kana_is_found_neither_the_same_nor_alike(country):
    ((_, one),) = people(country, "transposed-kana")
    assert not same(one.kana, "コバヤシ　シゲル")
    assert not alike(one.kana, "コバヤシ　シゲル")
    assert sorted(normal(one.kana)) == sorted(normal("コバヤシ　シゲル"))


def test_variant_characters_are_alike_to_their_common_form(country):
    names = {one.name for _, one in people(country, "variant-characters")}
    for common in ("高橋　恵子", "吉田　斉", "渡辺　昭", "斎藤　礼子"):
        assert [same(name, common) for name in names].count(True) == 0
        assert [alike(name, common) for name in names].count(True) == 1


def test_both_sexes_are_drawn(country):
    share = sum(one.sex is Sex.FEMALE for _, one in people(country)) / len(people(country))
    assert 0.47 < share < 0.55
