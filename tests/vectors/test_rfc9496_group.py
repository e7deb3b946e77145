"""RFC 9496 appendix A (ristretto255) and RFC 9380 appendix K.3 (the expander under hashing to it)."""

from __future__ import annotations

import pytest

from kakine.crypto.group import Scalar, SodiumGroup, expand_message, group
from kakine.values.problems import PointInvalid
from vectors.files import h, load

V = load("rfc9496")
MULTIPLES = [h(text) for text in V["multiples_of_the_generator"]]
REJECTED = [h(text) for texts in V["rejected_encodings"].values() for text in texts]
EXPANDER = load("rfc9380")


@pytest.mark.parametrize("k", range(1, 16))
def test_small_multiples_of_the_generator_are_the_published_ones(k):
    """A.1, by fixed-base multiplication, by multiplication of G, and by repeated addition."""
    scalar = Scalar(k.to_bytes(32, "little"))
    assert group.mul_base(scalar) == MULTIPLES[k]
    assert group.mul(scalar, MULTIPLES[1]) == MULTIPLES[k]
    assert group.sum(MULTIPLES[1] * k) == MULTIPLES[k]


def test_the_appendix_lists_the_identity_which_is_no_point_here():
    """A.1 starts at zero times G; as a code it would be everybody's, so it is refused."""
    assert MULTIPLES[0] == bytes(32)
    with pytest.raises(PointInvalid):
        group.check(MULTIPLES[0])


def test_all_published_bad_encodings_are_in_the_file():
    """A.2 has 29 of them in five classes."""
    assert len(set(REJECTED)) == 29


@pytest.mark.parametrize("encoding", REJECTED, ids=lambda value: value.hex()[:8])
def test_a_published_bad_encoding_is_refused_everywhere(encoding):
    """A.2, at every entry that takes a point, on either side and at any place in a vector."""
    one, good = Scalar((1).to_bytes(32, "little")), MULTIPLES[1]
    calls = [
        lambda: group.check(encoding),
        lambda: group.mul(one, encoding),
        lambda: group.mul_each(one, good + encoding),
        lambda: group.mul_pairs([one, one], good + encoding),
        lambda: group.add(encoding, good),
        lambda: group.add(good, encoding),
        lambda: group.sub(encoding, good),
        lambda: group.sub(good, encoding),
        lambda: group.sum(good + encoding),
        lambda: group.combine([one, one], good + encoding),
    ]
    for call in calls:
        with pytest.raises(PointInvalid):
            call()


@pytest.mark.parametrize("case", V["one_way_map"], ids=lambda case: case["point"][:8])
def test_the_one_way_map_gives_the_published_point(case):
    """A.3, all seven."""
    assert SodiumGroup().map_to_group(h(case["uniform"])) == h(case["point"])


@pytest.mark.parametrize("case", EXPANDER["expand_message"], ids=lambda case: case["uniform"][:8])
def test_the_expander_gives_the_published_bytes(case):
    """RFC 9380 K.3, ten cases of 32 and 128 bytes."""
    data, dst = case["message"].encode("ascii"), EXPANDER["dst"].encode("ascii")
    assert expand_message(data, dst, case["length"]) == h(case["uniform"])
