"""Proofs hold for true statements and for nothing that differs from them in one bit."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kakine.crypto.group import ORDER, Scalar, group, hash_to_scalar
from kakine.crypto.hashing import framed
from kakine.crypto.proofs import (
    DleqProof,
    KnowledgeProof,
    prove_equal,
    prove_knowledge,
    verify_equal,
    verify_knowledge,
    weights,
)
from kakine.values.problems import PointInvalid, ProofInvalid, ScalarInvalid

scalars = st.integers(1, ORDER - 1).map(lambda value: Scalar(value.to_bytes(32, "little")))
few = settings(max_examples=15, deadline=None)
NONCE_KEY = b"n" * 32
K = Scalar(b"\x07" * 31 + b"\x01")
A, C = group.hash_to_group(b"A"), group.hash_to_group(b"C")
B, D = group.mul(K, A), group.mul(K, C)
V = group.mul_base(K)
CONTEXT = b"hop 2 of a request"


def equal() -> DleqProof:
    return prove_equal(K, A, B, C, D, CONTEXT, NONCE_KEY, os.urandom)


def flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@few
@given(scalars, st.binary(max_size=20), st.binary(max_size=20), st.binary(max_size=9))
def test_a_true_statement_is_proved(k, a, c, context):
    """Any witness, any two bases, any context; also where both bases are the same."""
    a, c = group.hash_to_group(a), group.hash_to_group(c)
    b, d = group.mul(k, a), group.mul(k, c)
    proof = prove_equal(k, a, b, c, d, context, NONCE_KEY, os.urandom)
    verify_equal(DleqProof.decode(proof.encode()), a, b, c, d, context)
    v = group.mul_base(k)
    known = prove_knowledge(k, v, context, NONCE_KEY, os.urandom)
    verify_knowledge(KnowledgeProof.decode(known.encode()), v, context)


def test_a_false_statement_has_no_proof_from_the_honest_prover():
    """Two different logarithms: the prover's output does not verify."""
    wrong = group.add(D, D)
    proof = prove_equal(K, A, B, C, wrong, CONTEXT, NONCE_KEY, os.urandom)
    with pytest.raises(ProofInvalid):
        verify_equal(proof, A, B, C, wrong, CONTEXT)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4), st.integers(0, 255))
def test_one_flipped_bit_in_statement_or_context_is_refused(which, bit):
    """Four points and the context, every bit of them; a flip may also break the encoding of a point."""
    parts = [A, B, C, D, CONTEXT]
    parts[which] = flipped(parts[which], bit % (8 * len(parts[which])))
    with pytest.raises(ProofInvalid):
        verify_equal(equal(), *parts)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 511))
def test_one_flipped_bit_in_a_proof_is_refused(bit):
    """Either the scalar is out of range or the equation fails; both are the same refusal."""
    known = prove_knowledge(K, V, CONTEXT, NONCE_KEY, os.urandom)
    with pytest.raises(ProofInvalid):
        verify_equal(DleqProof.decode(flipped(equal().encode(), bit)), A, B, C, D, CONTEXT)
    with pytest.raises(ProofInvalid):
        verify_knowledge(KnowledgeProof.decode(flipped(known.encode(), bit)), V, CONTEXT)


@pytest.mark.parametrize("half", [0, 32])
def test_a_scalar_plus_the_order_is_not_a_second_form_of_a_proof(half):
    """libsodium would take s + l for s; nobody can re-issue a proof in other bytes."""
    encoded = equal().encode()
    raised = int.from_bytes(encoded[half : half + 32], "little") + ORDER
    with pytest.raises(ProofInvalid):
        DleqProof.decode(encoded[:half] + raised.to_bytes(32, "little") + encoded[half + 32 :])


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_proof_of_another_length_is_refused(length):
    """64 bytes, no more and no fewer."""
    with pytest.raises(ProofInvalid):
        DleqProof.decode(b"\1" * length)


@pytest.mark.parametrize("bad", [bytes(32), b"\xff" * 32, A[:31], A + b"\0", A[:31] + bytes([A[31] | 0x80])])
@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_a_bad_point_at_any_place_of_the_statement_is_refused(which, bad):
    """Identity, all ones, 31 and 33 bytes, top bit: the verifier refuses, the prover does not answer."""
    parts = [A, B, C, D]
    parts[which] = bad
    with pytest.raises(ProofInvalid):
        verify_equal(equal(), *parts, CONTEXT)
    with pytest.raises(ProofInvalid):
        verify_knowledge(prove_knowledge(K, V, CONTEXT, NONCE_KEY, os.urandom), bad, CONTEXT)
    if which in (0, 2):
        with pytest.raises(PointInvalid):
            prove_equal(K, *parts, CONTEXT, NONCE_KEY, os.urandom)


def test_points_cannot_shift_bytes_between_them():
    """31 + 33 bytes where 32 + 32 were proved is another statement, not the same one."""
    with pytest.raises(ProofInvalid):
        verify_equal(equal(), A[:31], A[31:] + B, C, D, CONTEXT)


