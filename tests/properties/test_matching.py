"""Comparing texts: what is one text in two encodings, and what a human must decide."""

import random
import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kakine.protocols.characters import VARIANTS, alike, normal, same
from kakine.protocols.matching import Items, Sex, identical, match
from kakine.values.problems import MatchMany, MatchNone

japanese = st.text(
    st.one_of(
        st.sampled_from("ｶﾞﾎﾞｰ-－−‐ーァアがゕヵヶケぁ　 0１一〇髙高齋斉\U000e0100\ufe00゛゙ゝヽ・丁目番号ノ"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=20,
)


@given(japanese)
def test_the_normal_form_is_its_own_normal_form(text):
    assert normal(normal(text)) == normal(text)


@given(japanese)
def test_other_unicode_forms_of_a_text_are_the_same_text(text):
    for form in ("NFC", "NFD", "NFKC"):
        assert same(text, unicodedata.normalize(form, text))


@given(japanese, japanese)
def test_what_is_the_same_is_alike(one, other):
    assert alike(one, one)
    if same(one, other):
        assert alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ﾎﾞ", "ボ"), ("ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ　ハナコ"), ("やまだ", "ヤマダ"), ("コーヒ", "コ-ヒ"),
        ("１－２－３", "1-2-3"), ("１ー２", "1-2"), ("葛\U000e0100飾", "葛飾"), ("キョウコ", "キヨウコ"),
        ("茅ヶ崎", "茅ケ崎"), ("ＴＡＲＯ", "TARO"), ("ハ゛", "バ"),
        ("山田\u3000太郎", "山田太郎"), ("神", "\ufa19"),
    ],
)  # fmt: skip
def test_encodings_of_one_text_are_the_same(one, other):
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("斎藤", "齊藤"), ("高橋", "髙橋"), ("山崎", "山﨑"), ("渡辺", "渡邉"), ("吉田", "𠮷田"),
        ("浜田", "濵田"), ("本町一丁目2番3号", "本町1-2-3"), ("本町十二丁目3番地", "本町12丁目3"),
        ("霞が関", "霞ヶ関"), ("Maria", "MARIA"), ("本町二十三番地", "本町23"), ("北一条西", "北1条西"),
    ],
)  # fmt: skip
def test_variants_are_alike_but_not_the_same(one, other):
    assert alike(one, other)
    assert not same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("コバヤシ", "コバシヤ"), ("ハシ", "バシ"), ("本町1-23", "本町12-3"), ("太田", "大田"), ("1-2", "12")],
)
def test_different_texts_are_not_even_alike(one, other):
    assert not alike(one, other)


def test_no_character_is_in_two_classes():
    characters = "".join(VARIANTS)
    assert len(characters) == len(set(characters)) > 200


@pytest.mark.parametrize("group", VARIANTS)
def test_every_class_is_alike_and_no_two_of_it_the_same(group):
    for other in group[1:]:
        assert alike(group[0], other)
        assert not same(group[0], other)


ADULT = date(1980, 5, 17)
NAMES = [
    ("渡邉　花子", "ワタナベ　ハナコ"),
    ("渡辺　花子", "ワタナベ　ハナコ"),
    ("渡辺　華子", "ワタナベ　ハナコ"),
    ("渡辺　花子", "ワタナベ　ハコナ"),
]
PLACES = [
    "横浜市西区老松町1丁目2番3号",
    "横浜市西区老松町1-2-3",
    "横浜市西区老松町一丁目2番3号",
    "横浜市西区老松町12丁目3号",
    None,
]


def _random_items(rng: random.Random) -> Items:
    name, kana = rng.choice(NAMES)
    birth = ADULT + timedelta(days=rng.choice([0, 0, 1, 365]))
    return Items(name, kana, birth, rng.choice([Sex.FEMALE, Sex.MALE]), rng.choice(PLACES))


def _recoded(items: Items, rng: random.Random) -> Items:
    """The same items as another office's computer would hold them."""
    widen = str.maketrans("0123456789-", "０１２３４５６７８９－")
    address = items.address
    if address is not None and rng.random() < 0.5:
        address = address.translate(widen)
    name = items.name.replace("　", rng.choice(["", " ", "　"]))
    return Items(name, items.kana.replace("　", " "), items.birth, items.sex, address)


def test_no_adversarial_neighbour_is_ever_taken_for_the_person():
    rng = random.Random(452)
    matched = refused = 0
    for _ in range(4000):
        register = [(key, _random_items(rng)) for key in range(rng.randrange(1, 12))]
        truth = _random_items(rng)
        wanted = _recoded(truth, rng)
        holders = [key for key, items in register if items == truth]
        if len(holders) == 1:
            assert match(wanted, register) == holders[0]
            matched += 1
        else:
            with pytest.raises(MatchMany if holders else MatchNone):
                match(wanted, register)
            refused += 1
    assert matched > 50
    assert refused > 500


@given(st.builds(Items, japanese, japanese, st.dates(), st.sampled_from(Sex), st.none() | japanese))
def test_a_person_is_identical_to_their_own_record_and_never_shown(items):
    assert identical(items, items)
    assert repr(items) == "<Items>"
