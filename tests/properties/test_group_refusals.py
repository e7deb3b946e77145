"""Points and scalars from a hostile peer, at every entry. Bad inputs are named after what they try."""

from __future__ import annotations

import pytest

from kakine.crypto.group import (
    ORDER,
    Scalar,
    SodiumGroup,
    group,
    inv_each,
    scalar_add,
    scalar_from_wide,
    scalar_inv,
    scalar_mul,
    scalar_neg,
    scalar_sub,
)
from kakine.crypto.sodium import sodium
from kakine.values.problems import PointInvalid, ScalarInvalid

GOOD = group.hash_to_group(b"good")
ONE = Scalar((1).to_bytes(32, "little"))

BAD_POINTS = {
    "identity": bytes(32),
    "all ones": b"\xff" * 32,
    "field prime": (2**255 - 19).to_bytes(32, "little"),
    "field prime plus a valid encoding": (2**255 - 19 + 2).to_bytes(32, "little"),
    "good with the top bit set": GOOD[:31] + bytes([GOOD[31] | 0x80]),
    "identity with the top bit set": bytes(31) + b"\x80",
    "31 bytes": GOOD[:31],
    "33 bytes": GOOD + b"\0",
    "nothing": b"",
}
BAD_SCALARS = {
    "zero": bytes(32),
    "order": ORDER.to_bytes(32, "little"),
    "order plus five": (ORDER + 5).to_bytes(32, "little"),
    "five with the top bit set": (2**255 + 5).to_bytes(32, "little"),
    "all ones": b"\xff" * 32,
    "31 bytes": bytes(30) + b"\1",
    "33 bytes": bytes(32) + b"\1",
    "nothing": b"",
}


@pytest.mark.parametrize("bad", BAD_POINTS.values(), ids=BAD_POINTS)
@pytest.mark.parametrize("entry", ["check", "mul", "add left", "add right", "sub left", "sub right"])
def test_a_bad_point_is_refused_at_every_single_entry(entry, bad):
    """Length, canonical form and the identity, whatever libsodium would let through."""
    calls = {
        "check": lambda: group.check(bad),
        "mul": lambda: group.mul(ONE, bad),
        "add left": lambda: group.add(bad, GOOD),
        "add right": lambda: group.add(GOOD, bad),
        "sub left": lambda: group.sub(bad, GOOD),
        "sub right": lambda: group.sub(GOOD, bad),
    }
    with pytest.raises(PointInvalid):
        calls[entry]()


@pytest.mark.parametrize("name", [name for name, bad in BAD_POINTS.items() if len(bad) == 32])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_bad_point_in_a_vector_is_refused_and_its_place_named(name, index):
    """Nothing of the vector comes out; the index is the fact the peer is told."""
    vector = GOOD * index + BAD_POINTS[name] + GOOD * (2 - index)
    calls = [
        lambda: group.mul_each(ONE, vector),
        lambda: group.mul_pairs([ONE] * 3, vector),
        lambda: group.combine([ONE] * 3, vector),
    ]
    for call in calls:
        with pytest.raises(PointInvalid) as refused:
            call()
        assert refused.value.facts == {"index": index}
    with pytest.raises(PointInvalid):
        group.sum(vector)


@pytest.mark.parametrize("length", [1, 31, 33, 63, 65])
def test_a_vector_of_broken_length_is_refused(length):
    """A vector is whole points."""
    vector = (GOOD * 3)[:length]
    for call in (
        lambda: group.mul_each(ONE, vector),
        lambda: group.mul_pairs([ONE], vector),
        lambda: group.sum(vector),
        lambda: group.combine([ONE], vector),
    ):
        with pytest.raises(PointInvalid):
            call()


@pytest.mark.parametrize("value", BAD_SCALARS.values(), ids=BAD_SCALARS)
def test_a_bad_scalar_cannot_be_made(value):
    """Range and length are checked where bytes become a Scalar."""
    with pytest.raises(ScalarInvalid):
        Scalar(value)


def test_the_ends_of_the_range_are_scalars():
    """1 and the order minus one."""
    assert group.mul(ONE, GOOD) == GOOD
    assert group.mul(Scalar((ORDER - 1).to_bytes(32, "little")), GOOD) == group.sub(
        GOOD, group.add(GOOD, GOOD)
    )


@pytest.mark.parametrize("value", [*BAD_SCALARS.values(), bytes(ONE)], ids=[*BAD_SCALARS, "one, unchecked"])
def test_plain_bytes_are_never_taken_for_a_scalar(value):
    """Even good bytes must pass through the type first: C would read past a short one."""
    for call in (
        lambda: group.mul(value, GOOD),
        lambda: group.mul_base(value),
        lambda: group.mul_each(value, GOOD),
        lambda: group.mul_pairs([value], GOOD),
        lambda: group.combine([value], GOOD),
        lambda: scalar_mul(value),
        lambda: scalar_mul(ONE, value),
        lambda: scalar_add(ONE, value),
        lambda: scalar_add(value, ONE),
        lambda: scalar_sub(ONE, value),
        lambda: scalar_neg(value),
        lambda: scalar_inv(value),
        lambda: inv_each([value]),
        lambda: inv_each([ONE, value]),
    ):
        with pytest.raises(ScalarInvalid):
            call()


@pytest.mark.parametrize("scalars", [0, 1, 3])
def test_pairs_of_unequal_number_are_refused(scalars):
    """Two points need two scalars."""
    with pytest.raises(ScalarInvalid):
        group.mul_pairs([ONE] * scalars, GOOD * 2)


def test_opposite_points_do_not_add_up_to_the_identity():
    """P - P and P + (-P) are refused: no method returns the identity."""
    minus = group.mul(Scalar((ORDER - 1).to_bytes(32, "little")), GOOD)
    for call in (lambda: group.sub(GOOD, GOOD), lambda: group.add(GOOD, minus)):
        with pytest.raises(PointInvalid):
            call()


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_wide_inputs_of_another_length_are_refused(length):
    """The map and the reduction read exactly 64 bytes."""
    with pytest.raises(PointInvalid):
        SodiumGroup().map_to_group(b"\1" * length)
    with pytest.raises(ScalarInvalid):
        scalar_from_wide(b"\1" * length)


def test_the_library_alone_would_let_the_top_bit_through():
    """Why `group` looks at bit 255 itself; if a libsodium refuses it, the docstring there is old."""
    assert sodium.crypto_core_ristretto255_is_valid_point(BAD_POINTS["good with the top bit set"]) == 1


def test_a_scalar_shows_nothing_of_itself():
    """Neither in repr nor in a format string nor in the text of a refusal."""
    secret = Scalar(b"\x17" * 31 + b"\1")
    assert f"{secret} {secret!r} {secret!s}" == "<Scalar> <Scalar> <Scalar>"
    with pytest.raises(ScalarInvalid) as refused:
        Scalar(b"\x17" * 31 + b"\xff")
    assert "17" not in str(refused.value)
