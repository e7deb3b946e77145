"""Identifiers refuse what is not one, without ever repeating it."""

import copy
import pickle
import random
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kakine.values.identifiers import (
    CheckRule,
    CorporateNumber,
    IndividualNumber,
    MunicipalityCode,
    ResidentRecordCode,
)
from kakine.values.problems import CheckDigitWrong, IdentifierMalformed, NotAMunicipality

INDIVIDUAL = [
    "123456789018", "983205673214", "000000000000", "111111111118",
    "999999999996", "123456789026", "202401011236",
]  # fmt: skip
CORPORATE = [
    "7000012050002", "8000012010038", "2000012020001", "6000012070001", "1000012030001", "8000012050001",
    "7000012060001", "4000012090001", "2000012100001", "2000012010019", "8000020130001", "9000020011002",
    "3000020141003", "6000020271004", "6000020272035", "1180301018771", "7010001065142",
]  # fmt: skip
MUNICIPALITY = [
    "010006", "011002", "130001", "131016", "131130", "131121", "131211", "141003",
    "141305", "271004", "272035", "281000", "401307", "402206", "472018", "372013",
]  # fmt: skip

entropies = st.binary(min_size=16, max_size=16)


def drawn(seed: bytes) -> IndividualNumber:
    return IndividualNumber.draw(lambda count: seed[:count])


@pytest.mark.parametrize("digits", INDIVIDUAL)
def test_published_and_computed_individual_numbers_are_taken(digits):
    assert IndividualNumber(digits).digits == digits


@pytest.mark.parametrize("digits", CORPORATE)
def test_real_corporate_numbers_are_taken(digits):
    assert CorporateNumber(digits) == digits


@pytest.mark.parametrize("digits", MUNICIPALITY)
def test_real_municipality_codes_are_taken(digits):
    assert MunicipalityCode(digits) == digits


@pytest.mark.parametrize(
    ("digits", "code"),
    [("9000020011002", "011002"), ("3000020141003", "141003"), ("6000020272035", "272035")],
)
def test_the_number_of_a_municipality_gives_its_code(digits, code):
    assert CorporateNumber(digits).municipality == code


@pytest.mark.parametrize("digits", ["8000020130001", "7000012050002", "1180301018771"])
def test_prefectures_ministries_and_firms_are_no_municipality(digits):
    with pytest.raises(NotAMunicipality):
        CorporateNumber(digits).municipality  # noqa: B018


@pytest.mark.parametrize(
    ("kind", "digits", "place"),
    [(IndividualNumber, d, 11) for d in INDIVIDUAL]
    + [(CorporateNumber, d, 0) for d in CORPORATE]
    + [(MunicipalityCode, d, 5) for d in MUNICIPALITY],
)
def test_every_other_check_digit_is_refused(kind, digits, place):
    for other in set("0123456789") - {digits[place]}:
        with pytest.raises(CheckDigitWrong):
            kind(digits[:place] + other + digits[place + 1 :])


@pytest.mark.parametrize("kind", [IndividualNumber, CorporateNumber, MunicipalityCode, ResidentRecordCode])
@pytest.mark.parametrize(
    "bad",
    ["", "1", "12345678901８", "1234 5678 9018", "123456789018\n", "-2345678901", "1" * 14, "12345678901x"]
    + ["٠" * length for length in (6, 11, 12, 13)],
)
def test_other_lengths_and_characters_are_refused(kind, bad):
    with pytest.raises(IdentifierMalformed):
        kind(bad)


@pytest.mark.parametrize("length", [0, 1, 11, 13, 24])
def test_zeros_of_another_length_are_no_individual_number(length):
    with pytest.raises(IdentifierMalformed):
        IndividualNumber("0" * length)


@pytest.mark.parametrize("kind", [IndividualNumber, ResidentRecordCode, CorporateNumber, MunicipalityCode])
@pytest.mark.parametrize("bad", ["98320567321", "983205673215", "98320567321x", "9832056732144", "983205"])
def test_a_refusal_does_not_repeat_the_digits(kind, bad):
    with pytest.raises((IdentifierMalformed, CheckDigitWrong)) as caught:
        kind(bad)
    told = str(caught.value) + repr(caught.value) + repr(caught.value.facts)
    assert bad not in told
    assert not any(bad[at : at + 4] in told for at in range(len(bad) - 3))


@given(entropies)
def test_a_drawn_number_is_a_number(seed):
    assert IndividualNumber(drawn(seed).digits) == drawn(seed)


@given(entropies)
def test_a_number_does_not_show_itself(seed):
    number, code = drawn(seed), ResidentRecordCode.draw(lambda count: seed[:count])
    for hidden in (number, code):
        shown = f"{hidden} {hidden!r} {hidden!s} {hidden:} {[hidden]}" + "%s" % (hidden,)  # noqa: UP031
        assert not any(character.isdigit() for character in shown)


def test_a_traceback_through_a_number_does_not_show_it():
    number = IndividualNumber(INDIVIDUAL[1])
    try:
        raise ValueError(number)
    except ValueError:
        assert number.digits not in traceback.format_exc()


def test_a_number_cannot_be_changed():
    with pytest.raises(AttributeError):
        IndividualNumber(INDIVIDUAL[0]).digits = INDIVIDUAL[1]


def test_equal_digits_are_equal_numbers_and_copies_stay_so():
    first, second = IndividualNumber(INDIVIDUAL[0]), IndividualNumber(INDIVIDUAL[0])
    assert len({first, second, copy.deepcopy(first), pickle.loads(pickle.dumps(first))}) == 1  # noqa: S301
    assert first != INDIVIDUAL[0]


def test_every_leading_digit_is_drawn_equally_often():
    rng = random.Random(20151005)
    counts = [[0] * 10 for _ in range(11)]
    for _ in range(5000):
        for place, digit in enumerate(IndividualNumber.draw(rng.randbytes).digits[:11]):
            counts[place][int(digit)] += 1
    for place in counts:
        chi_square = sum((seen - 500) ** 2 / 500 for seen in place)
        assert chi_square < 40


@given(st.integers(min_value=0, max_value=10**11 - 1))
def test_every_eleven_digits_can_be_drawn(base):
    assert drawn(base.to_bytes(16, "big")).digits[:11] == str(base).zfill(11)


@given(entropies, st.integers(0, 11), st.integers(1, 9))
def test_the_check_digit_misses_only_the_two_remainders_it_cannot_tell_apart(seed, place, step):
    digits = drawn(seed).digits
    wrong = digits[:place] + str((int(digits[place]) + step) % 10) + digits[place + 1 :]
    try:
        IndividualNumber(wrong)
    except CheckDigitWrong:
        return
    assert digits[11] == "0"
    assert place != 11


class _Tens:
    """A rule unlike the default one."""

    def check_digit(self, base: str) -> str:
        return str(sum(map(int, base)) % 10)


def test_the_rule_of_a_resident_record_code_can_be_replaced():
    rule: CheckRule = _Tens()
    code = ResidentRecordCode("12345678905", rule)
    assert ResidentRecordCode.draw(lambda count: b"\x05" * count, rule).rule is rule
    with pytest.raises(CheckDigitWrong):
        ResidentRecordCode(code.digits)


@given(entropies)
def test_a_drawn_resident_record_code_is_one(seed):
    code = ResidentRecordCode.draw(lambda count: seed[:count])
    assert ResidentRecordCode(code.digits) == code
