"""Laws of the group and of scalars, with Python integers as the second opinion on scalar arithmetic."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kakine.crypto import group as module
from kakine.crypto.group import (
    ORDER,
    Scalar,
    expand_message,
    group,
    hash_to_scalar,
    inv_each,
    prf_scalar,
    random_scalar,
    scalar_add,
    scalar_from_wide,
    scalar_inv,
    scalar_mul,
    scalar_neg,
    scalar_sub,
)
from kakine.crypto.hashing import framed
from kakine.values.problems import LabelMalformed, PointInvalid, ScalarInvalid


def scalar(value: int) -> Scalar:
    return Scalar(value.to_bytes(32, "little"))


def number(value: Scalar) -> int:
    return int.from_bytes(value, "little")


ONE = scalar(1)
scalars = st.integers(1, ORDER - 1).map(scalar)
points = st.binary(max_size=40).map(group.hash_to_group)
vectors = st.lists(points, min_size=1, max_size=5).map(b"".join)
few = settings(max_examples=25, deadline=None)


@few
@given(scalars, scalars, points)
def test_multiplication_by_a_product_is_multiplication_twice(a, b, p):
    """(ab)P = a(bP) = b(aP): converters may come in any order."""
    assert group.mul(scalar_mul(a, b), p) == group.mul(a, group.mul(b, p)) == group.mul(b, group.mul(a, p))


@few
@given(scalars, points)
def test_the_inverse_takes_a_factor_off(a, p):
    """(1/a)(aP) = P: what the blinding and the masks rest on."""
    assert group.mul(scalar_inv(a), group.mul(a, p)) == p


@few
@given(scalars, points, points)
def test_multiplication_distributes_over_addition(a, p, q):
    """a(P + Q) = aP + aQ, or both sides are the identity and refused."""
    if group.mul(scalar(ORDER - 1), p) == q:
        return
    assert group.mul(a, group.add(p, q)) == group.add(group.mul(a, p), group.mul(a, q))


@few
@given(points, points)
def test_subtraction_undoes_addition(p, q):
    """(P + Q) - Q = P."""
    assert group.sub(group.add(p, group.add(q, q)), group.add(q, q)) == p


@few
@given(scalars)
def test_fixed_base_multiplication_is_multiplication_of_the_generator(a):
    """The two library calls agree."""
    assert group.mul_base(a) == group.mul(a, group.mul_base(ONE))


@few
@given(scalars, vectors)
def test_a_vector_is_multiplied_as_its_items_are(a, vector):
    """mul_each is mul on each of m points, in order."""
    items = [vector[at : at + 32] for at in range(0, len(vector), 32)]
    assert group.mul_each(a, vector) == b"".join(group.mul(a, item) for item in items)


@few
@given(st.lists(st.tuples(scalars, points), min_size=1, max_size=5))
def test_pairs_are_multiplied_item_by_item(pairs):
    """mul_pairs is mul of the j-th scalar and the j-th point."""
    vector = b"".join(p for _, p in pairs)
    assert group.mul_pairs([a for a, _ in pairs], vector) == b"".join(group.mul(a, p) for a, p in pairs)


@few
@given(scalars, st.lists(st.tuples(scalars, points), min_size=1, max_size=5, unique_by=lambda pair: pair[1]))
def test_a_combination_of_converted_points_is_the_converted_combination(k, pairs):
    """Σ d_j·(kP_j) = k·Σ d_j·P_j: the linear check."""
    weights, vector = [d for d, _ in pairs], b"".join(p for _, p in pairs)
    assert group.combine(weights, group.mul_each(k, vector)) == group.mul(k, group.combine(weights, vector))


def test_partial_sums_may_pass_through_the_identity():
    """P + (-P) + Q is Q, although P + (-P) alone is refused."""
    p, q = group.hash_to_group(b"p"), group.hash_to_group(b"q")
    minus = group.mul(scalar(ORDER - 1), p)
    assert group.sum(p + minus + q) == q
    with pytest.raises(PointInvalid):
        group.sum(p + minus)


def test_an_empty_vector_stays_empty_and_has_no_sum():
    """m may be zero where a leg is absent; a sum of nothing would be the identity."""
    assert group.mul_each(ONE, b"") == group.mul_pairs([], b"") == b""
    with pytest.raises(PointInvalid):
        group.sum(b"")


@given(scalars, scalars)
def test_scalar_arithmetic_is_arithmetic_modulo_the_order(a, b):
    """Product, sum, difference, negation and inverse against Python integers."""
    x, y = number(a), number(b)
    assert number(scalar_mul(a, b)) == x * y % ORDER
    assert number(scalar_neg(a)) == ORDER - x
    assert number(scalar_inv(a)) == pow(x, -1, ORDER)
    if (x + y) % ORDER:
        assert number(scalar_add(a, b)) == (x + y) % ORDER
    if x != y:
        assert number(scalar_sub(a, b)) == (x - y) % ORDER


@given(st.lists(scalars, min_size=1, max_size=6))
def test_a_product_takes_any_number_of_factors(factors):
    """scalar_mul of one is that one."""
    expected = 1
    for factor in factors:
        expected = expected * number(factor) % ORDER
    assert number(scalar_mul(*factors)) == expected


@given(st.lists(scalars, max_size=9))
def test_batched_inversion_is_single_inversion(many):
    """The same scalars in the same order, also for none and one."""
    assert inv_each(many) == [scalar_inv(each) for each in many]


@given(st.binary(min_size=64, max_size=64))
def test_reduction_is_the_remainder(wide):
    """64 bytes little-endian modulo the order."""
    if remainder := int.from_bytes(wide, "little") % ORDER:
        assert number(scalar_from_wide(wide)) == remainder


def test_a_sum_or_difference_of_zero_is_refused():
    """No Scalar is zero, so none comes out of addition."""
    for call in (lambda: scalar_add(ONE, scalar(ORDER - 1)), lambda: scalar_sub(ONE, ONE)):
        with pytest.raises(ScalarInvalid):
            call()


def test_scalars_of_different_labels_parts_and_keys_differ():
    """Framing and tags keep every derivation apart from its neighbours."""
    key = bytes(32)
    made = [
        hash_to_scalar("a", b"x", b"y"),
        hash_to_scalar("a", b"xy"),
        hash_to_scalar("a", b"x", b"y", b""),
        hash_to_scalar("b", b"x", b"y"),
        prf_scalar(key, "a", b"x", b"y"),
        prf_scalar(key, "a", b"xy"),
        prf_scalar(key, "b", b"x", b"y"),
        prf_scalar(bytes([1]) * 32, "a", b"x", b"y"),
    ]
    assert len(set(made)) == len(made)


def test_hashing_to_a_scalar_is_the_expander_over_the_frame_under_the_labels_tag():
    """The documented formula, so that another language can follow it."""
    wide = expand_message(framed("label", b"part"), b"LCX-v1-H2S-label", 64)
    assert hash_to_scalar("label", b"part") == scalar(int.from_bytes(wide, "little") % ORDER)


def test_the_prf_is_hmac_sha_512_over_the_frame():
    """The documented formula."""
    wide = hmac.digest(b"k" * 32, framed("label", b"part"), "sha512")
    assert prf_scalar(b"k" * 32, "label", b"part") == scalar(int.from_bytes(wide, "little") % ORDER)


def test_a_prf_block_that_reduces_to_zero_is_drawn_again_with_a_counter(monkeypatch):
    """The order itself, as the first block, reduces to zero; the second block is asked for with counter 1."""
    inputs = []

    def blocks(key: bytes, data: bytes, name: str) -> bytes:
        inputs.append(data)
        return (ORDER if len(inputs) == 1 else 7).to_bytes(64, "little")

    monkeypatch.setattr(module.hmac, "digest", blocks)
    assert prf_scalar(bytes(32), "label", b"part") == scalar(7)
    assert inputs == [framed("label", b"part"), framed("label", b"part", b"\0\0\0\1")]


def test_a_dead_random_source_is_refused():
    """Zeros, or fewer bytes than asked for, never become a secret."""
    for source in (bytes, lambda n: b"\1" * (n - 1), lambda n: b""):
        with pytest.raises(ScalarInvalid):
            random_scalar(source)


def test_random_scalars_use_all_64_bytes_of_entropy():
    """A 32-byte draw would be biased; the reduction is over 512 bits."""
    assert random_scalar(lambda n: b"\xff" * n) == scalar((2**512 - 1) % ORDER)


@pytest.mark.parametrize(("dst", "length"), [(b"", 64), (b"x" * 256, 64), (b"x", 0), (b"x", 255 * 64 + 1)])
def test_the_expander_refuses_what_its_standard_leaves_out(dst, length):
    """No empty or oversized tag, no empty or oversized output."""
    with pytest.raises(LabelMalformed):
        expand_message(b"", dst, length)


def test_hashing_under_two_tags_gives_two_points():
    """The tag separates uses of one input."""
    assert group.hash_to_group(b"u") != group.hash_to_group(b"u", b"another-tag")
