"""The tree against the definition of RFC 6962, and its verifiers against everything that is not a proof."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kakine.crypto import merkle
from kakine.crypto.merkle import (
    EMPTY,
    Tree,
    leaf_hash,
    narrow,
    node_hash,
    verify_consistency,
    verify_inclusion,
    verify_range,
)
from kakine.values.problems import ConsistencyInvalid, InclusionInvalid, RangeOutside

LEAVES = [leaf_hash(number.to_bytes(80, "big")) for number in range(1500)]


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2, word for word."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def tree_of(count: int) -> Tree:
    tree = Tree()
    tree.append(LEAVES[:count])
    return tree


BIG = tree_of(1500)


def test_every_root_to_200_is_that_of_the_definition_however_the_leaves_came() -> None:
    one_by_one = Tree()
    for size in range(201):
        assert BIG.root(size) == one_by_one.root() == mth(LEAVES[:size])
        one_by_one.append(LEAVES[size : size + 1])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=12))
def test_the_root_does_not_depend_on_how_appends_are_cut(cuts: list[int]) -> None:
    tree, at = Tree(), 0
    for cut in cuts:
        tree.append(LEAVES[at : min(at + cut, 1500)])
        at = min(at + cut, 1500)
    assert tree.size == at
    assert tree.root() == mth(LEAVES[:at])


@pytest.mark.parametrize("size", [*range(1, 40), 63, 64, 65, 127, 128, 129, 200])
def test_every_single_leaf_is_proved_and_its_path_is_that_of_the_definition(size: int) -> None:
    root = mth(LEAVES[:size])
    for index in range(size):
        expected = path(index, LEAVES[:size])
        assert BIG.inclusion_path(index, size) == expected
        verify_inclusion(LEAVES[index], index, size, expected, root)
        proof = BIG.range_proof(index, 1, size)
        assert sorted(proof) == sorted(expected)
        verify_range([LEAVES[index]], index, size, proof, root)


@pytest.mark.parametrize("size", range(1, 25))
def test_every_range_of_a_small_tree_is_proved(size: int) -> None:
    root = mth(LEAVES[:size])
    for first in range(size):
        for count in range(1, size - first + 1):
            proof = BIG.range_proof(first, count, size)
            verify_range(LEAVES[first : first + count], first, size, proof, root)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_range_of_any_tree_to_1500_is_proved_and_no_other_place_fits(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1500))
    first = data.draw(st.integers(0, size - 1))
    count = data.draw(st.integers(1, size - first))
    proof, leaves, root = (
        BIG.range_proof(first, count, size),
        LEAVES[first : first + count],
        mth(LEAVES[:size]),
    )
    verify_range(leaves, first, size, proof, root)
    other = data.draw(st.integers(0, size))
    if other != first:
        with pytest.raises(InclusionInvalid):
            verify_range(leaves, other, size, proof, root)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_but_the_proof_itself_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 1500))
    first = data.draw(st.integers(0, size - 1))
    count = data.draw(st.integers(1, min(size - first, 40)))
    proof, leaves, root = BIG.range_proof(first, count, size), LEAVES[first : first + count], BIG.root(size)
    spoiled = data.draw(st.integers(0, len(proof) + len(leaves) - 1))
    bit = data.draw(st.integers(0, 255))
    mixed = [*proof, *leaves]
    flipped = (int.from_bytes(mixed[spoiled]) ^ (1 << bit)).to_bytes(32)
    mixed[spoiled] = flipped
    for bad_leaves, bad_proof in (
        (mixed[len(proof) :], mixed[: len(proof)]),
        (leaves, [*proof, bytes(32)]),
        (leaves, proof[:-1] if proof else [root]),
        ([*leaves, leaves[-1]], proof),
        ([], proof),
        ([each[:31] for each in leaves], proof),
    ):
        with pytest.raises(InclusionInvalid):
            verify_range(bad_leaves, first, size, bad_proof, root)
    with pytest.raises(InclusionInvalid):
        verify_range(leaves, first, size, proof, BIG.root(size - 1))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_proof_narrowed_to_one_leaf_is_the_proof_of_that_leaf(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 1500))
    first = data.draw(st.integers(0, size - 1))
    count = data.draw(st.integers(1, min(size - first, 60)))
    index = data.draw(st.integers(first, first + count - 1))
    leaves, proof = LEAVES[first : first + count], BIG.range_proof(first, count, size)
    assert narrow(leaves, first, size, proof, index) == BIG.range_proof(index, 1, size)


@pytest.mark.parametrize(("first", "size"), [(-1, 8), (8, 8), (7, 7), (0, 0), (9, 8)])
def test_an_index_outside_the_tree_never_verifies(first: int, size: int) -> None:
    with pytest.raises(InclusionInvalid):
        verify_range([LEAVES[0]], first, size, [], LEAVES[0])
    with pytest.raises(InclusionInvalid):
        verify_inclusion(LEAVES[0], first, size, [], LEAVES[0])


def test_two_leaves_in_the_wrong_order_do_not_verify() -> None:
    proof = BIG.range_proof(6, 2, 21)
    with pytest.raises(InclusionInvalid):
        verify_range([LEAVES[7], LEAVES[6]], 6, 21, proof, BIG.root(21))


def test_an_inner_node_cannot_be_shown_as_the_data_of_a_leaf() -> None:
    inner = LEAVES[0] + LEAVES[1]
    root = node_hash(LEAVES[0], LEAVES[1])
    verify_range(LEAVES[:2], 0, 2, [], root)
    with pytest.raises(InclusionInvalid):
        verify_range([leaf_hash(inner)], 0, 1, [], root)


@pytest.mark.parametrize("new", [1, 2, 3, 7, 8, 9, 31, 32, 33, 100, 128])
def test_every_consistency_proof_is_that_of_the_definition_and_verifies(new: int) -> None:
    for old in range(1, new):
        proof = BIG.consistency_proof(old, new)
        assert proof == subproof(old, LEAVES[:new], True)
        verify_consistency(old, new, proof, BIG.root(old), BIG.root(new))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_other_sizes_roots_or_hashes_pass_as_consistent(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 1500))
    old = data.draw(st.integers(1, new - 1))
    proof, old_root, new_root = BIG.consistency_proof(old, new), BIG.root(old), BIG.root(new)
    verify_consistency(old, new, proof, old_root, new_root)
    spoiled = list(proof)
    at = data.draw(st.integers(0, len(proof) - 1))
    spoiled[at] = (int.from_bytes(spoiled[at]) ^ (1 << data.draw(st.integers(0, 255)))).to_bytes(32)
    for bad in (
        (old, new, spoiled, old_root, new_root),
        (old, new, proof[:-1], old_root, new_root),
        (old, new, [*proof, bytes(32)], old_root, new_root),
        (old, new, proof, BIG.root(old - 1), new_root),
        (old, new, proof, old_root, BIG.root(new - 1)),
        (new, old, proof, new_root, old_root),
        (-1, new, proof, old_root, new_root),
    ):
        with pytest.raises(ConsistencyInvalid):
            verify_consistency(*bad)


def test_a_rewritten_history_has_no_consistency_proof() -> None:
    forged = Tree()
    forged.append([*LEAVES[:2], LEAVES[9], *LEAVES[3:6]])
    with pytest.raises(ConsistencyInvalid):
        verify_consistency(4, 6, forged.consistency_proof(4, 6), BIG.root(4), forged.root())


def test_equal_and_empty_trees_are_consistent_only_with_the_only_possible_roots() -> None:
    verify_consistency(0, 0, [], EMPTY, EMPTY)
    verify_consistency(0, 5, [], EMPTY, BIG.root(5))
    verify_consistency(5, 5, [], BIG.root(5), BIG.root(5))
    for bad in (
        (0, 0, [], EMPTY, BIG.root(1)),
        (0, 5, [], BIG.root(1), BIG.root(5)),
        (0, 5, [EMPTY], EMPTY, BIG.root(5)),
        (5, 5, [], BIG.root(5), BIG.root(4)),
        (5, 5, [EMPTY], BIG.root(5), BIG.root(5)),
        (4, 5, [], BIG.root(4), BIG.root(5)),
        (3, 5, [], BIG.root(3), BIG.root(5)),
    ):
        with pytest.raises(ConsistencyInvalid):
            verify_consistency(*bad)


def test_the_tree_refuses_ranges_and_sizes_it_does_not_have() -> None:
    tree = tree_of(5)
    for first, count, size in ((0, 6, None), (5, 1, None), (-1, 1, None), (0, 0, None), (0, 1, 6), (3, 1, 3)):
        with pytest.raises(RangeOutside):
            tree.range_proof(first, count, size)
    for old, new in ((6, None), (-1, None), (4, 3), (0, 6)):
        with pytest.raises(RangeOutside):
            tree.consistency_proof(old, new)
    with pytest.raises(RangeOutside):
        tree.root(6)
    with pytest.raises(RangeOutside):
        tree.inclusion_path(5)
    with pytest.raises(InclusionInvalid):
        tree.append([b"short"])


def test_checking_a_range_costs_about_a_hash_a_leaf(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tree_of(1500)
    proof, root = tree.range_proof(301, 1000), tree.root()
    calls = 0

    def counted(left: bytes, right: bytes) -> bytes:
        nonlocal calls
        calls += 1
        return node_hash(left, right)

    monkeypatch.setattr(merkle, "node_hash", counted)
    verify_range(LEAVES[301:1301], 301, 1500, proof, root)
    assert calls <= 1000 + 2 * 11
    assert len(proof) <= 2 * 11


def test_a_hundred_thousand_leaves_take_64_bytes_and_a_hash_each(monkeypatch: pytest.MonkeyPatch) -> None:
    tree, leaves = Tree(), [random.Random(7).randbytes(32)] * 100_000
    real, calls = hashlib.sha256, 0

    def counted(data: bytes) -> Any:
        nonlocal calls
        calls += 1
        return real(data)

    monkeypatch.setattr(hashlib, "sha256", counted)
    tree.append(leaves)
    assert 99_000 < calls <= 100_000
    assert sum(len(level) for level in tree._levels) <= 64 * 100_000
