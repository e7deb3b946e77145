"""The matching rule refuses whatever is not one person, agreeing in every item."""

from dataclasses import replace
from datetime import date

import pytest

from kakine.protocols.matching import Items, Sex, match
from kakine.values.problems import ItemsIncomplete, MatchMany, MatchNone

PERSON = Items("齋藤　花子", "サイトウ　ハナコ", date(1990, 2, 3), Sex.FEMALE, "豊中市中桜塚3丁目1番1号")


def test_the_only_person_who_agrees_in_everything_is_found():
    other = replace(PERSON, birth=date(1990, 2, 4))
    asked = replace(PERSON, kana="ｻｲﾄｳ ﾊﾅｺ", address="豊中市中桜塚３丁目１番１号")
    assert match(asked, [(1, other), (2, PERSON)]) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"name": "齋藤　花代"},
        {"kana": "サイトウ　ハコナ"},
        {"birth": date(1990, 3, 2)},
        {"sex": Sex.OPEN},
        {"address": "豊中市中桜塚3丁目1番2号"},
        {"address": None},
    ],
)
def test_one_differing_item_is_enough_to_refuse(change):
    with pytest.raises(MatchNone) as caught:
        match(replace(PERSON, **change), [(1, PERSON)])
    assert caught.value.facts == {"ask": 0}


@pytest.mark.parametrize("change", [{"name": "斉藤　花子"}, {"address": "豊中市中桜塚3-1-1"}])
def test_a_person_under_a_variant_is_counted_but_not_taken(change):
    with pytest.raises(MatchNone) as caught:
        match(replace(PERSON, **change), [(1, PERSON)])
    assert caught.value.facts == {"ask": 1}


def test_two_people_who_agree_in_everything_are_both_refused():
    with pytest.raises(MatchMany) as caught:
        match(PERSON, [(1, PERSON), (2, replace(PERSON, kana="さいとう　はなこ"))])
    assert caught.value.facts == {"count": 2}


@pytest.mark.parametrize("change", [{"name": ""}, {"kana": "　 "}, {"address": "\u200b"}])
def test_a_blank_item_is_refused_even_where_the_record_is_blank_too(change):
    asked = replace(PERSON, **change)
    with pytest.raises(ItemsIncomplete):
        match(asked, [(1, asked)])


def test_somebody_without_an_address_is_found_by_saying_so():
    person = replace(PERSON, address=None)
    assert match(person, [(1, PERSON), (2, person)]) == 2


def test_a_refusal_names_nobody():
    with pytest.raises(MatchNone) as caught:
        match(replace(PERSON, name="斉藤　花子"), [("secret", PERSON)])
    told = str(caught.value)
    assert not any(part in told for part in ("藤", "サイ", "1990", "豊中", "secret"))
