"""The tree against the published vectors of the Certificate Transparency reference implementation."""

from __future__ import annotations

import pytest

from kakine.crypto.merkle import EMPTY, Tree, leaf_hash, verify_consistency, verify_inclusion

# Source: transparency-dev/merkle, testonly/constants.go and testonly/reference_test.go.
LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(each)
    for each in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
N1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N03 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
N47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
N0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"

PATHS = [
    (0, 1, []),
    (0, 2, [N1]),
    (1, 2, [N0]),
    (2, 3, [N01]),
    (1, 5, [N0, N23, N4]),
    (0, 8, [N1, N23, N47]),
    (5, 8, [N4, N67, N03]),
]
CONSISTENCIES = [(1, 1, []), (1, 8, [N1, N23, N47]), (2, 5, [N23, N4]), (6, 8, [N45, N67, N03])]


@pytest.fixture
def tree() -> Tree:
    made = Tree()
    made.append([leaf_hash(each) for each in LEAVES])
    return made


def test_the_root_of_no_leaves_is_the_published_one() -> None:
    assert Tree().root() == EMPTY == ROOTS[0]


@pytest.mark.parametrize("size", range(9))
def test_every_root_is_the_published_one(tree: Tree, size: int) -> None:
    assert tree.root(size) == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_every_audit_path_is_the_published_one(tree: Tree, index: int, size: int, path: list[str]) -> None:
    assert [each.hex() for each in tree.inclusion_path(index, size)] == path
    verify_inclusion(
        leaf_hash(LEAVES[index]), index, size, [bytes.fromhex(each) for each in path], ROOTS[size]
    )


@pytest.mark.parametrize(("index", "size", "path"), PATHS)
def test_a_range_proof_of_one_leaf_has_the_hashes_of_the_published_path(
    tree: Tree, index: int, size: int, path: list[str]
) -> None:
    assert sorted(each.hex() for each in tree.range_proof(index, 1, size)) == sorted(path)


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCIES)
def test_every_consistency_proof_is_the_published_one(
    tree: Tree, old: int, new: int, proof: list[str]
) -> None:
    assert [each.hex() for each in tree.consistency_proof(old, new)] == proof
    verify_consistency(old, new, [bytes.fromhex(each) for each in proof], ROOTS[old], ROOTS[new])
