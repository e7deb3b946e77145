"""RFC 9497 appendix A.1: the group, hashing to it, and Chaum-Pedersen proofs, judged from outside."""

from __future__ import annotations

from typing import Any

import pytest

from kakine.crypto.group import Scalar, group, scalar_inv
from kakine.values.problems import ProofInvalid
from vectors.files import h, load
from vectors.rfc9497 import OPRF, POPRF, VOPRF, Suite

V = load("rfc9497")
MODES = {"oprf": OPRF, "voprf": VOPRF, "poprf": POPRF}
CASES = [(mode, case) for mode in MODES for case in V[mode]["cases"]]
PROVED = [(mode, case) for mode, case in CASES if "proof" in case]


def hs(texts: list[str]) -> list[bytes]:
    return [h(text) for text in texts]


def evaluation_key(mode: str, suite: Suite) -> tuple[Scalar, list[bytes]]:
    """The scalar the server multiplies by, and the public input bound into the output, if any."""
    secret, info = Scalar(h(V[mode]["secret"])), V[mode].get("info")
    if info is None:
        return secret, []
    return scalar_inv(suite.tweaked(secret, h(info))), [h(info)]


def statement(mode: str, suite: Suite, case: dict[str, Any]) -> tuple[Scalar, list[bytes], list[bytes]]:
    """The proof's witness and its two sides; in POPRF the roles of blinded and evaluated are swapped."""
    secret, blinded, evaluated = Scalar(h(V[mode]["secret"])), hs(case["blinded"]), hs(case["evaluated"])
    if mode == "voprf":
        return secret, blinded, evaluated
    return suite.tweaked(secret, h(V[mode]["info"])), evaluated, blinded


def test_the_file_holds_all_eight_cases():
    """Two OPRF, three VOPRF and three POPRF cases stand in the appendix."""
    assert [len(V[mode]["cases"]) for mode in MODES] == [2, 3, 3]


@pytest.mark.parametrize("mode", MODES)
def test_the_key_pair_derives_from_the_seed(mode):
    """DeriveKeyPair gives the appendix's secret and, where stated, public key."""
    secret = Suite(MODES[mode]).derive_key(h(V["seed"]), h(V["key_info"]))
    assert secret == h(V[mode]["secret"])
    assert group.mul_base(secret) == h(V[mode].get("public", group.mul_base(secret).hex()))


@pytest.mark.parametrize(("mode", "case"), CASES)
def test_blind_evaluate_and_finalize_give_the_published_bytes(mode, case):
    """Every intermediate point and every output equals the appendix."""
    suite = Suite(MODES[mode])
    key, info = evaluation_key(mode, suite)
    for data, blind, blinded, evaluated, output in zip(
        *(hs(case[part]) for part in ("input", "blind", "blinded", "evaluated", "output")), strict=True
    ):
        assert suite.blind(data, Scalar(blind)) == blinded
        assert group.mul(key, blinded) == evaluated
        assert suite.finalize(data, Scalar(blind), evaluated, *info) == output


@pytest.mark.parametrize(("mode", "case"), PROVED)
def test_the_proof_with_the_given_nonce_is_the_published_one(mode, case):
    """c and s come out byte for byte, for one pair and for a batch of two."""
    suite = Suite(MODES[mode])
    witness, left, right = statement(mode, suite, case)
    assert suite.generate_proof(witness, left, right, Scalar(h(case["proof_nonce"]))) == h(case["proof"])


@pytest.mark.parametrize(("mode", "case"), PROVED)
def test_the_published_proof_verifies_and_fails_for_another_key(mode, case):
    """The verifier accepts the appendix and refuses the same proof under another public key."""
    suite = Suite(MODES[mode])
    witness, left, right = statement(mode, suite, case)
    public = group.mul_base(witness)
    suite.verify_proof(public, left, right, h(case["proof"]))
    with pytest.raises(ProofInvalid):
        suite.verify_proof(group.add(public, public), left, right, h(case["proof"]))
