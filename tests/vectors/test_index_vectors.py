"""The index against vectors/index, which a second implementation makes from spec/index.md alone."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from kakine.protocols.index import Index, Listed, find, verify_absence, verify_presence
from kakine.values.problems import IndexProofInvalid
from kakine.wire.canonical import decode, encode
from kakine.wire.index import GENESIS, IndexRoot, Proof, Row
from vectors.files import FOLDER, h, load

CASES = load("index/cases")
each_index = pytest.mark.parametrize("case", CASES["indexes"], ids=lambda case: str(case["lists"]))
VERIFIERS = {"presence": verify_presence, "absence": verify_absence}


@cache
def made(lists: int) -> Index:
    numbered = [
        Listed(hashlib.sha256(b"list" + n.to_bytes(4, "big")).digest(), CASES["day"], (3 * n, 3 * n + 1))
        for n in range(lists)
    ]
    return Index(CASES["origin"], 0, 3 * lists or 1, numbered)


def test_the_vector_file_is_what_its_generator_gives() -> None:
    command = [sys.executable, FOLDER / "index" / "generate.py", "--check"]
    assert subprocess.run(command, check=False, timeout=240).returncode == 0


def test_there_are_more_vectors_that_must_be_refused_than_others() -> None:
    proofs = sum(len(case["proofs"]) for case in CASES["indexes"])
    assert proofs >= 60
    assert sum(len(case["refused"]) for case in CASES["indexes"]) > 2 * proofs


@each_index
def test_rows_tree_and_root_are_those_of_the_vectors(case: dict[str, Any]) -> None:
    index = made(case["lists"])
    root = index.root(CASES["keeper"], GENESIS, case["lists"] // 2)
    assert hashlib.sha256(b"".join(index.rows)).hexdigest() == case["rows"]
    assert (root.root, encode(root), root.digest) == (h(case["tree"]), h(case["root"]), h(case["digest"]))
    decode(h(case["root"]), IndexRoot).check()


def test_the_first_lists_have_the_rows_of_the_vectors() -> None:
    assert {h(each["row"]) for each in CASES["lists"]} == set(made(3).rows)


@each_index
def test_every_proof_is_that_of_the_vectors_and_shows_what_it_must(case: dict[str, Any]) -> None:
    root = decode(h(case["root"]), IndexRoot)
    for given in case["proofs"]:
        tag, proof = h(given["tag"]), decode(h(given["proof"]), Proof)
        assert made(case["lists"]).prove(tag) == proof
        found = find(root, tag, proof)
        assert found == (Row.decode(h(given["row"])) if given["row"] else None)
        wrong = verify_absence if given["row"] else verify_presence
        with pytest.raises(IndexProofInvalid):
            wrong(root, tag, proof)


@each_index
def test_every_false_proof_is_refused_for_the_part_that_is_wrong(case: dict[str, Any]) -> None:
    root = decode(h(case["root"]), IndexRoot)
    for given in case["refused"]:
        tag, proof = h(given["tag"]), decode(h(given["proof"]), Proof)
        with pytest.raises(IndexProofInvalid) as refused:
            VERIFIERS[given["claim"]](root, tag, proof)
        assert refused.value.facts["part"] == given["part"], given