def test_a_proof_made_with_commitments_on_the_identity_is_refused():
    """Nonce zero, s = -ck: the equation holds over the identity, and the identity is refused."""
    c = Scalar((5).to_bytes(32, "little"))
    s = Scalar(((-5 * int.from_bytes(K, "little")) % ORDER).to_bytes(32, "little"))
    with pytest.raises(ProofInvalid):
        verify_equal(DleqProof(c, s), A, B, C, D, CONTEXT)


def test_an_equality_proof_is_no_knowledge_proof():
    """With A = C = G both prove the same logarithm; the label in the challenge keeps them apart."""
    one = group.mul_base(Scalar((1).to_bytes(32, "little")))
    proof = prove_equal(K, one, V, one, V, CONTEXT, NONCE_KEY, os.urandom)
    with pytest.raises(ProofInvalid):
        verify_knowledge(KnowledgeProof(proof.c, proof.s), V, CONTEXT)


def test_swapped_halves_are_refused():
    """(s, c) is not (c, s)."""
    proof = equal()
    with pytest.raises(ProofInvalid):
        verify_equal(replace(proof, c=proof.s, s=proof.c), A, B, C, D, CONTEXT)


def nonce_of(proof: DleqProof) -> int:
    """r = s + ck, which only the holder of k can compute."""
    c, s, k = (int.from_bytes(each, "little") for each in (proof.c, proof.s, K))
    return (s + c * k) % ORDER


def test_the_nonce_hangs_on_entropy_key_and_statement():
    """Dead entropy with another statement, and dead key with fresh entropy, both give a new nonce."""
    dead = bytes
    other = prove_equal(K, A, B, C, D, CONTEXT + b"!", NONCE_KEY, dead)
    same = prove_equal(K, A, B, C, D, CONTEXT, NONCE_KEY, dead)
    keyed = prove_equal(K, A, B, C, D, CONTEXT, b"m" * 32, dead)
    nonces = {nonce_of(other), nonce_of(same), nonce_of(keyed), nonce_of(equal()), nonce_of(equal())}
    assert len(nonces) == 5
    assert same == prove_equal(K, A, B, C, D, CONTEXT, NONCE_KEY, dead)


def test_the_challenge_is_over_the_whole_transcript_in_order():
    """The documented formula, recomputed from outside: context, four points, two commitments."""
    proof = equal()
    first = group.add(group.mul(proof.s, A), group.mul(proof.c, B))
    second = group.add(group.mul(proof.s, C), group.mul(proof.c, D))
    assert proof.c == hash_to_scalar("dleq", CONTEXT, A, B, C, D, first, second)


def test_the_knowledge_challenge_is_over_context_point_and_commitment():
    """The same for Schnorr, under a label of its own."""
    proof = prove_knowledge(K, V, CONTEXT, NONCE_KEY, os.urandom)
    commitment = group.add(group.mul_base(proof.s), group.mul(proof.c, V))
    assert proof.c == hash_to_scalar("knowledge", CONTEXT, V, commitment)


def test_weights_are_the_blocks_of_the_documented_hash():
    """seed = SHA-512(fresh ‖ framed transcript); d_j is the j-th 16-byte block of SHA-512(seed ‖ counter)."""
    fresh = bytes(range(32))
    seed = hashlib.sha512(fresh + framed("weights", b"x", b"y")).digest()
    stream = b"".join(hashlib.sha512(seed + j.to_bytes(4, "big")).digest() for j in range(3))
    expected = [stream[16 * j : 16 * j + 16] + bytes(16) for j in range(9)]
    assert weights(fresh, b"x", b"y", count=9) == expected


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 64])
def test_there_are_as_many_weights_as_asked_for_and_none_repeats(count):
    """Also where the count is no multiple of the four blocks of one hash."""
    made = weights(bytes(32), b"x", count=count)
    assert len(made) == len(set(made)) == count


def test_every_weight_changes_with_any_part_of_the_transcript():
    """The batch as a whole fixes each weight: no weight can be searched for on its own."""
    base = weights(bytes(32), b"x", b"y", count=8)
    for other in (
        weights(bytes(32), b"x", b"z", count=8),
        weights(bytes(32), b"xy", b"", count=8),
        weights(b"\1" + bytes(31), b"x", b"y", count=8),
    ):
        assert all(mine != theirs for mine, theirs in zip(base, other, strict=True))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_check_needs_32_fresh_bytes(length):
    """Shorter entropy would let a prover guess the weights."""
    with pytest.raises(ScalarInvalid):
        weights(bytes(length), b"x", count=1)


@few
@given(st.integers(1, 6), st.data())
def test_one_wrong_item_fails_the_linear_check(size, data):
    """The combination of outputs equals k times the combination of inputs only if every item is right."""
    inputs = [group.hash_to_group(bytes([j])) for j in range(size)]
    outputs = [group.mul(K, each) for each in inputs]
    wrong = data.draw(st.integers(0, size - 1))
    d = weights(os.urandom(32), *inputs, *outputs, count=size)
    expected = group.mul(K, group.combine(d, b"".join(inputs)))
    assert group.combine(d, b"".join(outputs)) == expected
    outputs[wrong] = group.add(outputs[wrong], outputs[wrong])
    d = weights(os.urandom(32), *inputs, *outputs, count=size)
    assert group.combine(d, b"".join(outputs)) != group.mul(K, group.combine(d, b"".join(inputs)))
